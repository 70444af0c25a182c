"""Question to the five best passages, against LangChain + FAISS, LlamaIndex + FAISS and txtai, same model, in one run.

    python -m tests.bench.rag EVAL --peers PYTHON [--passages N] [--questions N] [--rounds N] [--starts N]
                              [--patience S] [--work DIR] [--only SIDE ...] [--json]

PYTHON has the peers installed, in an environment of its own: ``pip install torch==2.13.0 sentence-transformers
faiss-cpu langchain-community langchain-huggingface llama-index-core llama-index-vector-stores-faiss
llama-index-embeddings-huggingface txtai``. EVAL holds a folder for each development set, with corpus.jsonl and
questions.jsonl. The corpus is their documents, filled up to N passages with passages drawn from their sentences
(tests.bench.rag_sides.gather).

Peers get our passages, ready cut, as their users' splitter would: one text and one vector each, of the same model. We
have a vector for every sentence, several times as many, and BM25 beside them; that is what we measure once as it is and
once with the reader, which also looks for the words that answer. Every side is a process of its own that finds its
index built on disk, all files in the disk cache. Sides take turns, round by round; a round that other processes
disturbed is asked again while there is patience. A figure in brackets is peer / Fonte (search): above 1 the peer takes
that much more.

"cold start" is from before the process starts to its first answer. Memory is resident after all questions (RSS), and
that without what is shared with other processes (USS). "the answer is there" is the share of the answerable questions
one of whose known answers stands in one of the five passages. Threads are what each library chooses by itself: torch
all cores; onnxruntime, on our side, all cores but at most two; our FAISS one, theirs all cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench.measure import (
    MB,
    ROOT,
    environment,
    last_object,
    machine,
    median,
    percentile,
    run,
    spread,
    table,
    workspace,
)
from tests.bench.quiet import Patience
from tests.bench.serving import Serving

OURS = ("fonte", "fonte-reader")
PEERS = ("langchain", "llamaindex", "txtai")
NAMES = {
    "fonte": "Fonte, search",
    "fonte-reader": "Fonte, with its reader",
    "langchain": "LangChain + FAISS",
    "llamaindex": "LlamaIndex + FAISS",
    "txtai": "txtai",
}
MODEL = "all-MiniLM-L6-v2"
WARM_UP = 10
"""Questions before each round that are not counted."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its known answers, none where the documents do not answer it."""

    text: str
    language: str
    answers: tuple[str, ...]


@dataclass(slots=True)
class Figures:
    """What was measured of one side."""

    cold_s: list[float] = field(default_factory=list)
    rounds: list[list[float]] = field(default_factory=list)
    """Milliseconds a question, by round."""
    rss: float = 0.0
    uss: float = 0.0
    hit: float = 0.0
    """Share of the answerable questions whose answer stands in a passage found."""


def command(side: str, folder: Path, peers: str, action: str = "serve") -> list[str]:
    """What starts a side."""
    if side in OURS:
        return [sys.executable, "-m", "tests.bench.rag_sides", action, side, str(folder)]
    from retrieval.embedders.sources import locate

    return [peers, "-m", "tests.bench.rag_peers", action, side, str(folder), str(locate(MODEL).folder)]


def read_questions(folder: Path, count: int) -> list[Asked]:
    """``count`` questions spread evenly over those of all sets."""
    from retrieval.evaluate import read_questions as read
    from tests.bench.rag_sides import SETS

    found = [question for name in SETS for question in read(folder / name / "questions.jsonl")]
    chosen = [found[place * len(found) // count] for place in range(min(count, len(found)))]
    return [Asked(each.question, each.language, each.answers if each.answerable else ()) for each in chosen]


def build(sides: Sequence[str], folder: Path, corpus: Path, count: int, peers: str) -> dict[str, Any]:
    """Make every index that is not there yet, and say what they are."""
    facts = folder / "facts.json"
    known: dict[str, Any] = json.loads(facts.read_text("utf-8")) if facts.exists() else {}
    if known.get("passages") != count:
        done = run(
            ["-m", "tests.bench.rag_sides", "build", str(folder), str(corpus.resolve()), str(count)], environment()
        )
        if done.status:
            raise SystemExit("Our index could not be built; the reason stands above.")
        known = {"passages": count, "fonte": last_object(done.output)}
        (folder / "vectors.npy").unlink(missing_ok=True)
    for side in set(sides) & set(PEERS) - known.keys():
        built = subprocess.run(
            command(side, folder, peers, "build"), stdout=subprocess.PIPE, cwd=ROOT, env=environment(), check=True
        )
        known[side] = last_object(built.stdout)
    facts.write_text(json.dumps(known), encoding="utf-8")
    return known


def start(
    figures: Mapping[str, Figures], folder: Path, peers: str, question: str, starts: int, patience: Patience
) -> None:
    """Time each side from nothing to the first answer, no other side running."""

    def once(side: str) -> float:
        began = perf_counter()
        with Serving(command(side, folder, peers)) as process:
            process.ask([question])
            return perf_counter() - began

    for side in figures:
        once(side)  # fills the disk cache and writes byte code
    for _ in range(starts):
        for side, own in figures.items():
            own.cold_s.append(patience.undisturbed(partial(once, side)))


def ask(
    figures: Mapping[str, Figures],
    folder: Path,
    peers: str,
    questions: Sequence[Asked],
    rounds: int,
    patience: Patience,
) -> None:
    """Time single questions: all sides answer the same slice of them before the next slice comes."""
    texts = [question.text for question in questions]
    size = -(-len(texts) // rounds)
    found: dict[str, list[list[str]]] = {side: [] for side in figures}

    def once(order: Sequence[str], part: Sequence[str]) -> dict[str, list[tuple[float, list[str]]]]:
        return {side: processes[side].ask([*texts[-WARM_UP:], *part])[WARM_UP:] for side in order}

    with ExitStack() as running:
        processes = {side: running.enter_context(Serving(command(side, folder, peers))) for side in figures}
        for each in processes.values():
            each.ask(texts[: 2 * WARM_UP])  # also: no side is timed while another still loads
        for turn, first in enumerate(range(0, len(texts), size)):
            order = list(figures)[turn % len(figures) :] + list(figures)[: turn % len(figures)]
            measure = partial(once, order, texts[first : first + size])
            for side, answers in patience.undisturbed(measure, [each.pid for each in processes.values()]).items():
                figures[side].rounds.append([ms for ms, _ in answers])
                found[side].extend(passages for _, passages in answers)
        for side, own in figures.items():
            own.rss, own.uss = processes[side].memory()
            own.hit = hits(questions, found[side])


def hits(questions: Sequence[Asked], found: Sequence[Sequence[str]]) -> float:
    """Share of the questions with answers one of which stands in one of the passages found."""
    places = [
        any(answer.casefold() in passage.casefold() for answer in question.answers for passage in passages)
        for question, passages in zip(questions, found, strict=True)
        if question.answers
    ]
    return sum(places) / len(places) if places else 0.0


def summary(own: Figures) -> dict[str, Any]:
    """One side's figures by name, with their units."""
    every = [value for values in own.rounds for value in values]
    return {
        "p50_ms": median(every),
        "p95_ms": percentile(every, 0.95),
        "cold_start_s": median(own.cold_s),
        "rss_mb": own.rss / MB,
        "uss_mb": own.uss / MB,
        "answer_there": own.hit,
        "round_p50_ms": [median(values) for values in own.rounds],
        "cold_starts_s": own.cold_s,
    }


LABELS = {
    "p50_ms": ("ms a question, p50", 2),
    "p95_ms": ("ms a question, p95", 2),
    "cold_start_s": ("s, cold start", 2),
    "rss_mb": ("MB resident (RSS)", 0),
    "uss_mb": ("MB of its own (USS)", 0),
    "answer_there": ("the answer is there", 3),
}


def show(sides: Mapping[str, Mapping[str, Any]], vectors: Mapping[str, int]) -> str:
    """The figures as a table, in brackets the ratio to our search."""
    ours = sides[OURS[0]]
    rows = []
    for name, (label, digits) in LABELS.items():
        cells = []
        for side, own in sides.items():
            ratio = f" (x {own[name] / ours[name]:.2f})" if side != OURS[0] and name != "answer_there" else ""
            cells.append(f"{own[name]:.{digits}f}{ratio}")
        rows.append([label, *cells])
    rows.append(["vectors", *(str(vectors[side]) for side in sides)])
    spreads = []
    for own in sides.values():
        pairs = zip(own["round_p50_ms"], ours["round_p50_ms"], strict=True)
        spreads.append("1" if own is ours else spread([theirs / mine for theirs, mine in pairs]))
    rows.append(["ratio of p50 by round: median (min-max)", *spreads])
    return table(["", *(NAMES[side] for side in sides)], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rag", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("eval", type=Path, help="holds one folder a development set")
    parser.add_argument("--peers", required=True, help="a Python that has the peers installed")
    parser.add_argument("--passages", type=int, default=10_000, help="passages of the corpus (10000)")
    parser.add_argument("--questions", type=int, default=400, help="questions asked of each side (400)")
    parser.add_argument("--rounds", type=int, default=10, help="rounds they are asked in (10)")
    parser.add_argument("--starts", type=int, default=5, help="cold starts of each side (5)")
    parser.add_argument("--only", nargs="+", choices=PEERS, default=PEERS, help="peers to run (all)")
    parser.add_argument("--patience", type=float, default=60.0, metavar="S", help="as the other benchmarks' (60)")
    parser.add_argument("--work", type=Path, help="where models and indexes are kept (a temporary folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    sides = (*OURS, *options.only)
    figures = {side: Figures() for side in sides}
    questions = read_questions(options.eval, options.questions)
    before, patience = machine(), Patience(options.patience)
    with workspace(options.work) as folder:
        built = build(sides, folder, options.eval, options.passages, options.peers)
        start(figures, folder, options.peers, questions[0].text, options.starts, patience)
        ask(figures, folder, options.peers, questions, options.rounds, patience)
    found = {side: summary(own) for side, own in figures.items()}
    vectors = {side: built["fonte"]["vectors"] if side in OURS else options.passages for side in sides}
    facts = {**before, **patience.facts(), "questions": len(questions), "built": built}
    if options.json:
        print(json.dumps({"machine": facts, "sides": found}))
    else:
        print(json.dumps(facts), show(found, vectors), sep="\n\n")


if __name__ == "__main__":
    main()
