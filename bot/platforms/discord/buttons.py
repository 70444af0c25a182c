"""The buttons under answers, and the form that asks why one did not help. They work for as long as the answer is kept:
all that they need to know is in their ids."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Self

import discord
from discord import ui

from bot.actions import Actions
from bot.claims import Feedback, Turn, Verdict
from bot.errors import DeliveryError, LedgerUnavailable
from bot.markup.discord import BUTTON_ID, Button, read_why, why_modal
from bot.messages import Messages, messages_in
from bot.platforms.discord.client import address_of
from bot.platforms.discord.responder import Responder

_log = logging.getLogger(__name__)
Interaction = discord.Interaction[Any]


class Buttons:
    """What the buttons do."""

    def __init__(self, actions: Actions, responder: Responder, words: Callable[[Interaction], Messages]) -> None:
        """``words``: the bot's own in the language of whoever pressed a button."""
        self._actions = actions
        self._responder = responder
        self._words = words

    async def press(self, interaction: Interaction, button: Button, key: str) -> None:
        """Do what a button says, if the answer it stands under is still kept."""
        try:
            turn = await self._actions.turn(key)
            if turn is None:
                await self._responder.say(interaction, self._words(interaction).not_kept)
            else:
                await self._act(interaction, button, turn, messages_in(turn.reply.language))
        except LedgerUnavailable as error:
            _log.warning("%s", error)
            await self._responder.say(interaction, self._words(interaction).feedback_lost)
        except DeliveryError as error:
            _log.info("%s", error)
            await self._responder.say(interaction, self._words(interaction).failed_to_do)

    async def submit(self, interaction: Interaction) -> None:
        """Note down what somebody wrote into the form."""
        try:
            key, reason, comment = read_why(interaction.data or {})
        except ValueError as error:
            _log.info("a form was passed over: %s", error)
            return
        words = self._words(interaction)
        try:
            turn = await self._actions.turn(key)
            words = messages_in(turn.reply.language) if turn else words  # as in the form
            feedback = Feedback(key, str(interaction.user.id), Verdict.NOT_HELPFUL, reason, comment)
            kept = await self._actions.rate(feedback)
            await self._responder.say(interaction, words.thanks if kept else words.not_kept)
        except LedgerUnavailable as error:
            _log.warning("%s", error)
            await self._responder.say(interaction, words.feedback_lost)

    async def _act(self, interaction: Interaction, button: Button, turn: Turn, words: Messages) -> None:
        key, user = turn.asked.key, str(interaction.user.id)
        match button:
            case Button.HELPFUL:
                await self._actions.rate(Feedback(key, user, Verdict.HELPFUL))
                await self._responder.say(interaction, words.thanks)
            case Button.NOT_HELPFUL:
                await self._actions.rate(Feedback(key, user, Verdict.NOT_HELPFUL))
                await self._responder.ask(interaction, why_modal(key, words))
            case Button.ASK_PERSON:
                asked = await self._actions.escalate(key, user)
                await self._responder.say(interaction, words.person_asked if asked else words.nobody_to_ask)
            case Button.SHARE if not self._actions.may_share(turn):
                await self._responder.say(interaction, words.not_shared)
            case Button.SHARE:
                await self._responder.nod(interaction)
                # Where the button stands elsewhere, by direct message, nothing but the channel will do.
                here = str(interaction.channel_id or "") in (turn.asked.channel, turn.asked.thread)
                await self._actions.share(key, user, address_of(interaction) if here else "")
            case Button.DELETE:
                await self._delete(interaction, turn, words)

    async def _delete(self, interaction: Interaction, turn: Turn, words: Messages) -> None:
        key, user = turn.asked.key, str(interaction.user.id)
        if turn.asked.user != user:
            await self._responder.say(interaction, words.only_asker)
            return
        await self._responder.nod(interaction)
        # Who presses a button lets the bot change its message, where the bot is no member too.
        gone = await self._responder.unsay(interaction)
        await self._actions.delete(key, user, gone=gone)


class AnswerButton(ui.DynamicItem[ui.Button[Any]], template=BUTTON_ID):
    """Any of the buttons, whenever and by whichever process it was made."""

    def __init__(self, custom_id: str, button: Button, key: str) -> None:
        super().__init__(ui.Button(custom_id=custom_id))
        self.button = button
        self.key = key

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: ui.Item[Any], match: Any, /) -> Self:
        return cls(match.string, Button(match["action"]), match["key"])

    async def callback(self, interaction: Interaction) -> None:
        client = interaction.client
        await client.handle(client.buttons.press(interaction, self.button, self.key))
