"""Shows the bot's words in Slack. Each method makes its requests once; the core decides what to do when one fails."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from bot.actions import Desk
from bot.claims import Asked, Claim, Turn
from bot.errors import DeliveryError, Rejected, Unsupported
from bot.markup.slack import Button, SlackMessage, render
from bot.messages import Messages, messages_in
from bot.platforms.slack.client import Answer, SlackClient
from bot.platforms.slack.events import Place
from bot.platforms.slack.files import Files
from bot.platforms.slack.work import WorkSigns
from bot.surface import Body, Escalated, Forwarded, Found, Notice, Shared, is_final
from bot.types import Reply

EVENT_TYPE = "fonte_reply"
"""Marks the bot's replies, by message metadata, with the claim they answer."""
FORGET_AFTER = 3600.0
"""Seconds after which a method that was not offered is tried again: plans and installations change."""
SKEW = 60.0
"""Seconds by which this machine's clock may be ahead of Slack's."""
_TOO_MUCH = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
_NOT_A_MEMBER = frozenset({"not_in_channel", "channel_not_found"})
_PAGE = 200
_NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}


class SlackSurface:
    """One workspace; see Surface."""

    def __init__(self, client: SlackClient, place: Place, desk: Desk) -> None:
        self._client = client
        self._place = place
        self._desk = desk
        self._work = WorkSigns(client)
        self._files = Files(client)
        self._locales: dict[str, str | None] = {}
        self._no_streams_until = 0.0

    def traceable(self, asked: Asked) -> bool:
        return not asked.private  # nobody can look at what was said through a response_url

    async def acknowledge(self, asked: Asked) -> None:
        """Bolt has done so."""

    async def post(self, claim: Claim, body: Body) -> str:
        asked = claim.asked
        message = await self._render(claim, body)
        if asked.private:
            await self._respond(asked, message)
            return ""
        try:
            answer = await self._send(
                "chat.postMessage",
                message,
                channel=asked.channel,
                thread_ts=asked.thread or None,
                metadata=_mark(claim, body),
                **_NO_PREVIEWS,
            )
        except Rejected as error:
            if error.reason not in _NOT_A_MEMBER or not isinstance(body, Shared) or not asked.address:
                raise
            message = await self._render(claim, body, file=False)
            await self._respond(asked, message, response_type="in_channel", replace_original=False)
            return ""
        ts = str(answer["ts"])
        await self._files.attach(asked, ts, message.overflow)
        return ts

    async def open(self, claim: Claim) -> str:
        asked = claim.asked
        if asked.private or not asked.thread or time.monotonic() < self._no_streams_until:
            raise Unsupported("chat.startStream: not here")
        try:
            answer = await self._client.call(
                "chat.startStream",
                channel=asked.channel,
                thread_ts=asked.thread,
                recipient_team_id=asked.team,
                recipient_user_id=asked.user,
            )
        except Unsupported as error:
            if error.reason not in ("invalid_thread_ts", "channel_type_not_supported"):  # these are about one place
                self._no_streams_until = time.monotonic() + FORGET_AFTER
            raise
        return str(answer["ts"])

    async def close(self, claim: Claim, reply: str, body: Body) -> None:
        message = await self._render(claim, body)
        try:
            await self._client.call(
                "chat.stopStream",
                channel=claim.asked.channel,
                ts=reply,
                blocks=list(message.blocks),
                metadata=_mark(claim, body),
            )
        except Rejected as error:
            if error.reason not in _TOO_MUCH:
                raise
            # A new message can do without the layout; a stream has no text but the layout's.
            raise Unsupported(str(error), error.reason) from None
        await self._files.attach(claim.asked, reply, message.overflow)

    async def update(self, claim: Claim, reply: str, body: Body) -> None:
        message = await self._render(claim, body)
        await self._send("chat.update", message, channel=claim.asked.channel, ts=reply, metadata=_mark(claim, body))
        # What the answer replaces may have been longer, and another process's.
        await self._files.attach(claim.asked, reply, message.overflow, replaces=bool(claim.asked.version))

    async def delete(self, claim: Claim, reply: str) -> None:
        with suppress(DeliveryError):
            await self._files.detach(claim.asked, reply)
        try:
            await self._client.call("chat.delete", channel=claim.asked.channel, ts=reply)
        except Unsupported:
            # A stream must be closed before it can go, and with something to show.
            await self._client.call("chat.stopStream", channel=claim.asked.channel, ts=reply, markdown_text="…")
            await self._client.call("chat.delete", channel=claim.asked.channel, ts=reply)

    async def find(self, claim: Claim) -> tuple[Found, ...]:
        if claim.asked.private:
            return ()
        marked: list[Found] = []
        streams: list[Found] = []
        for message in await self._own_messages(claim.asked):
            payload = (message.get("metadata") or {}).get("event_payload")
            if payload is None:
                if claim.asked.thread and not message.get("files"):
                    streams.append(Found(str(message["ts"]), complete=False, stream=True))
            elif payload.get("claim") == claim.asked.key:
                complete = bool(payload.get("complete")) and payload.get("version") == claim.asked.version
                marked.append(Found(str(message["ts"]), complete))
        return tuple(marked or streams)

    async def whisper(self, asked: Asked, text: str) -> None:
        message = render(Notice(text), messages_in("en"))
        if asked.private:
            await self._respond(asked, message)
            return
        await self._client.call(
            "chat.postEphemeral",
            channel=asked.channel,
            user=asked.user,
            thread_ts=asked.thread if asked.thread != asked.message else None,
            **_content(message),
        )

    async def show_work(self, asked: Asked, text: str) -> None:
        if asked.private:
            await self.whisper(asked, text)
        else:
            await self._work.show(asked, text)

    async def hide_work(self, asked: Asked) -> None:
        if not asked.private:
            await self._work.hide(asked)

    async def locale(self, asked: Asked) -> str | None:
        if asked.user not in self._locales:
            answer = await self._client.call("users.info", user=asked.user, include_locale="true")
            self._locales[asked.user] = (answer.get("user") or {}).get("locale")
        return self._locales[asked.user]

    async def _respond(
        self, asked: Asked, message: SlackMessage, *, response_type: str = "ephemeral", **arguments: Any
    ) -> None:
        body = {"response_type": response_type, **_NO_PREVIEWS, **arguments, **_content(message)}
        await self._client.respond(asked.address, body)

    async def _send(self, method: str, message: SlackMessage, **arguments: Any) -> Answer:
        # chat.update would make links of names and addresses, unlike chat.postMessage.
        arguments["parse"] = "none"
        try:
            return await self._client.call(method, **_content(message), **arguments)
        except Rejected as error:
            # A layout that Slack refuses must not keep the words from the person who asked.
            if error.reason not in _TOO_MUCH:
                raise
            return await self._client.call(method, text=message.text, **arguments)

    async def _render(self, claim: Claim, body: Body, *, file: bool = True) -> SlackMessage:
        match body:
            case Notice():
                return render(body, messages_in("en"))
            case Reply():
                file = file and not claim.asked.private
                words = messages_in(body.language)
                return render(body, words, key=claim.asked.key, buttons=self._buttons(claim.asked), file=file)
            case Shared(turn):
                return render(body, _words(turn), key=claim.asked.key, buttons=self._buttons(claim.asked), file=file)
            case Escalated(turn) | Forwarded(turn):
                # Else it is put before people elsewhere.
                brief = isinstance(body, Escalated) and claim.asked.channel == turn.asked.channel
                link = None if brief else await self._permalink(turn)
                group = self._desk.escalation_group or None
                return render(body, _words(turn), permalink=link, group=group, brief=brief)

    def _buttons(self, asked: Asked) -> tuple[Button, ...]:
        direct = asked.channel.startswith("D")
        buttons = [Button.HELPFUL, Button.NOT_HELPFUL]
        if self._desk.escalates(private=asked.private or direct):
            buttons.append(Button.ASK_PERSON)
        buttons.append(Button.SHARE if asked.private and not direct else Button.DELETE)
        return tuple(buttons)

    async def _permalink(self, turn: Turn) -> str | None:
        ts = turn.message or turn.asked.message
        if not ts:
            return None
        try:
            answer = await self._client.call("chat.getPermalink", channel=turn.asked.channel, message_ts=ts)
        except DeliveryError:
            return None  # a link is a convenience
        return str(answer["permalink"])

    async def _own_messages(self, asked: Asked) -> list[Answer]:
        """The bot's own messages since the question, oldest first, where its reply would be."""
        method = "conversations.replies" if asked.thread else "conversations.history"
        own: list[Answer] = []
        cursor: str | None = None
        while cursor != "":
            answer = await self._client.call(
                method,
                channel=asked.channel,
                ts=asked.thread or None,
                oldest=asked.message or f"{asked.asked_at - SKEW:.6f}",
                include_all_metadata="true",
                limit=_PAGE,
                cursor=cursor,
            )
            # What heads a thread is on every page, and never an answer in it.
            found = [message for message in answer.get("messages") or [] if message.get("ts") != asked.thread]
            own += filter(self._is_own, found)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        return sorted(own, key=lambda message: float(message["ts"]))

    def _is_own(self, message: Answer) -> bool:
        return message.get("user") == self._place.bot_user or message.get("bot_id") == self._place.bot_id


def _words(turn: Turn) -> Messages:
    return messages_in(turn.reply.language)


def _content(message: SlackMessage) -> Answer:
    return {"text": message.text, "blocks": list(message.blocks)}


def _mark(claim: Claim, body: Body) -> Answer:
    asked = claim.asked
    return {
        "event_type": EVENT_TYPE,
        "event_payload": {"claim": asked.key, "version": asked.version, "complete": is_final(body)},
    }
