"""What else can go wrong between an app and Discord: what Discord itself says no with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.standin.calls import Call, Json
from tests.standin.discord.errors import Refused
from tests.standin.faults import Fault, Handle

VIA = {"Via": "1.1 google"}
"""By this header, apps tell Discord's answers from those of the network before it."""


@dataclass
class RateLimited(Fault):
    """HTTP 429; nothing is done."""

    retry_after: float = 0.05
    scope: str = "user"
    """user, shared (a limit of the resource, which is not held against the app) or global."""
    code: int = 0
    """Of one of Discord's errors, for limits that have one."""

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        return too_many(self.retry_after, self.scope, code=self.code)


@dataclass
class Banned(Fault):
    """The network before Discord takes no more requests from this address: 429, a page, no word of Discord's."""

    retry_after: int = 3600

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        page = "<html><title>Access denied | discord.com used Cloudflare to restrict access</title></html>"
        return web.Response(
            status=429, text=page, content_type="text/html", headers={"Retry-After": str(self.retry_after)}
        )


@dataclass
class Error(Fault):
    """One of Discord's errors, by its code; ``after``: the call took effect all the same."""

    code: int
    after: bool = False
    errors: Json | None = None

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        if self.after:
            await handle()
        refused = Refused(self.code, self.errors)
        call.response = refused.body
        return answer(refused.body, refused.status)


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer of Discord's own. Clients look for exactly this content type."""
    every = VIA | (headers or {})
    if status == 204:
        return web.Response(status=204, headers=every)
    return web.Response(
        status=status, body=json.dumps(body).encode(), headers=every | {"Content-Type": "application/json"}
    )


def too_many(retry_after: float, scope: str, headers: dict[str, str] | None = None, *, code: int = 0) -> web.Response:
    """Discord's answer to an app that calls too often."""
    everywhere = scope == "global"
    body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": everywhere}
    body |= {"code": code} if code else {}
    extra = {"Retry-After": f"{max(1, round(retry_after))}", "X-RateLimit-Scope": scope}
    return answer(body, 429, (headers or {}) | extra | ({"X-RateLimit-Global": "true"} if everywhere else {}))
