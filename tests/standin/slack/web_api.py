"""The Web API over HTTP: reading requests, tokens, scopes, limits, faults, and a record of every call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.standin.calls import Json
from tests.standin.faults import Handle, Script
from tests.standin.slack import agents, assistant, chat, conversations, files, streams  # noqa: F401 - they register methods
from tests.standin.slack.faults import too_many
from tests.standin.slack.model import Call, Refused
from tests.standin.slack.rate import PostingRate
from tests.standin.slack.registry import METHODS
from tests.standin.slack.response_urls import respond

if TYPE_CHECKING:
    from tests.standin.slack.workspace import Workspace

_STRUCTURED = ("blocks", "metadata", "attachments", "view", "prompts", "chunks", "loading_messages")


class WebApi:
    """Handlers for aiohttp."""

    def __init__(self, workspace: Workspace, script: Script, rate: PostingRate, connect: Callable[[], str]) -> None:
        """``connect``: makes a WebSocket URL for apps.connections.open."""
        self.workspace = workspace
        self.script = script
        self.rate = rate
        self.calls: list[Call] = []
        self._connect = connect

    async def method(self, request: web.Request) -> web.StreamResponse:
        arguments = await _arguments(request)
        name = request.match_info["method"]
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(arguments.pop("token", ""))
        call = self._record(request, name, arguments, token)

        async def handle() -> web.StreamResponse:
            return self._answer(call)

        return await self._run(call, request, handle)

    async def response_url(self, request: web.Request) -> web.StreamResponse:
        arguments = await _arguments(request)
        call = self._record(request, "response_url", arguments, request.match_info["token"])

        async def handle() -> web.StreamResponse:
            try:
                respond(self.workspace, request.match_info["token"], arguments)
            except Refused as refused:
                call.response = {"ok": False, "error": refused.error}
                return web.json_response(call.response, status=404 if refused.error.endswith("_url") else 400)
            call.handled, call.response = True, "ok"
            return web.Response(text="ok")

        return await self._run(call, request, handle)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            parts = [part.file.read() for part in form.values() if isinstance(part, web.FileField)]
            content = b"".join(parts)
        else:
            content = await request.read()
        call = self._record(request, "upload", {"file": request.match_info["file"], "length": len(content)}, "")

        async def handle() -> web.StreamResponse:
            answer = files.receive(self.workspace, request.match_info["file"], content)
            call.handled, call.response = answer is not None, answer
            return web.Response(text=answer or "invalid upload", status=200 if answer else 400)

        return await self._run(call, request, handle)

    def _record(self, request: web.Request, name: str, arguments: Json, token: str) -> Call:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        call = Call(name, arguments, time.monotonic(), peer[1] if peer else 0, token=token)
        self.calls.append(call)
        self.workspace.changes.notify()
        return call

    async def _run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        fault = self.script.take(call)
        answer = await (fault.run(call, request, handle) if fault else handle())
        transport = request.transport
        call.status = 0 if transport is None or transport.is_closing() else answer.status
        self.workspace.changes.notify()
        return answer

    def _answer(self, call: Call) -> web.StreamResponse:
        try:
            self._authorize(call)
            wait = self.rate.wait(call.method, str(call.arguments.get("channel", "")))
            if wait:
                call.response = {"ok": False, "error": "ratelimited"}
                return too_many(wait)
            call.response = {"ok": True} | self._handle(call)
            call.handled = True
        except Refused as refused:
            call.response = {"ok": False, "error": refused.error} | refused.fields
        headers = {"x-oauth-scopes": ",".join(sorted(self.workspace.app.scopes))}
        if call.method in METHODS:
            needed = METHODS[call.method].needs(self.workspace, call.arguments)
            headers["x-accepted-oauth-scopes"] = ",".join(sorted(needed))
        return web.json_response(call.response, headers=headers)

    def _authorize(self, call: Call) -> None:
        app = self.workspace.app
        if call.method != "apps.connections.open" and call.method not in METHODS:
            raise Refused("unknown_method", req_method=call.method)
        if call.method == "api.test":
            return
        if not call.token:
            raise Refused("not_authed")
        if call.token not in (app.bot_token, app.app_token):
            raise Refused("invalid_auth")
        if (call.token == app.app_token) != (call.method == "apps.connections.open"):
            raise Refused("not_allowed_token_type")
        if app.revoked and call.token == app.bot_token:
            raise Refused(app.revoked)

    def _handle(self, call: Call) -> Json:
        if call.method == "apps.connections.open":
            return {"url": self._connect()}
        method = METHODS[call.method]
        needed = method.needs(self.workspace, call.arguments)
        if needed and not needed & self.workspace.app.scopes:
            provided = ",".join(sorted(self.workspace.app.scopes))
            raise Refused("missing_scope", needed=sorted(needed)[-1], provided=provided)
        missing = [name for name in method.required if call.arguments.get(name) in (None, "")]
        if missing:
            words = [f"[ERROR] missing required field: {name}" for name in missing]
            raise Refused("invalid_arguments", response_metadata={"messages": words})
        return method.handler(self.workspace, call.arguments)


async def _arguments(request: web.Request) -> Json:
    """Arguments from the query, a form or a JSON body; structured ones may be JSON within a form."""
    arguments: Json = dict(request.query)
    if request.content_type == "application/json":
        body = await request.text()
        arguments |= json.loads(body) if body else {}
    else:
        arguments |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return {name: _decoded(name, value) for name, value in arguments.items()}


def _decoded(name: str, value: Any) -> Any:
    if name in _STRUCTURED and isinstance(value, str) and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
