"""The gateway's connections, and the ways in which they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.standin.discord.session import Connection
from tests.standin.faults import cut

if TYPE_CHECKING:
    from tests.standin.discord.world import World

RECONNECT, INVALID = 7, 9


class Connections:
    """What Gateway is built on: everything here is for tests, but for the list itself."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.connections: list[Connection] = []
        """All there ever were."""

    @property
    def open(self) -> list[Connection]:
        """Connections that an app is ready on, or that it believes so."""
        return [connection for connection in self.connections if connection.ready]

    async def connected(self, count: int = 1, within: float = 10.0) -> list[Connection]:
        """Wait for so many connections that an app is ready on."""
        await self.world.changes.until(lambda: len(self.open) >= count, within, self.story)
        return self.open

    def story(self) -> str:
        return f"connections: {[(c.number, c.state, c.close_code) for c in self.connections]}"

    def _latest(self, connection: Connection | None) -> Connection:
        if connection is None and not self.open:
            raise LookupError("no connection is open")
        return connection or self.open[-1]

    def drop(self, connection: Connection | None = None) -> Connection:
        """The connection goes dead without a word: nothing is read, answered or sent any more, nothing is closed."""
        chosen = self._latest(connection)
        chosen.state = "silent"
        return chosen

    def reset(self, connection: Connection | None = None) -> Connection:
        """The TCP connection ends by RST."""
        chosen = self._latest(connection)
        cut(chosen.request, reset=True)
        return chosen

    def close(self, code: int, connection: Connection | None = None) -> Connection:
        """Discord closes the connection with a code."""
        chosen = self._latest(connection)
        if chosen.session is not None and code in (4007, 4009):
            chosen.session.dead = True
        chosen.close(code)
        return chosen

    def reconnect(self, connection: Connection | None = None) -> Connection:
        """Ask the app to come again."""
        chosen = self._latest(connection)
        chosen.send(RECONNECT)
        return chosen

    def invalidate(self, resumable: bool = False, connection: Connection | None = None) -> Connection:
        """Tell the app that its session is not valid any more."""
        chosen = self._latest(connection)
        if chosen.session is not None and not resumable:
            chosen.session.dead = True
        chosen.send(INVALID, resumable)
        return chosen

    @property
    def drained(self) -> bool:
        """Whether everything was sent that there is to send."""
        return all(c.outgoing.empty() for c in self.connections if c.state == "open")

    async def stop(self) -> None:
        """End what is open, as the server goes."""
        for connection in self.connections:
            if connection.state == "silent":
                self.reset(connection)
            elif connection.state == "open":
                await connection.socket.close(code=1001)
