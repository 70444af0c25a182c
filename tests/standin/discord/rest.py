"""The API over HTTP: reading requests, tokens, limits, faults, and a record of every call."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.standin.discord import application, channels, messages, responses  # noqa: F401 - they register routes
from tests.standin.discord.errors import Refused
from tests.standin.discord.faults import RateLimited, answer, too_many
from tests.standin.discord.limits import Limits
from tests.standin.discord.model import Call, File
from tests.standin.discord.registry import Route, find
from tests.standin.faults import Script

if TYPE_CHECKING:
    from tests.standin.discord.world import World

_LISTS = ("PUT /applications/{}/commands", "PUT /applications/{}/guilds/{}/commands")
_NUMBERED = re.compile(r"files\[(\d+)\]")


class Rest:
    """A handler for aiohttp."""

    def __init__(self, world: World, script: Script, limits: Limits) -> None:
        self.world = world
        self.script = script
        self.limits = limits
        self.calls: list[Call] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        found = find(request.method, path)
        body, files = await _read(request)
        token = request.headers.get("Authorization", "")
        peer = request.transport.get_extra_info("peername") if request.transport else None
        call = Call(
            found[0].name if found else f"{request.method} {path}",
            body,
            time.monotonic(),
            peer[1] if peer else 0,
            method=request.method,
            path=path,
            query=dict(request.query),
            files=files,
            token=token,
            ids=found[1] if found else (),
        )
        self.calls.append(call)
        self.world.changes.notify()

        async def act() -> web.StreamResponse:
            return self._answer(call, found[0] if found else None)

        fault = self.script.take(call)
        sent = await (fault.run(call, request, act) if fault else act())
        if isinstance(fault, RateLimited) and found:
            self.limits.block("*" if fault.scope == "global" else found[0].bucket(call.ids), fault.retry_after)
        transport = request.transport
        call.status = 0 if transport is None or transport.is_closing() else sent.status
        self.world.changes.notify()
        return sent

    def _answer(self, call: Call, entry: Route | None) -> web.Response:
        if entry is None:
            call.response = {"message": "404: Not Found", "code": 0}
            return answer(call.response, 404)
        if entry.authorized and (call.token != f"Bot {self.world.token}" or not self.world.token_valid):
            call.response = Refused(0).body
            return answer(call.response, 401)
        verdict = self.limits.take(entry.name, entry.bucket(call.ids), counted=entry.authorized)
        if verdict.retry_after:
            call.response = {"retry_after": verdict.retry_after}
            return too_many(verdict.retry_after, verdict.scope, verdict.headers)
        try:
            if not isinstance(call.body, list if entry.name in _LISTS else dict):
                raise Refused(50109)
            made = entry.handler(self.world, call)
        except Refused as refused:
            call.response = refused.body
            return answer(refused.body, refused.status, verdict.headers)
        except Exception as error:
            # The app only sees a status 500, which it may try to live with.
            self.world.violations.append(f"the stand-in does not know what to make of {call.name}: {error!r}")
            raise
        call.handled, call.response = True, made
        return answer(made, 204 if made is None else 200, verdict.headers)


async def _read(request: web.Request) -> tuple[Any, list[File]]:
    """The JSON body, None for one that is none; and the files sent with it, whose id is their number."""
    if request.content_type.startswith("multipart/"):
        form = await request.post()
        files = []
        for name, part in form.items():
            if isinstance(part, web.FileField) and (numbered := _NUMBERED.fullmatch(name)):
                files.append(File(numbered[1], part.filename, part.file.read(), part.content_type))
        body = form.get("payload_json", "{}")
        # Of a type that is no text, it comes as bytes.
        return _parsed(body.decode() if isinstance(body, bytes | bytearray) else str(body)), files
    text = await request.text()
    return (_parsed(text) if text else {}), []


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
