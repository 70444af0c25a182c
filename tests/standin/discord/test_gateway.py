"""The gateway as the real client sees it, and as it is."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import discord
import pytest

from tests.standin.discord.clients import INTENTS, Client, raw, running
from tests.standin.discord.server import DiscordServer
from tests.standin.discord.session import MESSAGE_CONTENT, shard_of
from tests.standin.discord.world import World


def contents(client: Client) -> list[str]:
    return [message.content for message in client.messages]


async def test_the_real_client_is_ready_and_told(server: DiscordServer, world: World) -> None:
    async with running(server, Client()) as client:
        (guild,) = client.guilds
        assert (guild.name, guild.me.id) == ("standin", int(world.bot.id))
        assert {channel.name for channel in guild.channels} == {"general", "random", "secret", "forum"}
        secret = guild.get_channel(int(world.secret.id))
        assert secret is not None
        assert not secret.permissions_for(guild.me).view_channel
        world.say(world.alice, world.general, f"{world.mention} hello")
        world.say(world.alice, world.general, "between us")
        world.say(world.alice, world.dm(world.alice), "psst")
        await server.wait_for(lambda: len(client.messages) == 3)
    assert contents(client) == [f"{world.mention} hello", "", "psst"]
    assert client.messages[0].mentions == [guild.me]
    assert isinstance(client.messages[2].channel, discord.DMChannel)
    (identify,) = server.gateway.identifies
    assert (identify["shard"], identify["intents"]) == ([0, 1], INTENTS)
    assert server.gateway.connections[0].close_code == 1000
    assert server.gateway.sessions[0].dead
    assert server.violations == []


async def test_contents_come_with_the_intent(server: DiscordServer, world: World) -> None:
    world.message_content = True
    intents = discord.Intents.default() | discord.Intents(message_content=True)
    async with running(server, Client(intents=intents)) as client:
        world.say(world.alice, world.general, "between us")
        await server.wait_for(lambda: client.messages)
    assert contents(client) == ["between us"]
    assert client.application_flags.gateway_message_content_limited


async def test_an_intent_that_is_not_granted_ends_the_client(server: DiscordServer) -> None:
    intents = discord.Intents.default() | discord.Intents(message_content=True)
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(server, Client(intents=intents)):
            pass
    assert server.gateway.connections[0].close_code == 4014


@pytest.mark.parametrize("end", ["reset", "close", "reconnect", "invalidate", "drop"])
async def test_what_happens_between_two_connections_is_told_on_resuming(
    server: DiscordServer, world: World, end: str
) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"close": (4000,), "invalidate": (True,)}
    options: dict[str, Any] = {}
    if end == "drop":
        # Only by its heartbeats does a client find out.
        server.gateway.heartbeat, options["heartbeat_timeout"] = 0.05, 0.3
    async with running(server, Client(**options)) as client:
        world.say(world.alice, world.general, f"{world.mention} one")
        await server.wait_for(lambda: client.messages)
        connection = getattr(server.gateway, end)(*arguments.get(end, ()))
        connection.answers_close = True
        world.say(world.alice, world.general, f"{world.mention} two")
        await server.wait_for(lambda: "resumed" in client.happened)
        world.say(world.alice, world.general, f"{world.mention} three")
        await server.wait_for(lambda: len(client.messages) == 3)
    assert [text.split()[-1] for text in contents(client)] == ["one", "two", "three"]
    assert len(server.gateway.identifies) == 1
    assert len(server.gateway.resumes) >= 1
    assert server.gateway.connections[1].request.path == "/resume/"


@pytest.mark.parametrize("dead", ["invalid", "expired", "told"])
async def test_a_dead_session_begins_anew(server: DiscordServer, world: World, dead: str) -> None:
    async with running(server, Client()) as client:
        if dead == "invalid":
            server.gateway.sessions[0].dead = True
        server.gateway.session_seconds = -1 if dead == "expired" else 180
        if dead == "told":
            server.gateway.invalidate()
        else:
            server.gateway.reset()
        await server.wait_for(lambda: len(server.gateway.identifies) == 2)
        await server.gateway.connected()
        world.say(world.alice, world.general, f"{world.mention} hello")
        await server.wait_for(lambda: client.messages)
    assert len(server.gateway.resumes) == (dead != "told")
    assert len(server.gateway.sessions) == 2


async def test_a_session_is_resumed_by_its_numbers(server: DiscordServer, world: World) -> None:
    async with raw(server) as first:
        assert (await first.receive())["op"] == 10
        await first.identify(server)
        ready = await first.event("READY")
        await first.event("GUILD_CREATE")
        assert (ready["guilds"], ready["shard"]) == ([{"id": world.guild.id, "unavailable": True}], [0, 1])
        seq = first.seq
        server.gateway.reset()
    for text in ("one", "two"):
        world.say(world.alice, world.dm(world.alice), text)
    async with raw(server, resume=True) as second:
        await second.receive()
        await second.send(6, {"token": server.token, "session_id": ready["session_id"], "seq": seq})
        bodies = [await second.receive() for _ in range(3)]
        assert [(body["t"], body["d"].get("content")) for body in bodies] == [
            ("MESSAGE_CREATE", "one"),
            ("MESSAGE_CREATE", "two"),
            ("RESUMED", None),
        ]
        assert [body["s"] for body in bodies] == [3, 4, 5]
        await second.send(1, second.seq)
        assert (await second.receive())["op"] == 11


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"shard": [1, 1]}, 4010),
        ({"intents": 1 << 40}, 4013),
        ({"intents": MESSAGE_CONTENT}, 4014),
    ],
)
async def test_an_app_that_identifies_wrongly_is_shut_out(server: DiscordServer, fields: Any, code: int) -> None:
    async with raw(server) as socket:
        await socket.identify(server, **fields)
        assert await socket.closed() == code


async def test_other_things_that_end_a_connection(server: DiscordServer) -> None:
    async with raw(server, "v=5") as socket:
        assert await socket.closed() == 4012
    async with raw(server) as socket:
        await socket.send(3, {})
        assert await socket.closed() == 4003
    async with raw(server) as socket:
        await socket.socket.send_str("no json")
        assert await socket.closed() == 4002
    async with raw(server) as socket:
        await socket.send(2, "no object")
        assert await socket.closed() == 4002
    async with raw(server) as socket:
        await socket.send(99)
        assert await socket.closed() == 4001
    async with raw(server) as socket:
        await socket.identify(server)
        await socket.identify(server)
        assert await socket.closed() == 4005
    async with raw(server) as socket:
        session = server.gateway.sessions[0]
        await socket.send(6, {"token": server.token, "session_id": session.id, "seq": 1000})
        assert await socket.closed() == 4007


async def test_sending_too_much_ends_a_connection_and_is_noted(server: DiscordServer) -> None:
    async with raw(server) as socket:
        for number in range(121):
            await socket.send(1, number)
        assert await socket.closed() == 4008
    assert server.violations == ["more than 120 gateway messages in a minute"]


async def test_a_token_that_was_revoked_opens_nothing(server: DiscordServer, world: World, api: Any) -> None:
    world.token_valid = False
    assert (await api("GET", "/users/@me"))[0] == 401
    async with raw(server) as socket:
        await socket.identify(server)
        assert await socket.closed() == 4004


async def test_identifying_too_often_is_noted_and_refused(server: DiscordServer) -> None:
    server.gateway.identify_seconds = 60
    for expected in ("READY", None):
        async with raw(server) as socket:
            await socket.receive()
            await socket.identify(server)
            body = await socket.receive()
            assert body["t"] == expected
    assert (body["op"], body["d"]) == (9, False)
    assert len(server.violations) == 1
    server.gateway.starts_left = 0
    async with raw(server) as socket:
        await socket.receive()
        await socket.identify(server)
        assert (await socket.receive())["op"] == 9
    assert server.violations[1:] == ["identified with no session starts left"]


@pytest.mark.parametrize("kind", ["zlib-stream", "zstd-stream"])
async def test_compressed_streams(server: DiscordServer, world: World, kind: str) -> None:
    if kind == "zlib-stream":
        unpack: Any = zlib.decompressobj()
    else:
        unpack = pytest.importorskip("zstandard").ZstdDecompressor().decompressobj()
    async with raw(server, f"v=10&encoding=json&compress={kind}") as socket:
        await socket.identify(server)
        world.say(world.alice, world.general, f"{world.mention} hello")
        text = ""
        while "RESUMED" not in text and '"GUILD_CREATE"' not in text:
            message = await socket.socket.receive(timeout=5)
            text += unpack.decompress(message.data).decode()
    assert text.startswith('{"op": 10')
    assert '"READY"' in text


async def test_shards_have_their_own_events(server: DiscordServer, world: World) -> None:
    server.gateway.shards = server.gateway.max_concurrency = 2
    # Ids count up: after one of the first guild's shard comes one of the other.
    while shard_of(world.old_id(), 2) != shard_of(world.guild.id, 2):
        continue
    other = world.add_guild("other")
    there = world.add_channel("there", guild=other)
    async with running(server, Client()) as client:
        await server.gateway.connected(2)
        for channel in (world.general, there, world.dm(world.alice)):
            world.say(world.alice, channel, f"{world.mention} hello")
        await server.wait_for(lambda: len(client.messages) == 3)
    told = {session.shard: len(session.named("MESSAGE_CREATE")) for session in server.gateway.sessions}
    assert told == {0: 2, 1: 1}
    assert [identify["shard"] for identify in server.gateway.identifies] == [[0, 2], [1, 2]]


async def test_without_intents_there_are_no_events(server: DiscordServer, world: World) -> None:
    async with raw(server) as socket:
        await socket.identify(server, intents=1 << 12)
        await socket.event("READY")
        world.say(world.alice, world.general, f"{world.mention} hello")
        world.say(world.alice, world.dm(world.alice), "psst")
        assert (await socket.receive())["d"]["content"] == "psst"


async def test_a_dropped_connection_says_nothing(server: DiscordServer) -> None:
    async with raw(server) as socket:
        await socket.identify(server)
        await socket.event("GUILD_CREATE")
        server.gateway.drop()
        await socket.send(1, 2)
        with pytest.raises(asyncio.TimeoutError):
            await socket.socket.receive(timeout=0.05)
        server.gateway.reset()
        assert await socket.closed() == 1006
