"""What a platform's adapter costs: from a question to its answer, against a bare bot that echoes, in the same run.

    python -m tests.bench.adapter {slack,discord} [--questions N] [--rounds N] [--patience S] [--json]

The platform is the tests' stand-in, in this process; each bot is a process of its own with the real client library. The
sides: the library's "echo" answers and does nothing else; "fonte echo" is the whole adapter (claim committed to SQLite
first, dispatch, rendering, pacing, delivery, turn recorded) with an assistant that answers at once; "fonte" is
``python -m bot`` on the seeds. One after the other gives the latency, all at once the throughput; every question has a
channel of its own, as the bot posts once a second in each. "ack" is what the platform waits for: in Slack that of the
message, in Discord the deferral of /ask, asked apart from the mentions. The sides take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tests.bench.chats import Chat, Discord, Slack
from tests.bench.measure import ROOT, machine, table
from tests.bench.quiet import Patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHATS: dict[str, Chat] = {"slack": Slack(), "discord": Discord()}
QUESTIONS = ("Quanto vale l'accordo?", "Who is the CEO of Microsoft?", "Quanti dipendenti ha OpenAI?")
WARM_UP = 5


@asynccontextmanager
async def running(chat: Chat, side: str, server: Any, work: Path) -> AsyncIterator[None]:
    """One side's bot, connected."""
    env = (
        os.environ
        | chat.settings(server)
        | {"DATA_DIR": str(work), "RATE_LIMIT": "0", "QUEUE_LIMIT": "100000", "DRAIN_SECONDS": "0"}
    )
    process = await asyncio.create_subprocess_exec(sys.executable, *chat.sides[side], cwd=ROOT, env=env)
    try:
        await chat.ready(server)
        yield
    finally:
        process.terminate()
        await process.wait()


async def one_by_one(chat: Chat, server: Any, questions: Sequence[str]) -> tuple[list[float], list[float]]:
    """Seconds from each question to its answer, and to its ack."""
    answers, acks = [], []
    for text in questions:
        began = perf_counter()
        asked = chat.ask(server, text, command=False)
        await server.wait_for(asked.answered, 120)
        answers.append(perf_counter() - began)
        asked = chat.ask(server, text, command=True)
        acks += await asked.acknowledged()
        await server.wait_for(asked.answered, 120)
    return answers, acks


async def all_at_once(chat: Chat, server: Any, questions: Sequence[str]) -> float:
    """Seconds until the last answer."""
    began = perf_counter()
    asked = [chat.ask(server, text, command=False) for text in questions]
    await server.wait_for(lambda: all(one.answered() for one in asked), 300)
    return perf_counter() - began


async def measure_side(chat: Chat, side: str, count: int) -> dict[str, list[float]]:
    """One round of one side."""
    questions = [QUESTIONS[number % len(QUESTIONS)] for number in range(count)]
    with tempfile.TemporaryDirectory() as work:
        async with chat.standin() as server, running(chat, side, server, Path(work)):
            await one_by_one(chat, server, questions[:WARM_UP])
            answers, acks = await one_by_one(chat, server, questions)
            total = await all_at_once(chat, server, questions)
            await server.settled(60)  # a bot that ends while events are under way would be asked again and again
    return {"answer": answers, "ack": acks, "rate": [count / total]}


def measure(chat: Chat, count: int, rounds: int, patience: Patience) -> dict[str, dict[str, float]]:
    """Milliseconds and questions a second, by side."""
    raw: dict[str, dict[str, list[float]]] = {side: {"answer": [], "ack": [], "rate": []} for side in chat.sides}
    for _ in range(rounds):
        for side in chat.sides:
            found = patience.undisturbed(lambda side=side: asyncio.run(measure_side(chat, side, count)))  # type: ignore[misc]
            for name, values in found.items():
                raw[side][name] += values
    return {side: _summary(values) for side, values in raw.items()}


def _summary(values: dict[str, list[float]]) -> dict[str, float]:
    def at(name: str, share: float) -> float:
        ordered = sorted(values[name])
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    return {
        "answer p50 ms": at("answer", 0.5),
        "answer p95 ms": at("answer", 0.95),
        "ack p50 ms": at("ack", 0.5),
        "ack p95 ms": at("ack", 0.95),
        "questions/s at once": statistics.median(values["rate"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("platform", choices=sorted(CHATS))
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=0.0, metavar="S")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    patience = Patience(options.patience)
    chat = CHATS[options.platform]
    found = measure(chat, options.questions, options.rounds, patience)
    facts = {"machine": machine(), "sides": found} | patience.facts()
    if options.json:
        print(json.dumps(facts))
        return
    base = found[next(iter(chat.sides))]
    columns = ["side", *base]
    rows = [
        [side, *(f"{value:.1f} (x{value / base[name]:.2f})" for name, value in figures.items())]
        for side, figures in found.items()
    ]
    print(table(columns, rows))
    print(f"{facts['machine']}; {patience.facts()}")


if __name__ == "__main__":
    main()
