"""The line to Discord: what it tells is answered once, whatever the line does; and who asks is told how it is."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from tests.bot.platforms.discord.seen import private, read, rest
from tests.bot.platforms.discord.trials import hurry, hurry_back, said
from tests.bot.platforms.trials import health, locked, rows, successor
from tests.standin.discord.faults import RateLimited
from tests.standin.discord.model import Message
from tests.standin.discord.server import DiscordServer
from tests.standin.faults import Cut, Status
from tests.standin.fonte import QUICK, Oracle, fonte

NERVOUS = replace(QUICK, lease=0.4, heartbeat_timeout=0.4)
"""Notices soon that the line is dead."""


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    hurry_back(monkeypatch)
    monkeypatch.setattr("bot.platforms.discord.listeners.LOOKUPS", (0.01, 0.01))


@pytest.fixture
def port(unused_tcp_port: int) -> int:
    return unused_tcp_port


def ask(discord: DiscordServer, text: str = "When is it?") -> Message:
    w = discord.world
    return w.say(w.alice, w.general, f"{w.mention} {text}")


async def states(port: int, *expected: tuple[int, dict[str, Any]]) -> None:
    """Wait until the health page says one of these."""
    async with asyncio.timeout(10):
        while await health(port) not in expected:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


WELL = 200, {"ok": True, "ledger": "ok", "discord": "ok"}
LOST = 503, {"ok": False, "ledger": "ok", "discord": "not connected"}


# The line.


async def test_heartbeats_keep_the_line(discord, tmp_path):
    discord.gateway.heartbeat = 0.05
    async with fonte(discord, tmp_path, pace=NERVOUS):
        await discord.wait_for(lambda: discord.gateway.connections[0].heartbeats > 12)  # longer than the time-out
        assert len(discord.gateway.connections) == 1


BREAKS = {
    "asked to come again": lambda gateway: gateway.reconnect(),
    "session to be resumed": lambda gateway: gateway.invalidate(resumable=True),
    "reset": lambda gateway: gateway.reset(),
    **{
        f"closed with {code}": lambda gateway, code=code: gateway.close(code) for code in (4000, 4001, 4002, 4005, 4008)
    },
}


@pytest.mark.parametrize("line", BREAKS)
async def test_a_line_that_breaks_loses_no_question(discord, tmp_path, line):
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        for number in range(9):
            ask(discord, f"Question {number}?")
            if number % 3 == 1:
                before = len(discord.gateway.connections)
                BREAKS[line](discord.gateway)
                ask(discord, f"Question {number} while it is broken?")
                await discord.wait_for(lambda before=before: len(discord.gateway.connections) > before)
        await rest(discord, bot)
    while_broken = [f"The answer to Question {number} while it is broken?" for number in (1, 4, 7)]
    assert sorted(said(discord, discord.world.general)) == sorted(
        [f"The answer to Question {number}?" for number in range(9)] + while_broken
    )
    assert len(bot.oracle.questions) == 12
    assert (len(discord.gateway.identifies), len(discord.gateway.resumes)) == (1, 3)
    assert [c.request.path for c in discord.gateway.connections] == ["/gateway/", *["/resume/"] * 3]


async def test_a_line_that_goes_silent_is_replaced(discord, tmp_path):
    discord.gateway.heartbeat = 0.05
    async with fonte(discord, tmp_path, pace=NERVOUS) as bot:
        discord.gateway.drop()
        ask(discord)
        await discord.wait_for(lambda: discord.gateway.resumes)
        await rest(discord, bot)
    assert said(discord, discord.world.general) == ["The answer to When is it?"]
    assert len(discord.gateway.resumes) == 1


async def test_discord_is_away_and_comes_back(discord, tmp_path, caplog, port):
    async with fonte(discord, tmp_path, pace=QUICK, http={"port": port}) as bot:
        assert await health(port) == WELL
        await discord.down()
        ask(discord)
        await states(port, LOST)
        await discord.wait_for(lambda: caplog.text.count("Attempting a reconnect for shard ID 0") >= 2)
        await discord.up()
        await discord.gateway.connected()
        await rest(discord, bot)
        await states(port, WELL)
    assert said(discord, discord.world.general) == ["The answer to When is it?"]
    assert (len(discord.gateway.identifies), len(discord.gateway.resumes)) == (1, 1)


async def test_commands_too_are_told_of_again(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        discord.gateway.reset()
        made = [w.slash(w.alice, w.general, "ask", {"question": f"Number {n}?", "private": n > 0}) for n in range(2)]
        await discord.wait_for(lambda: discord.gateway.resumes)
        await rest(discord, bot)
        w.redeliver(made[0])
        await rest(discord, bot)
    assert sorted(said(discord, w.general)) == ["The answer to Number 0?", "The answer to Number 1?"]
    assert [m.state for m in made] == ["answered", "answered"]
    assert len(discord.calls("POST", "callback")) == 2


@pytest.mark.parametrize("line", ["silent", "away"])
async def test_a_line_that_is_gone_does_not_hold_up_the_end(discord, tmp_path, monkeypatch, line):
    monkeypatch.setattr("bot.platforms.discord.gateway.GOODBYE", 0.05)
    async with fonte(discord, tmp_path) as bot:
        if line == "silent":
            discord.gateway.drop()
        else:
            await discord.down()
        async with asyncio.timeout(5):
            await bot.end()


# The ledger.


async def test_what_the_ledger_cannot_take_is_held_on_to(discord, tmp_path, monkeypatch, caplog, port):
    monkeypatch.setattr("bot.ledger.database.LOCK_PATIENCE", 0.05)
    w = discord.world
    async with fonte(discord, tmp_path, http={"port": port}) as bot:
        async with locked(tmp_path):
            ask(discord)
            sentence = "The ledger cannot be used now: another process keeps its file locked."
            await discord.wait_for(lambda: sentence in caplog.text)
            assert await health(port) == (503, {"ok": False, "ledger": sentence, "discord": "ok"})
            # A command cannot wait.
            command = w.slash(w.alice, w.general, "ask", {"question": "When is it?"})
            await discord.wait_for(lambda: command.state == "answered")
            assert discord.calls("POST", "/messages") == []
        await rest(discord, bot)
        assert await health(port) == WELL
    (told,) = private(discord, w.alice)
    assert "again" in read(told)
    assert [first for first in said(discord, w.general) if first.startswith("The answer")] == [
        "The answer to When is it?"
    ]


async def test_what_was_left_open_for_more_than_a_day_is_let_go(discord, tmp_path):
    oracle = Oracle(hold=asyncio.Event())
    async with fonte(discord, tmp_path, oracle=oracle, drain_seconds=0):
        old, young = ask(discord, "Old?"), ask(discord, "Young?")
        await discord.wait_for(lambda: len(oracle.questions) == 2)
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("UPDATE claims SET asked_at = asked_at - 86500 WHERE message LIKE ?", (f"%{old.id}",))
    async with successor(discord, tmp_path):
        assert said(discord, discord.world.general) == ["The answer to Young?"]
    found = {message.rpartition("/")[2]: end for message, end in rows(tmp_path, "SELECT message, ending FROM claims")}
    assert found == {old.id: "undelivered", young.id: "answered"}


# What Discord has not told.


@pytest.mark.parametrize("fault", [None, Status(503), Status(404), Cut(), Cut(partial=True), RateLimited(0.01)])
async def test_a_thread_that_is_not_known_is_looked_up(discord, tmp_path, fault):
    w = discord.world
    thread = w.open_thread(w.bruno, w.general, "leave")
    w.archive(thread)
    async with fonte(discord, tmp_path) as bot:
        thread.archived = False  # and nobody says so
        if fault is not None:
            discord.fail("GET /channels/{}", fault)
        question = w.say(w.alice, thread, f"{w.mention} When is it?")
        await rest(discord, bot)
    assert [m.channel for m in w.replies_to(question)] == [thread.id]
    found = (thread.id, thread.id) if fault == Status(404) else (w.general.id, thread.id)
    assert rows(tmp_path, "SELECT channel, thread FROM claims") == [found]


async def test_a_server_that_comes_late_is_served(discord, tmp_path):
    w = discord.world
    w.guild.available = False
    async with fonte(discord, tmp_path) as bot:
        early = w.say(w.alice, w.general, f"{w.mention} When is it?")
        w.say(w.alice, w.general, "Good morning, everybody.")
        await rest(discord, bot)
        w.recover()
        late = w.say(w.alice, w.general, f"{w.mention} Where is it?")
        await rest(discord, bot)
    assert [len(w.replies_to(question)) for question in (early, late)] == [1, 1]
    assert len(bot.oracle.questions) == 2


# The start.


@pytest.mark.parametrize("fault", [Status(503), Status(500), Cut(), RateLimited(0.01)])
@pytest.mark.parametrize("route", ["GET /users/@me", "GET /oauth2/applications/@me", "GET /gateway/bot"])
async def test_a_discord_that_has_a_bad_moment_at_the_start_is_asked_again(discord, tmp_path, route, fault):
    times = 5 if fault == Status(500) else 1  # the library itself asks five times
    for skip in range(3):
        discord.fail(route, fault, times=times, skip=skip)
    async with fonte(discord, tmp_path) as bot:
        ask(discord)
        await rest(discord, bot)
    assert said(discord, discord.world.general) == ["The answer to When is it?"]


async def test_a_discord_that_is_away_at_the_start_is_waited_for(discord, tmp_path, caplog, port):
    await discord.down()
    async with AsyncExitStack() as stack:
        beginning = asyncio.create_task(stack.enter_async_context(fonte(discord, tmp_path, http={"port": port})))
        await discord.wait_for(lambda: caplog.text.count("Discord cannot be reached (login: no connection") >= 2)
        assert await health(port) == (503, {"ok": False, "ledger": "ok", "discord": "starting"})
        await discord.up()
        bot = await beginning
        ask(discord)
        await rest(discord, bot)
        assert await health(port) == WELL
    assert said(discord, discord.world.general) == ["The answer to When is it?"]
