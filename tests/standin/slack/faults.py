"""What else can go wrong between an app and Slack: what Slack itself says no with."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from tests.standin.calls import Call, Json
from tests.standin.faults import Fault, Handle


@dataclass
class RateLimited(Fault):
    """HTTP 429; nothing is done."""

    retry_after: float = 1
    """Sent as it is; Slack sends whole seconds."""

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        return too_many(self.retry_after)


@dataclass
class Error(Fault):
    """A Slack error in a 200 response, such as ``fatal_error``; ``after``: the call took effect all the same."""

    error: str
    after: bool = False
    fields: Json = field(default_factory=dict)

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        if self.after:
            await handle()
        return web.json_response({"ok": False, "error": self.error} | self.fields)


def too_many(retry_after: float) -> web.Response:
    """Slack's answer to an app that calls too often."""
    return web.json_response(
        {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": f"{retry_after:g}"}
    )
