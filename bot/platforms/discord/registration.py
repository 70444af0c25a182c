"""Registers the commands with Discord where they changed: everywhere, or in some servers, never both."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from discord import app_commands

from bot.errors import DeliveryError
from bot.platforms.discord.client import Answer, DiscordClient

_log = logging.getLogger(__name__)

_EVERYWHERE = "/applications/{application_id}/commands"
_IN_SERVER = "/applications/{application_id}/guilds/{guild_id}/commands"
_GLOBAL_ONLY = ("contexts", "integration_types", "dm_permission")
"""What a server's own commands do not have."""


class Registration:
    """One bot's commands."""

    def __init__(self, client: DiscordClient, application_id: int, commands: Sequence[Answer]) -> None:
        """``commands`` as made by ``payload``."""
        self._client = client
        self._application = str(application_id)
        self._commands = commands

    async def run(self, guilds: Sequence[str]) -> None:
        """Register in these servers, or everywhere where none is named. Whatever fails is said in the log."""
        await self._set([] if guilds else self._commands)
        in_servers = [_local(command) for command in self._commands]
        for guild in guilds:
            await self._set(in_servers, guild)

    async def tidy(self, guilds: Iterable[str]) -> None:
        """Take away what was registered in these servers before: it would stand there twice, or where it should not."""
        for guild in guilds:
            await self._set([], guild, level=logging.DEBUG)  # where nothing can be registered, nothing is

    async def _set(self, commands: Sequence[Answer], guild: str = "", *, level: int = logging.WARNING) -> None:
        path, ids = _EVERYWHERE, {"application_id": self._application}
        if guild:
            path, ids = _IN_SERVER, {**ids, "guild_id": guild}
        try:
            there = await self._client.call("GET", path, ids, query={"with_localizations": "true"})
            # What is left out there, Discord may fill in.
            if _essence([_local(command) for command in there] if guild else there) == _essence(commands):
                return
            await self._client.call("PUT", path, ids, body=list(commands))
        except DeliveryError as error:
            where = f"in the server {guild}" if guild else "everywhere"
            hint = "; is the bot there, invited with the scope applications.commands?" if guild else ""
            _log.log(level, "The commands could not be registered %s (%s)%s", where, error, hint)


async def payload(tree: app_commands.CommandTree[Any], translator: app_commands.Translator) -> list[Answer]:
    """A tree's commands as the API takes them."""
    return [await command.get_translated_payload(tree, translator) for command in tree.get_commands()]


def _local(command: Answer) -> Answer:
    return {key: command[key] for key in command if key not in _GLOBAL_ONLY}


def _essence(commands: Iterable[Answer]) -> list[Answer]:
    """What makes commands the same: Discord leaves out what is empty, and adds ids and versions."""
    return sorted((_part(command) for command in commands), key=lambda one: (one["type"], one["name"]))


def _part(item: Answer) -> Answer:
    kept: Answer = {key: _value(key, item.get(key)) for key in _KEYS}
    kept["options"] = [_part(option) for option in item.get("options") or []]
    kept["choices"] = [_part(choice) for choice in item.get("choices") or []]
    return kept


_KEYS = (
    "type",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "contexts",
    "integration_types",
    "default_member_permissions",
    "nsfw",
    "required",
    "autocomplete",
    "min_length",
    "max_length",
    "value",
)


def _value(key: str, value: object) -> object:
    if key in ("contexts", "integration_types") and isinstance(value, list):
        return sorted(value)
    return value or None
