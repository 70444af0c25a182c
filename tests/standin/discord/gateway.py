"""The gateway: connections, identifying, resuming, and the ways in which connections end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from tests.standin.calls import Json
from tests.standin.discord import payloads
from tests.standin.discord.application import application_flags
from tests.standin.discord.connections import INVALID, Connections
from tests.standin.discord.frames import KINDS, encoder
from tests.standin.discord.model import Channel, Guild
from tests.standin.discord.session import KNOWN, MEMBERS, MESSAGE_CONTENT, PRESENCES, Connection, Session, shard_of
from tests.standin.signals import LOOK_AGAIN

if TYPE_CHECKING:
    from tests.standin.discord.world import World

HEARTBEAT, IDENTIFY, RESUME, MEMBERS_REQUEST, HELLO, ACK = 1, 2, 6, 8, 10, 11
_SILENTLY_TAKEN = (3, 4, 31)
"""Presence, voice and soundboard: nothing here depends on them."""
_ENDS_SESSION = (1000, 1001)
_SENDS_PER_MINUTE = 120
_LONGEST = 4096


class Gateway(Connections):
    def __init__(self, world: World, *, heartbeat: float = 41.25, identify_seconds: float = 5.0) -> None:
        """``heartbeat``: seconds between heartbeats; ``identify_seconds``: in which so many may identify at once."""
        super().__init__(world)
        self.origin = ""
        self.heartbeat = heartbeat
        self.identify_seconds = identify_seconds
        self.shards = 1
        """How many Discord recommends."""
        self.max_concurrency = 1
        self.starts_total = self.starts_left = 1000
        self.session_seconds = 180.0
        """How long a session without a connection can be resumed."""
        self.sessions: list[Session] = []
        self.identifies: list[Json] = []
        """What apps identified themselves with."""
        self.resumes: list[Json] = []
        self._identified: dict[int, list[float]] = {}
        self._sent: dict[int, list[float]] = {}

    # -- what it offers

    @property
    def url(self) -> str:
        return f"{self.origin.replace('http', 'ws', 1)}/gateway/"

    @property
    def resume_url(self) -> str:
        return f"{self.origin.replace('http', 'ws', 1)}/resume/"

    def bot_json(self) -> Json:
        """What GET /gateway/bot answers."""
        limit = {
            "total": self.starts_total,
            "remaining": self.starts_left,
            "reset_after": 86_400_000,
            "max_concurrency": self.max_concurrency,
        }
        return {"url": self.url, "shards": self.shards, "session_start_limit": limit}

    def events(self, name: str) -> list[Json]:
        """Bodies of all events of a name that sessions were sent."""
        return [body for session in self.sessions for body in session.named(name)]

    def emit(
        self, name: str, pick: Callable[[bool], Json], channel: Channel | None = None, guild: Guild | None = None
    ) -> None:
        """Send an event to whom it concerns; ``pick``: its body for one who may read contents, and for others."""
        for session in self.sessions:
            if session.wants(name, channel, guild):
                session.dispatch(name, pick(bool(session.intents & MESSAGE_CONTENT)))

    # -- a connection's life

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=True, autoclose=False, timeout=1.0, compress=False)
        await socket.prepare(request)
        kind = request.query.get("compress", "")
        made = encoder(kind if kind in KINDS else "")
        connection = Connection(len(self.connections) + 1, socket, request, made)
        self.connections.append(connection)
        writer = asyncio.create_task(connection.write())
        if request.query.get("v") not in ("9", "10"):
            connection.close(4012)
        elif request.query.get("encoding", "json") != "json" or kind not in KINDS:
            connection.close(4002)
        else:
            connection.send(HELLO, {"heartbeat_interval": round(self.heartbeat * 1000), "_trace": []})
        try:
            await self._read(connection)
        finally:
            self._lost(connection)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    async def _read(self, connection: Connection) -> None:
        async for message in connection.socket:
            if connection.state == "silent":
                continue
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._received(connection, message.data)
            self.world.changes.notify()
        if connection.state != "silent" or connection.answers_close:
            await connection.socket.close()
            return
        # A dead connection does not answer a close frame either: only the end of TCP ends it, which nothing announces.
        while (transport := connection.request.transport) is not None and not transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN)

    def _lost(self, connection: Connection) -> None:
        if connection.close_code is None:
            connection.close_code = connection.socket.close_code
        connection.state = "closed"
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection, session.detached_at = None, self.world.now()
            # An app that says goodbye ends its session; one that vanishes may come back to it.
            session.dead = session.dead or connection.close_code in _ENDS_SESSION
        self.world.changes.notify()

    def _received(self, connection: Connection, raw: str | bytes) -> None:
        try:
            body = json.loads(raw)
            op, data = body["op"], body.get("d")
            if op in (IDENTIFY, RESUME, MEMBERS_REQUEST):
                data = dict(data)
        except (ValueError, KeyError, TypeError):
            connection.close(4002)
            return
        connection.received.append(body)
        if len(raw) > _LONGEST:
            connection.close(4002)
        elif self._too_many(connection):
            self.world.violations.append("more than 120 gateway messages in a minute")
            connection.close(4008)
        elif op == HEARTBEAT:
            connection.heartbeats += 1
            connection.send(ACK)
        elif op == IDENTIFY:
            self._identify(connection, data)
        elif op == RESUME:
            self._resume(connection, data)
        elif op not in (MEMBERS_REQUEST, *_SILENTLY_TAKEN):
            connection.close(4001)
        elif connection.session is None:
            connection.close(4003)
        elif op == MEMBERS_REQUEST:
            self._members(connection.session, data)

    def _too_many(self, connection: Connection) -> bool:
        now = time.monotonic()
        recent = [at for at in self._sent.get(connection.number, []) if now - at < 60] + [now]
        self._sent[connection.number] = recent
        return len(recent) > _SENDS_PER_MINUTE

    # -- sessions

    def _identify(self, connection: Connection, data: Json) -> None:
        self.identifies.append(data)
        shard, count = data.get("shard") or (0, 1)
        if connection.session is not None:
            connection.close(4005)
        elif not self._known(data):
            connection.close(4004)
        elif not 0 <= shard < count:
            connection.close(4010)
        elif not isinstance(data.get("intents"), int) or data["intents"] & ~KNOWN:
            connection.close(4013)
        elif data["intents"] & ~self._granted():
            connection.close(4014)
        elif not self._may_start(shard):
            connection.send(INVALID, False)
        else:
            self._start(connection, shard, count, data["intents"])

    def _known(self, data: Json) -> bool:
        return self.world.token_valid and str(data.get("token", "")).removeprefix("Bot ") == self.world.token

    def _granted(self) -> int:
        world = self.world
        refused = MESSAGE_CONTENT * (not world.message_content) | MEMBERS * (not world.members_intent)
        return KNOWN & ~(refused | PRESENCES * (not world.presences_intent))

    def _may_start(self, shard: int) -> bool:
        if self.starts_left <= 0:
            self.world.violations.append("identified with no session starts left")
            return False
        self.starts_left -= 1
        now, key = time.monotonic(), shard % self.max_concurrency
        recent = [at for at in self._identified.get(key, []) if now - at < self.identify_seconds]
        self._identified[key] = [*recent, now]
        if recent:
            self.world.violations.append(f"identified again after {now - recent[-1]:.2f} s")
        return not recent

    def _start(self, connection: Connection, shard: int, count: int, intents: int) -> None:
        session = Session(f"{len(self.sessions) + 1:032x}", shard, count, intents, connection)
        connection.session = session
        self.sessions.append(session)
        world = self.world
        ours = [g for g in world.guilds.values() if world.bot.id in g.members and shard_of(g.id, count) == shard]
        me = payloads.user_json(world.bot) | {"verified": True, "mfa_enabled": False, "email": None, "flags": 0}
        ready = {
            "v": int(connection.request.query.get("v", 10)),
            "user": me,
            "guilds": [{"id": guild.id, "unavailable": True} for guild in ours],
            "private_channels": [],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.resume_url,
            "shard": [shard, count],
            "application": {"id": world.application_id, "flags": application_flags(world)},
        }
        session.dispatch("READY", ready)
        for guild in ours:
            if guild.available and session.wants("GUILD_CREATE", None, guild):
                session.dispatch("GUILD_CREATE", payloads.guild_create(world, guild))

    def _resume(self, connection: Connection, data: Json) -> None:
        self.resumes.append(data)
        session = next((s for s in self.sessions if s.id == data.get("session_id")), None)
        if connection.session is not None:
            connection.close(4005)
        elif not self._known(data):
            connection.close(4004)
        elif session is None or session.dead or self._too_old(session):
            connection.send(INVALID, False)
        elif not isinstance(data.get("seq"), int) or data["seq"] > session.seq:
            session.dead = True
            connection.close(4007)
        else:
            session.replay(connection, data["seq"])

    def _too_old(self, session: Session) -> bool:
        return session.connection is None and self.world.now() - session.detached_at > self.session_seconds

    def _members(self, session: Session, data: Json) -> None:
        guild = self.world.guilds.get(str(data.get("guild_id")))
        if guild is None:
            return
        wanted = data.get("user_ids") or []
        ids = {str(user) for user in (wanted if isinstance(wanted, list) else [wanted])}
        found = [member for member in guild.members.values() if member.user.id in ids]
        if (start := data.get("query")) is not None:
            named = [member for member in guild.members.values() if member.user.name.startswith(start)]
            found = named[: data.get("limit") or None]
        body: Json = {"guild_id": guild.id, "members": [payloads.member_json(member) for member in found]}
        body |= {"chunk_index": 0, "chunk_count": 1, "not_found": []}
        session.dispatch("GUILD_MEMBERS_CHUNK", body | ({"nonce": data["nonce"]} if "nonce" in data else {}))
