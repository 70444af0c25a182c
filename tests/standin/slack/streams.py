"""chat.startStream, chat.appendStream and chat.stopStream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.standin.calls import Json
from tests.standin.slack.agents import declare_session
from tests.standin.slack.blocks import MARKDOWN_TEXT, check_blocks, with_ids
from tests.standin.slack.chat import clear_status, metadata, posted, thread_of, writable
from tests.standin.slack.model import Message, Refused, texts
from tests.standin.slack.registry import method

if TYPE_CHECKING:
    from tests.standin.slack.workspace import Workspace

_NOT_AT_START = ("attachments", "blocks", "metadata", "text")


@method("chat.startStream", "chat:write", ("channel", "thread_ts"))
def start(workspace: Workspace, arguments: Json) -> Json:
    lost = [name for name in _NOT_AT_START if name in arguments]
    if lost:
        # Slack would ignore these, and an app that relies on them would not notice.
        raise Refused("invalid_arguments", response_metadata={"messages": [f"[ERROR] not taken: {lost}"]})
    channel = writable(workspace, arguments["channel"])
    if channel.kind != "im":
        for name in ("recipient_user_id", "recipient_team_id"):
            if not arguments.get(name):
                raise Refused(f"missing_{name}")
        if arguments["recipient_user_id"] not in workspace.users:
            raise Refused("user_not_found")
        if arguments["recipient_team_id"] != workspace.team:
            raise Refused("team_not_found")
    thread = thread_of(workspace, channel, arguments["thread_ts"])
    message = Message(channel.id, workspace.next_ts(), workspace.app.user, _text(arguments), thread)
    message.bot_id, message.app_id, message.streaming = workspace.app.bot, workspace.app.id, "in_progress"
    clear_status(workspace, channel.id, thread)
    declare_session(workspace, channel.id, thread, "processing")
    workspace.stream_opened(message)
    workspace.add(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.appendStream", "chat:write", ("channel", "ts"))
def append(workspace: Workspace, arguments: Json) -> Json:
    message = _open_stream(workspace, arguments)
    added = _text(arguments)
    if not added:
        raise Refused("no_text")
    message.text += added
    workspace.changes.notify()
    return {"channel": message.channel, "ts": message.ts}


@method("chat.stopStream", "chat:write", ("channel", "ts"))
def stop(workspace: Workspace, arguments: Json) -> Json:
    message = _open_stream(workspace, arguments)
    blocks = arguments.get("blocks") or []
    added = _text(arguments)
    if len(blocks) > 50:
        raise Refused("msg_blocks_too_many")
    check_blocks(blocks)
    described = metadata(arguments)
    if not message.text and not added and not blocks:
        raise Refused("no_text")
    before = workspace.as_json(message)
    message.text += added
    text = [{"type": "markdown", "text": message.text}] if message.text else []
    message.blocks = with_ids(text + blocks, f"s{workspace.number()}")
    message.text = message.text or "\n".join(texts(blocks))
    message.metadata, message.streaming = described, "completed"
    declare_session(workspace, message.channel, message.thread_ts, "active")
    workspace.changed(message, before)
    return posted(workspace, message)


def _open_stream(workspace: Workspace, arguments: Json) -> Message:
    message = workspace.message(arguments["channel"], arguments["ts"])
    if message is None:
        raise Refused("message_not_found")
    if message.user != workspace.app.user:
        raise Refused("message_not_owned_by_app")
    if not workspace.is_streaming(message):
        raise Refused("message_not_in_streaming_state")
    return message


def _text(arguments: Json) -> str:
    text, chunks = arguments.get("markdown_text", ""), arguments.get("chunks") or []
    if text and chunks:
        raise Refused("cannot_provide_both_markdown_text_and_chunks")
    if len(text) > MARKDOWN_TEXT:
        raise Refused("msg_too_long")
    if any(chunk.get("type") not in ("markdown_text", "task_update", "plan_update", "blocks") for chunk in chunks):
        raise Refused("invalid_chunks")
    return text or "".join(chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text")
