"""A process that ends at any moment, in order or not: the next one finishes what it had begun, and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.core import Pace
from tests.bot.platforms.trials import IN_A_HURRY, NEVER, SLOWLY, rows, states, successor
from tests.standin.faults import Hang
from tests.standin.processes import PACE, echo
from tests.standin.slack.faults import RateLimited
from tests.standin.slack.model import Channel, Message
from tests.standin.slack.server import SlackServer


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


async def _deleted(slack: SlackServer, channel: Channel, *, done: bool) -> None:
    question = await answered(slack, channel)
    fault = hang(slack, "chat.delete", channel, done=done)
    slack.workspace.delete(question)
    await reached(slack, fault)


async def deleting(slack: SlackServer, channel: Channel) -> None:
    await _deleted(slack, channel, done=False)


async def deleted(slack: SlackServer, channel: Channel) -> None:
    await _deleted(slack, channel, done=True)


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


async def unsigned(slack: SlackServer, channel: Channel) -> None:
    fault = hang(slack, "reactions.remove", channel, done=False)
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


def shown(slack: SlackServer, channel: Channel) -> tuple[str, ...]:
    """What of the bot's stands in a channel: of an answer its first line, of all else everything."""
    return tuple(message.shown.strip().partition("\n")[0] for message in slack.workspace.answers(channel))


async def test_a_quick_answer_is_there_once_whenever_its_process_is_killed(slack, tmp_path):
    moments = [claimed, posting, posted, updating, updated, deleting, deleted]
    channels = await killed_at(slack, tmp_path, PACE, moments)
    async with successor(slack, tmp_path):
        found = {name: shown(slack, channel) for name, channel in channels.items()}
    expected = dict.fromkeys(channels, ("The answer to When is it?",))
    expected |= dict.fromkeys(("updating", "updated"), ("The answer to Where is it?",))
    expected |= dict.fromkeys(("deleting", "deleted"), ())
    assert found == expected | {"claimed": (f"The answer to {NEVER}",)}


async def test_an_answer_that_was_begun_is_completed_whenever_its_process_is_killed(slack, tmp_path):
    moments = [opening, opened, streaming, closing, closed, placeholder, placeholder_updated, unsigned]
    channels = await killed_at(slack, tmp_path, IN_A_HURRY, moments)
    assert any(message.reactions for message in slack.workspace.messages.values())
    async with successor(slack, tmp_path):
        found = {name: shown(slack, channel) for name, channel in channels.items()}
    expected = dict.fromkeys(channels, (f"The answer to {SLOWLY}",))
    assert found == expected | dict.fromkeys(("streaming", "placeholder"), (f"The answer to {NEVER}",))
    assert not [m for m in slack.workspace.messages.values() if m.reactions or m.streaming == "in_progress"]


async def test_what_was_deleted_while_no_process_was_there_is_gone(slack, tmp_path):
    w = slack.workspace
    async with echo(slack, tmp_path, IN_A_HURRY) as victim:
        await victim.serves()
        questions = [await answered(slack, w.general), ask(slack, w.random, NEVER)]
        await slack.wait_for(lambda: w.answers(w.random))
        await victim.kill()
    for question in questions:
        w.delete(question)
    async with successor(slack, tmp_path):
        await slack.settled()
        await slack.wait_for(lambda: states(tmp_path) == {"removed"})
    assert w.answers(w.general) == w.answers(w.random) == []


async def test_the_message_that_heads_a_conversation_is_never_taken_for_an_answer(slack, tmp_path):
    w = slack.workspace
    w.app.agent = False
    thread = w.open_panel(w.alice)
    head = w.message(thread.channel, thread.ts)
    place = w.channel(thread.channel)
    async with echo(slack, tmp_path, IN_A_HURRY) as victim:
        await victim.serves()
        await slack.settled()
        fault = hang(slack, "chat.startStream", place, done=False)
        question = w.say(w.alice, place, SLOWLY, thread=thread.ts)
        await reached(slack, fault)
        await victim.kill()
    async with successor(slack, tmp_path):
        _, answer = w.answers(place, thread.ts)  # the first is a greeting
        assert "The answer to" in answer.shown
        assert "The answer to" not in head.shown
        w.delete(question)
        await slack.settled()
        await slack.wait_for(lambda: answer.deleted)
    assert not head.deleted


# What is said to one person alone is said once, or not at all.


async def test_a_private_answer_is_not_sent_twice_and_what_was_not_sent_is(slack, tmp_path):
    w = slack.workspace
    faults = {name: Hang(after=name == "Sent") for name in ("Sent", "Lost")}
    for name, fault in faults.items():
        slack.fail("response_url", fault, where=lambda arguments, name=name: name in arguments["text"])
    async with echo(slack, tmp_path) as victim:
        await victim.serves()
        for channel, text in ((w.general, "Sent?"), (w.random, "Lost?"), (w.secret, NEVER)):
            w.slash(w.alice, channel, text)
        for fault in faults.values():
            await reached(slack, fault)
        await slack.settled()
        await victim.kill()
    async with successor(slack, tmp_path):
        private = sorted(message.shown.splitlines()[0] for message in w.ephemerals_for(w.alice))
    assert private == [f"The answer to {text}" for text in ("Sent?", NEVER)]
    assert not any(address for (address,) in rows(tmp_path, "SELECT address FROM claims"))
