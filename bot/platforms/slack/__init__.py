"""Slack: one workspace, by Socket Mode or by signed HTTP requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.actions import Actions, Desk
from bot.dispatcher import Dispatcher
from bot.limits import Access

if TYPE_CHECKING:
    from aiohttp import web
    from slack_bolt.app.async_app import AsyncApp

    from bot.platforms.slack.client import SlackClient
    from bot.platforms.slack.connection import SocketConnection
    from bot.platforms.slack.panel import Prompts

EVENTS_PATH = "/slack/events"
"""Where Slack's requests come to in HTTP mode."""
PING_INTERVAL = 5.0
"""Seconds between pings. A connection that went silent is given up after half of that without an answer, and replaced
at the next check: in about ten seconds, well before Slack's first late retry after a minute."""


@dataclass(frozen=True, slots=True)
class Options:
    """How Slack is to be served."""

    bot_token: str = field(repr=False)
    app_token: str = field(repr=False)
    """Empty: events come by HTTP."""
    signing_secret: str = field(repr=False)
    base_url: str
    """Of the Web API, with a slash at the end."""
    access: Access
    auto_channels: frozenset[str]
    desk: Desk
    locale: str | None = None
    """Of the bot's own words, where it is forced."""
    ping_interval: float = PING_INTERVAL


class SlackAdapter:
    """A bot that Slack knows; ``listen`` begins to take questions."""

    def __init__(self, name: str, app: AsyncApp, client: SlackClient, options: Options, stack: AsyncExitStack) -> None:
        self.name = name
        self._app = app
        self._client = client
        self._options = options
        self._stack = stack
        self._socket: SocketConnection | None = None

    async def listen(self) -> None:
        """Take events until ``connected`` is left; with HTTP they come to ``handle``."""
        if self._options.app_token:
            from bot.platforms.slack.connection import socket_mode

            self._socket = await self._stack.enter_async_context(
                socket_mode(self._app, self._client, self._options.app_token, self._options.ping_interval)
            )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """A signed request of Slack's."""
        from bot.platforms.slack.connection import handle

        return await handle(self._app, self._options.signing_secret, request)

    async def ended(self) -> None:
        """Never: the library opens the socket again for as long as it takes."""
        await asyncio.Event().wait()

    async def state(self) -> str | None:
        """For the health page."""
        if self._options.app_token and (self._socket is None or not await self._socket.healthy()):
            return "not connected"
        return None


@asynccontextmanager
async def connected(
    options: Options, dispatcher: Dispatcher, actions: Actions, prompts: Prompts
) -> AsyncIterator[SlackAdapter]:
    """Introduce the bot to Slack and attach it to the dispatcher. Raises ConfigError where Slack refuses a token."""
    from bot.platforms.slack.checks import check_app_token, introduce
    from bot.platforms.slack.client import open_client
    from bot.platforms.slack.events import PLATFORM
    from bot.platforms.slack.listeners import Listeners
    from bot.platforms.slack.panel import Panel
    from bot.platforms.slack.surface import SlackSurface

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(options.bot_token, options.base_url))
        place, name = await introduce(client, options.auto_channels)
        if options.app_token:
            await check_app_token(client, options.app_token)
        surface = SlackSurface(client, place, options.desk)
        dispatcher.attach(PLATFORM, surface, options.access)
        listeners = Listeners(client, place, dispatcher, actions, Panel(client, surface, prompts, options.locale))
        stack.push_async_callback(listeners.close)
        app = listeners.app(None if options.app_token else options.signing_secret)
        yield SlackAdapter(name, app, client, options, stack)
