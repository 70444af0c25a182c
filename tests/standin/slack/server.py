"""A local Slack over real sockets on 127.0.0.1: Web API, Socket Mode, and signed HTTP to the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import web

from tests.standin.calls import Json
from tests.standin.faults import Fault, Scripted
from tests.standin.server import StandIn
from tests.standin.slack.http_sender import HttpTarget
from tests.standin.slack.model import Call, Delivery
from tests.standin.slack.rate import PostingRate
from tests.standin.slack.socket_mode import SocketMode
from tests.standin.slack.web_api import WebApi
from tests.standin.slack.workspace import Workspace

T = TypeVar("T")


class SlackServer(StandIn):
    """``async with SlackServer() as slack:`` - a workspace that real Slack clients talk to at ``slack.base_url``."""

    def __init__(
        self,
        *,
        ack_timeout: float = 3.0,
        retry_delays: tuple[float, ...] = (0.05, 0.05, 0.05),
        rate: PostingRate | None = None,
        epoch: float | None = 1_700_000_000,
    ) -> None:
        """``rate``: Slack's own one message a second and channel by default; ``epoch`` as for Workspace."""
        super().__init__()
        self.workspace = Workspace(epoch=epoch)
        self.rate = rate or PostingRate()
        self._timing: dict[str, Any] = {"ack_timeout": ack_timeout, "retry_delays": retry_delays}
        self.socket_mode = SocketMode(self.workspace, **self._timing)
        self.api = WebApi(self.workspace, self.script, self.rate, self.socket_mode.ticket)
        self.workspace.send = self.socket_mode.send
        self.targets: list[HttpTarget] = []

    @property
    def base_url(self) -> str:
        """For AsyncWebClient(base_url=...) and SLACK_API_BASE_URL."""
        return f"{self.origin}/api/"

    @property
    def bot_token(self) -> str:
        return self.workspace.app.bot_token

    @property
    def app_token(self) -> str:
        return self.workspace.app.app_token

    @property
    def signing_secret(self) -> str:
        return self.workspace.app.signing_secret

    # -- life

    def app(self) -> web.Application:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self.api.method)
        app.router.add_post("/response/{token:.+}", self.api.response_url)
        app.router.add_post("/upload/{file}", self.api.upload)
        app.router.add_get("/link/", self.socket_mode.handle)
        return app

    def bound(self) -> None:
        self.workspace.origin = self.origin

    async def leave(self) -> None:
        for target in self.targets:
            await target.close()
        await self.socket_mode.close()

    # -- what the app did

    def calls(self, method: str = "", *, handled: bool | None = None) -> list[Call]:
        """Calls of one method (or ``response_url``, ``upload``), or all; only those that took effect, or did not."""
        return [
            call
            for call in self.api.calls
            if method in ("", call.method) and (handled is None or call.handled is handled)
        ]

    @property
    def throttled(self) -> list[Call]:
        """Calls refused because the app posted faster than the limit, faults aside."""
        return [call for call in self.api.calls if call.error == "ratelimited" and not call.fault]

    async def wait_for(self, predicate: Callable[[], T], within: float = 10.0) -> T:
        """The first truthy value of ``predicate``, asked whenever something happened, for so many seconds."""
        return await self.workspace.changes.until(predicate, within, self.story)

    async def wait_for_calls(self, method: str, count: int = 1, within: float = 10.0) -> list[Call]:
        """At least so many calls that took effect."""

        def enough() -> list[Call]:
            found = self.calls(method, handled=True)
            return found if len(found) >= count else []

        return await self.wait_for(enough, within)

    async def settled(self, within: float = 10.0) -> list[Delivery]:
        """Wait until every event, command and interaction was acked or lost."""
        await self.wait_for(lambda: all(d.state != "pending" for d in self.workspace.deliveries), within)
        return self.workspace.deliveries

    async def connected(self, count: int = 1, within: float = 10.0) -> None:
        """Wait for Socket Mode connections."""
        await self.wait_for(lambda: len(self.socket_mode.open) >= count, within)

    def story(self) -> str:
        """What happened lately, for a failing test's message."""
        calls = [f"{call.method} {call.status} {call.error or call.fault}".strip() for call in self.api.calls[-20:]]
        sent = [f"{d.name} {d.state}" for d in self.workspace.deliveries[-20:]]
        return f"calls: {calls}; sent: {sent}; connections: {[c.state for c in self.socket_mode.connections]}"

    # -- what goes wrong

    def fail(
        self,
        method: str,
        fault: Fault,
        *,
        times: int = 1,
        skip: int = 0,
        where: Callable[[Json], bool] | None = None,
    ) -> Scripted:
        """Let ``times`` calls of a method (``*``: any) fail, after ``skip`` others; ``where`` picks by arguments."""

        def chosen(call: Call) -> bool:
            return where is None or where(call.arguments)

        return self.script.add(method, fault, times, skip, chosen)

    # -- the other way to the app

    def http_target(self, url: str, signing_secret: str = "") -> HttpTarget:
        """From now on, send to the app by signed POST instead of over Socket Mode."""
        target = HttpTarget(self.workspace, url, signing_secret or self.signing_secret, **self._timing)
        self.targets.append(target)
        self.workspace.send = target.send
        return target
