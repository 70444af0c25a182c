"""A process that ends at any moment, in order or not: the next one finishes what it had begun, and nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.core import Pace
from bot.platforms.discord.surface import TOKEN_SECONDS
from tests.bot.platforms.discord.seen import read, taken
from tests.bot.platforms.discord.trials import (
    CALLBACK,
    CHANGE_ORIGINAL,
    DELETE,
    PATCH,
    POST,
    THREAD,
    about,
    first,
    said,
)
from tests.bot.platforms.trials import DONE, IN_A_HURRY, NEVER, SLOWLY, endings, rows, states, successor
from tests.standin.discord.model import Channel, Interaction, Message
from tests.standin.discord.server import DiscordServer
from tests.standin.faults import Hang
from tests.standin.fonte import fonte
from tests.standin.processes import PACE, echo

ANSWER = "The answer to When is it?"
Moment = Callable[[DiscordServer, Channel], Awaitable[object]]


def hang(discord: DiscordServer, route: str, channel: Channel, *, done: bool) -> Hang:
    """The next call of a route about a channel gets no answer; whether Discord has done it says ``done``."""
    fault = Hang(after=done)
    discord.fail(route, fault, where=about(discord, channel))
    return fault


async def reached(discord: DiscordServer, fault: Hang) -> None:
    await discord.wait_for(fault.reached.is_set)


def ask(discord: DiscordServer, channel: Channel, text: str = "When is it?") -> Message:
    w = discord.world
    return w.say(w.alice, channel, f"{w.mention} {text}")


# What a process may be at when it is killed: each brings it there, in a channel of its own, and returns.


async def claimed(discord: DiscordServer, channel: Channel) -> None:
    ask(discord, channel, NEVER)
    await taken(discord)


async def placeholder(discord: DiscordServer, channel: Channel) -> None:
    ask(discord, channel, NEVER)
    await discord.wait_for(lambda: discord.world.answers(channel))


def asked(route: str, *, done: bool, text: str = "When is it?") -> Moment:
    """A question has led to a call."""

    async def moment(discord: DiscordServer, channel: Channel) -> None:
        fault = hang(discord, route, channel, done=done)
        ask(discord, channel, text)
        await reached(discord, fault)

    return moment


def withdrawn(*, done: bool) -> Moment:
    """A question that was answered is deleted."""

    async def moment(discord: DiscordServer, channel: Channel) -> None:
        question = ask(discord, channel)
        await discord.wait_for(lambda: discord.world.answers(channel))
        fault = hang(discord, DELETE, channel, done=done)
        discord.world.delete(question)
        await reached(discord, fault)

    return moment


def edited(*, done: bool) -> Moment:
    """A question that was answered becomes another."""

    async def moment(discord: DiscordServer, channel: Channel) -> None:
        question = ask(discord, channel)
        await discord.wait_for(lambda: discord.world.answers(channel))
        fault = hang(discord, PATCH, channel, done=done)
        discord.world.edit(question, f"{discord.world.mention} Where is it?")
        await reached(discord, fault)

    return moment


def command(discord: DiscordServer, channel: Channel, text: str = "When is it?", *, private: bool) -> Interaction:
    w = discord.world
    return w.slash(w.alice, channel, "ask", {"question": text, "private": private})


def commanded(route: str, *, done: bool, private: bool) -> Moment:
    """A command has led to a call."""

    async def moment(discord: DiscordServer, channel: Channel) -> None:
        fault = hang(discord, route, channel, done=done)
        command(discord, channel, private=private)
        await reached(discord, fault)

    return moment


def thinking(*, private: bool) -> Moment:
    """A command was taken, and its answer is not known yet."""

    async def moment(discord: DiscordServer, channel: Channel) -> None:
        made = command(discord, channel, NEVER, private=private)
        await discord.wait_for(lambda: made.state == "deferred")

    return moment


def commands(*, private: bool) -> dict[str, Moment]:
    return {
        "deferring": commanded(CALLBACK, done=False, private=private),
        "deferred": commanded(CALLBACK, done=True, private=private),
        "thinking": thinking(private=private),
        "answering": commanded(CHANGE_ORIGINAL, done=False, private=private),
        "answered": commanded(CHANGE_ORIGINAL, done=True, private=private),
    }


async def killed_at(
    discord: DiscordServer, data_dir: Path, pace: Pace, moments: dict[str, Moment], **changes: str
) -> dict[str, Channel]:
    """One process is brought to all these moments, and killed."""
    discord.limits.per_second = 0
    channels = {name: discord.world.add_channel(name) for name in moments}
    async with echo(discord, data_dir, pace, **changes) as victim:
        await victim.serves()
        await asyncio.gather(*(moment(discord, channels[name]) for name, moment in moments.items()))
        await taken(discord)
        await victim.kill()
    return channels


async def left(discord: DiscordServer, data_dir: Path, channels: dict[str, Channel]) -> dict[str, list[str]]:
    """What stands in the channels once the next process has finished what was left to it."""
    async with successor(discord, data_dir):
        return {name: said(discord, channel) for name, channel in channels.items()}


# Questions in messages.


async def test_a_quick_answer_is_there_once_whenever_its_process_is_killed(discord, tmp_path):
    moments = {
        "claimed": claimed,
        "posting": asked(POST, done=False),
        "posted": asked(POST, done=True),
        "changing": edited(done=False),
        "changed": edited(done=True),
        "deleting": withdrawn(done=False),
        "deleted": withdrawn(done=True),
    }
    channels = await killed_at(discord, tmp_path, PACE, moments)
    assert await left(discord, tmp_path, channels) == {
        "claimed": [f"The answer to {NEVER}"],
        "posting": [ANSWER],
        "posted": [ANSWER],
        "changing": ["The answer to Where is it?"],
        "changed": ["The answer to Where is it?"],
        "deleting": [],
        "deleted": [],
    }


@pytest.mark.parametrize("threads", ["false", "true"])
async def test_an_answer_that_was_begun_is_completed_whenever_its_process_is_killed(discord, tmp_path, threads):
    moments = {
        "opening": asked(POST, done=False, text=SLOWLY),
        "opened": asked(POST, done=True, text=SLOWLY),
        "closing": asked(PATCH, done=False, text=SLOWLY),
        "closed": asked(PATCH, done=True, text=SLOWLY),
    }
    if threads == "true":
        moments["thread"] = asked(THREAD, done=True, text=SLOWLY)
    else:
        moments["placeholder"] = placeholder
    channels = await killed_at(discord, tmp_path, IN_A_HURRY, moments, DISCORD_THREADS=threads)
    expected = {name: [f"The answer to {NEVER if name == 'placeholder' else SLOWLY}"] for name in moments}
    assert await left(discord, tmp_path, channels) == expected


async def test_an_answer_whose_nonce_discord_has_forgotten_is_not_posted_again(discord, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.standin.discord.world.NONCE_SECONDS", 0)
    channels = await killed_at(discord, tmp_path, PACE, {"posted": asked(POST, done=True)})
    assert await left(discord, tmp_path, channels) == {"posted": [ANSWER]}
    assert len(discord.calls("POST", "/messages")) == 1


# Commands.


@pytest.mark.parametrize("private", [False, True])
async def test_a_command_is_answered_in_its_place_while_that_can_be_done(discord, tmp_path, monkeypatch, private):
    # Nothing here depends on how fast a process starts.
    monkeypatch.setattr(discord.world, "initial_seconds", 60.0)
    monkeypatch.setattr("bot.delivery.ACK_PATIENCE", 60.0)
    w, moments = discord.world, commands(private=private)
    channels = await killed_at(discord, tmp_path, PACE, moments)
    expected = {name: [f"The answer to {NEVER if name == 'thinking' else 'When is it?'}"] for name in moments}
    assert await left(discord, tmp_path, channels) == expected
    assert {made.state for made in w.interactions} == {"answered"}
    assert {made.ephemeral for made in w.interactions} == {private}
    assert w.answers(w.dm(w.alice)) == []
    assert not any(address for (address,) in rows(tmp_path, "SELECT address FROM claims"))
    assert endings(tmp_path) == DONE


async def test_a_command_whose_time_is_over_is_answered_in_the_channel(discord, tmp_path):
    w = discord.world
    channels = await killed_at(discord, tmp_path, PACE, commands(private=False))
    w.advance(w.token_seconds + 1)
    async with successor(discord, tmp_path):
        found = {name: w.answers(channel) for name, channel in channels.items()}
    for name, (message,) in found.items():
        question = NEVER if name == "thinking" else "When is it?"
        assert first(message) == f"The answer to {question}"
        assert read(message).startswith(f"{w.alice.mention} asked: {question}\n")
    assert endings(tmp_path) == DONE


async def test_a_private_command_whose_time_is_over_is_answered_in_a_direct_message(discord, tmp_path):
    w, moments = discord.world, commands(private=True)
    channels = await killed_at(discord, tmp_path, PACE, moments)
    w.advance(w.token_seconds + 1)
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as db, db:
        db.execute("UPDATE claims SET asked_at = asked_at - ?", (TOKEN_SECONDS + 1,))
    async with successor(discord, tmp_path):
        # What was under way may have arrived, and nobody can look any more.
        assert sorted(map(first, w.answers(w.dm(w.alice)))) == [f"The answer to {NEVER}", *[ANSWER] * 2]
    assert [m for channel in channels.values() for m in w.answers(channel)] == []
    assert endings(tmp_path) == DONE | {("done", "undelivered")}


# The end in good order.


async def test_what_is_at_work_is_finished_before_the_end(discord, tmp_path):
    w = discord.world
    async with echo(discord, tmp_path, PACE) as bot:
        await bot.serves()
        faults = [hang(discord, POST, w.general, done=False), hang(discord, CHANGE_ORIGINAL, w.random, done=False)]
        ask(discord, w.general)
        command(discord, w.random, private=False)
        for fault in faults:
            await reached(discord, fault)
        bot.send(signal.SIGTERM)
        for fault in faults:
            fault.release()
        assert await bot.exit() == 0
    assert said(discord, w.general, w.random) == [ANSWER, ANSWER]
    assert endings(tmp_path) == DONE
    assert [connection.close_code for connection in discord.gateway.connections] == [1000]


async def test_what_is_left_over_is_for_the_next_process(discord, tmp_path):
    w = discord.world
    async with echo(discord, tmp_path, IN_A_HURRY, DRAIN_SECONDS="0.1") as bot:
        await bot.serves()
        await asyncio.gather(placeholder(discord, w.general), thinking(private=False)(discord, w.random))
        assert await bot.stop() == 0
    assert states(tmp_path) == {"waiting", "posting"}
    async with successor(discord, tmp_path):
        assert said(discord, w.general, w.random) == [f"The answer to {NEVER}"] * 2
    assert endings(tmp_path) == DONE


async def test_a_command_that_comes_at_the_end_is_answered_by_the_next_process(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, pace=PACE) as bot:
        fault = hang(discord, POST, w.general, done=False)
        ask(discord, w.general)
        await reached(discord, fault)
        bot.stop.set()
        await discord.wait_for(lambda: bot.core.dispatcher._draining)
        late = command(discord, w.random, private=False)
        await taken(discord)
        await discord.wait_for(lambda: len(rows(tmp_path, "SELECT key FROM claims")) == 2)
        fault.release()
        await bot.end()
    assert said(discord, w.general, w.random) == [ANSWER]
    w.advance(w.initial_seconds)
    async with successor(discord, tmp_path):
        (answer,) = w.answers(w.random)
    assert read(answer).startswith(f"{w.alice.mention} asked: When is it?\n")
    assert late.state == "failed"
    assert endings(tmp_path) == DONE


async def test_two_processes_over_one_ledger_answer_each_question_once(discord, tmp_path):
    w = discord.world
    channels = [w.add_channel(f"c{number}") for number in range(6)]
    async with echo(discord, tmp_path) as one, echo(discord, tmp_path) as other:
        await asyncio.gather(one.serves(), other.serves())
        for number in range(24):
            channel = channels[number % 6]
            if number % 4:
                ask(discord, channel, f"Question {number}?")
            else:
                command(discord, channel, f"Question {number}?", private=number % 8 == 0)
        await taken(discord)
        await discord.wait_for(lambda: len(said(discord, *channels)) == 24)
        await discord.settled()
        assert await asyncio.gather(one.stop(), other.stop()) == [0, 0]
    assert sorted(said(discord, *channels)) == sorted(f"The answer to Question {number}?" for number in range(24))
    assert len(discord.calls("POST", "/callback", handled=True)) == 6
