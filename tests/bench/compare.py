"""This program against plain sentence-transformers + FAISS Flat: speed, memory and quality in one run.

    python -m tests.bench.compare [--corpus DIR] [--questions N] [--rounds N] [--starts N] [--patience S] [--work DIR]
                                   [--json]

Same model, machine, passages and questions; each side in processes of its own, started anew. The peer comes twice:
over our passages, and over our sentences, of which the best one speaks for its passage, as on our side. All answer a
question with the five best passages. Sides take turns, round by round, so that what else the machine does meets all;
a round that other processes disturbed is asked again. A ratio is peer / ours: above 1 the peer takes that much more.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench import corpora
from tests.bench.corpora import Asked
from tests.bench.measure import (
    MB,
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
from tests.bench.sides import OURS, PEER, PEER_SENTENCES, SIDES, TOP

WARM_UP = 10
"""Questions before each round that are not counted."""
BEFORE_ROUNDS = 50
"""Questions answered before memory is read, and before the first round: each new length of question costs a little."""

NAMES = {
    OURS: "Fonte",
    PEER: "sentence-transformers + FAISS Flat, passages",
    PEER_SENTENCES: "the same, sentences",
}


@dataclass(slots=True)
class Figures:
    """What was measured of one side."""

    build_s: float = 0.0
    """Embedding and writing the index, the model being loaded; on our side reading and splitting too."""
    build_load_s: float = 0.0
    """Loading the model before that; on our side the first time also its export."""
    vectors: int = 0
    cold_s: list[float] = field(default_factory=list)
    """From before the process starts to its first answer, one a start."""
    rss: list[float] = field(default_factory=list)
    """Bytes resident after some questions, one a start."""
    uss: list[float] = field(default_factory=list)
    """The same, without what is shared with other processes."""
    rounds: list[list[float]] = field(default_factory=list)
    """Milliseconds a question, by round."""
    recall: dict[int, float] = field(default_factory=dict)
    """Share of the questions with known documents that find one among the first 1, 5 passages."""

    @property
    def questions_ms(self) -> list[float]:
        return [value for values in self.rounds for value in values]


def serving(side: str, folder: Path) -> Serving:
    """A side as a process that answers questions with the sources of what it found."""
    return Serving([sys.executable, "-m", "tests.bench.sides", "serve", side, str(folder)])


def build(figures: Mapping[str, Figures], folder: Path, corpus: Path | None) -> None:
    """Make each side's index in a process of its own."""
    for side, own in figures.items():
        arguments = [str(corpus.resolve())] if corpus and side == OURS else []
        done = run(["-m", "tests.bench.sides", "build", side, str(folder), *arguments], environment())
        if done.status:
            raise SystemExit(f"Building {side} failed; its own words stand above.")
        found = last_object(done.output)
        own.build_s, own.build_load_s, own.vectors = found["build_s"], found["load_s"], found["vectors"]


def start(
    figures: Mapping[str, Figures], folder: Path, questions: Sequence[str], starts: int, patience: Patience
) -> None:
    """Time each side from nothing to the first answer, then read its memory, no other side running."""

    def once(side: str) -> tuple[float, int, int]:
        started = perf_counter()
        with serving(side, folder) as process:
            process.ask(questions[:1])
            seconds = perf_counter() - started
            process.ask(questions[:BEFORE_ROUNDS])
            return seconds, *process.memory()

    for side in figures:
        once(side)  # fills the disk cache and writes byte code
    for _ in range(starts):
        for side, own in figures.items():
            seconds, rss, uss = patience.undisturbed(partial(once, side))
            own.cold_s.append(seconds)
            own.rss.append(rss)
            own.uss.append(uss)


def ask(
    figures: Mapping[str, Figures], folder: Path, questions: Sequence[Asked], rounds: int, patience: Patience
) -> None:
    """Time single questions: all sides answer the same slice of them before the next slice comes."""
    texts = [question.text for question in questions]
    size = -(-len(texts) // rounds)
    found: dict[str, list[list[str]]] = {side: [] for side in figures}
    with serving(OURS, folder) as ours, serving(PEER, folder) as peer, serving(PEER_SENTENCES, folder) as sentences:
        processes = {OURS: ours, PEER: peer, PEER_SENTENCES: sentences}

        def once(order: Sequence[str], part: Sequence[str]) -> dict[str, list[tuple[float, list[str]]]]:
            return {side: processes[side].ask([*texts[-WARM_UP:], *part])[WARM_UP:] for side in order}

        for each in processes.values():
            each.ask(texts[:BEFORE_ROUNDS])  # also: no side is timed while another still loads
        for turn, first in enumerate(range(0, len(texts), size)):
            order = list(figures)[turn % len(figures) :] + list(figures)[: turn % len(figures)]
            measure = partial(once, order, texts[first : first + size])
            for side, answers in patience.undisturbed(measure, [each.pid for each in processes.values()]).items():
                figures[side].rounds.append([ms for ms, _ in answers])
                found[side].extend(sources for _, sources in answers)
    for side, own in figures.items():
        own.recall = recall(questions, found[side])


def recall(questions: Sequence[Asked], found: Sequence[Sequence[str]]) -> dict[int, float]:
    """Recall at 1 and TOP passages, counted by their documents; empty where no question names its documents."""
    known = [(question.gold, sources) for question, sources in zip(questions, found, strict=True) if question.gold]
    if not known:
        return {}
    return {k: sum(not gold.isdisjoint(sources[:k]) for gold, sources in known) / len(known) for k in (1, TOP)}


def summary(own: Figures) -> dict[str, Any]:
    """One side's figures by name, with their units."""
    return {
        "p50_ms": median(own.questions_ms),
        "p99_ms": percentile(own.questions_ms, 0.99),
        "cold_start_s": median(own.cold_s),
        "rss_mb": median(own.rss) / MB,
        "uss_mb": median(own.uss) / MB,
        "build_s": own.build_s,
        "build_load_s": own.build_load_s,
        "vectors": own.vectors,
        "round_p50_ms": [median(values) for values in own.rounds],
        "cold_starts_s": own.cold_s,
        **{f"recall@{k}": share for k, share in own.recall.items()},
    }


RATIOS = ("p50_ms", "p99_ms", "cold_start_s", "rss_mb", "uss_mb", "build_s")


def result(figures: Mapping[str, Figures]) -> dict[str, Any]:
    """Every side's figures, and the ratios peer / ours."""
    sides = {side: summary(own) for side, own in figures.items()}
    ours = sides[OURS]
    for side in (PEER, PEER_SENTENCES):
        ratios: dict[str, Any] = {name: sides[side][name] / ours[name] for name in RATIOS}
        pairs = zip(sides[side]["round_p50_ms"], ours["round_p50_ms"], strict=True)
        ratios["round_p50_ms"] = [theirs / own for theirs, own in pairs]
        sides[side]["ratios"] = ratios
    return sides


LABELS = {
    "p50_ms": ("ms a question, p50", 2),
    "p99_ms": ("ms a question, p99", 2),
    "cold_start_s": ("s from start to first answer", 2),
    "rss_mb": ("MB resident (RSS)", 0),
    "uss_mb": ("MB of its own (USS)", 0),
    "build_s": ("s to build the index", 2),
    "vectors": ("vectors", 0),
    f"recall@{1}": ("recall@1", 3),
    f"recall@{TOP}": (f"recall@{TOP}", 3),
}


def show(sides: Mapping[str, dict[str, Any]]) -> str:
    """The figures as a table, a ratio after each of the peer's."""
    rows = []
    for name, (label, digits) in LABELS.items():
        if name in sides[OURS]:
            cells = []
            for side in SIDES:
                ratio = sides[side].get("ratios", {}).get(name)
                cells.append(f"{sides[side][name]:.{digits}f}" + (f" (x {ratio:.2f})" if ratio is not None else ""))
            rows.append([label, *cells])
    spreads = [spread(sides[side]["ratios"]["round_p50_ms"]) for side in (PEER, PEER_SENTENCES)]
    rows.append(["ratio of p50 by round: median (min-max)", "1", *spreads])
    return table(["", *(NAMES[side] for side in SIDES)], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.compare", description=(__doc__ or "").split("\n")[0])
    corpora.add_arguments(parser)
    parser.add_argument("--questions", type=int, default=480, help="questions asked of each side (480)")
    parser.add_argument("--rounds", type=int, default=12, help="rounds they are asked in (12)")
    parser.add_argument("--starts", type=int, default=5, help="cold starts of each side (5)")
    options = parser.parse_args()
    questions = corpora.questions(options.corpus, options.questions)
    figures = {side: Figures() for side in SIDES}
    before, patience = machine(), Patience(options.patience)
    with workspace(options.work) as folder:
        build(figures, folder, options.corpus)
        start(figures, folder, [question.text for question in questions], options.starts, patience)
        ask(figures, folder, questions, options.rounds, patience)
    sides = result(figures)
    facts = {**before, **patience.facts(), "questions": len(questions)}
    if options.json:
        print(json.dumps({"machine": facts, "sides": sides}))
    else:
        print(json.dumps(facts), show(sides), sep="\n\n")


if __name__ == "__main__":
    main()
