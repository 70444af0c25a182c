"""A workspace's people, channels and messages, and the events that changes to them cause."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from copy import deepcopy

from tests.standin.calls import Json
from tests.standin.signals import Changes
from tests.standin.slack import payloads
from tests.standin.slack.app import App
from tests.standin.slack.model import (
    AgentSession,
    AssistantThread,
    Channel,
    Delivery,
    File,
    Message,
    Prompts,
    Refused,
    User,
    View,
)

SUBSCRIPTIONS = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}


class State:
    """What Workspace is built on."""

    team = "T0STANDIN"
    domain = "standin"

    def __init__(self, *, epoch: float | None = 1_700_000_000) -> None:
        """``epoch``: the first message's time, later ones a second apart each; None: the clock on the wall."""
        self.app = App()
        self.origin = ""
        self.changes = Changes()
        self.send: Callable[[Delivery], None] = lambda delivery: None
        self.deliveries: list[Delivery] = []
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[tuple[str, str], Message] = {}
        self.ephemerals: list[Message] = []
        self._replies: dict[tuple[str, str], list[Message]] = {}
        self.files: dict[str, File] = {}
        self.assistant_threads: dict[tuple[str, str], AssistantThread] = {}
        self.prompts: dict[str, Prompts] = {}
        """Of the messages tab of an app made with ``agent_view``, by the channel of the direct messages."""
        self.sessions: dict[tuple[str, str], AgentSession] = {}
        self.statuses: dict[tuple[str, str], str] = {}
        self.status_log: list[tuple[str, str, str]] = []
        self.views: list[View] = []
        self.mention_first = False
        self.assistant_status_in_channels = False
        """Whether assistant.threads.setStatus also works in threads outside of direct messages."""
        self.stream_seconds = 300.0
        self._streams: dict[tuple[str, str], float] = {}
        self._epoch = epoch
        self._last = 0.0
        self._skipped = 0.0
        self._count = itertools.count(1)
        bot = User(self.app.user, "fonte", is_bot=True, bot_id=self.app.bot)
        self.users[bot.id] = bot
        self.users["USLACKBOT"] = User("USLACKBOT", "slackbot", is_bot=True)
        self.alice = self.add_user("alice", locale="en-US")
        self.bruno = self.add_user("bruno", locale="it-IT")
        self.general = self.add_channel("general")
        self.random = self.add_channel("random")
        self.secret = self.add_channel("secret", kind="group")

    # -- time and names

    def now(self) -> float:
        """Seconds of a clock that ``advance`` can set forward: what response URLs, triggers and streams age by."""
        return time.monotonic() + self._skipped

    def advance(self, seconds: float) -> None:
        self._skipped += seconds
        self.changes.notify()

    def number(self) -> int:
        return next(self._count)

    def next_ts(self) -> str:
        """A message ts: unique and later than all before."""
        if self._epoch is None:
            self._last = max(time.time(), self._last + 0.0001)
            return f"{self._last:.6f}"
        self._last += 1
        return f"{int(self._epoch + self._last)}.{int(self._last) * 100 % 1_000_000:06d}"

    def add_user(self, name: str, *, locale: str = "en-US", is_bot: bool = False) -> User:
        user = User(f"U0{name.upper()}", name, locale, is_bot, f"B0{name.upper()}" if is_bot else "")
        self.users[user.id] = user
        return user

    def add_channel(self, name: str, *, kind: str = "channel", bot: bool = True, archived: bool = False) -> Channel:
        """A channel that every person, and the bot if ``bot``, is a member of."""
        members = {user.id for user in self.users.values() if not user.is_bot}
        channel = Channel(f"C0{name.upper()}", name, kind, members | ({self.app.user} if bot else set()))
        channel.archived = archived
        self.channels[channel.id] = channel
        return channel

    def dm(self, user: User | str) -> Channel:
        """The direct messages between a person and the bot."""
        person = self.user(user)
        channel = Channel(f"D{person.id[1:]}", "", "im", {person.id, self.app.user}, person.id)
        return self.channels.setdefault(channel.id, channel)

    def group_dm(self, *users: User | str) -> Channel:
        """The direct messages of several people and the bot."""
        people = sorted({self.user(user).id for user in users})
        names = "--".join(self.users[person].name for person in (*people, self.app.user))
        identity = f"C0MPDM{''.join(person.removeprefix('U0') for person in people)}"
        channel = Channel(identity, f"mpdm-{names}-1", "mpim", {*people, self.app.user})
        return self.channels.setdefault(channel.id, channel)

    def user(self, user: User | str) -> User:
        return user if isinstance(user, User) else self.users[user]

    def channel(self, channel: Channel | str) -> Channel:
        """Raises Refused("channel_not_found"); a person's id stands for their direct messages."""
        if isinstance(channel, Channel):
            return channel
        if channel in self.users:
            return self.dm(channel)
        if channel not in self.channels:
            raise Refused("channel_not_found")
        return self.channels[channel]

    @property
    def mention(self) -> str:
        """How a person's message names the bot."""
        return f"<@{self.app.user}>"

    # -- what there is to see

    def message(self, channel: Channel | str, ts: str) -> Message | None:
        """The message, unless there is none or it was deleted."""
        found = self.messages.get((self.channel(channel).id, ts))
        return None if found is None or found.deleted else found

    def visible_messages(self, channel: Channel | str, *, by: User | str | None = None) -> list[Message]:
        """A channel's messages and thread replies in order; neither deleted ones nor their tombstones."""
        place = self.channel(channel).id
        found = [m for m in self.messages.values() if m.channel == place and not m.deleted and m.subtype != "tombstone"]
        if by is not None:
            found = [m for m in found if m.user == self.user(by).id]
        return sorted(found, key=lambda m: m.ts)

    def replies(self, channel: Channel | str, ts: str) -> list[Message]:
        """The messages of a thread but for the parent."""
        return [m for m in self._replies.get((self.channel(channel).id, ts), ()) if not m.deleted]

    def thread(self, channel: Channel | str, ts: str) -> list[Message]:
        """The parent (as its tombstone where it was deleted), then its replies."""
        parent = self.message(channel, ts)
        return ([parent] if parent else []) + self.replies(channel, ts)

    def answers(self, channel: Channel | str, ts: str = "") -> list[Message]:
        """The bot's messages in a thread, or anywhere in the channel where no thread is named."""
        found = self.replies(channel, ts) if ts else self.visible_messages(channel)
        return [m for m in found if m.user == self.app.user and m.subtype != "assistant_app_thread"]

    def ephemerals_for(self, user: User | str, channel: Channel | str | None = None) -> list[Message]:
        place = "" if channel is None else self.channel(channel).id
        person = self.user(user).id
        return [m for m in self.ephemerals if m.ephemeral_to == person and place in ("", m.channel) and not m.deleted]

    def as_json(self, message: Message, *, metadata: bool = True) -> Json:
        replies = self.replies(message.channel, message.ts)
        return deepcopy(payloads.message_json(message, team=self.team, replies=replies, metadata=metadata))

    # -- what happens to messages

    def add(self, message: Message, *, silent: bool = False) -> Message:
        """Put a message where it belongs; the app is told unless ``silent``."""
        if message.ephemeral_to:
            self.ephemerals.append(message)
        else:
            self.messages[message.channel, message.ts] = message
            if message.thread_ts:
                self._replies.setdefault((message.channel, message.thread_ts), []).append(message)
            if not silent:
                self.emit(self.message_event(message), SUBSCRIPTIONS[self.channels[message.channel].kind])
        self.changes.notify()
        return message

    def message_event(self, message: Message) -> Json:
        body = self.as_json(message)
        channel = self.channels[message.channel]
        if message.thread_ts and (parent := self.messages.get((message.channel, message.thread_ts))):
            body["parent_user_id"] = parent.user
        return body | {"channel": channel.id, "channel_type": channel.kind, "event_ts": message.ts}

    def changed(self, message: Message, before: Json) -> None:
        """Tell the app that a message is not as it was ``before``."""
        channel = self.channels[message.channel]
        ts = self.next_ts()
        event = {
            "type": "message",
            "subtype": "message_changed",
            "message": self.as_json(message),
            "previous_message": before,
            "channel": channel.id,
            "channel_type": channel.kind,
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
        }
        self.emit(event, SUBSCRIPTIONS[channel.kind])
        self.changes.notify()

    def remove(self, message: Message) -> None:
        """Delete; a message with replies leaves a tombstone, which goes with the last reply."""
        before = self.as_json(message)
        if not message.thread_ts and self.replies(message.channel, message.ts):
            tombstone = Message(message.channel, message.ts, "USLACKBOT", "This message was deleted.")
            tombstone.subtype = "tombstone"
            self.messages[message.channel, message.ts] = tombstone
            message.deleted = True
            self.changed(tombstone, before)
            return
        message.deleted = True
        self._tell_deleted(message, before)
        parent = self.message(message.channel, message.thread_ts) if message.thread_ts else None
        if parent and parent.subtype == "tombstone" and not self.replies(parent.channel, parent.ts):
            self.remove(parent)

    def _tell_deleted(self, message: Message, before: Json) -> None:
        channel = self.channels[message.channel]
        ts = self.next_ts()
        event = {
            "type": "message",
            "subtype": "message_deleted",
            "previous_message": before,
            "channel": channel.id,
            "channel_type": channel.kind,
            "hidden": True,
            "deleted_ts": message.ts,
            "ts": ts,
            "event_ts": ts,
        }
        self.emit(event, SUBSCRIPTIONS[channel.kind])
        self.changes.notify()

    # -- telling the app

    def emit(self, event: Json, subscription: str, *, copies: int = 1) -> list[Delivery]:
        """Send an event, as often as ``copies``, if the app is subscribed to it and can see the channel."""
        channel = self.channels.get(str(event.get("channel", "")))
        if not self.app.receives(subscription) or (channel and self.app.user not in channel.members):
            return []
        body = payloads.event_callback(
            event,
            team=self.team,
            app=self.app.id,
            bot_user=self.app.user,
            token=self.app.verification_token,
            number=self.number(),
        )
        return [self.dispatch(Delivery("events_api", deepcopy(body))) for _ in range(copies)]

    def dispatch(self, delivery: Delivery) -> Delivery:
        self.deliveries.append(delivery)
        self.send(delivery)
        self.changes.notify()
        return delivery

    def delivered(self, name: str = "") -> list[Delivery]:
        """Deliveries of one event type, command or interaction type, or all."""
        return [delivery for delivery in self.deliveries if name in ("", delivery.name)]

    # -- streams

    def stream_opened(self, message: Message) -> None:
        self._streams[message.channel, message.ts] = self.now()

    def is_streaming(self, message: Message) -> bool:
        """Whether a stream is open; Slack closes those that last longer than ``stream_seconds`` by itself."""
        if message.streaming == "in_progress":
            started = self._streams[message.channel, message.ts]
            if self.now() - started < self.stream_seconds:
                return True
            message.streaming = "completed"
        return False
