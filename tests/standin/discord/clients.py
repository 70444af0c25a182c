"""Clients of the stand-in for its own tests: discord.py's, and one that speaks to the gateway as it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord

from tests.standin.calls import Json
from tests.standin.discord.server import DiscordServer

INTENTS = discord.Intents.default().value


class Client(discord.AutoShardedClient):
    """Keeps what it was told."""

    def __init__(self, **options: Any) -> None:
        chosen: dict[str, Any] = {"intents": discord.Intents.default(), "guild_ready_timeout": 0.02} | options
        super().__init__(**chosen)
        self.tree = discord.app_commands.CommandTree(self)
        self.messages: list[discord.Message] = []
        self.happened: list[str] = []

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The library would wait for five seconds."""

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        self.happened.append(event)
        super().dispatch(event, *args, **kwargs)

    async def on_message(self, message: discord.Message) -> None:
        self.messages.append(message)


@asynccontextmanager
async def running(server: DiscordServer, client: Client) -> AsyncIterator[Client]:
    """The client, ready; its commands are registered before."""
    ready = asyncio.Event()

    async def on_ready() -> None:
        ready.set()

    client.event(on_ready)

    async def setup_hook() -> None:
        if client.tree.get_commands():
            await client.tree.sync()

    client.setup_hook = setup_hook  # type: ignore[method-assign]
    task = asyncio.create_task(client.start(server.token))
    try:
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            await task
        yield client
    finally:
        await client.close()
        await asyncio.gather(task, return_exceptions=True)


class Raw:
    """A gateway connection, message by message."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seq: int | None = None

    async def send(self, op: int, data: Any = None) -> None:
        await self.socket.send_str(json.dumps({"op": op, "d": data}))

    async def receive(self) -> Json:
        message = await self.socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        body: Json = json.loads(message.data)
        self.seq = body["s"] if body["s"] is not None else self.seq
        return body

    async def event(self, name: str) -> Json:
        """The next event of a name; what comes before it is skipped."""
        while True:
            body = await self.receive()
            if body["t"] == name:
                found: Json = body["d"]
                return found

    async def identify(self, server: DiscordServer, **fields: Any) -> None:
        data = {"token": server.token, "intents": INTENTS, "properties": {}} | fields
        await self.send(2, data)

    async def closed(self) -> int | None:
        """The code with which Discord ends the connection."""
        while (await self.socket.receive(timeout=5)).type not in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        ):
            continue
        return self.socket.close_code


@asynccontextmanager
async def raw(server: DiscordServer, query: str = "v=10&encoding=json", *, resume: bool = False) -> AsyncIterator[Raw]:
    url = server.gateway.resume_url if resume else server.gateway.url
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}?{query}") as socket:
        yield Raw(socket)
