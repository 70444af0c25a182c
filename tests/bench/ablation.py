"""What each part of the answer is worth: the figures of ``eval`` with one part at a time switched off.

``python -m tests.bench.ablation EVAL_FOLDER`` prints a table for each set. Of sets that the reader has learned from,
only the articles that it has not are asked about (tests/bench/reader/labelled.py); the questions of tests/data/own and
of the seed were never learned from. The evidence model stays as it is shipped, so a part that it was fitted with and
that is missing costs a little more than it would after a new fit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bot.answering.extractive import ExtractiveAnswerer
from bot.types import Outcome, Question
from retrieval import Index, Query, read_documents, refresh
from retrieval.evaluate import Judged, LabelledQuestion, read_questions, report
from retrieval.evidence import threshold
from retrieval.protocols import Embedder
from retrieval.reader import load_reader
from retrieval.types import Opposition
from tests.bench.fitting import Case, load_model, open_set, parser
from tests.bench.reader import labelled

Switch = Callable[[], AbstractContextManager[Any]]
ROOT = Path(__file__).resolve().parent.parent.parent
SETS = ("squad_it", "squad2_en", "squad_en_to_it")
WARM_UP = 5
FIGURES = ("containment", "token_f1", "auroc", "coverage", "precision", "p50_ms")


def main() -> None:
    """Measure and print."""
    options = parser(__doc__ or "").parse_args()
    embedder = load_model(options.work)
    sets = {name: _unseen(*open_set(options.folder / name, options.work, embedder)) for name in SETS}
    documents = ROOT / "tests" / "data" / "own" / "documents"
    sets["own"] = (
        _index(documents, options.work / "own", embedder),
        read_questions(documents.parent / "questions.jsonl"),
    )
    seed = ROOT / "tests" / "data" / "seed" / "questions.jsonl"
    sets["seed"] = (_index(ROOT / "seeds", options.work / "seeds", embedder), read_questions(seed))
    for name, (index, questions) in sets.items():
        print(f"\n{name}, {len(questions)} questions\n")
        print(f"| {'':<38} | " + " | ".join(f"{figure:>11}" for figure in FIGURES) + " |")
        print(f"| {'-' * 38} | " + " | ".join("-" * 10 + ":" for _ in FIGURES) + " |")
        for label, (switch, read) in PARTS.items():
            with switch():
                figures = measure(index.read_by(load_reader() if read else None), questions, read=read)
            cells = ("-" if figures[figure] is None else f"{figures[figure]:.3f}" for figure in FIGURES)
            print(f"| {label:<38} | " + " | ".join(f"{cell:>11}" for cell in cells) + " |", flush=True)


def measure(index: Index, questions: Sequence[LabelledQuestion], *, read: bool) -> Mapping[str, Any]:
    """The figures of retrieval.evaluate.report; times are of search and answer, without the hand-over to a worker."""
    least = threshold(read=read)
    forced, asked = ExtractiveAnswerer(0.0), ExtractiveAnswerer(least)
    for question in questions[:WARM_UP]:
        index.search_many([Query(question.question)])
    judged = []
    for question in questions:
        started = time.perf_counter()
        (result,) = index.search_many([Query(question.question)])
        reply = asyncio.run(asked.answer(Question(question.question), result))
        seconds = time.perf_counter() - started
        must = asyncio.run(forced.answer(Question(question.question), result))
        judged.append(
            Judged(
                question,
                result.sources,
                reply.outcome is Outcome.ANSWERED,
                must.text,
                must.short_answer,
                must.citations[0].source if must.citations else None,
                result.support,
                seconds,
            )
        )
    return report(judged, frozenset(document.source for document in index.documents))


def _unseen(index: Index, questions: Sequence[LabelledQuestion]) -> tuple[Index, list[LabelledQuestion]]:
    """The questions on articles that the reader has not learned from."""
    answerer = ExtractiveAnswerer(0.0)
    kept = []
    for question in questions:
        (result,) = index.search_many([Query(question.question)])
        reply = asyncio.run(answerer.answer(Question(question.question), result))
        if not labelled.is_seen(Case(question, result, reply)):
            kept.append(question)
    return index, kept


def _index(folder: Path, work: Path, embedder: Embedder) -> Index:
    index, _ = refresh(list(read_documents(folder, ())), work, embedder, where=str(folder), wait=True)
    return index


@contextmanager
def _set(**values: object) -> Iterator[None]:
    """Constants of retrieval.ranking for as long as the block runs."""
    with ExitStack() as stack:
        for name, value in values.items():
            stack.enter_context(patch(f"retrieval.ranking.{name}", value))
        yield


@contextmanager
def _without_cosines() -> Iterator[None]:
    """Vectors that say nothing: neither for passages nor for sentences nor for the evidence."""
    from retrieval.index import Index as Real

    fuse = Real._fuse

    def blind(self: Index, question: Any, nearest: Any) -> Any:
        pool = fuse(self, question, nearest)
        return replace(pool, cosines=pool.cosines * 0)

    with patch("retrieval.index.dense_share", lambda *_: 0.0), patch.object(Real, "_fuse", blind):
        yield


def _without_opposites() -> AbstractContextManager[Any]:
    return patch("retrieval.ranking.opposition", lambda *_: Opposition())


PARTS: dict[str, tuple[Switch, bool]] = {
    "as shipped": (_set, True),
    "no reader": (_set, False),
    "reader only marks and judges": (partial(_set, READ=0.0), True),
    "three sentences read": (partial(_set, READ_ONE=3), True),
    "no bonus for the form asked for": (partial(_set, FORM={}), True),
    "no credit for the sentence before": (partial(_set, BEFORE=0.0), True),
    "passages count for nothing": (partial(_set, PASSAGE=0.0), True),
    "no denials and opposites": (_without_opposites, True),
    "no sentence taken with the one before": (partial(patch, "retrieval.ranking.points_back", lambda *_: False), True),
    "no other names": (partial(patch, "retrieval.index.named", lambda *_: []), True),
    "words alone, no vectors": (_without_cosines, True),
}
"""Label -> what is switched off, and whether the reader reads."""


if __name__ == "__main__":
    main()
