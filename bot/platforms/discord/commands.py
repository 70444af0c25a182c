"""The commands: /ask, /sources, and "Ask about this" on a message."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.assistant import MAX_QUESTION
from bot.claims import Asked, Trigger
from bot.dispatcher import Dispatcher
from bot.errors import LedgerUnavailable
from bot.limits import Access
from bot.markup.discord import render_sources
from bot.messages import CATALOGUE, Messages, choose_language, messages_in
from bot.platforms.discord import Library
from bot.platforms.discord.events import Place, read_command, roles_of
from bot.platforms.discord.responder import Responder

MAX_CHOICES = 25
MAX_CHOICE = 100
"""What Discord takes of suggestions while a person types, and characters of each."""

SOURCES_FILE = "sources.txt"
_ENGLISH = messages_in("en")
_log = logging.getLogger(__name__)
Interaction = discord.Interaction[Any]


class Commands:
    """What the commands do."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        access: Access,
        place: Place,
        library: Library,
        responder: Responder,
        locale: str | None,
    ) -> None:
        self._dispatcher = dispatcher
        self._access = access
        self._place = place
        self._library = library
        self._responder = responder
        self._locale = locale

    async def ask(self, interaction: Interaction, question: str, *, private: bool) -> None:
        """Put a question; in a direct message nobody else is there who could see the answer."""
        private = private and not interaction.context.dm_channel
        trigger = Trigger.COMMAND if private else Trigger.OPEN_COMMAND
        await self._take(interaction, read_command(interaction, question, trigger, self._place, target=None))

    async def ask_about(self, interaction: Interaction, message: discord.Message) -> None:
        """Put what somebody wrote as a question, privately: whoever wrote it may not have meant to ask."""
        trigger = Trigger.OPEN_COMMAND if interaction.context.dm_channel else Trigger.COMMAND
        await self._take(interaction, read_command(interaction, "", trigger, self._place, target=message))

    async def sources(self, interaction: Interaction) -> None:
        """List the documents."""
        words = self.words(interaction)
        if self._allows(interaction):
            documents = self._library.documents(self._here(interaction))
            listed = [(document.title, document.source, document.url) for document in documents]
            message = render_sources(listed, words, file=SOURCES_FILE)
            await self._responder.show(interaction, message, file=SOURCES_FILE)
        else:
            await self._responder.say(interaction, words.not_allowed)

    async def complete(self, interaction: Interaction, typed: str) -> None:
        """Suggest questions to who is typing one."""
        await self._responder.suggest(interaction, self._suggested(interaction, typed))

    def _suggested(self, interaction: Interaction, typed: str) -> list[str]:
        """Questions that the documents answer and that hold the words typed, in the reader's language first."""
        if not self._allows(interaction):
            return []
        language = choose_language(None, self._locale or interaction.locale.value)
        languages = [language, *(other for other in CATALOGUE if other != language)]
        words, here = typed.casefold().split(), self._here(interaction)
        found: Iterable[str] = (
            question
            for each in languages
            for question in self._library.suggest(here, each)
            if len(question) <= MAX_CHOICE and all(word in question.casefold() for word in words)
        )
        return list(dict.fromkeys(found))[:MAX_CHOICES]

    async def failed(self, interaction: Interaction, error: Exception) -> None:
        """Say that something unexpected happened."""
        _log.error("a command was not taken: %s: %s", type(error).__name__, error, exc_info=error)
        await self._responder.say(interaction, self.words(interaction).failed)

    def words(self, interaction: Interaction) -> Messages:
        """The bot's own words in the reader's language."""
        return messages_in(choose_language(None, self._locale or interaction.locale.value))

    async def _take(self, interaction: Interaction, asked: Asked) -> None:
        try:
            if self._access.allows(asked, roles_of(interaction.user)):
                await self._dispatcher.receive(asked)
            else:
                await self._dispatcher.deny(asked)
        except LedgerUnavailable as error:
            _log.warning("%s", error)
            await self._responder.say(interaction, self.words(interaction).feedback_lost)

    def _allows(self, interaction: Interaction) -> bool:
        return self._access.allows(self._here(interaction), roles_of(interaction.user))

    def _here(self, interaction: Interaction) -> Asked:
        """Where something is asked for."""
        return read_command(interaction, "", Trigger.COMMAND, self._place, target=None)


class Translator(app_commands.Translator):
    """Names and descriptions are English, and translated into whatever else the bot speaks."""

    async def translate(
        self, string: locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        language = locale.value.partition("-")[0]
        found = next((messages for spoken, messages in CATALOGUE.items() if spoken == language), None)
        return None if found is None or found is _ENGLISH else str(getattr(found, string.extras["name"]))


def _named(name: str) -> locale_str:
    """A field of Messages, to be translated."""
    return locale_str(getattr(_ENGLISH, name), name=name)


class _Tree(app_commands.CommandTree[Any]):
    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await self.client.commands.failed(interaction, cause)


def command_tree(client: Any) -> app_commands.CommandTree[Any]:
    """The commands of a client that has ``commands``, and ``handle`` for them; available in servers, direct messages
    and everywhere that a person took the app along to."""
    tree = _Tree(
        client,
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
    )

    @tree.command(name=_named("command_ask"), description=_named("command_ask_description"))
    @app_commands.rename(question=_named("option_question"), private=_named("option_private"))
    @app_commands.describe(question=_named("option_question_description"), private=_named("option_private_description"))
    async def ask(
        interaction: Interaction, question: app_commands.Range[str, 1, MAX_QUESTION], private: bool = False
    ) -> None:
        await client.handle(client.commands.ask(interaction, question, private=private))

    @ask.autocomplete("question")
    async def complete(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        await client.handle(client.commands.complete(interaction, typed))
        return []

    @tree.command(name=_named("command_sources"), description=_named("command_sources_description"))
    async def sources(interaction: Interaction) -> None:
        await client.handle(client.commands.sources(interaction))

    @tree.context_menu(name=_named("command_ask_about"))
    async def ask_about(interaction: Interaction, message: discord.Message) -> None:
        await client.handle(client.commands.ask_about(interaction, message))

    return tree
