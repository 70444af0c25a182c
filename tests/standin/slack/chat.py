"""chat.postMessage and what can be done to a message afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.standin.calls import Json
from tests.standin.slack.blocks import check_blocks, check_message, with_ids
from tests.standin.slack.model import Channel, Message, Refused
from tests.standin.slack.registry import method

if TYPE_CHECKING:
    from tests.standin.slack.workspace import Workspace

UPDATE_TEXT = 4000


@method("chat.postMessage", "chat:write", ("channel",))
def post_message(workspace: Workspace, arguments: Json) -> Json:
    channel = writable(workspace, arguments["channel"])
    message = composed(workspace, channel, arguments)
    message.broadcast = bool(arguments.get("reply_broadcast"))
    clear_status(workspace, channel.id, message.thread_ts)
    workspace.add(message)
    return posted(workspace, message)


@method("chat.postEphemeral", "chat:write", ("channel", "user"))
def post_ephemeral(workspace: Workspace, arguments: Json) -> Json:
    channel = writable(workspace, arguments["channel"])
    if arguments["user"] not in workspace.users:
        raise Refused("user_not_found")
    if arguments["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    message = composed(workspace, channel, arguments)
    message.ephemeral_to = arguments["user"]
    workspace.add(message)
    return {"message_ts": message.ts}


@method("chat.update", "chat:write", ("channel", "ts"))
def update(workspace: Workspace, arguments: Json) -> Json:
    message = own(workspace, arguments, "cant_update_message")
    if workspace.channels[message.channel].archived:
        raise Refused("is_inactive")
    if workspace.is_streaming(message):
        raise Refused("streaming_state_conflict")
    text, blocks = arguments.get("text"), arguments.get("blocks")
    if text is None and blocks is None:
        raise Refused("no_text")
    if text is not None and len(text) > UPDATE_TEXT:
        raise Refused("msg_too_long")
    if blocks is not None:
        check_blocks(blocks)
    before = workspace.as_json(message)
    message.text = message.text if text is None else text
    if blocks is not None:
        message.blocks = with_ids(blocks, f"u{workspace.number()}")
    elif text is not None:
        message.blocks = []
    if "metadata" in arguments:
        message.metadata = metadata(arguments)
    message.edited, message.edited_by = workspace.next_ts(), workspace.app.user
    workspace.changed(message, before)
    return posted(workspace, message) | {"text": message.text}


@method("chat.delete", "chat:write", ("channel", "ts"))
def delete(workspace: Workspace, arguments: Json) -> Json:
    message = own(workspace, arguments, "cant_delete_message")
    if workspace.is_streaming(message):
        raise Refused("cant_delete_message")
    workspace.remove(message)
    return {"channel": message.channel, "ts": message.ts}


@method("chat.getPermalink", "", ("channel", "message_ts"))
def permalink(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments["channel"])
    message = workspace.message(channel, arguments["message_ts"])
    if message is None:
        raise Refused("message_not_found")
    url = f"https://{workspace.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        url += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": url}


@method("reactions.add", "reactions:write", ("channel", "name", "timestamp"))
def react(workspace: Workspace, arguments: Json) -> Json:
    message = reacted(workspace, arguments)
    users = message.reactions.setdefault(arguments["name"], [])
    if workspace.app.user in users:
        raise Refused("already_reacted")
    users.append(workspace.app.user)
    return {}


@method("reactions.remove", "reactions:write", ("channel", "name", "timestamp"))
def unreact(workspace: Workspace, arguments: Json) -> Json:
    message = reacted(workspace, arguments)
    users = message.reactions.get(arguments["name"], [])
    if workspace.app.user not in users:
        raise Refused("no_reaction")
    users.remove(workspace.app.user)
    if not users:
        del message.reactions[arguments["name"]]
    return {}


def reacted(workspace: Workspace, arguments: Json) -> Message:
    message = workspace.message(arguments["channel"], arguments["timestamp"])
    if message is None or message.subtype == "tombstone":
        raise Refused("message_not_found")
    return message


def writable(workspace: Workspace, name: str) -> Channel:
    """The channel, if the bot may post there."""
    channel = workspace.channel(name)
    if workspace.app.user not in channel.members:
        if channel.kind != "channel":
            raise Refused("channel_not_found")
        if "chat:write.public" not in workspace.app.scopes:
            raise Refused("not_in_channel")
    if channel.archived:
        raise Refused("is_archived")
    return channel


def composed(workspace: Workspace, channel: Channel, arguments: Json) -> Message:
    """The message that the arguments describe, checked; not posted yet."""
    text, blocks = arguments.get("text", ""), arguments.get("blocks") or []
    if arguments.get("markdown_text"):
        if text or blocks:
            raise Refused("markdown_text_conflict")
        text = arguments["markdown_text"]
        blocks = [{"type": "markdown", "text": text}]
    check_message(text, blocks)
    thread = thread_of(workspace, channel, arguments.get("thread_ts") or "")
    described = metadata(arguments)
    message = Message(channel.id, workspace.next_ts(), workspace.app.user, text, thread)
    message.blocks, message.metadata = with_ids(blocks, f"m{workspace.number()}"), described
    message.attachments = arguments.get("attachments") or []
    message.bot_id, message.app_id = workspace.app.bot, workspace.app.id
    kept = {"channel", "text", "blocks", "metadata", "thread_ts", "token"}
    message.arguments = {name: value for name, value in arguments.items() if name not in kept}
    return message


def thread_of(workspace: Workspace, channel: Channel, ts: str) -> str:
    """The parent's ts, also where ``ts`` is a reply's; Refused where there is no such message."""
    if not ts:
        return ""
    parent = workspace.message(channel, ts)
    if parent is None:
        raise Refused("thread_not_found")
    return parent.thread_ts or parent.ts


def own(workspace: Workspace, arguments: Json, refusal: str) -> Message:
    """The bot's message that the arguments name."""
    channel = workspace.channel(arguments["channel"])
    message = workspace.message(channel, arguments["ts"])
    if message is None:
        raise Refused("message_not_found")
    if message.user != workspace.app.user:
        raise Refused(refusal)
    return message


def metadata(arguments: Json) -> Json | None:
    """Checked metadata; None for none and for the empty object that removes it."""
    given: Any = arguments.get("metadata")
    if not given:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise Refused("invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if any(not isinstance(value, str | int | float | bool | list) for value in given["event_payload"].values()):
        raise Refused("invalid_metadata_schema")
    return {"event_type": given["event_type"], "event_payload": given["event_payload"]}


def clear_status(workspace: Workspace, channel: str, thread: str) -> None:
    """Slack takes an assistant's status away when the app replies; an agent must see to that itself."""
    if workspace.app.agent:
        return
    if workspace.statuses.pop((channel, thread), None):
        workspace.status_log.append((channel, thread, ""))


def posted(workspace: Workspace, message: Message) -> Json:
    return {"channel": message.channel, "ts": message.ts, "message": workspace.as_json(message)}
