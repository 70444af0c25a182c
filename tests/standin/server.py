"""What every stand-in is: a server on a free port of 127.0.0.1 that can go down and come back on the same one."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.standin.faults import Script


class StandIn:
    """A platform that real clients talk to while the block runs."""

    def __init__(self) -> None:
        self.script = Script()
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._site: web.SockSite | None = None
        self._held: socket.socket | None = None
        """Bound to the port while down: nothing listens there, and nobody else can take it."""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def app(self) -> web.Application:
        """All routes."""
        raise NotImplementedError

    def bound(self) -> None:
        """The origin is known."""

    async def leave(self) -> None:
        """End what would keep connections open."""

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.script.release()
        await self.leave()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._held is not None:
            self._held.close()

    async def up(self) -> None:
        """Listen (again), on the same port as before."""
        if self._site is not None or self._runner is None:
            return
        self._site = web.SockSite(self._runner, self._held or self._bind())
        self._held = None
        await self._site.start()

    def _bind(self) -> socket.socket:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self._port))
        self._port = listening.getsockname()[1]
        self.bound()
        return listening

    async def down(self) -> None:
        """Refuse connections and end those there are."""
        if self._site is None or self._runner is None or self._runner.server is None:
            return
        await self._site.stop()
        self._site = None
        self._held = self._bind()
        for connection in list(self._runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()
