"""Many questions at once against one at a time: milliseconds a question, and how long each of them waits.

    python -m tests.bench.concurrency [--corpus DIR] [--questions N] [--at-once N] [--rounds N]
                                      [--precision auto|float32|int8] [--patience S] [--work DIR] [--json]

Both go through Assistant.ask, as platforms ask. One at a time uses both cores too, for the models: what many at once
gain is what the cores wait in between.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench import corpora
from tests.bench.measure import machine, median, percentile, table, workspace
from tests.bench.quiet import Patience

Found = tuple[float, float, list[float]]
"""Milliseconds a question, of the wall and of all cores, and each question's own."""


async def ask(index: Any, questions: Sequence[str], at_once: int) -> Found:
    """Ask all, never more than ``at_once`` at the same time."""
    from bot.answering.extractive import ExtractiveAnswerer
    from bot.assistant import Assistant
    from bot.batcher import QueryBatcher
    from bot.types import Question
    from retrieval.evidence import threshold
    from retrieval.language import detect_language

    waits: list[float] = []
    room = asyncio.Semaphore(at_once)
    async with QueryBatcher(index) as batcher:
        helper = Assistant(batcher, ExtractiveAnswerer(threshold(read=True)), detect=detect_language)

        async def one(text: str) -> None:
            async with room:
                started = perf_counter()
                await helper.ask(Question(text))
                waits.append((perf_counter() - started) * 1000)

        started, used = perf_counter(), time.process_time()
        await asyncio.gather(*map(one, questions))
        wall, cores = perf_counter() - started, time.process_time() - used
    return wall * 1000 / len(questions), cores * 1000 / len(questions), waits


def measure(options: argparse.Namespace, folder: Path, patience: Patience) -> dict[int, list[Found]]:
    """By how many at once, what each round found."""
    from retrieval import load_embedder, refresh
    from retrieval.reader import load_reader
    from tests.bench.sides import MODEL

    embedder = load_embedder(MODEL, folder / "models", precision=options.precision)
    data = folder / f"concurrency-{options.precision}"
    index, _ = refresh(corpora.documents(options.corpus), data, embedder, where=str(options.corpus or "seeds"))
    index = index.read_by(load_reader(), partial(load_reader, 1))
    questions = [question.text for question in corpora.questions(options.corpus, options.questions)]
    found: dict[int, list[Found]] = {1: [], options.at_once: []}
    for at_once in found:
        asyncio.run(ask(index, questions[: 2 * options.at_once], at_once))
    for _ in range(options.rounds):
        for at_once, rounds in found.items():
            rounds.append(patience.undisturbed(partial(_run, index, questions, at_once)))
    return found


def _run(index: Any, questions: Sequence[str], at_once: int) -> Found:
    return asyncio.run(ask(index, questions, at_once))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.concurrency", description=(__doc__ or "").split("\n")[0]
    )
    corpora.add_arguments(parser)
    parser.add_argument("--questions", type=int, default=512, help="questions asked in a round (512)")
    parser.add_argument("--at-once", type=int, default=64, help="questions asked at the same time (64)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each, in turns (3)")
    parser.add_argument("--precision", choices=("auto", "float32", "int8"), default="auto")
    options = parser.parse_args()
    before, patience = machine(), Patience(options.patience)
    with workspace(options.work) as folder:
        found = measure(options, folder, patience)
    facts = {**before, **patience.facts(), "questions": options.questions, "precision": options.precision}
    single = median([wall for wall, _, _ in found[1]])
    rows = []
    for at_once, rounds in found.items():
        wall = median([wall for wall, _, _ in rounds])
        cores = median([cores for _, cores, _ in rounds])
        waits = [wait for _, _, waits in rounds for wait in waits]
        rows.append(
            [
                str(at_once),
                f"{wall:.2f}",
                f"{1000 / wall:.0f}",
                f"{single / wall:.2f}",
                f"{cores:.2f}",
                f"{median(waits):.1f}",
                f"{percentile(waits, 0.99):.1f}",
            ]
        )
    if options.json:
        print(json.dumps({"machine": facts, "rows": rows}))
        return
    heads = ["at once", "ms a question", "questions a second", "times one", "core ms", "wait, p50 ms", "wait, p99 ms"]
    print(json.dumps(facts), table(heads, rows), sep="\n\n")


if __name__ == "__main__":
    main()
