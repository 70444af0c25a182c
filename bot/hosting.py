"""Keeps chat platforms running over one core: connects each, starts it anew where it fails, stops all in good order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Protocol

from aiohttp import web

from bot.dispatcher import Dispatcher
from bot.errors import BotError, ConfigError
from bot.web import Check, Fact, serving

FIRST_RETRY = 1.0
LAST_RETRY = 300.0
"""Seconds before a platform that failed is started again, doubled each time up to the last."""
SETTLED = 60.0
"""Seconds after which a platform that serves counts as well again: the next failure waits for FIRST_RETRY only."""

_log = logging.getLogger(__name__)
Ready = Callable[[str], None]


class Stop(Protocol):
    """Returns when the bot is to end."""

    async def wait(self) -> object: ...


class Adapter(Protocol):
    """A platform that knows the bot."""

    @property
    def name(self) -> str:
        """Of the bot there, for people."""
        ...

    async def listen(self) -> None:
        """Begin to take questions. Raises ConfigError."""
        ...

    async def ended(self) -> None:
        """Wait for the connection to be lost for good, and raise why; it may never be."""
        ...

    async def state(self) -> str | None:
        """For the health page."""
        ...

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer what the platform sends to the host's ``route``."""
        ...


@dataclass(eq=False)
class Host:
    """One platform that is to be served."""

    platform: str
    """As in Asked."""
    title: str
    connect: Callable[[], AbstractAsyncContextManager[Adapter]]
    """Introduces the bot and attaches it to the dispatcher. Raises ConfigError."""
    route: str = ""
    """Path at which the platform calls the bot by POST; empty where the bot calls the platform."""
    trouble: str | None = "starting"
    """Why nothing is served."""
    refused: ConfigError | None = field(default=None, repr=False)
    """Why the platform will not have the bot, where it has never served."""
    _adapter: Adapter | None = field(default=None, repr=False)
    _since: float | None = field(default=None, repr=False)
    """When it last began to serve, by the event loop's clock."""

    async def serve(self, dispatcher: Dispatcher, ready: Ready) -> None:
        """Serve until cancelled. Raises what ends it: ConfigError, or whatever the platform's client raises."""
        try:
            async with self.connect() as adapter:
                self._adapter = adapter
                await adapter.listen()
                self.refused, self._since = None, asyncio.get_running_loop().time()
                ready(f"Serving {self.title} as {adapter.name}; SIGTERM or Ctrl-C ends it.")
                await adapter.ended()
        finally:
            self._adapter = None
            await dispatcher.detach(self.platform)

    async def keep(self, dispatcher: Dispatcher, ready: Ready, failed: Callable[[], None]) -> None:
        """Serve until cancelled; what ends it is said in the log and to ``failed``, and it is begun again later."""
        delay = FIRST_RETRY
        while True:
            began = self._since
            try:
                await self.serve(dispatcher, ready)
                reason = "the connection was closed"
            except BotError as error:
                reason = str(error)
                if isinstance(error, ConfigError) and self._since is None:
                    self.refused = error
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                _log.debug("traceback", exc_info=error)
            if self._since != began and asyncio.get_running_loop().time() - (self._since or 0) > SETTLED:
                delay = FIRST_RETRY
            self.trouble = reason
            failed()
            _log.error("%s is not served, and is tried again in %.0f s: %s", self.title, delay, reason)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY)

    async def state(self) -> str | None:
        """For the health page."""
        return self.trouble if self._adapter is None else await self._adapter.state()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass on what the platform sends; while there is no connection it is asked to send it again."""
        if self._adapter is None:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="not ready")
        return await self._adapter.handle(request)


@dataclass(frozen=True, slots=True)
class Http:
    """Where the health page is served; ``port`` None: nowhere."""

    host: str
    port: int | None


async def serve(
    hosts: Sequence[Host],
    dispatcher: Dispatcher,
    stop: Stop,
    *,
    http: Http,
    checks: dict[str, Check],
    drain: float,
    ready: Ready,
    facts: Mapping[str, Fact] = MappingProxyType({}),
) -> None:
    """Serve until ``stop``, then finish what is at work for at most ``drain`` seconds.

    A single platform's failure ends it; of several, each is kept up by itself. Raises ConfigError where the single
    platform, or every one of several, refuses the bot.
    """
    async with AsyncExitStack() as stack:
        # Last of all, when nothing arrives any more.
        stack.push_async_callback(dispatcher.close)
        if http.port is not None:
            states = checks | {host.platform: host.state for host in hosts}
            routes = [web.post(host.route, host.handle) for host in hosts if host.route]
            await stack.enter_async_context(serving(http.host, http.port, states, routes, facts))
        refused = asyncio.Event()

        def failed() -> None:
            if all(host.refused for host in hosts):
                refused.set()

        keeper = asyncio.create_task(dispatcher.run())
        ends: list[asyncio.Task[object]] = [asyncio.create_task(stop.wait()), asyncio.create_task(refused.wait())]
        served: list[asyncio.Task[None]]
        if len(hosts) == 1:
            served = [asyncio.create_task(hosts[0].serve(dispatcher, ready))]
        else:
            served = [asyncio.create_task(host.keep(dispatcher, ready, failed)) for host in hosts]
        try:
            await asyncio.wait([*ends, *served], return_when=asyncio.FIRST_COMPLETED)
            if refused.is_set():
                raise ConfigError("\n".join(str(host.refused) for host in hosts))
            for ended in served:
                if ended.done():
                    ended.result()
            await dispatcher.drain(drain)
        finally:
            for task in (keeper, *ends, *served):
                task.cancel()
            await asyncio.gather(keeper, *ends, *served, return_exceptions=True)
