"""The bodies Slack sends to an app, built from the workspace's own objects."""

from __future__ import annotations

import re
from typing import Any

from tests.standin.calls import Json
from tests.standin.slack.model import Channel, Message, User

_INLINE = re.compile(
    r"<@(?P<user>[UW]\w+)(?:\|[^>]*)?>|<#(?P<channel>C\w+)(?:\|[^>]*)?>"
    r"|<!(?P<range>here|channel|everyone)>|<(?P<url>https?:[^|>]+)(?:\|(?P<label>[^>]*))?>"
)


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def typed_blocks(text: str, block_id: str) -> list[Json]:
    """The rich_text block that Slack makes of what a person typed."""
    elements: list[Json] = []
    position = 0
    for match in _INLINE.finditer(text):
        if match.start() > position:
            elements.append({"type": "text", "text": unescaped(text[position : match.start()])})
        elements.append(_element(match))
        position = match.end()
    if position < len(text):
        elements.append({"type": "text", "text": unescaped(text[position:])})
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": block_id, "elements": [section]}]


def _element(match: re.Match[str]) -> Json:
    if match["user"]:
        return {"type": "user", "user_id": match["user"]}
    if match["channel"]:
        return {"type": "channel", "channel_id": match["channel"]}
    if match["range"]:
        return {"type": "broadcast", "range": match["range"]}
    link: Json = {"type": "link", "url": match["url"]}
    return link | {"text": match["label"]} if match["label"] else link


def message_json(message: Message, *, team: str, replies: list[Message], metadata: bool) -> Json:
    """A message as events and conversations.* show it."""
    body: Json = {"type": "message", "ts": message.ts, "text": message.text}
    if message.subtype:
        body["subtype"] = message.subtype
    body["user"] = message.user
    body["team"] = team
    if message.client_msg_id:
        body["client_msg_id"] = message.client_msg_id
    if message.bot_id:
        body["bot_id"] = message.bot_id
        body["app_id"] = message.app_id
        profile = {"id": message.bot_id, "deleted": False, "name": "fonte", "app_id": message.app_id, "team_id": team}
        body["bot_profile"] = profile
    if message.subtype == "tombstone":
        body["hidden"] = True
    for name in ("blocks", "attachments", "files"):
        if getattr(message, name):
            body[name] = getattr(message, name)
    if message.edited:
        body["edited"] = {"user": message.edited_by, "ts": message.edited}
    if message.streaming:
        body["streaming_state"] = message.streaming
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    if metadata and message.metadata:
        body["metadata"] = message.metadata
    return body | _thread(message, replies)


def _thread(message: Message, replies: list[Message]) -> Json:
    if message.thread_ts:
        return {"thread_ts": message.thread_ts}
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": True,
    }


def event_callback(event: Json, *, team: str, app: str, bot_user: str, token: str, number: int) -> Json:
    authorization = {
        "enterprise_id": None,
        "team_id": team,
        "user_id": bot_user,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": token,
        "team_id": team,
        "context_team_id": team,
        "context_enterprise_id": None,
        "api_app_id": app,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{number:08d}",
        "event_time": int(float(event["event_ts"])),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{number:08d}",
    }


def command(user: User, channel: Channel, name: str, text: str, **fields: str) -> Json:
    shown = {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name)
    return {
        "channel_id": channel.id,
        "channel_name": shown,
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "is_enterprise_install": "false",
        **fields,
    }


def interaction(kind: str, user: User, *, team: str, domain: str, **fields: Any) -> Json:
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": team},
        "team": {"id": team, "domain": domain},
        "enterprise": None,
        "is_enterprise_install": False,
        **fields,
    }
