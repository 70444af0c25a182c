"""Uploading a file in the three steps Slack asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.standin.calls import Json
from tests.standin.slack.chat import clear_status, thread_of, writable
from tests.standin.slack.model import File, Message, Refused
from tests.standin.slack.registry import method

if TYPE_CHECKING:
    from tests.standin.slack.workspace import Workspace


@method("files.getUploadURLExternal", "files:write", ("filename", "length"))
def upload_url(workspace: Workspace, arguments: Json) -> Json:
    length = int(arguments["length"])
    if length <= 0:
        raise Refused("invalid_arguments")
    file = File(f"F{workspace.number():08d}", arguments["filename"], length)
    workspace.files[file.id] = file
    return {"upload_url": f"{workspace.origin}/upload/{file.id}", "file_id": file.id}


@method("files.completeUploadExternal", "files:write", ("files",))
def complete(workspace: Workspace, arguments: Json) -> Json:
    given = arguments["files"]
    listed = json.loads(given) if isinstance(given, str) else given
    files = []
    for entry in listed:
        file = workspace.files.get(entry.get("id", ""))
        if file is None or not file.uploaded:
            raise Refused("file_not_found")
        if file.shares:
            raise Refused("file_update_failed")
        file.title = entry.get("title") or file.name
        files.append(file)
    shown = [_json(workspace, file) for file in files]
    if arguments.get("channel_id"):
        channel = writable(workspace, arguments["channel_id"])
        thread = thread_of(workspace, channel, arguments.get("thread_ts") or "")
        text = arguments.get("initial_comment") or ""
        message = Message(channel.id, workspace.next_ts(), workspace.app.user, text, thread, "file_share", files=shown)
        message.bot_id, message.app_id = workspace.app.bot, workspace.app.id
        clear_status(workspace, channel.id, thread)
        workspace.add(message)
        for file in files:
            file.shares.append((channel.id, message.ts))
    # Slack shares asynchronously: the answer does not say in which message.
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


@method("files.delete", "files:write", ("file",))
def delete(workspace: Workspace, arguments: Json) -> Json:
    """The message that showed the file stays, and says that it was deleted."""
    file = workspace.files.get(arguments["file"])
    if file is None:
        raise Refused("file_not_found")
    if file.deleted:
        raise Refused("file_deleted")
    file.deleted, file.content = True, b""
    for channel, ts in file.shares:
        message = workspace.message(channel, ts)
        if message is not None:
            before = workspace.as_json(message)
            message.files = [_tombstone(shown, file.id) for shown in message.files]
            workspace.changed(message, before)
    workspace.changes.notify()
    return {}


def _tombstone(shown: Json, deleted: str) -> Json:
    return {"id": deleted, "mode": "tombstone"} if shown.get("id") == deleted else shown


def receive(workspace: Workspace, file_id: str, content: bytes) -> str | None:
    """Take an upload's bytes: what to answer, or None where they are refused."""
    file = workspace.files.get(file_id)
    if file is None or file.uploaded or len(content) != file.length:
        return None
    file.content, file.uploaded = content, True
    workspace.changes.notify()
    return f"OK - {len(content)}"


def _json(workspace: Workspace, file: File) -> Json:
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "size": file.length,
        "user": workspace.app.user,
        "mode": "hosted",
        "permalink": f"https://{workspace.domain}.slack.com/files/{workspace.app.user}/{file.id}/{file.name}",
    }
