"""Socket Mode: connections, envelopes, acks, and the ways in which connections end."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.standin.calls import Json
from tests.standin.signals import LOOK_AGAIN
from tests.standin.slack.model import Attempt, Delivery
from tests.standin.slack.outbox import Outbox
from tests.standin.slack.workspace import Workspace

MOST_CONNECTIONS = 10
TICKET_SECONDS = 30.0


@dataclass(eq=False)
class Connection:
    """One open WebSocket."""

    number: int
    socket: web.WebSocketResponse
    request: web.Request
    state: str = "open"
    """open, retiring (Slack asked the app to leave), silent (dead without a word) or closed."""
    received: list[Json] = field(default_factory=list)
    pings: int = 0
    """Pings of the client."""
    pongs: int = 0
    """Answers of the client to ours."""

    @property
    def usable(self) -> bool:
        """Whether Slack believes that it can send here."""
        return self.state in ("open", "silent")

    async def send(self, body: Json) -> None:
        if self.state in ("open", "retiring") and not self.socket.closed:
            await self.socket.send_str(json.dumps(body))


class SocketMode(Outbox):
    """Sends over whichever connections are open, in turn."""

    def __init__(self, workspace: Workspace, **timing: Any) -> None:
        super().__init__(workspace, **timing)
        self.connections: list[Connection] = []
        """All there ever were."""
        self._tickets: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._sent: dict[str, Attempt] = {}
        self._turn = 0
        self._arrived = asyncio.Event()

    @property
    def open(self) -> list[Connection]:
        return [connection for connection in self.connections if connection.usable]

    def ticket(self) -> str:
        """A WebSocket URL for one connection."""
        ticket = f"ticket-{self.workspace.number():06d}"
        self._tickets[ticket] = self.workspace.now()
        origin = self.workspace.origin.replace("http", "ws", 1)
        return f"{origin}/link/?ticket={ticket}&app_id={self.workspace.app.id}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        issued = self._tickets.pop(request.query.get("ticket", ""), None)
        if issued is None or self.workspace.now() - issued > TICKET_SECONDS:
            return web.Response(status=408, text="invalid ticket")
        socket = web.WebSocketResponse(autoping=False, autoclose=False, timeout=1.0)
        await socket.prepare(request)
        connection = Connection(len(self.connections) + 1, socket, request)
        if len(self.open) >= MOST_CONNECTIONS:
            await connection.send({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        self.connections.append(connection)
        await connection.send(self._hello())
        await socket.ping(b"Ping from applink-1")
        self._arrived.set()
        self.workspace.changes.notify()
        try:
            await self._read(connection)
        finally:
            self._lost(connection)
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.open),
            "debug_info": {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self.workspace.app.id},
        }

    async def _read(self, connection: Connection) -> None:
        async for message in connection.socket:
            if connection.state == "silent":
                continue
            if message.type is WSMsgType.TEXT:
                self._ack(connection, json.loads(message.data))
            elif message.type is WSMsgType.PING:
                connection.pings += 1
                await connection.socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                connection.pongs += 1
        if connection.state != "silent":
            await connection.socket.close()
            return
        # A dead connection does not answer a close frame either: only the end of TCP ends it, which nothing announces.
        while (transport := connection.request.transport) is not None and not transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN)

    def _ack(self, connection: Connection, body: Json) -> None:
        connection.received.append(body)
        envelope = body.get("envelope_id", "")
        waiting = self._waiting.get(envelope)
        if waiting is not None and not waiting.done():
            waiting.set_result(body.get("payload"))
        elif (attempt := self._sent.get(envelope)) and attempt.acked_at is None:
            attempt.acked_at, attempt.late = time.monotonic(), True
            self.workspace.changes.notify()

    def _lost(self, connection: Connection) -> None:
        connection.state = "closed"
        for envelope, attempt in self._sent.items():
            waiting = self._waiting.get(envelope)
            if attempt.connection == connection.number and waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionResetError())
        self.workspace.changes.notify()

    # -- delivering

    async def attempt(self, delivery: Delivery, attempt: Attempt) -> bool:
        connection = await self._next(delivery)
        if connection is None:
            attempt.failure = "dispatch_failed"
            return False
        attempt.connection, attempt.at = connection.number, time.monotonic()
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[attempt.envelope] = waiting
        self._sent[attempt.envelope] = attempt
        try:
            await connection.send(_envelope(delivery, attempt))
            response = await asyncio.wait_for(waiting, self.ack_timeout)
        except TimeoutError:
            attempt.failure = "timeout"
        except ConnectionError:
            attempt.failure = "connection_failed"
        else:
            self.acked(delivery, attempt, response)
            return True
        finally:
            del self._waiting[attempt.envelope]
            waiting.cancel()
        return False

    async def _next(self, delivery: Delivery) -> Connection | None:
        """The next connection in turn; events wait for one to open, commands and interactions fail without."""
        while not self.open:
            if delivery.kind != "events_api":
                return None
            # Set by a connection that has ended since: to wait for that would never give way to anybody.
            self._arrived.clear()
            await self._arrived.wait()
        tried = {attempt.connection for attempt in delivery.attempts}
        candidates = [c for c in self.open if c.number not in tried] or self.open
        self._turn += 1
        return candidates[self._turn % len(candidates)]

    # -- ending connections

    async def disconnect(self, reason: str = "refresh_requested", connection: Connection | None = None) -> Connection:
        """Ask the app to reconnect. ``warning``: the connection goes on; ``refresh_requested``: Slack closes it."""
        chosen = connection or self._latest()
        await chosen.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}})
        if reason != "warning":
            chosen.state = "retiring" if chosen.state == "open" else chosen.state
            await chosen.socket.close()
        return chosen

    def drop(self, connection: Connection | None = None) -> Connection:
        """The connection goes dead without a word: nothing is read, answered or sent any more, nothing is closed."""
        chosen = connection or self._latest()
        chosen.state = "silent"
        return chosen

    def reset(self, connection: Connection | None = None) -> Connection:
        """The TCP connection ends without a close frame."""
        chosen = connection or self._latest()
        if chosen.request.transport is not None:
            chosen.request.transport.abort()
        return chosen

    def _latest(self) -> Connection:
        if not self.open:
            raise LookupError("no connection is open")
        return self.open[-1]

    async def close(self) -> None:
        await super().close()
        for connection in self.open:
            if connection.state == "silent":
                self.reset(connection)
            else:
                await connection.socket.close()


def _envelope(delivery: Delivery, attempt: Attempt) -> Json:
    body: Json = {
        "envelope_id": attempt.envelope,
        "payload": delivery.payload,
        "type": delivery.kind,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if delivery.kind == "events_api":
        body |= {"retry_attempt": attempt.number, "retry_reason": attempt.reason}
    return body
