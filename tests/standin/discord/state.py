"""Guilds, people, channels and messages, and the events that changes to them cause."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.standin.calls import Json
from tests.standin.discord import payloads
from tests.standin.discord import permissions as may
from tests.standin.discord.errors import Refused
from tests.standin.discord.model import (
    DM,
    FORUM,
    GROUP_DM,
    TEXT,
    Call,
    Channel,
    Guild,
    Member,
    Message,
    Overwrite,
    Role,
    User,
)
from tests.standin.signals import Changes

_PAST = 1_672_531_200_000
"""Milliseconds: what there was from the start was made at the beginning of 2023, one thing a millisecond."""


class State:
    """What World is built on."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.emit_to: Callable[[str, Callable[[bool], Json], Channel | None, Guild | None], None] = (
            lambda name, body, channel, guild: None
        )
        self.bot_gateway: Callable[[], Json] = dict
        """What GET /gateway/bot answers: the gateway's to say."""
        self.users: dict[str, User] = {}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        self.commands: dict[str, dict[str, Json]] = {"": {}}
        """By guild (empty: everywhere), then by id."""
        self.typing: list[tuple[str, float]] = []
        """Channel and time.monotonic of every sign of typing."""
        self.violations: list[str] = []
        """What the app did that Discord would hold against it."""
        self.message_content = False
        self.members_intent = False
        self.presences_intent = False
        """The privileged intents, as switched on in the developer portal."""
        self.closed_to: set[str] = set()
        """Channels of direct messages whose person takes none from the bot."""
        self.install: Json = {"install_params": None, "integration_types_config": {"0": {}, "1": {}}}
        self.token_valid = True
        self._skipped = 0.0
        self._ids = itertools.count(1)
        self._last = 0
        self.bot = User(self.old_id(), "fonte", "Fonte", bot=True)
        self.users[self.bot.id] = self.bot
        self.application_id = self.bot.id
        self.alice = self.add_user("alice")
        self.bruno = self.add_user("bruno", locale="it")
        self.other_bot = self.add_user("otherbot", bot=True)
        self.guild = self.add_guild("standin")
        self.bot_role = next(role for role in self.guild.roles.values() if role.managed_by == self.bot.id)
        self.general = self.add_channel("general")
        self.random = self.add_channel("random")
        self.secret = self.add_channel("secret")
        self.secret.overwrites[self.guild.id] = Overwrite(self.guild.id, 0, deny=may.VIEW_CHANNEL)
        self.forum = self.add_channel("forum", type=FORUM)

    # -- time and names

    def now(self) -> float:
        """Seconds of the clock on the wall, which ``advance`` can set forward: what interactions age by."""
        return time.time() + self._skipped

    def advance(self, seconds: float) -> None:
        self._skipped += seconds
        self.changes.notify()

    def old_id(self) -> str:
        return str((_PAST - payloads.EPOCH + next(self._ids)) << 22)

    def new_id(self) -> str:
        """A snowflake of this moment, later than all before."""
        self._last = max(self._last + 1, (int(self.now() * 1000) - payloads.EPOCH) << 22)
        return str(self._last)

    @property
    def token(self) -> str:
        """The bot's token, of the form that Discord's have."""
        name = base64.urlsafe_b64encode(self.bot.id.encode()).decode().rstrip("=")
        return f"{name}.GStand.standin_0123456789_abcdefghijk"

    # -- making things

    def add_user(self, name: str, *, locale: str = "en-US", bot: bool = False, system: bool = False) -> User:
        user = User(self.old_id(), name, name.capitalize(), bot, locale, system)
        self.users[user.id] = user
        for guild in self.guilds.values():
            guild.members[user.id] = Member(user)
        return user

    def add_guild(self, name: str, *, bot: bool = True, locale: str = "en-US") -> Guild:
        """A guild of everybody, and of the bot if ``bot``; an app that is connected is told that it joined."""
        owner = next(iter(self.guilds.values())).owner if self.guilds else self.add_user("owner").id
        guild = Guild(self.old_id(), name, owner, locale)
        guild.roles[guild.id] = Role(guild.id, "@everyone", may.EVERYONE, position=0)
        guild.members = {user.id: Member(user) for user in self.users.values() if user is not self.bot}
        self.guilds[guild.id] = guild
        if bot:
            role = self.add_role("Fonte", guild=guild, managed_by=self.bot.id)
            guild.members[self.bot.id] = Member(self.bot, {role.id})
            self.emit("GUILD_CREATE", lambda: payloads.guild_create(self, guild, joined=True), guild=guild)
        return guild

    def add_role(
        self,
        name: str,
        *members: User,
        guild: Guild | None = None,
        permissions: int = 0,
        mentionable: bool = False,
        managed_by: str = "",
    ) -> Role:
        place = guild or self.guild
        role = Role(self.old_id(), name, permissions, managed_by, mentionable, len(place.roles))
        place.roles[role.id] = role
        for user in members:
            place.members[user.id].roles.add(role.id)
        if self.bot.id in place.members:
            body = {"guild_id": place.id, "role": payloads.role_json(role)}
            self.emit("GUILD_ROLE_CREATE", lambda: body, guild=place)
        return role

    def add_channel(self, name: str, *, guild: Guild | None = None, type: int = TEXT, parent: str = "") -> Channel:
        channel = Channel(self.old_id(), type, name, (guild or self.guild).id, parent)
        self.channels[channel.id] = channel
        self.tell_channel("CHANNEL_CREATE", channel)
        return channel

    def dm(self, user: User) -> Channel:
        """The direct messages between a person and the bot."""
        return self._private(DM, self.bot, user)

    def private(self, *people: User) -> Channel:
        """Direct messages between people, where the bot is not."""
        return self._private(DM if len(people) == 2 else GROUP_DM, *people)

    def _private(self, kind: int, *people: User) -> Channel:
        inside = {person.id for person in people}
        for channel in self.channels.values():
            if channel.type == kind and channel.people == inside:
                return channel
        channel = Channel(self.new_id(), kind, people=inside, owner=people[0].id)
        self.channels[channel.id] = channel
        return channel

    # -- what there is to see

    @property
    def mention(self) -> str:
        """How a person's message names the bot."""
        return self.bot.mention

    def channel(self, channel: str) -> Channel:
        """Raises Refused: there is none of this id, or the bot may not see it."""
        found = self.channels.get(channel)
        if found is None or found.deleted:
            raise Refused(10003)
        if not self.sees(found):
            raise Refused(50001)
        return found

    def parent(self, channel: Channel) -> Channel:
        """The channel that decides on permissions: of a thread, the one it is in."""
        return self.channels[channel.parent] if channel.is_thread else channel

    def may(self, user: User, channel: Channel) -> int:
        """What somebody may do in a channel or thread."""
        if not channel.guild:
            return may.DIRECT if user.id in channel.people else 0
        allowed = may.permissions(self.guilds[channel.guild], self.parent(channel), user.id)
        if channel.type == 12 and user.id not in channel.people and not allowed & may.MANAGE_THREADS:
            return 0
        return allowed

    def sees(self, channel: Channel, user: User | None = None) -> bool:
        return bool(self.may(user or self.bot, channel) & may.VIEW_CHANNEL)

    def message(self, channel: Channel, message: str) -> Message:
        """Raises Refused(10008) where there is none in this channel."""
        found = self.messages.get(message)
        if found is None or found.deleted or found.channel != channel.id or found.ephemeral_to:
            raise Refused(10008)
        return found

    def visible(self, channel: Channel) -> list[Message]:
        """A channel's messages, oldest first; not what only one person sees."""
        found = [m for m in self.messages.values() if m.channel == channel.id and not m.deleted and not m.ephemeral_to]
        return sorted(found, key=lambda m: int(m.id))

    def answers(self, channel: Channel) -> list[Message]:
        """What the bot wrote there for everybody, oldest first, but for "is thinking"."""
        return [m for m in self.visible(channel) if m.author is self.bot and not m.loading and m.type not in (18, 21)]

    def replies_to(self, message: Message) -> list[Message]:
        """The bot's replies to a message."""
        found = [m for m in self.messages.values() if m.type in (19, 20, 23) and not m.deleted and m.author is self.bot]
        return [m for m in found if (m.reference or {}).get("message_id") == message.id]

    def ephemerals(self, user: User) -> list[Message]:
        """What only this person sees."""
        return [m for m in self.messages.values() if m.ephemeral_to == user.id and not m.deleted]

    # -- telling the app

    def emit(
        self, name: str, body: Callable[[], Json], *, channel: Channel | None = None, guild: Guild | None = None
    ) -> None:
        """Send an event; ``body`` is asked once, now."""
        made = deepcopy(body())
        self.emit_to(name, lambda content: made, channel, guild or self._guild_of(channel))
        self.changes.notify()

    def emit_message(self, name: str, message: Message, **fields: Any) -> None:
        """MESSAGE_CREATE or MESSAGE_UPDATE, without what the app's intents do not let it read."""
        channel = self.channels[message.channel]
        if message.ephemeral_to or not self.sees(channel):
            return
        body = deepcopy(self.event_json(message) | fields)
        bare = body if not channel.guild else payloads.redacted(body, self.bot.id)
        self.emit_to(name, lambda content: body if content else bare, channel, self._guild_of(channel))
        self.changes.notify()

    def event_json(self, message: Message) -> Json:
        body = payloads.message_json(self, message) | {"channel_type": self.channels[message.channel].type}
        guild = self._guild_of(self.channels[message.channel])
        if guild is not None:
            body["guild_id"] = guild.id
            if message.author.id in guild.members and not message.webhook:
                body["member"] = payloads.member_json(guild.members[message.author.id], user=False)
        return body

    def rest_json(self, message: Message) -> Json:
        """As the API answers with it: the intents count there too."""
        body = deepcopy(payloads.message_json(self, message))
        if self.message_content or not self.channels[message.channel].guild:
            return body
        return payloads.redacted(body, self.bot.id)

    def tell_channel(self, name: str, channel: Channel, **fields: Any) -> None:
        if channel.guild and self.bot.id not in self.guilds[channel.guild].members:
            return
        if channel.is_thread and not self.sees(channel):
            return
        self.emit(name, lambda: payloads.channel_json(self, channel) | fields, channel=channel)

    def _guild_of(self, channel: Channel | None) -> Guild | None:
        return self.guilds.get(channel.guild) if channel is not None else None

    def idle(self, calls: list[Call]) -> bool:
        return all(call.status is not None for call in calls)
