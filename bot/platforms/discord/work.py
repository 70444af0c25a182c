"""Shows that the bot is at work, by the sign that it is typing."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from bot.errors import DeliveryError
from bot.platforms.discord.client import DiscordClient

RENEW = 8.0
"""Seconds after which the sign, which Discord shows for ten or until a message comes, is shown anew."""

_log = logging.getLogger(__name__)


class Typing:
    """Types for each question until it is told to stop."""

    def __init__(self, client: DiscordClient) -> None:
        self._client = client
        self._shown: dict[str, asyncio.Event] = {}
        """By question; set where the sign is to end."""
        self._tasks: set[asyncio.Task[None]] = set()

    def show(self, key: str, channel: str) -> None:
        """Begin, and go on until ``hide``. Where the sign cannot be shown there is none."""
        self.hide(key)
        stop = self._shown[key] = asyncio.Event()
        task = asyncio.create_task(self._go_on(channel, stop))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def hide(self, key: str) -> None:
        """Stop; the sign itself goes with the reply."""
        stop = self._shown.pop(key, None)
        if stop is not None:
            stop.set()

    async def close(self) -> None:
        """Stop everywhere."""
        self._shown.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _go_on(self, channel: str, stop: asyncio.Event) -> None:
        # Nothing cancels a request while the bot serves: if the library was waiting for a limit on all requests to end,
        # it would never send any again.
        try:
            while not stop.is_set():
                await self._client.call("POST", "/channels/{channel_id}/typing", {"channel_id": channel})
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RENEW)
        except DeliveryError as error:
            _log.debug("%s", error)
