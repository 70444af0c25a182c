"""Reads what Discord sends: which messages are questions, and which are none of ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bot.claims import Asked, Trigger
from bot.markup.discord import NOTICE
from bot.platforms.discord.client import address_of
from bot.platforms.discord.words import decode

PLATFORM = "discord"
_SPOKEN = frozenset({discord.MessageType.default, discord.MessageType.reply})
"""Types of messages that a person wrote; all others are joins, pins, threads opened and the like."""
_EVERYBODY = re.compile(r"@(?:everyone|here)\b")
_THREADED = frozenset({discord.ChannelType.text, discord.ChannelType.news})
"""Types of channels in which a message can head a thread."""
_THREADS = frozenset(
    {discord.ChannelType.news_thread, discord.ChannelType.public_thread, discord.ChannelType.private_thread}
)


@dataclass(frozen=True, slots=True)
class Place:
    """What the reader must know of the bot and how it is set up."""

    bot_user: int
    threads: bool
    """Whether each question in a channel gets a thread."""


@dataclass(frozen=True, slots=True)
class Where:
    """A channel in the words of Asked."""

    channel: str
    """A thread's parent."""
    thread: str
    """Empty where the channel is no thread; the same as ``channel`` where it may be one, of a parent unknown."""
    threaded: bool = False
    """Whether a message there can head a thread."""


def message_key(message: int) -> str:
    """The same for every delivery of a message."""
    return f"{PLATFORM}:message:{message}"


def where(channel: Any) -> Where:
    """Where a message stands or an interaction happened; ``channel`` as the library has it, whole or in part."""
    return _where(getattr(channel, "type", None), channel.id, getattr(channel, "parent_id", None))


def where_told(channel: Mapping[str, Any]) -> Where:
    """The same of a channel as the API tells of it."""
    kind = next((kind for kind in discord.ChannelType if kind.value == channel.get("type")), None)
    return _where(kind, channel["id"], channel.get("parent_id"))


def nowhere_told(channel: int | str | None) -> Where:
    """The same of a channel of which nothing is known."""
    return Where(str(channel or ""), str(channel or ""))


def _where(kind: discord.ChannelType | None, identity: int | str, parent: int | str | None) -> Where:
    if kind is None or (kind in _THREADS and not parent):
        return nowhere_told(identity)
    if kind in _THREADS:
        return Where(str(parent), str(identity))
    return Where(str(identity), "", kind in _THREADED)


def is_known(channel: Any) -> bool:
    """Whether it is known what kind of channel a server's message stands in: threads are forgotten when they close."""
    return not isinstance(channel, discord.PartialMessageable)


def guild_of(message: discord.Message) -> str:
    """The server in which a message stands, whether or not the library knows it; empty: none, it is direct."""
    if message.guild is not None:
        return str(message.guild.id)
    return str(getattr(message.channel, "guild_id", None) or "")


def concerns(message: discord.Message, place: Place) -> Trigger | None:
    """What a message is to the bot; FOLLOW_UP: a question if it stands in a thread of the bot's. None: nothing."""
    author = message.author
    if message.type not in _SPOKEN or author.bot or message.webhook_id is not None:
        return None
    if not guild_of(message):
        return Trigger.DIRECT
    if _addresses(message, place):
        return Trigger.MENTION
    # Without the intent, the text is not there; with it, what is said to others is theirs.
    return Trigger.FOLLOW_UP if message.content and not _said_to_others(message) else None


def is_hidden(message: discord.Message) -> bool:
    """Whether the text of a message that concerns the bot is kept from it: without the intent, one that names its role
    only."""
    return bool(guild_of(message)) and not message.content and not message.mentions


def _said_to_others(message: discord.Message) -> bool:
    """Whether people are called, or would be if the author were allowed to, or are replied to."""
    if message.mentions or message.raw_role_mentions or _EVERYBODY.search(message.content):
        return True
    replied = _replied(message)
    return replied is not None and replied.author.id != message.author.id


def _addresses(message: discord.Message, place: Place) -> bool:
    if place.bot_user in message.raw_mentions or _own_roles(message, place):
        return True
    called = any(user.id == place.bot_user for user in message.mentions)
    replied = _replied(message)
    if replied is None or replied.author.id != place.bot_user:
        return called
    # The mention that goes along with a reply can be switched off; then there is a text only with the intent.
    return (called or bool(message.content)) and not _put_before_people(replied)


def _put_before_people(message: discord.Message) -> bool:
    """Whether one of the bot's messages shows people what others want of them: a reply to it is for those."""
    containers = [part for part in message.components if isinstance(part, discord.components.Container)]
    rows = [part for container in containers for part in container.children if isinstance(part, discord.ActionRow)]
    notice = any(container.accent_colour == discord.Colour(NOTICE) for container in containers)
    return bool(containers) and not rows and not notice


def _replied(message: discord.Message) -> discord.Message | None:
    """The message that this one replies to, where that is still there."""
    replied = message.reference.resolved if message.reference else None
    return replied if isinstance(replied, discord.Message) else None


def _own_roles(message: discord.Message, place: Place) -> frozenset[str]:
    """The bot's own roles among those named: completion offers them under the bot's name."""
    found = set(message.role_mentions)
    if message.guild is not None:
        # Those too that the author may not call, and which Discord therefore does not count as mentioned.
        found.update(filter(None, map(message.guild.get_role, message.raw_role_mentions)))
    tagged = ((role, role.tags) for role in found)
    return frozenset(str(role.id) for role, tags in tagged if tags is not None and tags.bot_id == place.bot_user)


def read_message(message: discord.Message, trigger: Trigger, place: Place, stands: Where) -> Asked:
    """A message as a question; ``stands``: where it does."""
    thread = stands.thread
    if place.threads and stands.threaded and trigger is Trigger.MENTION:
        thread = str(message.id)  # a thread has the id of the message that heads it
    edited = message.edited_at
    return Asked(
        key=message_key(message.id),
        platform=PLATFORM,
        team=guild_of(message),
        channel=stands.channel,
        # A forum's thread has the id of its first message, too, so where a message stands is part of its name.
        message=f"{stands.thread or stands.channel}/{message.id}",
        thread=thread,
        user=str(message.author.id),
        text=_text(message, place),
        trigger=trigger,
        asked_at=message.created_at.timestamp(),
        # Always as many digits, so that versions sort as text.
        version=edited.isoformat(timespec="microseconds") if edited else "",
    )


def read_command(
    interaction: discord.Interaction[Any], text: str, trigger: Trigger, place: Place, *, target: discord.Message | None
) -> Asked:
    """The question of a command; ``target``: the message whose text it is."""
    stands = where(interaction.channel) if interaction.channel else nowhere_told(interaction.channel_id)
    return Asked(
        key=f"{PLATFORM}:interaction:{interaction.id}",
        platform=PLATFORM,
        team=str(interaction.guild_id or ""),
        channel=stands.channel,
        message="",
        thread=stands.thread,
        user=str(interaction.user.id),
        text=text if target is None else _text(target, place),
        trigger=trigger,
        asked_at=interaction.created_at.timestamp(),
        locale=interaction.locale.value,
        address=address_of(interaction),
    )


def roles_of(user: discord.User | discord.Member) -> Collection[str]:
    """Ids of a person's roles in the server where they ask; of all, those too that the server has not told of yet."""
    return [str(role) for role in user._roles] if isinstance(user, discord.Member) else ()


def _text(message: discord.Message, place: Place) -> str:
    users = {str(user.id): user.display_name for user in message.mentions}
    roles = {str(role.id): role.name for role in message.role_mentions}

    def name(kind: str, identity: str) -> str:
        match kind:
            case "user":
                return users.get(identity, "")
            case "role":
                return roles.get(identity, "")
            case _:
                channel = message.guild.get_channel_or_thread(int(identity)) if message.guild else None
                return channel.name if channel else ""

    return decode(message.content, str(place.bot_user), _own_roles(message, place), name)
