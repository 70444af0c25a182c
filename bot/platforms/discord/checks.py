"""Names what is set and cannot work: what the application may not hear, and, once the servers are known, there."""

from __future__ import annotations

from collections.abc import Iterator

import discord

from bot.actions import Desk
from bot.errors import ConfigError

_PAGE = "on the application's page at discord.com/developers/applications"
WRONG_TOKEN = f"Discord refuses DISCORD_BOT_TOKEN: make a new one under Bot, Reset Token, {_PAGE}."
NO_INTENT = (
    "DISCORD_MESSAGE_CONTENT=true needs the Message Content Intent: switch it on under Bot, Privileged Gateway "
    f"Intents, {_PAGE}, or set DISCORD_MESSAGE_CONTENT=false."
)


def check_intents(client: discord.Client, *, message_content: bool) -> None:
    """Raises ConfigError where a client that has logged in may not read messages and is told to."""
    flags = client.application_flags
    if message_content and not (flags.gateway_message_content or flags.gateway_message_content_limited):
        raise ConfigError(NO_INTENT)


def lacking(client: discord.Client, desk: Desk) -> Iterator[str]:
    """One sentence for each channel or role in the settings that the bot cannot use."""
    for variable, channel in (
        ("DISCORD_FEEDBACK_CHANNEL", desk.feedback_channel),
        ("DISCORD_ESCALATION_CHANNEL", desk.escalation_channel),
    ):
        if channel and not _can_write(client, channel):
            yield f"{variable} names the channel {channel}, where the bot may not write: let it view and send there."
    if desk.escalation_group:
        yield from _role(client, desk.escalation_group)


def _can_write(client: discord.Client, identity: str) -> bool:
    channel = client.get_channel(int(identity))
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return False
    rights = channel.permissions_for(channel.guild.me)
    sends = rights.send_messages_in_threads if isinstance(channel, discord.Thread) else rights.send_messages
    return rights.view_channel and sends


def _role(client: discord.Client, identity: str) -> Iterator[str]:
    found = [role for guild in client.guilds if (role := guild.get_role(int(identity))) is not None]
    if not found:
        yield f"DISCORD_ESCALATION_ROLE names the role {identity}, which is in no server that the bot is in."
    for role in found:
        if not role.mentionable and not role.guild.me.guild_permissions.mention_everyone:
            yield (
                f"DISCORD_ESCALATION_ROLE names the role {identity}, which the bot may not call: allow anyone to "
                "mention it, or give the bot the permission Mention @everyone, @here and All Roles."
            )
