"""What a process writes to its log, whatever happens: no secret at any level, no traceback unless asked for."""

from __future__ import annotations

import asyncio
import re

import pytest

from bot.markup.discord import Button
from bot.markup.discord_forms import REASON
from tests.bot.platforms.discord.seen import form, pressed, taken
from tests.bot.platforms.discord.trials import (
    CALLBACK,
    CHANGE_ORIGINAL,
    DELETE,
    HISTORY,
    PATCH,
    POST,
    TYPING,
    about,
)
from tests.bot.platforms.trials import IN_A_HURRY, NEVER, SLOWLY
from tests.standin.discord.faults import Banned, Error, RateLimited
from tests.standin.discord.model import Channel, Interaction
from tests.standin.discord.server import DiscordServer
from tests.standin.faults import Cut, Status
from tests.standin.processes import BotProcess, echo

ADDRESS = re.compile(r"(?:interactions|webhooks)/\d+/(?!\*\*\*)\w+")
LINE = re.compile(r"(WARNING|ERROR) [\w.]+: |Serving Discord as fonte")
FAULTS = (Cut(after=True), Cut(), RateLimited(0.02), Status(503), Status(503, after=True), Banned(0), Error(50013))


async def everyday(discord: DiscordServer) -> None:
    """A session in which nothing goes wrong."""
    w = discord.world
    question = w.say(w.alice, w.general, f"{w.mention} {SLOWLY}")
    direct = w.say(w.bruno, w.dm(w.bruno), "Direct?")
    commands = [command(discord, text, private=private) for text in ("A command?", SLOWLY) for private in (True, False)]
    await discord.wait_for(lambda: w.replies_to(question) and w.replies_to(direct))
    await discord.wait_for(lambda: {made.state for made in commands} == {"answered"})
    await discord.settled()
    (answer,) = w.replies_to(direct)
    await pressed(discord, w.bruno, answer, Button.HELPFUL)
    w.submit(w.bruno, await form(discord, w.bruno, answer), {REASON: "outdated"})
    w.click(w.alice, commands[0].response, Button.SHARE.value)
    w.autocomplete(w.alice, w.general, "ask", "when")
    w.edit(question, f"{w.mention} Another question?")
    w.unfurl(question)
    await taken(discord)
    await discord.settled()
    w.delete(question)
    w.system_message(w.general)
    await taken(discord)
    for end in (discord.gateway.reconnect, discord.gateway.reset, discord.gateway.invalidate):
        before = len(discord.gateway.connections)
        end()
        await discord.wait_for(lambda before=before: len(discord.gateway.connections) > before)
        await discord.wait_for(lambda: discord.gateway.open and discord.gateway.open[-1].state == "open")
        await taken(discord)
    last = w.say(w.alice, w.random, f"{w.mention} Last?")
    await discord.wait_for(lambda: w.replies_to(last))
    await discord.settled()


def command(discord: DiscordServer, text: str, *, private: bool, channel: Channel | None = None) -> Interaction:
    w = discord.world
    return w.slash(w.alice, channel or w.general, "ask", {"question": text, "private": private})


async def troubled(discord: DiscordServer) -> None:
    """One in which much does."""
    w = discord.world
    discord.limits.per_second = 0
    asked = []
    for number, fault in enumerate(FAULTS):
        channel = w.add_channel(f"c{number}")
        for route in (POST, PATCH, DELETE, HISTORY, TYPING, CALLBACK, CHANGE_ORIGINAL):
            discord.fail(route, fault, where=about(discord, channel))
        asked.append(w.say(w.alice, channel, f"{w.mention} {SLOWLY}"))
        for private in (True, False):
            command(discord, f"Number {number}?", private=private, channel=channel)
    expired = command(discord, NEVER, private=False)
    await discord.wait_for(lambda: expired.state == "deferred")
    w.expire(expired)
    await discord.wait_for(lambda: all(len(w.replies_to(question)) == 1 for question in asked[:-1]))
    for question in asked:
        w.delete(question)
    resumes = len(discord.gateway.resumes)
    discord.gateway.open[-1].session.dispatch("MESSAGE_CREATE", {"id": "no message"})
    await discord.wait_for(lambda: len(discord.gateway.resumes) > resumes)


async def lived(discord: DiscordServer, bot: BotProcess, *, trouble: bool) -> None:
    await bot.serves()
    await everyday(discord)
    if trouble:
        await troubled(discord)
    assert await asyncio.wait_for(bot.stop(), 30) == 0


@pytest.mark.parametrize("level", ["debug", "warning"])
async def test_a_log_holds_no_secret(discord, tmp_path, level):
    async with echo(discord, tmp_path, IN_A_HURRY, LOG_LEVEL=level, DRAIN_SECONDS="0.2") as bot:
        await lived(discord, bot, trouble=True)
    secrets = [discord.token, discord.token.rpartition(".")[2], *(made.token for made in discord.world.interactions)]
    assert [secret for secret in secrets if secret in bot.log] == []
    assert ADDRESS.findall(bot.log) == []
    if level == "debug":
        assert "DEBUG discord.gateway: For Shard ID 0: WebSocket Event: {'op': 0" in bot.log
        assert re.search(r"POST http://[\d.:]+/api/v10/interactions/\d+/\*\*\* with", bot.log)
        assert "INTERACTION_CREATE" in bot.log
        assert "***" in bot.log
    else:
        assert "Traceback" not in bot.log
        assert 'File "' not in bot.log
        assert [line for line in bot.log.splitlines() if not LINE.match(line)] == []


async def test_where_nothing_is_wrong_nothing_is_said(discord, tmp_path):
    async with echo(discord, tmp_path, IN_A_HURRY, LOG_LEVEL="warning") as bot:
        await lived(discord, bot, trouble=False)
    assert len(bot.log.splitlines()) == 1
    assert LINE.match(bot.log)
