"""Comes back to a session whose connection broke, so that Discord tells what happened in between.

The library does so at once, but where that first attempt fails, as in an outage of some seconds, it begins a new
session, which is told nothing of what was said before. And where it cannot read what Discord tells, it ends for good.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from discord import shard
from discord.gateway import ReconnectWebSocket

ATTEMPTS = 6
"""To come back to a session, each after a longer wait, two minutes in all: Discord keeps it for about as long."""
GOODBYE = 2.0
"""Seconds that Discord has to answer when a connection is closed."""

_Shard = shard.Shard


class ResumingShard(_Shard):
    """A shard that begins a new session only after some attempts to come back to the one it had."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # What cannot be read has been counted, and is not sent again.
        self._handled_exceptions = (Exception,)
        self._failed = 0

    def launch(self) -> None:
        self._failed = 0
        super().launch()

    async def reconnect(self) -> None:
        self._failed += 1
        with suppress(Exception):
            await asyncio.wait_for(self.ws.close(), GOODBYE)
        if self.ws.session_id is None or self._failed > ATTEMPTS:
            await super().reconnect()
        else:
            await self.reidentify(ReconnectWebSocket(self.id, resume=True))


def use_sessions() -> None:
    """Have this process's clients keep to their sessions. The library has no option for it."""
    shard.Shard = ResumingShard  # type: ignore[misc, assignment]
