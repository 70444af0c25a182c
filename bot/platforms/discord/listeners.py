"""Messages that people write, change and delete, as the gateway tells of them.

Discord tells once and waits for nothing, so each is held on to until the ledger has it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import discord

from bot.claims import Asked, Trigger
from bot.delivery import Outbox, persist
from bot.dispatcher import Dispatcher
from bot.limits import Access
from bot.platforms.discord.events import (
    PLATFORM,
    Place,
    concerns,
    is_known,
    message_key,
    read_message,
    roles_of,
    where,
)

_log = logging.getLogger(__name__)

FetchChannel = Callable[[int], Awaitable[Any]]


class Listeners:
    """Reads messages and hands questions to the dispatcher."""

    def __init__(self, dispatcher: Dispatcher, access: Access, place: Place, fetch: FetchChannel) -> None:
        """``fetch`` asks Discord for a channel that the library does not know."""
        self._dispatcher = dispatcher
        self._access = access
        self._place = place
        self._fetch = fetch
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
            allowed = self._access.allows(asked, roles_of(message.author))
            take = self._dispatcher.receive if allowed else self._dispatcher.deny
            await persist(lambda: take(asked))

    async def on_edit(self, message: discord.Message) -> None:
        """Somebody changed a message, or a link in it unfolded."""
        trigger = concerns(message, self._place)
        if trigger is None or message.edited_at is None:
            return
        async with self._order.turn(PLATFORM, str(message.id)):
            asked = await self._read(message, trigger)
            if asked is not None and self._access.allows(asked, roles_of(message.author)):
                await persist(lambda: self._dispatcher.revise(asked))

    async def on_delete(self, messages: Collection[int]) -> None:
        """Messages are gone."""
        for message in sorted(messages):
            key = message_key(message)
            async with self._order.turn(PLATFORM, str(message)):
                await persist(lambda key=key: self._dispatcher.withdraw(key))  # type: ignore[misc]

    async def _read(self, message: discord.Message, trigger: Trigger) -> Asked | None:
        channel = message.channel
        if message.guild is not None and not is_known(channel):
            try:
                channel = await self._fetch(channel.id)
            except discord.HTTPException as error:
                _log.info("channel %s cannot be looked at (status %d)", channel.id, error.status)
        stands = where(channel)
        asked = read_message(message, trigger, self._place, stands)
        if trigger is not Trigger.FOLLOW_UP:
            return asked
        if not stands.thread:
            return None
        known = await persist(lambda: self._answered_in(asked))
        return asked if known else None

    async def _answered_in(self, asked: Asked) -> bool:
        return await self._dispatcher.answered_in(PLATFORM, asked.team, asked.channel, asked.thread)
