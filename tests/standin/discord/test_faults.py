"""Limits and faults: each does what it says, to the calls it was set for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest

from tests.standin.discord.faults import Banned, Error, RateLimited
from tests.standin.discord.server import DiscordServer
from tests.standin.discord.world import World
from tests.standin.faults import Cut, Fault, Hang, Slow, Status

SEND = "POST /channels/{}/messages"


@pytest.fixture
async def channel(server: DiscordServer, world: World) -> AsyncIterator[discord.PartialMessageable]:
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login(server.token)
        yield client.get_partial_messageable(int(world.general.id))


def texts(world: World) -> list[str]:
    return [message.shown for message in world.answers(world.general)]


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
async def test_the_client_waits_as_long_as_it_is_told(
    server: DiscordServer, world: World, channel: discord.PartialMessageable, scope: str
) -> None:
    server.fail(SEND, RateLimited(0.02, scope))
    await channel.send("x")
    assert texts(world) == ["x"]
    first, second = server.calls("POST", "messages")
    assert (first.status, first.fault, first.handled, second.status) == (429, "RateLimited", False, 200)
    assert second.at - first.at >= 0.02
    assert server.violations == []


async def test_who_does_not_wait_is_noted(api: Any, server: DiscordServer, world: World) -> None:
    server.fail(SEND, RateLimited(5))
    path = f"/channels/{world.general.id}/messages"
    assert (await api("POST", path, {"content": "x"}))[1]["retry_after"] == 5
    await api("POST", f"/channels/{world.random.id}/messages", {"content": "x"})
    assert server.violations == []
    await api("POST", path, {"content": "x"})
    assert server.violations == [f"a request while limited: {SEND} {world.general.id}"]


async def test_buckets_empty_and_fill(api: Any, server: DiscordServer, world: World) -> None:
    server.limits.set(SEND, 2, 0.05)
    now = 100.0
    server.limits.clock = lambda: now
    path = f"/channels/{world.general.id}/messages"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {server.token}"}) as session:
        left = []
        for _ in range(3):
            async with session.post(server.base_url + path, json={"content": "x"}) as answer:
                left.append((answer.status, answer.headers["X-RateLimit-Remaining"]))
        assert left == [(200, "1"), (200, "0"), (429, "0")]
        assert answer.headers["Via"]
        assert answer.headers["X-RateLimit-Scope"] == "user"
        assert answer.headers["X-RateLimit-Reset-After"] == "0.050"
    assert (await api("POST", f"/channels/{world.random.id}/messages", {"content": "x"}))[0] == 200
    now += 0.06
    assert (await api("POST", path, {"content": "x"}))[0] == 200
    assert server.violations == []


async def test_the_client_keeps_to_a_bucket(
    server: DiscordServer, world: World, channel: discord.PartialMessageable
) -> None:
    server.limits.set(SEND, 2, 0.1)
    await asyncio.gather(*(channel.send(str(number)) for number in range(5)))
    assert len(texts(world)) == 5
    assert server.violations == []


async def test_too_many_requests_at_all(api: Any, server: DiscordServer) -> None:
    server.limits.per_second = 3
    server.limits.clock = lambda: 100.0
    answers = [await api("GET", "/users/@me") for _ in range(4)]
    assert [status for status, _ in answers] == [200, 200, 200, 429]
    assert answers[-1][1]["global"] is True
    assert server.violations == ["more than 3 requests in a second"]
    assert (await api("POST", "/interactions/1/x/callback", {"type": 5}))[0] == 404


async def test_a_ban_is_no_limit(server: DiscordServer, world: World, channel: discord.PartialMessageable) -> None:
    server.fail(SEND, Banned())
    with pytest.raises(discord.HTTPException) as caught:
        await channel.send("x")
    assert (caught.value.status, texts(world)) == (429, [])


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("fault", "kind"), [(Error, discord.Forbidden), (Status, discord.DiscordServerError)])
async def test_an_error_before_or_after(
    server: DiscordServer, world: World, channel: discord.PartialMessageable, fault: Any, kind: Any, after: bool
) -> None:
    # Of the statuses, 503 is the one that the client does not wait and try again after.
    server.fail(SEND, fault(50013 if fault is Error else 503, after=after))
    with pytest.raises(kind):
        await channel.send("x")
    assert texts(world) == ["x"] * after
    (call,) = server.calls("POST", "messages")
    assert (call.handled, call.fault) == (after, fault.__name__)


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        (Cut(), aiohttp.ServerDisconnectedError, False),
        (Cut(after=True), aiohttp.ServerDisconnectedError, True),
        (Cut(reset=True), aiohttp.ClientOSError, False),
        (Cut(partial=True), aiohttp.ClientPayloadError, True),
    ],
)
async def test_the_connection_is_cut(
    server: DiscordServer,
    world: World,
    channel: discord.PartialMessageable,
    fault: Fault,
    error: type[Exception],
    done: bool,
) -> None:
    server.fail(SEND, fault)
    with pytest.raises(error):
        await channel.send("x")
    assert texts(world) == ["x"] * done


@pytest.mark.parametrize("after", [False, True])
async def test_a_call_hangs_until_released(
    server: DiscordServer, world: World, channel: discord.PartialMessageable, after: bool
) -> None:
    fault = Hang(after=after)
    server.fail(SEND, fault)
    waiting = asyncio.create_task(channel.send("x"))
    await asyncio.wait_for(fault.reached.wait(), 5)
    assert (texts(world), waiting.done()) == (["x"] * after, False)
    fault.release()
    await waiting
    assert texts(world) == ["x"]


async def test_faults_choose_their_calls(
    server: DiscordServer, world: World, channel: discord.PartialMessageable
) -> None:
    entry = server.fail(SEND, Error(50013), times=2, skip=1, where=lambda call: call.body["content"] == "x")
    server.fail("*", Slow(0.001))
    outcomes = []
    for text in ("x", "y", "x", "x", "x"):
        try:
            await channel.send(text)
            outcomes.append(True)
        except discord.Forbidden:
            outcomes.append(False)
    assert outcomes == [True, True, False, False, True]
    assert (entry.used_up, len(entry.hits)) == (True, 2)


async def test_down_refuses_connections_on_the_same_port(api: Any, server: DiscordServer) -> None:
    before = server.base_url
    await api("GET", "/users/@me")
    await server.down()
    with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await api("GET", "/users/@me")
    await server.up()
    assert server.base_url == before
    assert (await api("GET", "/users/@me"))[0] == 200


async def test_waiting_in_vain_tells_what_happened(api: Any, server: DiscordServer) -> None:
    await api("GET", "/users/@me")
    with pytest.raises(AssertionError, match=r"GET /users/@me 200"):
        await server.wait_for(lambda: False, 0.01)
