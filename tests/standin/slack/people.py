"""What people do to messages, and the events it makes."""

from __future__ import annotations

import uuid

from tests.standin.calls import Json
from tests.standin.slack import payloads
from tests.standin.slack.model import AssistantThread, Channel, Message, User
from tests.standin.slack.state import SUBSCRIPTIONS, State


class People(State):
    """Part of Workspace. ``text`` is always as it travels: ``&lt;`` for ``<``, ``<@U...>`` for a mention."""

    def say(
        self,
        user: User | str,
        channel: Channel | str,
        text: str,
        *,
        thread: str = "",
        subtype: str = "",
        files: tuple[str, ...] = (),
        broadcast: bool = False,
        copies: int = 1,
        mention_first: bool | None = None,
    ) -> Message:
        """A person writes; where that names the bot, the app gets an app_mention beside the message event.

        ``copies``: how often each event is sent; ``mention_first``: its order, ``Workspace.mention_first`` by default.
        """
        person, place = self.user(user), self.channel(channel)
        message = Message(place.id, self.next_ts(), person.id, text, thread, subtype)
        message.client_msg_id = str(uuid.UUID(int=self.number()))
        message.blocks = payloads.typed_blocks(text, f"b{self.number()}")
        message.broadcast = broadcast
        if broadcast:
            message.subtype = "thread_broadcast"
        if files:
            message.subtype = "file_share"
            message.files = [{"id": f"F{self.number():06d}", "name": name, "user": person.id} for name in files]
        place.members.add(person.id)
        self.add(message, silent=True)
        self._announce(message, copies, self.mention_first if mention_first is None else mention_first)
        return message

    def _announce(self, message: Message, copies: int, mention_first: bool) -> None:
        event = self.message_event(message)
        kind = self.channels[message.channel].kind
        told = [(event, SUBSCRIPTIONS[kind])]
        if self.mention in message.text and kind != "im":
            told.append((_mention(event), "app_mention"))
        for body, subscription in reversed(told) if mention_first else told:
            self.emit(body, subscription, copies=copies)

    def edit(self, message: Message, text: str) -> Message:
        """The author changes a message; naming the bot only now makes an app_mention too."""
        before, old = self.as_json(message), message.text
        message.text, message.blocks = text, payloads.typed_blocks(text, f"b{self.number()}")
        message.edited, message.edited_by = self.next_ts(), message.user
        self.changed(message, before)
        if self.mention in text and self.mention not in old and self.channels[message.channel].kind != "im":
            self.emit(_mention(self.message_event(message)), "app_mention")
        return message

    def delete(self, message: Message) -> None:
        """The author deletes a message; with replies it leaves a tombstone."""
        self.remove(message)

    def unfurl(self, message: Message, url: str = "https://example.org/") -> Message:
        """Slack attaches a preview: message_changed without ``edited``, the text as it was."""
        before = self.as_json(message)
        message.attachments = [{"id": 1, "from_url": url, "title": "A preview", "text": "Of a link", "fallback": url}]
        self.changed(message, before)
        return message

    def join(self, user: User | str, channel: Channel | str) -> Message:
        """A person joins a channel, which Slack says in a message there."""
        person, place = self.user(user), self.channel(channel)
        place.members.add(person.id)
        text = f"<@{person.id}> has joined the channel"
        return self.add(Message(place.id, self.next_ts(), person.id, text, subtype="channel_join"))

    def bot_says(self, channel: Channel | str, text: str, *, thread: str = "", classic: bool = False) -> Message:
        """Another app's bot writes; ``classic``: an old integration, with subtype bot_message and no user."""
        place = self.channel(channel)
        other = self.users.get("U0OTHERBOT") or self.add_user("otherbot", is_bot=True)
        message = Message(place.id, self.next_ts(), "" if classic else other.id, text, thread)
        message.bot_id, message.app_id = other.bot_id, "A0OTHER"
        message.subtype = "bot_message" if classic else ""
        self.add(message, silent=True)
        self._announce(message, 1, self.mention_first)
        return message

    def open_home(self, user: User | str, *, tab: str = "messages") -> Channel:
        """A person opens the bot's page: its ``messages`` or its ``home`` tab."""
        place = self.dm(user)
        event = {
            "type": "app_home_opened",
            "user": place.user,
            "channel": place.id,
            "tab": tab,
            "event_ts": self.next_ts(),
        }
        self.emit(event, "app_home_opened")
        return place

    def open_panel(self, user: User | str, *, context: Channel | str | None = None) -> AssistantThread:
        """A person opens the assistant panel on a new thread, with ``context`` the channel beside it.

        LookupError for an app made with ``agent_view``: it has no panel.
        """
        if self.app.agent:
            raise LookupError("an app made with agent_view has no panel")
        place = self.dm(user)
        root = Message(place.id, self.next_ts(), self.app.user, "New Assistant Thread", subtype="assistant_app_thread")
        root.bot_id, root.app_id = self.app.bot, self.app.id
        self.add(root, silent=True)
        thread = AssistantThread(place.id, root.ts, place.user)
        self.assistant_threads[place.id, root.ts] = thread
        seen: Json = {}
        if context is not None:
            seen = {"channel_id": self.channel(context).id, "team_id": self.team, "enterprise_id": None}
        event = {
            "type": "assistant_thread_started",
            "assistant_thread": {
                "user_id": thread.user,
                "context": seen,
                "channel_id": place.id,
                "thread_ts": root.ts,
            },
            "event_ts": root.ts,
        }
        self.emit(event, "assistant_thread_started")
        return thread

    def look_at(self, thread: AssistantThread, context: Channel | str) -> None:
        """With the panel open, the person goes to another channel."""
        event = {
            "type": "assistant_thread_context_changed",
            "assistant_thread": {
                "user_id": thread.user,
                "context": {"channel_id": self.channel(context).id, "team_id": self.team, "enterprise_id": None},
                "channel_id": thread.channel,
                "thread_ts": thread.ts,
            },
            "event_ts": self.next_ts(),
        }
        self.emit(event, "assistant_thread_context_changed")


def _mention(event: Json) -> Json:
    kept = {name: value for name, value in event.items() if name not in ("channel_type", "parent_user_id")}
    return kept | {"type": "app_mention"}
