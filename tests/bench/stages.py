"""Where the milliseconds of one question go, from Assistant.ask to the reply.

    python -m tests.bench.stages [--corpus DIR] [--questions N] [--patience S] [--work DIR] [--json]

The parts of the program are timed from outside: calls are wrapped, and what a wrapped call spends inside another one
counts for the other alone, so that the stages add up to the whole.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench import corpora
from tests.bench.measure import machine, median, percentile, table, workspace
from tests.bench.quiet import Patience

WARM_UP = 30
WHOLE = "whole question"
HOP = "hand-over to the worker and back"
STAGES = (
    "encoder",
    "question analysis",
    "store search",
    "BM25",
    "fusion",
    "ranking",
    "reader",
    "passages and hits",
    "answer",
    HOP,
)


class Clock:
    """Adds up the time that stages take by themselves, for one question at a time."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._inside: list[float] = []

    def reset(self) -> None:
        self.spent = dict.fromkeys(STAGES, 0.0)

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call``, its time added to the stage, less that of the timed calls it makes."""

        def measured(*arguments: Any, **named: Any) -> Any:
            self._inside.append(0.0)
            started = perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                whole = perf_counter() - started
                self.spent[stage] = self.spent.get(stage, 0.0) + whole - self._inside.pop()
                if self._inside:
                    self._inside[-1] += whole

        return measured

    def watch(self, owner: Any, name: str, stage: str) -> None:
        """Time what ``owner`` calls by that name. Raises AttributeError where there is no such thing any more."""
        setattr(owner, name, self.timed(stage, getattr(owner, name)))


def watch_index(clock: Clock, index: Any, embedder: Any, reader: Any) -> None:
    """Time the parts of an index that a search goes through."""
    from retrieval import index as module
    from retrieval.ranking import Ranking

    clock.watch(embedder, "embed_queries", "encoder")
    for name in ("detect_language", "classify", "question_terms"):
        clock.watch(module, name, "question analysis")
    clock.watch(index.lexical, "match", "question analysis")
    clock.watch(index.store, "search", "store search")
    clock.watch(index.lexical, "scores", "BM25")
    clock.watch(index, "_fuse", "fusion")
    clock.watch(Ranking, "finish", "ranking")
    clock.watch(module, "Ranking", "ranking")
    clock.watch(reader, "read", "reader")
    clock.watch(index, "search_many", "passages and hits")


class TimedAnswerer:
    """An Answerer whose time is the stage "answer"; it never waits, so that time is its own."""

    def __init__(self, inner: Any, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    async def answer(self, question: Any, result: Any) -> Any:
        started = perf_counter()
        try:
            return await self._inner.answer(question, result)
        finally:
            self._clock.spent["answer"] += perf_counter() - started


async def ask(index: Any, clock: Clock, questions: Sequence[str]) -> list[dict[str, float]]:
    """Milliseconds by stage for each question, the whole included."""
    from bot.answering.extractive import ExtractiveAnswerer
    from bot.assistant import Assistant
    from bot.batcher import QueryBatcher
    from bot.types import Question
    from retrieval.evidence import threshold
    from retrieval.language import detect_language

    found = []
    async with QueryBatcher(index) as batcher:
        # As bot.app puts it together.
        helper = Assistant(
            batcher, TimedAnswerer(ExtractiveAnswerer(threshold(read=True)), clock), detect=detect_language
        )
        for text in [*questions[:WARM_UP], *questions]:
            clock.reset()
            started = perf_counter()
            await helper.ask(Question(text))
            whole = perf_counter() - started
            clock.spent[HOP] = whole - sum(clock.spent.values())
            found.append({name: seconds * 1000 for name, seconds in {**clock.spent, WHOLE: whole}.items()})
    return found[len(questions[:WARM_UP]) :]


def measure(corpus: Path | None, count: int, folder: Path, patience: Patience) -> list[dict[str, float]]:
    """Build the index and time the questions: what ask returns."""
    from retrieval import load_embedder, refresh
    from retrieval.reader import load_reader
    from tests.bench.sides import MODEL, OURS

    embedder = load_embedder(MODEL, folder / "models", precision="auto")
    index, _ = refresh(corpora.documents(corpus), folder / OURS, embedder, where=str(corpus or "seeds"))
    reader = load_reader()
    index = index.read_by(reader)
    questions = [question.text for question in corpora.questions(corpus, count)]
    clock = Clock()
    watch_index(clock, index, embedder, reader)
    return patience.undisturbed(lambda: asyncio.run(ask(index, clock, questions)))


def show(found: Sequence[dict[str, float]]) -> str:
    """A row a stage."""
    rows = []
    for name in (*STAGES, WHOLE):
        values = [times[name] for times in found]
        share = sum(values) / sum(times[WHOLE] for times in found)
        rows.append([name, f"{median(values):.3f}", f"{percentile(values, 0.99):.3f}", f"{share:.0%}"])
    return table(["stage", "ms, p50", "ms, p99", "share of all time"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stages", description=(__doc__ or "").split("\n")[0])
    corpora.add_arguments(parser)
    parser.add_argument("--questions", type=int, default=480, help="questions asked (480)")
    options = parser.parse_args()
    before, patience = machine(), Patience(options.patience)
    with workspace(options.work) as folder:
        found = measure(options.corpus, options.questions, folder, patience)
    facts = {**before, **patience.facts(), "questions": len(found)}
    if options.json:
        stages = {
            name: {"p50_ms": median(values), "p99_ms": percentile(values, 0.99)}
            for name in (*STAGES, WHOLE)
            for values in [[times[name] for times in found]]
        }
        print(json.dumps({"machine": facts, "stages": stages}))
    else:
        print(json.dumps(facts), show(found), sep="\n\n")


if __name__ == "__main__":
    main()
