"""agents.sessions.*: what apps made with ``agent_view`` have in place of assistant.threads.setStatus and setTitle.

https://docs.slack.dev/ai/agent-sessions and https://docs.slack.dev/ai/migrating-to-agent-messaging; where the pages are
silent, what people have seen Slack answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.standin.calls import Json
from tests.standin.slack.model import AgentSession, Refused
from tests.standin.slack.registry import method

if TYPE_CHECKING:
    from tests.standin.slack.workspace import Workspace

STATUSES = ("active", "processing", "suspended", "closed")
MAX_TITLE = 200


@method("agents.sessions.setStatus", "chat:write", ("channel_id", "thread_ts", "status"))
def set_status(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = _thread(workspace, arguments)
    title, status = str(arguments.get("title") or ""), arguments["status"]
    if status not in STATUSES or len(title) > MAX_TITLE:
        raise Refused("invalid_arguments")
    known = (channel, ts) in workspace.sessions
    session = declare_session(workspace, channel, ts, status)
    if not known:
        # Only rename takes a title as it is.
        session.title, session.initiator = title.replace(":", "_"), str(arguments.get("initiator_user_id") or "")
    return {"status": status, "agent_status": status, "title": session.title}


@method("agents.sessions.rename", "chat:write", ("channel_id", "thread_ts", "title"))
def rename(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = _thread(workspace, arguments)
    title = str(arguments["title"])
    if len(title) > MAX_TITLE:
        raise Refused("invalid_arguments")
    session = workspace.sessions.get((channel, ts))
    if session is None:
        # Documented is session_not_found.
        raise Refused("not_authorized")
    session.title = title
    workspace.changes.notify()
    return {"title": title}


def declare_session(workspace: Workspace, channel: str, ts: str, status: str) -> AgentSession:
    """The session in this thread, in this status; apps that are no agents have none, and nothing is kept of it."""
    session = AgentSession(channel, ts, status)
    if workspace.app.agent:
        session = workspace.sessions.setdefault((channel, ts), session)
        session.status = status
        workspace.changes.notify()
    return session


def _thread(workspace: Workspace, arguments: Json) -> tuple[str, str]:
    if not workspace.app.agent:
        raise Refused("not_agent_app")
    channel, ts = workspace.channel(arguments["channel_id"]), str(arguments["thread_ts"])
    if workspace.app.user not in channel.members:
        raise Refused("not_in_channel")
    if workspace.message(channel, ts) is None:
        raise Refused("invalid_thread_ts")
    return channel.id, ts
