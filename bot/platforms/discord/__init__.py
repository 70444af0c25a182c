"""Discord: servers, threads, direct messages, and commands anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from bot.actions import Actions, Desk
from bot.claims import Asked
from bot.dispatcher import Dispatcher
from bot.limits import Access
from bot.types import Language, Listed, Reply

if TYPE_CHECKING:
    from bot.platforms.discord.gateway import Gateway

GUILD_WAIT = 2.0
"""Seconds without another server announcing itself after which a session counts as complete."""
IDENTIFY_INTERVAL = 5.0
"""Seconds between two sessions that are begun: https://discord.com/developers/docs/events/gateway#rate-limiting"""
HEARTBEAT_TIMEOUT = 60.0
"""Seconds of silence after which a connection is replaced; Discord is heard of every 41."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds; see the constants."""

    guild_wait: float = GUILD_WAIT
    identify_interval: float = IDENTIFY_INTERVAL
    heartbeat_timeout: float = HEARTBEAT_TIMEOUT


@dataclass(frozen=True, slots=True)
class Options:
    """How Discord is to be served."""

    token: str = field(repr=False)
    base_url: str
    """Of the REST API, which tells where the gateway is."""
    guilds: tuple[str, ...]
    """Servers in which commands are registered; empty: everywhere."""
    access: Access
    threads: bool
    """Whether each question in a channel gets a thread."""
    message_content: bool
    """Whether messages that do not mention the bot can be read."""
    desk: Desk
    locale: str | None = None
    """Of the bot's own words, where it is forced."""
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True)
class Library:
    """What there is to ask about in the place in which something is asked."""

    suggest: Callable[[Asked, Language], Sequence[str]]
    """Questions that the documents answer, for readers of a language."""
    documents: Callable[[Asked], Sequence[Listed]]
    private: Callable[[Reply, str], bool]
    """Whether an answer may be shown in a direct message of a platform."""


class DiscordAdapter:
    """A bot that Discord knows; ``listen`` begins to take questions."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @property
    def name(self) -> str:
        """With the number of servers it is in; where that is none, with the address that invites it."""
        count = len(self._gateway.guilds)
        invitation = "" if count else f" (to invite it, open {self._gateway.invitation()})"
        return f"{self._gateway.user} in {count} server{'' if count == 1 else 's'}{invitation}"

    async def listen(self) -> None:
        """Connect, and register the commands that changed. Raises ConfigError where Discord refuses the bot."""
        await self._gateway.open()

    async def ended(self) -> None:
        """Wait for the connection to be lost for good. Raises ConfigError or BotError, which say why."""
        await self._gateway.ended()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Discord calls nobody: the bot calls Discord."""
        return web.Response(status=HTTPStatus.NOT_FOUND)

    async def state(self) -> str | None:
        """For the health page."""
        return None if self._gateway.healthy() else "not connected"


@asynccontextmanager
async def connected(
    options: Options, dispatcher: Dispatcher, actions: Actions, library: Library
) -> AsyncIterator[DiscordAdapter]:
    """Introduce the bot to Discord and attach it to the dispatcher. Raises ConfigError where Discord refuses it."""
    from bot.platforms.discord.gateway import Gateway

    gateway = Gateway(options, dispatcher, actions, library)
    try:
        await gateway.introduce()
        yield DiscordAdapter(gateway)
    finally:
        await asyncio.shield(gateway.leave())
