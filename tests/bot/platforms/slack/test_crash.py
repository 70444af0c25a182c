"""A process that ends at any moment, in order or not: the next one finishes what it had begun, and nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from bot.service import Pace
from tests.standin.echo import THINK, WAIT
from tests.standin.fonte import INTERVAL, Fonte, fonte
from tests.standin.processes import PACE, echo
from tests.standin.slack.faults import Hang, RateLimited
from tests.standin.slack.model import Channel, Message
from tests.standin.slack.server import SlackServer

IN_A_HURRY = Pace(lease=0.4, post_interval=INTERVAL, grace=60.0, open_after=0.0)
"""Opens a reply before it knows the answer."""

NEVER = f"{WAIT}, when is it?"
SLOWLY = f"{THINK}: when is it?"


def rows(data_dir: Path, statement: str) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(data_dir / "ledger.db")) as connection:
        return connection.execute(statement).fetchall()


def states(data_dir: Path) -> set[str]:
    return {state for (state,) in rows(data_dir, "SELECT state FROM claims")}


@contextlib.asynccontextmanager
async def successor(slack: SlackServer, data_dir: Path, pace: Pace = PACE) -> AsyncIterator[Fonte]:
    """The next process, once it has finished what was left to it."""
    async with fonte(slack, data_dir, pace=pace) as bot:
        await slack.wait_for(lambda: states(data_dir) <= {"done", "removed"})
        await bot.idle()
        yield bot


def hang(slack: SlackServer, method: str, channel: Channel, *, done: bool) -> Hang:
    """The next call of a method for a channel gets no answer; whether Slack has done it says ``done``."""
    fault = Hang(after=done)
    slack.fail(method, fault, where=lambda arguments: arguments.get("channel") == channel.id)
    return fault


async def reached(slack: SlackServer, fault: Hang) -> None:
    await slack.wait_for(fault.reached.is_set)


def ask(slack: SlackServer, channel: Channel, text: str = "When is it?") -> Message:
    w = slack.workspace
    return w.say(w.alice, channel, f"{w.mention} {text}")


async def answered(slack: SlackServer, channel: Channel) -> Message:
    question = ask(slack, channel)
    await slack.wait_for(lambda: slack.workspace.answers(channel, question.ts))
    return question


# What a process may be at when it is killed. Each has a channel of its own, and returns once it is there.


async def claimed(slack: SlackServer, channel: Channel) -> None:
    ask(slack, channel, NEVER)
    await slack.settled()


async def posting(slack: SlackServer, channel: Channel) -> None:
    fault = hang(slack, "chat.postMessage", channel, done=False)
    ask(slack, channel)
    await reached(slack, fault)


async def posted(slack: SlackServer, channel: Channel) -> None:
    fault = hang(slack, "chat.postMessage", channel, done=True)
    ask(slack, channel)
    await reached(slack, fault)


async def posted_in_a_direct_message(slack: SlackServer, channel: Channel) -> None:
    w = slack.workspace
    place = w.dm(w.bruno)
    fault = hang(slack, "chat.postMessage", place, done=True)
    w.say(w.bruno, place, "When is it?")
    await reached(slack, fault)


async def _edited(slack: SlackServer, channel: Channel, *, done: bool) -> None:
    question = await answered(slack, channel)
    fault = hang(slack, "chat.update", channel, done=done)
    slack.workspace.edit(question, f"{slack.workspace.mention} Where is it?")
    await reached(slack, fault)


async def updating(slack: SlackServer, channel: Channel) -> None:
    await _edited(slack, channel, done=False)


async def updated(slack: SlackServer, channel: Channel) -> None:
    await _edited(slack, channel, done=True)


async def opening(slack: SlackServer, channel: Channel) -> None:
    fault = hang(slack, "chat.startStream", channel, done=False)
    ask(slack, channel, SLOWLY)
    await reached(slack, fault)


async def opened(slack: SlackServer, channel: Channel) -> None:
    fault = hang(slack, "chat.startStream", channel, done=True)
    ask(slack, channel, SLOWLY)
    await reached(slack, fault)


async def streaming(slack: SlackServer, channel: Channel) -> None:
    question = ask(slack, channel, NEVER)
    await slack.wait_for(lambda: slack.workspace.answers(channel, question.ts))


async def closing(slack: SlackServer, channel: Channel) -> None:
    fault = hang(slack, "chat.stopStream", channel, done=False)
    ask(slack, channel, SLOWLY)
    await reached(slack, fault)


async def closed(slack: SlackServer, channel: Channel) -> None:
    fault = hang(slack, "chat.stopStream", channel, done=True)
    ask(slack, channel, SLOWLY)
    await reached(slack, fault)


async def placeholder(slack: SlackServer, channel: Channel) -> None:
    slack.fail("chat.startStream", RateLimited(60), where=lambda arguments: arguments["channel"] == channel.id)
    await streaming(slack, channel)


async def placeholder_updated(slack: SlackServer, channel: Channel) -> None:
    slack.fail("chat.startStream", RateLimited(60), where=lambda arguments: arguments["channel"] == channel.id)
    fault = hang(slack, "chat.update", channel, done=True)
    ask(slack, channel, SLOWLY)
    await reached(slack, fault)


async def killed_at(
    slack: SlackServer, data_dir: Path, pace: Pace, moments: list[Callable[[SlackServer, Channel], Awaitable[None]]]
) -> dict[str, Channel]:
    """One process is brought to all these moments, and killed."""
    channels = {moment.__name__: slack.workspace.add_channel(moment.__name__) for moment in moments}
    async with echo(slack, data_dir, pace) as victim:
        await victim.serves()
        await asyncio.gather(*(moment(slack, channels[moment.__name__]) for moment in moments))
        await slack.settled()
        await victim.kill()
    return channels


def shown(slack: SlackServer, channel: Channel) -> list[str]:
    """What of the bot's stands in a channel: of an answer its first line, of all else everything."""
    return [message.shown.strip().splitlines()[0] for message in slack.workspace.answers(channel)]


async def test_a_quick_answer_is_there_once_whenever_its_process_is_killed(slack, tmp_path):
    moments = [claimed, posting, posted, updating, updated]
    channels = await killed_at(slack, tmp_path, PACE, moments)
    async with successor(slack, tmp_path):
        found = {name: shown(slack, channel) for name, channel in channels.items()}
    once = dict.fromkeys(channels, ["The answer to When is it?"])
    edited = dict.fromkeys(("updating", "updated"), ["The answer to Where is it?"])
    assert found == once | edited | {"claimed": [f"The answer to {NEVER}"]}


async def test_an_answer_that_was_begun_is_completed_whenever_its_process_is_killed(slack, tmp_path):
    moments = [opening, opened, streaming, closing, closed, placeholder, placeholder_updated]
    channels = await killed_at(slack, tmp_path, IN_A_HURRY, moments)
    async with successor(slack, tmp_path):
        found = {name: shown(slack, channel) for name, channel in channels.items()}
    once = dict.fromkeys(channels, [f"The answer to {SLOWLY}"])
    waited = dict.fromkeys(("streaming", "placeholder"), [f"The answer to {NEVER}"])
    assert found == once | waited
