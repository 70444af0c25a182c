"""Sessions: when they begin, how many there are, how they travel, and what happens where Discord gives none."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import signal
import sys
import time
from dataclasses import replace
from types import ModuleType
from typing import Any

import discord as library
import pytest

from bot.core import Pace
from bot.errors import BotError, ConfigError
from tests.bot.platforms.discord.seen import rest
from tests.bot.platforms.discord.trials import hurry, hurry_back, said
from tests.standin.discord.server import DiscordServer
from tests.standin.discord.session import shard_of
from tests.standin.faults import Hang, Status
from tests.standin.fonte import QUICK, fonte
from tests.standin.processes import Library, echo, platform_environment

UNHURRIED = replace(QUICK, identify_interval=0.3)
WITHIN = 0.25
"""Seconds in which one session may begin, and not two."""


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    hurry_back(monkeypatch)


def ask(discord: DiscordServer, text: str = "When is it?") -> Any:
    w = discord.world
    return w.say(w.alice, w.general, f"{w.mention} {text}")


async def sessions(discord: DiscordServer, count: int) -> None:
    """Wait until so many sessions have begun, and the last one is told of everything."""
    await discord.wait_for(lambda: len(discord.gateway.sessions) >= count)
    await discord.wait_for(lambda: discord.gateway.sessions[-1].named("GUILD_CREATE"))


def dies(discord: DiscordServer) -> None:
    """The session ends while nobody is connected."""
    for session in discord.gateway.sessions:
        session.dead = True
    discord.gateway.reset()


ENDS = {
    "not valid any more": lambda server: server.gateway.invalidate(),
    "forgotten": dies,
    "not known by that number": lambda server: server.gateway.close(4007),
    "over": lambda server: server.gateway.close(4009),
}


# A new session.


@pytest.mark.parametrize("end", ENDS)
async def test_a_session_that_is_lost_is_begun_anew_and_not_too_soon(discord, tmp_path, end):
    discord.gateway.identify_seconds = WITHIN
    async with fonte(discord, tmp_path, pace=UNHURRIED) as bot:
        for number in range(3):
            ask(discord, f"Question {number}?")
            await rest(discord, bot)
            ENDS[end](discord)
            await sessions(discord, number + 2)
        ask(discord, "Last?")
        await rest(discord, bot)
    assert sorted(said(discord, discord.world.general)) == sorted(
        f"The answer to {text}?" for text in ("Question 0", "Question 1", "Question 2", "Last")
    )
    assert len(discord.gateway.identifies) == 4
    paths = [connection.request.path for connection in discord.gateway.connections]
    assert paths.count("/gateway/") == 4
    assert paths.count("/resume/") == (0 if end == "not valid any more" else 3)


async def test_a_session_that_cannot_be_come_back_to_is_given_up(discord, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.platforms.discord.sessions.ATTEMPTS", 2)
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        monkeypatch.setattr("discord.gateway.DiscordWebSocket.resume", _lost)
        discord.gateway.reset()
        await sessions(discord, 2)
        ask(discord)
        await rest(discord, bot)
    assert said(discord, discord.world.general) == ["The answer to When is it?"]


async def _lost(self: Any) -> None:
    await self.close()
    raise ConnectionResetError


@pytest.mark.parametrize("what", ["stream", "event"])
async def test_what_cannot_be_read_is_not_the_end(discord, tmp_path, what):
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        (connection,) = discord.gateway.open
        if what == "stream":
            await connection.socket.send_bytes(b"no stream at all")
        else:
            connection.session.dispatch("MESSAGE_CREATE", {"id": "no message"})
        ask(discord)
        await discord.wait_for(lambda: discord.gateway.resumes)
        await rest(discord, bot)
    assert said(discord, discord.world.general) == ["The answer to When is it?"]
    assert [connection.close_code for connection in discord.gateway.connections] == [4000, 1000]
    assert len(discord.gateway.identifies) == 1


async def test_when_no_session_may_begin_the_bot_waits(discord, tmp_path, monkeypatch, caplog):
    told = discord.gateway.bot_json

    def limited() -> dict[str, Any]:
        body = told()
        body["session_start_limit"]["reset_after"] = 300
        return body

    discord.world.bot_gateway = limited
    discord.gateway.starts_left = 0
    asyncio.get_running_loop().call_later(0.2, lambda: setattr(discord.gateway, "starts_left", 10))
    began = time.monotonic()
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        assert time.monotonic() - began > 0.3
        ask(discord)
        await rest(discord, bot)
    assert said(discord, discord.world.general) == ["The answer to When is it?"]
    assert "Discord lets the bot begin no session for another 0 s." in caplog.text


async def test_where_the_limits_are_not_told_a_session_begins_all_the_same(discord, tmp_path):
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        discord.fail("GET /gateway/bot", Status(503), times=2)
        discord.gateway.invalidate()
        await sessions(discord, 2)
        ask(discord)
        await rest(discord, bot)
    assert said(discord, discord.world.general) == ["The answer to When is it?"]


# Several shards.


@pytest.mark.parametrize("together", [1, 3])
async def test_every_shard_is_served(discord, tmp_path, together):
    w = discord.world
    discord.gateway.shards, discord.gateway.max_concurrency = 3, together
    discord.gateway.identify_seconds = WITHIN
    guilds = {shard_of(w.guild.id, 3): w.guild}
    while len(guilds) < 3:
        guild = w.add_guild(f"guild{len(w.guilds)}")
        guilds.setdefault(shard_of(guild.id, 3), guild)
    channels = [w.add_channel("shard", guild=guilds[shard]) for shard in range(3)]
    async with fonte(discord, tmp_path, pace=UNHURRIED) as bot:
        for channel in (*channels, w.dm(w.alice)):
            w.say(w.alice, channel, f"{w.mention} When is it?")
        await rest(discord, bot)
        connections = {c.session.shard: c for c in discord.gateway.connections}
        discord.gateway.reset(connections[1])
        w.say(w.alice, channels[1], f"{w.mention} Where is it?")
        w.say(w.alice, channels[2], f"{w.mention} Where is it?")
        await discord.wait_for(lambda: discord.gateway.resumes)
        await rest(discord, bot)
    first, second = "The answer to When is it?", "The answer to Where is it?"
    assert [said(discord, channel) for channel in channels] == [[first], [first, second], [first, second]]
    assert said(discord, w.dm(w.alice)) == [first]
    assert sorted(identify["shard"] for identify in discord.gateway.identifies) == [[0, 3], [1, 3], [2, 3]]


# How they travel.


@pytest.mark.parametrize("kind", ["zlib-stream", "zstd-stream"])
async def test_what_discord_tells_is_compressed(discord, tmp_path, monkeypatch, kind):
    context = _decompression(kind)
    monkeypatch.setattr(library.utils, "_ActiveDecompressionContext", context)
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        ask(discord)
        await rest(discord, bot)
        discord.gateway.reset()
        ask(discord, "Where is " + "it, and where is " * 100 + "that?")
        await discord.wait_for(lambda: discord.gateway.resumes)
        await rest(discord, bot)
    assert len(said(discord, discord.world.general)) == 2
    assert [connection.request.query["compress"] for connection in discord.gateway.connections] == [kind] * 2


def _decompression(kind: str) -> Any:
    """What the library reads a kind of stream with: one of them, depending on the packages that are there."""
    active = library.utils._ActiveDecompressionContext
    if kind == active.COMPRESSION_TYPE:
        return active
    if kind == "zstd-stream":
        pytest.skip("no package for it is installed")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("zstandard", "compression.zstd"):
            patch.setitem(sys.modules, name, None)
        return _anew(library.utils)._ActiveDecompressionContext


def _anew(module: ModuleType) -> Any:
    spec = importlib.util.spec_from_file_location(f"{module.__name__}_anew", module.__file__)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


# What ends the bot.


@pytest.mark.parametrize(
    ("code", "error", "sentence"),
    [
        (4004, ConfigError, "Discord refuses DISCORD_BOT_TOKEN"),
        (4014, ConfigError, "needs the Message Content Intent"),
        (4010, BotError, "closed the connection for good (code 4010)"),
        (4011, BotError, "closed the connection for good (code 4011)"),
        (4012, BotError, "closed the connection for good (code 4012)"),
        (4013, BotError, "closed the connection for good (code 4013)"),
    ],
)
async def test_an_end_for_good_is_one_sentence(discord, tmp_path, code, error, sentence):
    with contextlib.suppress(BotError):
        async with fonte(discord, tmp_path) as bot:
            discord.gateway.close(code)
            await asyncio.wait([bot.task], timeout=5)
    end = bot.task.exception()
    assert type(end) is error
    assert sentence in str(end)
    assert "\n" not in str(end)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("library"))


WRONG_TOKEN = (
    "Discord refuses DISCORD_BOT_TOKEN: make a new one under Bot, Reset Token, on the application's page at "
    "discord.com/developers/applications.\n"
)
NO_INTENT = (
    "DISCORD_MESSAGE_CONTENT=true needs the Message Content Intent: switch it on under Bot, Privileged Gateway "
    "Intents, on the application's page at discord.com/developers/applications, or set "
    "DISCORD_MESSAGE_CONTENT=false.\n"
)


@pytest.mark.parametrize("when", ["at the login", "at the gateway"])
@pytest.mark.parametrize("refused", ["token", "intent"])
async def test_what_discord_refuses_is_one_sentence_and_the_end(
    discord, tmp_path, monkeypatch, documents, refused, when
):
    world, gateway = discord.world, discord.gateway
    world.message_content = refused == "token" or when == "at the gateway"
    if refused == "token" and when == "at the login":
        world.token_valid = False
    elif refused == "token":
        monkeypatch.setattr(gateway, "_known", lambda data: False)
    else:
        monkeypatch.setattr(gateway, "_granted", lambda: 0)
    env = platform_environment(discord, **documents.settings(tmp_path / "ledger.db"), DISCORD_MESSAGE_CONTENT="true")
    async with documents.bot("discord", env=env) as bot:
        assert await bot.exit() == 2
    assert bot.log == (WRONG_TOKEN if refused == "token" else NO_INTENT)
    assert len(gateway.identifies) == (when == "at the gateway")


async def test_a_bot_that_has_not_begun_ends_at_once(discord, tmp_path):
    hang = Hang()
    discord.fail("GET /users/@me", hang)
    async with echo(discord, tmp_path, Pace()) as bot:
        await discord.wait_for(hang.reached.is_set)
        bot.send(signal.SIGTERM)
        assert await bot.exit() == 0
    assert bot.log == ""
