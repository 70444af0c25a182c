"""What the tests of faults share: the faults, and questions that meet them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import aiohttp
import pytest

from tests.bot.platforms.discord.seen import read
from tests.bot.platforms.trials import NETWORK
from tests.standin.calls import Call
from tests.standin.discord.faults import Banned, RateLimited
from tests.standin.discord.model import Channel, Interaction, Message
from tests.standin.discord.server import DiscordServer
from tests.standin.faults import Fault, Status

POST = "POST /channels/{}/messages"
PATCH = "PATCH /channels/{}/messages/{}"
DELETE = "DELETE /channels/{}/messages/{}"
HISTORY = "GET /channels/{}/messages"
TYPING = "POST /channels/{}/typing"
THREAD = "POST /channels/{}/messages/{}/threads"
CALLBACK = "POST /interactions/{}/{}/callback"
CHANGE_ORIGINAL = "PATCH /webhooks/{}/{}/messages/{}"
"""Routes."""

FAULTS: dict[str, Callable[[], Fault]] = {
    "429": lambda: RateLimited(0.05),
    "429 of all": lambda: RateLimited(0.05, "shared"),
    "429 of the network": lambda: Banned(0),
    "502 before": lambda: Status(502),
    "502 after": lambda: Status(502, after=True),
    **NETWORK,
}
"""As in NETWORK; what Discord answers with 500 or 502, the library repeats by itself."""
LOST = ("503 after", "proxy after", "cut after", "cut within", "reset after", "silence after")
"""What took effect, and is for the bot to find out."""
_ANSWER = re.compile(r"The answer to .*")


class Trial:
    """Every fault happens to a route's first call about a channel of its own, in which one question is asked."""

    def __init__(self, discord: DiscordServer, route: str, names: Iterable[str] = FAULTS) -> None:
        self.discord = discord
        discord.limits.per_second = 0  # they are asked all at once
        self.channels = {name: discord.world.add_channel(name.replace(" ", "-")) for name in names}
        self.questions: dict[str, Message] = {}
        self.commands: dict[str, Interaction] = {}
        self._faults = [
            discord.fail(route, FAULTS[name](), where=about(discord, channel))
            for name, channel in self.channels.items()
        ]

    def ask(self) -> None:
        """In messages."""
        w = self.discord.world
        self.questions = {n: w.say(w.alice, c, f"{w.mention} When is it?") for n, c in self.channels.items()}

    def command(self, *, private: bool = False) -> None:
        """By commands."""
        w, options = self.discord.world, {"question": "When is it?", "private": private}
        self.commands = {n: w.slash(w.alice, c, "ask", options) for n, c in self.channels.items()}

    async def shown(self) -> None:
        """Wait until something stands in every channel."""
        w = self.discord.world
        await self.discord.wait_for(lambda: all(w.answers(channel) for channel in self.channels.values()))

    def found(self) -> dict[str, list[str]]:
        """What the bot said in the channels, once every fault has happened."""
        assert all(fault.used_up for fault in self._faults)
        return {name: said(self.discord, channel) for name, channel in self.channels.items()}

    def all(self, *texts: str) -> dict[str, list[str]]:
        return {name: list(texts) for name in self.channels}


def about(discord: DiscordServer, channel: Channel) -> Callable[[Call], bool]:
    """Picks calls about a channel, about a thread in it, or about an interaction that began there."""
    world = discord.world

    def picks(call: Any) -> bool:
        started = world.by_token(call.ids[1]) if len(call.ids) > 1 else None
        place = started.channel if started else world.channels.get(call.ids[0])
        return place is not None and channel.id in (place.id, place.parent)

    return picks


def said(discord: DiscordServer, *channels: Channel) -> list[str]:
    """What the bot said in channels and in the threads in them, to everybody or to one person."""
    places = {channel.id for channel in channels}
    inside = places | {c.id for c in discord.world.channels.values() if c.parent in places and not c.deleted}
    bot = discord.world.bot
    found = [m for m in discord.world.messages.values() if m.channel in inside and m.author is bot and not m.deleted]
    return [first(m) for m in found if m.type not in (18, 21)]


def first(message: Message) -> str:
    """Of an answer the line that says so, of all else everything."""
    if message.loading:
        return "(is thinking)"
    text = read(message)
    answer = _ANSWER.search(text)
    return answer[0] if answer else text


class Instead:
    """A module with other things in it, for whoever gets to see this instead of it."""

    def __init__(self, module: ModuleType, **others: Any) -> None:
        self._module = module
        vars(self).update(others)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


async def _hasty(seconds: float) -> None:
    """Nobody sleeps for a second or more."""
    await asyncio.sleep(seconds if seconds < 1 else 0.01)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have bot and library try again at once, and give up on a silent Discord soon."""
    monkeypatch.setattr("bot.delivery.FIRST_RETRY", 0.01)
    monkeypatch.setattr("bot.platforms.discord.client.TIMEOUT", aiohttp.ClientTimeout(total=0.3))
    monkeypatch.setattr("bot.platforms.discord.client.CALLBACK_TIMEOUT", aiohttp.ClientTimeout(total=0.3))
    monkeypatch.setattr("discord.http.asyncio", Instead(asyncio, sleep=_hasty))


def hurry_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have bot and library connect again at once, and wait no longer than that for an answer to their goodbye."""
    monkeypatch.setattr("bot.platforms.discord.gateway.FIRST_RETRY", 0.01)
    monkeypatch.setattr("discord.shard.ExponentialBackoff", _Backoff)
    monkeypatch.setattr("discord.shard.asyncio", Instead(asyncio, sleep=_hasty))
    monkeypatch.setattr("discord.http.aiohttp", Instead(aiohttp, ClientWSTimeout=_impatient))


class _Backoff:
    def delay(self) -> float:
        return 0.01


def _impatient(ws_close: float) -> aiohttp.ClientWSTimeout:
    return aiohttp.ClientWSTimeout(ws_close=0.1)
