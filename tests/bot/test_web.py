"""The health page, and how the server starts and ends."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import aiohttp
import pytest
from aiohttp import web

from bot.errors import ConfigError
from bot.web import serving


class Checks:
    """Says of each part what the test wants."""

    def __init__(self) -> None:
        self.states: dict[str, str | None] = {"ledger": None, "slack": None}

    def all(self):
        def check(name: str):
            async def state() -> str | None:
                return self.states[name]

            return state

        return {name: check(name) for name in self.states}


async def get(port: int, path: str = "/health"):
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.json()


async def test_health_names_what_is_wrong():
    checks = Checks()
    async with serving("127.0.0.1", 0, checks.all()) as port:
        assert await get(port) == (200, {"ok": True, "ledger": "ok", "slack": "ok"})
        checks.states["ledger"] = "its disk is full"
        assert await get(port) == (503, {"ok": False, "ledger": "its disk is full", "slack": "ok"})
        checks.states["slack"] = "not connected"
        assert await get(port) == (503, {"ok": False, "ledger": "its disk is full", "slack": "not connected"})
        checks.states.update(ledger=None, slack=None)
        assert (await get(port))[0] == 200


async def test_facts_are_told_and_do_not_decide():
    facts = {"index": lambda: {"version": "7", "trouble": "a full disk"}}
    async with serving("127.0.0.1", 0, {}, facts=facts) as port:
        assert await get(port) == (200, {"ok": True, "index": {"version": "7", "trouble": "a full disk"}})


async def test_routes_are_served_beside_it():
    async def hello(_: web.Request) -> web.Response:
        return web.json_response("hello")

    async with serving("127.0.0.1", 0, {}, [web.get("/hello", hello)]) as port:
        assert await get(port, "/hello") == (200, "hello")
        assert await get(port) == (200, {"ok": True})


async def test_after_the_end_the_address_is_free_again():
    async with serving("127.0.0.1", 0, {}) as port:
        pass
    async with serving("127.0.0.1", port, {}) as again:
        assert again == port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_address_in_use_is_named(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as other:
        try:
            other.bind((host, 0))
        except OSError:
            pytest.skip("no IPv6 here")
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"^HTTP_HOST={host} HTTP_PORT={port} cannot be served: .*\.$"):
            async with serving(host, port, {}):
                pass


async def test_a_host_that_is_not_here_is_named():
    with pytest.raises(ConfigError, match=r"^HTTP_HOST=nowhere\.invalid HTTP_PORT=8080 cannot be served: .*\.$"):
        async with serving("nowhere.invalid", 8080, {}):
            pass


async def test_a_request_that_never_ends_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr("bot.web.SHUTDOWN", 0.05)
    reading = asyncio.Event()

    async def read(request: web.Request) -> web.Response:
        reading.set()
        return web.Response(text=await request.text())

    async with asyncio.timeout(10):
        async with serving("127.0.0.1", 0, {}, [web.post("/read", read)]) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this")
            await reading.wait()
        writer.close()
