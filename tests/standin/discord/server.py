"""A local Discord over real sockets on 127.0.0.1: the API and the gateway."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from tests.standin.discord.gateway import Gateway
from tests.standin.discord.limits import Limits
from tests.standin.discord.model import Call
from tests.standin.discord.rest import Rest
from tests.standin.discord.world import World
from tests.standin.faults import Fault, Script, Scripted

T = TypeVar("T")


class DiscordServer:
    """``async with DiscordServer() as discord:`` - guilds that real clients talk to at ``discord.base_url``."""

    def __init__(self, *, heartbeat: float = 41.25, identify_seconds: float = 5.0, per_second: int = 50) -> None:
        """``heartbeat`` and ``identify_seconds`` as for Gateway; ``per_second``: Discord's limit on all requests."""
        self.world = World()
        self.script = Script()
        self.limits = Limits(self.world.violations, per_second)
        self.gateway = Gateway(self.world, heartbeat=heartbeat, identify_seconds=identify_seconds)
        self.rest = Rest(self.world, self.script, self.limits)
        self.world.emit_to = self.gateway.emit
        self.world.bot_gateway = self.gateway.bot_json
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._site: web.SockSite | None = None
        self._held: socket.socket | None = None
        """Bound to the port while down: nothing listens there, and nobody else can take it."""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """What stands before every route of the API."""
        return f"{self.origin}/api/v10"

    @property
    def token(self) -> str:
        return self.world.token

    @property
    def application_id(self) -> str:
        return self.world.application_id

    @property
    def violations(self) -> list[str]:
        """What the app did that Discord would hold against it."""
        return self.world.violations

    # -- life

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_route("*", "/api/v10/{path:.+}", self.rest.handle)
        app.router.add_get("/gateway/", self.gateway.handle)
        app.router.add_get("/resume/", self.gateway.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.script.release()
        await self.gateway.stop()
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
        self.gateway.origin = self.origin
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

    # -- what the app did

    def calls(self, method: str = "", path: str = "", *, handled: bool | None = None) -> list[Call]:
        """Calls of one method, or all, whose route or path contains something; only those that took effect, or not."""
        return [
            call
            for call in self.rest.calls
            if method in ("", call.method)
            and (path in call.name or path in call.path)
            and (handled is None or call.handled is handled)
        ]

    async def wait_for(self, predicate: Callable[[], T], within: float = 10.0) -> T:
        """The first truthy value of ``predicate``, asked whenever something happened, for so many seconds."""
        return await self.world.changes.until(predicate, within, self.story)

    async def wait_for_calls(self, method: str, path: str, count: int = 1, within: float = 10.0) -> list[Call]:
        """At least so many calls that took effect."""

        def enough() -> list[Call]:
            found = self.calls(method, path, handled=True)
            return found if len(found) >= count else []

        return await self.wait_for(enough, within)

    async def settled(self, within: float = 10.0) -> None:
        """Wait until every event was sent, every call answered, and every interaction too or its time over."""
        world = self.world

        def still() -> bool:
            waiting = [i for i in world.interactions if i.state in ("pending", "deferred")]
            return self.gateway.drained and world.idle(self.rest.calls) and not waiting

        await self.wait_for(still, within)

    def story(self) -> str:
        """What happened lately, for a failing test's message."""
        calls = [f"{call.name} {call.status} {call.code or call.fault or ''}".strip() for call in self.rest.calls[-20:]]
        names = [name for session in self.gateway.sessions for _, name, _ in session.events][-20:]
        states = [interaction.state for interaction in self.world.interactions[-10:]]
        return (
            f"calls: {calls}; events: {names}; interactions: {states}; violations: {self.violations}; "
            f"{self.gateway.story()}"
        )

    # -- what goes wrong

    def fail(
        self,
        name: str,
        fault: Fault,
        *,
        times: int = 1,
        skip: int = 0,
        where: Callable[[Call], bool] | None = None,
    ) -> Scripted:
        """Let ``times`` calls of a route (``POST /channels/{}/messages``, ``*``: any) fail, after ``skip`` others.

        ``where`` picks calls, by their body, path, ids or query.
        """
        return self.script.add(name, fault, times, skip, where)
