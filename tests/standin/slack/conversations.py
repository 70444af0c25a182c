"""conversations.*, users.info and bots.info."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from tests.standin.calls import Json
from tests.standin.slack.model import Channel, Message, Refused
from tests.standin.slack.registry import by_kind, method

if TYPE_CHECKING:
    from tests.standin.slack.workspace import Workspace


@method("conversations.info", by_kind("read"), ("channel",))
def info(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments["channel"])
    member = workspace.app.user in channel.members
    if channel.kind != "channel" and not member:
        raise Refused("channel_not_found")
    body: Json = {
        "id": channel.id,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "channel",
        "is_archived": channel.archived,
        "context_team_id": workspace.team,
    }
    body |= {"user": channel.user} if channel.kind == "im" else {"name": channel.name, "is_member": member}
    if truthy(arguments.get("include_locale")):
        body["locale"] = "en-US"
    return {"channel": body}


@method("conversations.open", "im:write")
def open_dm(workspace: Workspace, arguments: Json) -> Json:
    users = [name for name in str(arguments.get("users", "")).split(",") if name]
    if not users and arguments.get("channel"):
        return {"channel": {"id": workspace.channel(arguments["channel"]).id}}
    if len(users) != 1:
        raise Refused("users_list_not_supplied" if not users else "too_many_users")
    if users[0] not in workspace.users:
        raise Refused("user_not_found")
    if workspace.users[users[0]].is_bot:
        raise Refused("cannot_dm_bot")
    return {"no_op": False, "already_open": False, "channel": {"id": workspace.dm(users[0]).id}}


@method("conversations.replies", by_kind("history"), ("channel", "ts"))
def replies(workspace: Workspace, arguments: Json) -> Json:
    channel = readable(workspace, arguments["channel"])
    named = workspace.message(channel, arguments["ts"])
    if named is None:
        raise Refused("thread_not_found")
    parent = workspace.message(channel, named.thread_ts or named.ts) or named
    found = _within(workspace.replies(channel, parent.ts), arguments)
    page, cursor = _page(found, arguments, default=1000)
    # The parent heads every page, whatever the limits in time.
    return _listing(workspace, [parent, *page], cursor, arguments)


@method("conversations.history", by_kind("history"), ("channel",))
def history(workspace: Workspace, arguments: Json) -> Json:
    channel = readable(workspace, arguments["channel"])
    top = [
        message
        for (place, _), message in workspace.messages.items()
        if place == channel.id and not message.deleted and (message.broadcast or not message.thread_ts)
    ]
    found = _within(sorted(top, key=lambda m: m.ts, reverse=True), arguments)
    page, cursor = _page(found, arguments, default=100)
    return _listing(workspace, page, cursor, arguments)


@method("users.info", "users:read", ("user",))
def user_info(workspace: Workspace, arguments: Json) -> Json:
    user = workspace.users.get(arguments["user"])
    if user is None:
        raise Refused("user_not_found")
    body: Json = {
        "id": user.id,
        "team_id": workspace.team,
        "name": user.name,
        "real_name": user.name.title(),
        "deleted": False,
        "is_bot": user.is_bot,
        "tz": "Europe/Rome",
        "profile": {"real_name": user.name.title(), "display_name": user.name},
    }
    if truthy(arguments.get("include_locale")):
        body["locale"] = user.locale
    return {"user": body}


@method("bots.info", "users:read")
def bot_info(workspace: Workspace, arguments: Json) -> Json:
    for user in workspace.users.values():
        if user.bot_id and user.bot_id == arguments.get("bot"):
            app = workspace.app.id if user.bot_id == workspace.app.bot else "A0OTHER"
            body = {"id": user.bot_id, "deleted": False, "name": user.name, "app_id": app, "user_id": user.id}
            return {"bot": body}
    raise Refused("bot_not_found")


def readable(workspace: Workspace, name: str) -> Channel:
    """The channel, if the bot may read it."""
    channel = workspace.channel(name)
    if workspace.app.user not in channel.members:
        raise Refused("not_in_channel" if channel.kind == "channel" else "channel_not_found")
    return channel


def truthy(value: object) -> bool:
    """A boolean as forms and JSON bring it."""
    return value in (True, 1, "1", "true", "True")


def _within(messages: list[Message], arguments: Json) -> list[Message]:
    oldest, latest = arguments.get("oldest", ""), arguments.get("latest", "")
    for name, value in (("oldest", oldest), ("latest", latest)):
        try:
            float(value or 0)
        except ValueError:
            raise Refused(f"invalid_ts_{name}") from None
    ends = {str(oldest), str(latest)} if truthy(arguments.get("inclusive")) else set()
    return [
        message
        for message in messages
        if message.ts in ends
        or ((not oldest or float(message.ts) > float(oldest)) and (not latest or float(message.ts) < float(latest)))
    ]


def _page(messages: list[Message], arguments: Json, *, default: int) -> tuple[list[Message], str]:
    """One page and the cursor to the next, which is empty on the last."""
    limit = int(arguments.get("limit") or default)
    if not 0 < limit < 1000 + 1:
        raise Refused("invalid_limit")
    start = 0
    if arguments.get("cursor"):
        try:
            start = int(base64.b64decode(arguments["cursor"], validate=True).decode().removeprefix("next:"))
        except ValueError:
            raise Refused("invalid_cursor") from None
    end = start + limit
    cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(messages) else ""
    return messages[start:end], cursor


def _listing(workspace: Workspace, messages: list[Message], cursor: str, arguments: Json) -> Json:
    metadata = truthy(arguments.get("include_all_metadata"))
    body: Json = {"messages": [workspace.as_json(message, metadata=metadata) for message in messages]}
    body["has_more"] = bool(cursor)
    if cursor:
        body["response_metadata"] = {"next_cursor": cursor}
    return body
