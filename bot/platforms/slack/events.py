"""Reads what Slack sends: which messages are questions, which are changes to one, and which are none of ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.claims import Asked, Trigger
from bot.markup.entities import decode

PLATFORM = "slack"
Payload = Mapping[str, Any]

_SPOKEN = frozenset({None, "file_share", "thread_broadcast", "me_message"})
"""Subtypes of messages that a person wrote; all others are joins, topics, bots and the like."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the reader must know of the workspace."""

    bot_user: str
    bot_id: str
    auto_channels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that is, or with ``needs_thread`` may be, a question: in a thread where the bot has answered."""

    asked: Asked
    needs_thread: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """A person changed a message."""

    asked: Asked


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message is gone."""

    key: str


Event = Posted | Edited | Deleted | None


def message_key(team: str, channel: str, ts: str) -> str:
    """The same for the ``app_mention`` and the ``message`` copy of an event, and for all retries."""
    return f"{PLATFORM}:{team}:{channel}:{ts}"


def read_message(body: Payload, place: Place) -> Event:
    """What an ``app_mention`` or ``message`` event is to the bot; None: nothing."""
    event: Payload = body.get("event") or {}
    team, channel = str(body.get("team_id") or ""), str(event.get("channel") or "")
    if not channel:
        return None
    match event.get("subtype"):
        case "message_deleted":
            ts = event.get("deleted_ts")
            return (
                Deleted(message_key(team, channel, ts))
                if ts and not _own(event.get("previous_message"), place)
                else None
            )
        case "message_changed":
            return _changed(event, team, channel, place)
        case _:
            posted = _posted(event, event, team, channel, place)
            edited = (event.get("edited") or {}).get("ts")
            # Mentions come anew when their message was edited, and are all that some installations let the bot hear.
            if edited and event.get("type") == "app_mention" and isinstance(posted, Posted):
                return Edited(replace(posted.asked, version=str(edited)))
            return posted


def _changed(event: Payload, team: str, channel: str, place: Place) -> Event:
    message: Payload = event.get("message") or {}
    previous: Payload = event.get("previous_message") or {}
    ts = message.get("ts")
    if not ts or _own(message, place) or _own(previous, place):
        return None
    if message.get("subtype") == "tombstone":  # what is left of a deleted message that has replies
        return Deleted(message_key(team, channel, ts))
    edited = (message.get("edited") or {}).get("ts")
    # Slack also "changes" a message when it unfolds a link in it or a reply arrives.
    if not edited or message.get("text") == previous.get("text"):
        return None
    posted = _posted(message, event, team, channel, place)
    return Edited(replace(posted.asked, version=str(edited))) if isinstance(posted, Posted) else None


def _posted(message: Payload, event: Payload, team: str, channel: str, place: Place) -> Event:
    user, ts = message.get("user"), message.get("ts")
    if not user or not ts or message.get("subtype") not in _SPOKEN or _own(message, place):
        return None
    if message.get("bot_id") or message.get("bot_profile"):
        return None
    text, mentions = decode(str(message.get("text") or ""), place.bot_user)
    thread = str(message.get("thread_ts") or "")
    direct = event.get("channel_type") == "im" or channel.startswith("D")
    trigger = _trigger(direct, mentions.bot, mentions.others, thread, channel, place)
    if trigger is None:
        return None
    asked = Asked(
        key=message_key(team, channel, ts),
        platform=PLATFORM,
        team=team,
        channel=channel,
        message=ts,
        # An answer opens a thread, in a direct conversation too: there a thread is what Slack lists as a conversation.
        thread=thread or ts,
        user=user,
        text=text,
        trigger=trigger,
        asked_at=_seconds(ts),
    )
    return Posted(asked, needs_thread=trigger is Trigger.FOLLOW_UP)


def _trigger(direct: bool, bot: bool, others: bool, thread: str, channel: str, place: Place) -> Trigger | None:
    if direct:
        return Trigger.DIRECT
    if bot:
        return Trigger.MENTION
    if others:
        return None
    if thread:
        return Trigger.FOLLOW_UP
    return Trigger.AUTO if channel in place.auto_channels else None


def read_command(body: Payload, place: Place, now: float) -> Asked:
    """The question of a slash command."""
    team = str(body.get("team_id") or "")
    text, _ = decode(str(body.get("text") or ""), place.bot_user)
    return Asked(
        key=f"{PLATFORM}:{team}:command:{body['trigger_id']}",
        platform=PLATFORM,
        team=team,
        channel=str(body.get("channel_id") or ""),
        message="",
        thread="",
        user=str(body.get("user_id") or ""),
        text=text,
        trigger=Trigger.COMMAND,
        asked_at=now,
        address=str(body.get("response_url") or ""),
    )


def _own(message: Payload | None, place: Place) -> bool:
    return bool(message) and (message.get("user") == place.bot_user or message.get("bot_id") == place.bot_id)  # type: ignore[union-attr]


def _seconds(ts: str) -> float:
    try:
        return float(ts)
    except ValueError:
        return 0.0
