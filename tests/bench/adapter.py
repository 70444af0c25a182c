"""What the Slack adapter costs: from a mention to its answer, against a bare bolt bot that echoes, in the same run.

    python -m tests.bench.adapter [--questions N] [--rounds N] [--patience S] [--json]

Slack is the tests' stand-in, in this process; each bot is a process of its own and connects by Socket Mode. The sides:
"bolt echo" acknowledges and posts, nothing else; "fonte echo" is the whole adapter (claim committed to SQLite before
the ack, dispatch, rendering, pacing, delivery, turn recorded) with an assistant that answers at once; "fonte" is
``python -m bot slack`` on the seeds. One after the other gives the latency, all at once the throughput. Every question
has a channel of its own, as both Slack and the stand-in allow one post a second in each. The sides take turns.
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

from tests.bench.measure import ROOT, machine, table
from tests.bench.quiet import Patience
from tests.standin.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIDES = {
    "bolt echo": ("-m", "tests.bench.echo_bot"),
    "fonte echo": ("-m", "tests.bench.echo_fonte"),
    "fonte": ("-m", "bot", "slack"),
}
QUESTIONS = ("Quanto vale l'accordo?", "Who is the CEO of Microsoft?", "Quanti dipendenti ha OpenAI?")
WARM_UP = 5


@asynccontextmanager
async def running(side: str, slack: SlackServer, work: Path) -> AsyncIterator[None]:
    """One side's bot, connected."""
    env = os.environ | {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_BASE_URL": slack.base_url,
        "DATA_DIR": str(work),
        "RATE_LIMIT": "0",
        "QUEUE_LIMIT": "100000",
        "DRAIN_SECONDS": "0",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, *SIDES[side], cwd=ROOT, env=env)
    try:
        await slack.connected(within=120)
        yield
    finally:
        process.terminate()
        await process.wait()


async def ask(slack: SlackServer, questions: Sequence[str], *, at_once: bool) -> tuple[list[float], list[float], float]:
    """Seconds from each question to its answer, and to its ack, and for all of them."""
    w = slack.workspace
    answered: list[float] = []
    began = perf_counter()
    pending: list[tuple[Any, Any]] = []
    first = len(w.deliveries)

    async def answer_to(channel: Any, message: Any, started: float) -> None:
        await slack.wait_for(lambda: w.answers(channel, message.ts), 120)
        answered.append(perf_counter() - started)

    for text in questions:
        channel = w.add_channel(f"q{len(w.channels)}")
        started = perf_counter()
        message = w.say(w.alice, channel, f"{w.mention} {text}")
        if at_once:
            pending.append((channel, message))
        else:
            await answer_to(channel, message, started)
    if pending:
        await slack.wait_for(lambda: all(w.answers(channel, message.ts) for channel, message in pending), 300)
    total = perf_counter() - began
    await slack.settled(60)
    acks = [delivery.latency for delivery in w.deliveries[first:] if delivery.latency is not None]
    return answered, acks, total


async def measure_side(side: str, count: int) -> dict[str, list[float]]:
    """One round of one side."""
    questions = [QUESTIONS[number % len(QUESTIONS)] for number in range(count)]
    with tempfile.TemporaryDirectory() as work:
        async with SlackServer(epoch=None) as slack, running(side, slack, Path(work)):
            await ask(slack, questions[:WARM_UP], at_once=False)
            one_by_one, acks, _ = await ask(slack, questions, at_once=False)
            _, _, total = await ask(slack, questions, at_once=True)
    return {"answer": one_by_one, "ack": acks, "rate": [count / total]}


def measure(count: int, rounds: int, patience: Patience) -> dict[str, dict[str, float]]:
    """Milliseconds and questions a second, by side."""
    raw: dict[str, dict[str, list[float]]] = {side: {"answer": [], "ack": [], "rate": []} for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            found = patience.undisturbed(lambda side=side: asyncio.run(measure_side(side, count)))  # type: ignore[misc]
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
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=0.0, metavar="S")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    patience = Patience(options.patience)
    found = measure(options.questions, options.rounds, patience)
    facts = {"machine": machine(), "sides": found} | patience.facts()
    if options.json:
        print(json.dumps(facts))
        return
    base = found["bolt echo"]
    columns = ["side", *base]
    rows = [
        [side, *(f"{value:.1f} (x{value / base[name]:.2f})" for name, value in figures.items())]
        for side, figures in found.items()
    ]
    print(table(columns, rows))
    print(f"{facts['machine']}; {patience.facts()}")


if __name__ == "__main__":
    main()
