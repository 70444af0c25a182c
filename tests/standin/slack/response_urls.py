"""What Slack does with a POST to a response_url."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.standin.calls import Json
from tests.standin.slack.blocks import check_message, with_ids
from tests.standin.slack.conversations import truthy
from tests.standin.slack.interactions import RESPONSE_SECONDS, RESPONSE_USES
from tests.standin.slack.model import Message, Refused

if TYPE_CHECKING:
    from tests.standin.slack.interactions import ResponseUrl
    from tests.standin.slack.workspace import Workspace


def respond(workspace: Workspace, token: str, arguments: Json) -> None:
    """Do what the body says. Raises Refused with Slack's word for it."""
    url = workspace.response_urls.get(token)
    if url is None:
        raise Refused("invalid_url")
    if workspace.now() - url.at > RESPONSE_SECONDS:
        raise Refused("expired_url")
    if url.uses >= RESPONSE_USES:
        raise Refused("used_url")
    source = url.source
    if truthy(arguments.get("delete_original")):
        if source is None:
            raise Refused("no_text")
        url.uses += 1
        _delete(workspace, source)
        return
    text, blocks = arguments.get("text") or "", arguments.get("blocks") or []
    check_message(text, blocks)
    url.uses += 1
    if truthy(arguments.get("replace_original")) and source is not None:
        _replace(workspace, source, text, blocks)
        return
    workspace.add(_message(workspace, url, text, blocks, arguments))


def _message(workspace: Workspace, url: ResponseUrl, text: str, blocks: list[Json], arguments: Json) -> Message:
    shown_to_all = arguments.get("response_type", "ephemeral") == "in_channel"
    # A thread is documented for what everybody sees; what one person sees stands in the channel.
    thread = str(arguments.get("thread_ts") or "") if shown_to_all else ""
    message = Message(url.channel, workspace.next_ts(), workspace.app.user, text, thread)
    message.blocks = with_ids(blocks, f"r{workspace.number()}")
    message.bot_id, message.app_id = workspace.app.bot, workspace.app.id
    message.arguments = {name: value for name, value in arguments.items() if name not in ("text", "blocks")}
    if not shown_to_all:
        message.ephemeral_to = url.user
    return message


def _replace(workspace: Workspace, source: Message, text: str, blocks: list[Json]) -> None:
    before = workspace.as_json(source)
    source.text, source.blocks = text, with_ids(blocks, f"r{workspace.number()}")
    if source.ephemeral_to:
        workspace.changes.notify()
        return
    source.edited, source.edited_by = workspace.next_ts(), workspace.app.user
    workspace.changed(source, before)


def _delete(workspace: Workspace, source: Message) -> None:
    if source.ephemeral_to:
        source.deleted = True
        workspace.changes.notify()
    elif not source.deleted:
        workspace.remove(source)
