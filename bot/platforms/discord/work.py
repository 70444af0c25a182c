"""Shows that the bot is at work, by the sign that it is typing."""

from __future__ import annotations

import asyncio
import logging

from bot.errors import DeliveryError
from bot.platforms.discord.client import DiscordClient

RENEW = 8.0
"""Seconds after which the sign, which Discord shows for ten or until a message comes, is shown anew."""

_log = logging.getLogger(__name__)


class Typing:
    """Types for each question until it is told to stop."""

    def __init__(self, client: DiscordClient) -> None:
        self._client = client
        self._shown: dict[str, asyncio.Task[None]] = {}

    async def show(self, key: str, channel: str) -> None:
        """Begin, and go on until ``hide``. Raises DeliveryError where the sign cannot be shown there."""
        await self._send(channel)
        self.hide(key)
        self._shown[key] = asyncio.create_task(self._go_on(channel))

    def hide(self, key: str) -> None:
        """Stop; the sign itself goes with the reply."""
        task = self._shown.pop(key, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop everywhere."""
        tasks = list(self._shown.values())
        for key in list(self._shown):
            self.hide(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, channel: str) -> None:
        await self._client.call("POST", "/channels/{channel_id}/typing", {"channel_id": channel})

    async def _go_on(self, channel: str) -> None:
        try:
            while True:
                await asyncio.sleep(RENEW)
                await self._send(channel)
        except DeliveryError as error:
            _log.debug("%s", error)
