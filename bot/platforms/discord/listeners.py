"""Messages that people write, change and delete, as the gateway tells of them.

Discord tells once and waits for nothing, so each is held on to until the ledger has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

import discord
from discord.utils import utcnow

from bot.claims import Asked, Trigger
from bot.delivery import Outbox, persist
from bot.dispatcher import MAX_AGE, Dispatcher
from bot.errors import DeliveryError, Throttled, Uncertain, Unreachable
from bot.limits import Access
from bot.platforms.discord.client import DiscordClient
from bot.platforms.discord.events import (
    PLATFORM,
    Place,
    Where,
    concerns,
    guild_of,
    is_hidden,
    is_known,
    message_key,
    read_message,
    roles_of,
    where,
    where_told,
)

_log = logging.getLogger(__name__)

LOOKUPS = (0.5, 2.0, 8.0)
"""Seconds before Discord is asked again for a channel; then the question is taken without."""


class Listeners:
    """Reads messages and hands questions to the dispatcher."""

    def __init__(self, dispatcher: Dispatcher, access: Access, place: Place, client: DiscordClient) -> None:
        self._dispatcher = dispatcher
        self._access = access
        self._place = place
        self._client = client
        # What happens to one message is told in order, and must be taken in that order.
        self._order = Outbox(interval=0)

    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote."""
        trigger = concerns(message, self._place)
        if trigger is None:
            return
        async with self._order.turn(PLATFORM, str(message.id)):
            asked = await self._read(message, trigger)
            if asked is None:
                return
            if self._allows(asked, message):
                await self._take(asked, message, self._dispatcher.receive)
            else:
                await persist(lambda: self._dispatcher.deny(asked))

    async def on_edit(self, message: discord.Message) -> None:
        """Somebody changed a message, or a link in it unfolded."""
        trigger = concerns(message, self._place)
        # Pins and links tell of a message, too, that was changed long ago.
        if trigger is None or message.edited_at is None or utcnow() - message.edited_at > timedelta(seconds=MAX_AGE):
            return
        async with self._order.turn(PLATFORM, str(message.id)):
            asked = await self._read(message, trigger)
            if asked is not None and self._allows(asked, message):
                await self._take(asked, message, self._dispatcher.revise)

    async def on_delete(self, messages: Collection[int]) -> None:
        """Messages are gone."""
        for message in sorted(messages):
            key = message_key(message)
            async with self._order.turn(PLATFORM, str(message)):
                await persist(lambda key=key: self._dispatcher.withdraw(key))  # type: ignore[misc]

    def _allows(self, asked: Asked, message: discord.Message) -> bool:
        return self._access.allows(asked, roles_of(message.author))

    async def _take(self, asked: Asked, message: discord.Message, take: Callable[[Asked], Awaitable[object]]) -> None:
        if is_hidden(message):
            await persist(lambda: self._dispatcher.deny(asked, lambda words: words.unreadable))
        else:
            await persist(lambda: take(asked))

    async def _read(self, message: discord.Message, trigger: Trigger) -> Asked | None:
        stands = where(message.channel)
        if guild_of(message) and not is_known(message.channel):
            stands = await self._look_up(message.channel.id) or stands
        asked = read_message(message, trigger, self._place, stands)
        if trigger is not Trigger.FOLLOW_UP:
            return asked
        if stands.thread in ("", stands.channel):
            return None
        # A thread has the id of the message that heads it.
        here = PLATFORM, asked.team, asked.channel, asked.thread, f"{asked.channel}/{asked.thread}"
        known = await persist(lambda: self._dispatcher.answered_in(*here))
        return asked if known else None

    async def _look_up(self, channel: int) -> Where | None:
        """Where a message stands whose channel the library does not know; None where Discord does not tell."""
        for delay in LOOKUPS:
            try:
                ids = {"channel_id": str(channel)}
                return where_told(await self._client.call("GET", "/channels/{channel_id}", ids))
            except (Throttled, Unreachable, Uncertain) as error:
                _log.info("will try again: %s", error)
                await asyncio.sleep(delay)
            except DeliveryError as error:
                _log.info("%s", error)
                break
        return None
