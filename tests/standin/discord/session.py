"""Gateway sessions: what an app was sent, so that it can be sent again, and which events it is sent at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.standin.calls import Json
from tests.standin.discord.frames import Plain
from tests.standin.discord.model import Channel, Guild

GUILDS, MEMBERS, PRESENCES = 1 << 0, 1 << 1, 1 << 8
GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 9, 1 << 12, 1 << 15
KNOWN: int = sum(1 << bit for bit in (*range(17), 20, 21, 24, 25))


def needed(name: str, channel: Channel | None) -> int:
    """The intent that an event comes with; 0 for what is always sent."""
    if name.startswith("MESSAGE_"):
        return GUILD_MESSAGES if channel is not None and channel.guild else DIRECT_MESSAGES
    if name.startswith(("GUILD_", "CHANNEL_", "THREAD_")):
        return GUILDS
    return 0


def shard_of(guild: str, count: int) -> int:
    """The shard that a guild's events go to; those of no guild go to the first."""
    return (int(guild) >> 22) % count if guild else 0


@dataclass(eq=False)
class Connection:
    """One WebSocket."""

    number: int
    socket: web.WebSocketResponse
    request: web.Request
    encoder: Plain
    state: str = "open"
    """open, silent (dead without a word) or closed."""
    answers_close: bool = False
    """Whether something in between answers a close frame when it is dead: clients may wait long for that."""
    session: Session | None = None
    received: list[Json] = field(default_factory=list)
    heartbeats: int = 0
    close_code: int | None = None
    """By whomever it was closed."""
    outgoing: asyncio.Queue[Json | int] = field(default_factory=asyncio.Queue)
    """Messages; a number closes the connection with that code."""

    @property
    def ready(self) -> bool:
        return self.state != "closed" and self.session is not None

    def send(self, op: int, data: Any = None, *, name: str | None = None, seq: int | None = None) -> None:
        self.outgoing.put_nowait({"op": op, "d": data, "s": seq, "t": name})

    def close(self, code: int) -> None:
        self.outgoing.put_nowait(code)

    async def write(self) -> None:
        """Send what there is to send, in order, until the connection ends."""
        while True:
            item = await self.outgoing.get()
            try:
                if self.state != "open":
                    continue
                if isinstance(item, int):
                    self.close_code = item
                    # Not by ``socket.close``: where somebody reads from it, that ends TCP before the app has answered.
                    await self.socket._writer.close(item)  # type: ignore[union-attr]
                else:
                    made = self.encoder.encode(item)
                    await (self.socket.send_bytes(made) if isinstance(made, bytes) else self.socket.send_str(made))
            except ConnectionError:
                self.state = "closed"
            finally:
                self.outgoing.task_done()


@dataclass(eq=False)
class Session:
    id: str
    shard: int
    shards: int
    intents: int
    connection: Connection | None = None
    dead: bool = False
    detached_at: float = 0
    seq: int = 0
    events: list[tuple[int, str, Json]] = field(default_factory=list)
    """Everything that it was sent or would have been: number, name and body."""

    def wants(self, name: str, channel: Channel | None, guild: Guild | None) -> bool:
        intent = needed(name, channel)
        here = self.shard == shard_of(guild.id if guild else "", self.shards)
        return not self.dead and here and (not intent or bool(self.intents & intent))

    def dispatch(self, name: str, body: Json) -> None:
        self.seq += 1
        self.events.append((self.seq, name, body))
        if self.connection is not None:
            self.connection.send(0, body, name=name, seq=self.seq)

    def replay(self, connection: Connection, after: int) -> None:
        """Send again what came after a number, on a new connection."""
        if self.connection is not None:
            self.connection.session = None
            self.connection.close(4000)
        self.connection, connection.session = connection, self
        for seq, name, body in self.events:
            if seq > after:
                connection.send(0, body, name=name, seq=seq)
        self.dispatch("RESUMED", {})

    def named(self, name: str) -> list[Json]:
        return [body for _, known, body in self.events if known == name]
