"""Platforms side by side: each kept up by itself, with the reason said why one is not."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot import hosting
from bot.errors import BotError, ConfigError
from bot.hosting import Host, Http

NOWHERE = Http("127.0.0.1", None)


class Dispatcher:
    """What hosting needs of one."""

    def __init__(self) -> None:
        self.happened: list[str] = []

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def drain(self, seconds: float) -> None:
        self.happened.append(f"drain {seconds:g}")

    async def detach(self, platform: str) -> None:
        self.happened.append(f"detach {platform}")

    async def close(self) -> None:
        self.happened.append("close")


class Platform:
    """Connects, listens and ends as the test says."""

    def __init__(self, name: str, *, route: str = "") -> None:
        self.name = f"@{name}"
        self.host = Host(name, name.title(), self.connected, route)
        self.refusals: list[Exception] = []
        """What the next attempts to connect end with."""
        self.ends: asyncio.Queue[Exception] = asyncio.Queue()
        self.connections = 0
        self.open = False

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Platform]:
        self.connections += 1
        if self.refusals:
            raise self.refusals.pop(0)
        self.open = True
        try:
            yield self
        finally:
            self.open = False

    async def listen(self) -> None:
        pass

    async def ended(self) -> None:
        raise await self.ends.get()

    async def state(self) -> str | None:
        return None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"{self.name} has {(await request.read()).decode()}")


class Served:
    """Hosts that run, and what they said."""

    def __init__(self, *platforms: Platform, http: Http = NOWHERE) -> None:
        self.dispatcher = Dispatcher()
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(
            hosting.serve(
                [platform.host for platform in platforms],
                self.dispatcher,  # type: ignore[arg-type]
                self.stop,
                http=http,
                checks={"ledger": self.fine},
                drain=7,
                ready=self.said.put_nowait,
            )
        )

    async def fine(self) -> None:
        return None

    async def end(self) -> list[str]:
        self.stop.set()
        await self.task
        return self.dispatcher.happened


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "FIRST_RETRY", 0.001)
    monkeypatch.setattr(hosting, "LAST_RETRY", 0.002)


async def test_what_is_at_work_is_finished_while_the_platform_is_still_connected() -> None:
    one = Platform("one")
    served = Served(one)
    assert await served.said.get() == "Serving One as @one; SIGTERM or Ctrl-C ends it."
    assert await served.end() == ["drain 7", "detach one", "close"]
    assert not one.open


@pytest.mark.parametrize("error", [ConfigError("The token is wrong."), BotError("It is over."), ValueError("oops")])
async def test_a_single_platform_that_fails_ends_the_bot(error: Exception) -> None:
    one = Platform("one")
    one.refusals.append(error)
    served = Served(one)
    with pytest.raises(type(error), match=str(error)):
        await served.task
    assert served.dispatcher.happened == ["detach one", "close"]


async def test_a_single_platform_that_is_lost_ends_the_bot() -> None:
    one = Platform("one")
    served = Served(one)
    await served.said.get()
    one.ends.put_nowait(BotError("It is over."))
    with pytest.raises(BotError, match="It is over"):
        await served.task
    assert served.dispatcher.happened == ["detach one", "close"]


async def test_one_of_several_that_fails_is_tried_again_and_the_other_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, other = Platform("one"), Platform("other")
    one.refusals += [ConfigError("The token is wrong."), ValueError("oops")]
    served = Served(one, other)
    assert {await served.said.get(), await served.said.get()} == {
        "Serving One as @one; SIGTERM or Ctrl-C ends it.",
        "Serving Other as @other; SIGTERM or Ctrl-C ends it.",
    }
    assert (one.connections, other.connections) == (3, 1)
    one.ends.put_nowait(BotError("It is over."))
    await served.said.get()
    assert (one.connections, other.connections, other.open) == (4, 1, True)
    said = [record.message for record in caplog.records if record.name == "bot.hosting"]
    assert said == [
        "One is not served, and is tried again in 0 s: The token is wrong.",
        "One is not served, and is tried again in 0 s: ValueError: oops",
        "One is not served, and is tried again in 0 s: It is over.",
    ]
    happened = await served.end()
    assert happened.index("drain 7") < happened.index("detach other")


async def test_where_every_platform_refuses_there_is_nothing_to_wait_for() -> None:
    one, other = Platform("one"), Platform("other")
    one.refusals += [ConfigError("One is wrong.")] * 99
    other.refusals += [BotError("Not now."), ConfigError("Other is wrong.")]
    served = Served(one, other)
    with pytest.raises(ConfigError) as caught:
        await served.task
    assert str(caught.value).splitlines() == ["One is wrong.", "Other is wrong."]


async def test_a_platform_that_has_served_before_is_no_wrong_setting() -> None:
    one, other = Platform("one"), Platform("other")
    one.refusals.append(ConfigError("One is wrong."))
    served = Served(one, other)
    await served.said.get()
    await served.said.get()
    for platform in (one, other):  # such as a token that was revoked and will be given back
        platform.refusals += [ConfigError("Refused.")] * 3
        platform.ends.put_nowait(BotError("It is over."))
    await served.said.get()
    await served.said.get()
    await served.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def fetch(port: int, path: str, data: bytes | None = None) -> tuple[int, str]:
    def blocking() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(blocking)


async def test_the_health_page_names_each_platform_and_requests_reach_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "FIRST_RETRY", 60.0)
    one, other, port = Platform("one", route="/one/events"), Platform("other"), free_port()
    served = Served(one, other, http=Http("127.0.0.1", port))
    await served.said.get()
    await served.said.get()
    status, body = await fetch(port, "/health")
    assert (status, json.loads(body)) == (200, {"ok": True, "ledger": "ok", "one": "ok", "other": "ok"})
    assert await fetch(port, "/one/events", b"news") == (200, "@one has news")
    one.ends.put_nowait(BotError("It is over."))
    async with asyncio.timeout(5):
        while one.host.trouble != "It is over.":  # noqa: ASYNC110 - nothing tells when it is so
            await asyncio.sleep(0.001)
    status, body = await fetch(port, "/health")
    assert (status, json.loads(body)) == (503, {"ok": False, "ledger": "ok", "one": "It is over.", "other": "ok"})
    assert await fetch(port, "/one/events", b"news") == (503, "not ready")
    await served.end()


async def test_an_address_that_cannot_be_served_is_named_before_anybody_is_connected() -> None:
    one = Platform("one")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        served = Served(one, http=Http("127.0.0.1", taken.getsockname()[1]))
        with pytest.raises(ConfigError, match="cannot be served"):
            await served.task
    assert one.connections == 0
