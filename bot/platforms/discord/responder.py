"""Short answers to commands and buttons, for whoever gave or pressed them alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import discord
from discord import InteractionResponseType as First

from bot.errors import DeliveryError, Rejected
from bot.markup.discord import DiscordMessage, render
from bot.messages import messages_in
from bot.platforms.discord.client import ALREADY_ANSWERED, Answer, DiscordClient, address_of
from bot.platforms.discord.looks import FILE, attached, contents
from bot.surface import Notice

_log = logging.getLogger(__name__)
Interaction = discord.Interaction[Any]


class Responder:
    """Answers each interaction once. What Discord does not take is noted only: nobody can be told any more."""

    def __init__(self, client: DiscordClient) -> None:
        self._client = client

    async def say(self, interaction: Interaction, text: str) -> None:
        """Say something in the bot's own words."""
        await self.show(interaction, render(Notice(text), messages_in("en")))

    async def show(self, interaction: Interaction, message: DiscordMessage, *, file: str = FILE) -> None:
        """Show a message; ``file``: the name of the one that it shows, where it is too long."""
        data = contents(message, ephemeral=True, file=file)
        await self._respond(interaction, First.channel_message, data, file=attached(message, file))

    async def nod(self, interaction: Interaction) -> None:
        """Say nothing: what the button does will be seen."""
        await self._respond(interaction, First.deferred_message_update)

    async def suggest(self, interaction: Interaction, values: Sequence[str]) -> None:
        """Suggest values for what a person is typing."""
        await self._respond(
            interaction, First.autocomplete_result, {"choices": [{"name": value, "value": value} for value in values]}
        )
        # Else the library would answer, too.
        interaction.response._response_type = First.autocomplete_result

    async def ask(self, interaction: Interaction, form: Answer) -> None:
        """Open a form."""
        await self._respond(interaction, First.modal, form)

    async def unsay(self, interaction: Interaction) -> bool:
        """Delete the message whose button was pressed, after ``nod``; whether that worked."""
        try:
            await self._client.original("DELETE", address_of(interaction))
        except DeliveryError as error:
            _log.info("%s", error)
            return False
        return True

    async def _respond(
        self, interaction: Interaction, kind: First, data: Answer | None = None, *, file: tuple[str, str] | None = None
    ) -> None:
        address = address_of(interaction)
        try:
            try:
                await self._client.respond(address, kind, data, file=file)
            except Rejected as error:
                if error.reason != ALREADY_ANSWERED or kind is not First.channel_message:
                    raise
                await self._client.follow_up(address, data, file)  # what went wrong after a nod
        except DeliveryError as error:
            _log.info("%s", error)
