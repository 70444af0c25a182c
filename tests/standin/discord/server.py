"""A local Discord over real sockets on 127.0.0.1: the API and the gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from tests.standin.discord.gateway import Gateway
from tests.standin.discord.limits import Limits
from tests.standin.discord.model import Call
from tests.standin.discord.rest import Rest
from tests.standin.discord.world import World
from tests.standin.faults import Fault, Scripted
from tests.standin.server import StandIn

T = TypeVar("T")


class DiscordServer(StandIn):
    """``async with DiscordServer() as discord:`` - guilds that real clients talk to at ``discord.base_url``."""

    def __init__(self, *, heartbeat: float = 41.25, identify_seconds: float = 5.0, per_second: int = 50) -> None:
        """``heartbeat`` and ``identify_seconds`` as for Gateway; ``per_second``: Discord's limit on all requests."""
        super().__init__()
        self.world = World()
        self.limits = Limits(self.world.violations, per_second)
        self.gateway = Gateway(self.world, heartbeat=heartbeat, identify_seconds=identify_seconds)
        self.rest = Rest(self.world, self.script, self.limits)
        self.world.emit_to = self.gateway.emit
        self.world.bot_gateway = self.gateway.bot_json

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

    def app(self) -> web.Application:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_route("*", "/api/v10/{path:.+}", self.rest.handle)
        app.router.add_get("/gateway/", self.gateway.handle)
        app.router.add_get("/resume/", self.gateway.handle)
        return app

    def bound(self) -> None:
        self.gateway.origin = self.origin

    async def leave(self) -> None:
        await self.gateway.stop()

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
