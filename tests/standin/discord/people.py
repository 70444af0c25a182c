"""What people do to messages and threads, and the events it makes."""

from __future__ import annotations

from collections.abc import Iterable

from tests.standin.discord import mentions, payloads
from tests.standin.discord import permissions as may
from tests.standin.discord.model import (
    FORUM,
    HAS_THREAD,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    Channel,
    File,
    Guild,
    Member,
    Message,
    Overwrite,
    Role,
    User,
)
from tests.standin.discord.state import State


class People(State):
    """Part of World. Text is always as it travels: ``<@1234>`` for a mention."""

    # -- messages

    def say(
        self,
        user: User,
        channel: Channel,
        text: str,
        *,
        reply_to: Message | None = None,
        mention_reply: bool = True,
        attachments: Iterable[str | File] = (),
    ) -> Message:
        """A person writes; PermissionError where they may not see the channel or write there.

        ``mention_reply``: whether a reply pings whom it replies to; ``attachments``: files, or names of empty ones.
        """
        needed = may.SEND_MESSAGES_IN_THREADS if channel.is_thread else may.SEND_MESSAGES
        if not self.may(user, channel) & needed:
            raise PermissionError(f"{user.name} may not write there")
        message = Message(self.new_id(), channel.id, user, text)
        named = [file if isinstance(file, File) else File("", file) for file in attachments]
        message.files = [File(self.new_id(), file.name, file.content, file.content_type) for file in named]
        if reply_to is not None:
            message.type, message.reference = 19, self.reference(reply_to)
        rules = {"parse": list(mentions.TYPES), "replied_user": mention_reply}
        message.pings = message.mentions_called = mentions.pings(self, message, rules)
        return self.post(message)

    def post(self, message: Message, *, nonce: str = "") -> Message:
        """Put a message where it belongs; an archived thread comes back with it."""
        channel = self.channels[message.channel]
        self.messages[message.id] = message
        if not message.ephemeral_to:
            channel.last_message = message.id
            if channel.is_thread:
                # Who writes in a thread joins it.
                channel.people.add(message.author.id)
            if channel.archived:
                self.unarchive(channel)
            self.emit_message("MESSAGE_CREATE", message, **({"nonce": nonce} if nonce else {}))
        self.changes.notify()
        return message

    def reference(self, message: Message) -> dict[str, object]:
        channel = self.channels[message.channel]
        body = {"type": 0, "message_id": message.id, "channel_id": channel.id}
        return body | ({"guild_id": channel.guild} if channel.guild else {})

    def edit(self, message: Message, text: str) -> Message:
        """The author changes a message: it may name somebody else now, but pings nobody anew."""
        message.history.append(message.shown)
        message.content = text
        rules = {"parse": list(mentions.TYPES), "replied_user": self._replied(message) in message.pings.users}
        message.pings = mentions.pings(self, message, rules)
        self.touch(message)
        return message

    def touch(self, message: Message) -> None:
        """A message is not as it was: stamp it, and tell the app."""
        message.edited = payloads.timestamp(self.now())
        self.emit_message("MESSAGE_UPDATE", message)

    def _replied(self, message: Message) -> str:
        original = self.messages.get(str((message.reference or {}).get("message_id", "")))
        return original.author.id if original else ""

    def unfurl(self, message: Message, url: str = "https://example.org/") -> Message:
        """Discord adds a preview of a link: an update that says nothing of an edit."""
        message.embeds = [{"type": "article", "url": url, "title": "A preview", "description": "Of a link"}]
        self.emit_message("MESSAGE_UPDATE", message)
        return message

    def delete(self, message: Message) -> None:
        message.deleted = True
        if message.ephemeral_to:
            self.changes.notify()
            return
        channel = self.channels[message.channel]
        body = {"id": message.id, "channel_id": channel.id} | ({"guild_id": channel.guild} if channel.guild else {})
        if self.sees(channel):
            self.emit("MESSAGE_DELETE", lambda: body, channel=channel)

    def bulk_delete(self, *messages: Message) -> None:
        """A moderator deletes several of a channel's messages at once."""
        for message in messages:
            message.deleted = True
        channel = self.channels[messages[0].channel]
        body = {"ids": [m.id for m in messages], "channel_id": channel.id, "guild_id": channel.guild}
        if self.sees(channel):
            self.emit("MESSAGE_DELETE_BULK", lambda: body, channel=channel)

    def system_message(self, channel: Channel, kind: int = 7, user: User | None = None) -> Message:
        """Discord itself writes, in somebody's name: by default that they joined."""
        return self.post(Message(self.new_id(), channel.id, user or self.alice, type=kind))

    def webhook_says(self, channel: Channel, text: str) -> Message:
        """A webhook, which is no member, writes under a name of its own."""
        author = User(self.old_id(), "Build report", bot=True)
        message = Message(self.new_id(), channel.id, author, text, webhook=author.id)
        message.pings = message.mentions_called = mentions.pings(self, message, None)
        return self.post(message)

    # -- threads

    def open_thread(
        self, user: User, place: Message | Channel, name: str = "thread", *, private: bool = False
    ) -> Channel:
        """A person begins a thread from a message, or in a channel without one; the app may too."""
        start = place if isinstance(place, Message) else None
        parent = self.channels[place.channel] if isinstance(place, Message) else place
        thread = Channel(
            start.id if start else self.new_id(),
            PRIVATE_THREAD if private else PUBLIC_THREAD,
            name,
            parent.guild,
            parent.id,
            owner=user.id,
            people={user.id},
        )
        self.channels[thread.id] = thread
        self.tell_channel("THREAD_CREATE", thread, newly_created=True)
        if start is not None:
            start.thread, start.flags = thread.id, start.flags | HAS_THREAD
            self.emit_message("MESSAGE_UPDATE", start)
            self.post(Message(self.new_id(), thread.id, start.author, type=21, reference=self.reference(start)))
        elif not private:
            notice = Message(self.new_id(), parent.id, user, name, type=18)
            notice.reference = {"channel_id": thread.id, "guild_id": parent.guild}
            self.post(notice)
        return thread

    def forum_post(self, user: User, forum: Channel, title: str, text: str) -> Message:
        """A person posts in a forum: a thread whose first message has the thread's id."""
        if forum.type != FORUM:
            raise ValueError("no forum")
        thread = Channel(self.new_id(), PUBLIC_THREAD, title, forum.guild, forum.id, owner=user.id, people={user.id})
        self.channels[thread.id] = thread
        self.tell_channel("THREAD_CREATE", thread, newly_created=True)
        message = Message(thread.id, thread.id, user, text)
        message.pings = message.mentions_called = mentions.pings(self, message, None)
        return self.post(message)

    def archive(self, thread: Channel, *, locked: bool = False) -> None:
        thread.archived, thread.locked = True, locked
        self.tell_channel("THREAD_UPDATE", thread)

    def unarchive(self, thread: Channel) -> None:
        thread.archived = thread.locked = False
        self.tell_channel("THREAD_UPDATE", thread)

    def invite(self, thread: Channel, user: User | None = None) -> None:
        """Somebody is added to a private thread: by default the bot, to whom it is new."""
        person = user or self.bot
        new = not self.sees(thread)
        thread.people.add(person.id)
        if new and person is self.bot:
            self.tell_channel("THREAD_CREATE", thread)

    # -- channels, roles and guilds

    def allow(self, channel: Channel, *permissions: int, who: User | Role | None = None) -> None:
        """Let somebody, by default the bot, do something in a channel."""
        self._overwrite(channel, who, allow=sum(permissions))

    def deny(self, channel: Channel, *permissions: int, who: User | Role | None = None) -> None:
        """Forbid somebody, by default the bot, something in a channel."""
        self._overwrite(channel, who, deny=sum(permissions))

    def _overwrite(self, channel: Channel, who: User | Role | None, *, allow: int = 0, deny: int = 0) -> None:
        target = who or self.bot
        overwrite = channel.overwrites.setdefault(target.id, Overwrite(target.id, int(isinstance(target, User))))
        hidden = not self.sees(channel)
        overwrite.allow = overwrite.allow & ~deny | allow
        overwrite.deny = overwrite.deny & ~allow | deny
        self.tell_channel("CHANNEL_UPDATE", channel)
        if hidden and self.sees(channel):
            self._sync_threads(channel)

    def _sync_threads(self, channel: Channel) -> None:
        """Who gains access to a channel learns of its threads."""
        inside = [c for c in self.channels.values() if c.parent == channel.id and c.is_thread and not c.archived]
        threads = [payloads.channel_json(self, thread) for thread in inside if self.sees(thread)]
        members = [thread["member"] for thread in threads if "member" in thread]
        body = {"guild_id": channel.guild, "channel_ids": [channel.id], "threads": threads, "members": members}
        self.emit("THREAD_LIST_SYNC", lambda: body, channel=channel)

    def rename(self, channel: Channel, name: str) -> None:
        channel.name = name
        self.tell_channel("THREAD_UPDATE" if channel.is_thread else "CHANNEL_UPDATE", channel)

    def delete_channel(self, channel: Channel) -> None:
        if channel.is_thread:
            body = {
                name: payloads.channel_json(self, channel)[name] for name in ("id", "guild_id", "parent_id", "type")
            }
            self.emit("THREAD_DELETE", lambda: body, channel=channel)
        else:
            self.tell_channel("CHANNEL_DELETE", channel)
        channel.deleted = True
        for message in self.messages.values():
            message.deleted = message.deleted or message.channel == channel.id

    def permit(self, role: Role, permissions: int, *, guild: Guild | None = None) -> None:
        """Set what a role may do in the whole guild."""
        place = guild or self.guild
        role.permissions = permissions
        body = {"guild_id": place.id, "role": payloads.role_json(role)}
        self.emit("GUILD_ROLE_UPDATE", lambda: body, guild=place)

    def expel(self, guild: Guild | None = None) -> None:
        """The bot is removed from a guild."""
        place = guild or self.guild
        place.members.pop(self.bot.id)
        self.emit("GUILD_DELETE", lambda: {"id": place.id}, guild=place)

    def outage(self, guild: Guild | None = None) -> None:
        """A guild is not available for a while."""
        place = guild or self.guild
        place.available = False
        self.emit("GUILD_DELETE", lambda: {"id": place.id, "unavailable": True}, guild=place)

    def recover(self, guild: Guild | None = None) -> None:
        """A guild that was not available, or that had removed the bot, is back."""
        place = guild or self.guild
        place.available = True
        joined = self.bot.id not in place.members
        if joined:
            ours = {role.id for role in place.roles.values() if role.managed_by == self.bot.id}
            place.members[self.bot.id] = Member(self.bot, ours)
        self.emit("GUILD_CREATE", lambda: payloads.guild_create(self, place, joined=joined), guild=place)

    # -- for direct messages

    def close_dms(self, user: User) -> None:
        """A person takes no direct messages from the bot any more."""
        self.closed_to.add(self.dm(user).id)

    def open_dms(self, user: User) -> None:
        self.closed_to.discard(self.dm(user).id)
