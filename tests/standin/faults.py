"""What can go wrong between an app and a service, scripted: a fault happens to the calls it was set for only."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.standin.calls import Call

Handle = Callable[[], Awaitable[web.StreamResponse]]
"""Does what the call asks for, and makes the answer."""


class Fault:
    """Stands between a call and its handling."""

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        raise NotImplementedError


@dataclass
class Status(Fault):
    """An HTTP error status such as 500 or 503; ``after``: the call took effect all the same."""

    status: int = 500
    after: bool = False

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        if self.after:
            await handle()
        return web.Response(status=self.status, text="<html>upstream error</html>", content_type="text/html")


@dataclass
class Cut(Fault):
    """The connection ends without an answer; ``after``: what was asked for was done.

    ``reset``: by RST instead of FIN; ``partial``: in the middle of the answer (implies ``after``).
    """

    after: bool = False
    reset: bool = False
    partial: bool = False

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        answer = await handle() if self.after or self.partial else None
        if self.partial and isinstance(answer, web.Response):
            body = answer.body if isinstance(answer.body, bytes) else b""
            stream = web.StreamResponse(headers={"Content-Length": str(len(body))})
            stream.content_type = "application/json"
            await stream.prepare(request)
            await stream.write(body[: len(body) // 2])
        cut(request, reset=self.reset)
        return web.Response(status=500)


@dataclass
class Slow(Fault):
    """The answer takes ``seconds`` longer; ``after``: what was asked for is done at once."""

    seconds: float
    after: bool = False

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        if not self.after:
            await asyncio.sleep(self.seconds)
            return await handle()
        answer = await handle()
        await asyncio.sleep(self.seconds)
        return answer


@dataclass
class Hang(Fault):
    """Nothing is answered until ``release``; ``after``: what was asked for was done before."""

    after: bool = False
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a call hangs."""
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        self._released.set()

    async def run(self, call: Call, request: web.Request, handle: Handle) -> web.StreamResponse:
        answer = await handle() if self.after else None
        self.reached.set()
        await self._released.wait()
        return answer or await handle()


def cut(request: web.Request, *, reset: bool = False) -> None:
    """End the request's connection now."""
    transport = request.transport
    if transport is None:
        return
    if reset:
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.close()


@dataclass
class Scripted:
    """A fault and the calls it is meant for."""

    name: str
    fault: Fault
    times: int
    skip: int
    where: Callable[[Any], bool]
    hits: list[Call] = field(default_factory=list)
    """The calls that it happened to."""

    def takes(self, call: Call) -> bool:
        if self.name not in ("*", call.name) or self.times <= 0 or not self.where(call):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.hits.append(call)
        return True

    @property
    def used_up(self) -> bool:
        return self.times <= 0


class Script:
    """Faults in the order they were set."""

    def __init__(self) -> None:
        self.entries: list[Scripted] = []

    def add(self, name: str, fault: Fault, times: int, skip: int, where: Callable[[Any], bool] | None) -> Scripted:
        """``where`` is asked with the call; None: any will do."""
        entry = Scripted(name, fault, times, skip, where or _always)
        self.entries.append(entry)
        return entry

    def take(self, call: Call) -> Fault | None:
        for entry in self.entries:
            if entry.takes(call):
                call.fault = type(entry.fault).__name__
                return entry.fault
        return None

    def release(self) -> None:
        """Let everything that hangs go on."""
        for entry in self.entries:
            if isinstance(entry.fault, Hang):
                entry.fault.release()


def _always(call: Call) -> bool:
    return True
