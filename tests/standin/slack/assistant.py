"""assistant.threads.*, views.open, auth.test and api.test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.standin.calls import Json
from tests.standin.slack.model import AssistantThread, Prompts, Refused
from tests.standin.slack.registry import method

if TYPE_CHECKING:
    from tests.standin.slack.workspace import Workspace


@method("assistant.threads.setStatus", "chat:write|assistant:write", ("channel_id", "thread_ts"))
def set_status(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = workspace.channel(arguments["channel_id"]), arguments["thread_ts"]
    conversation = workspace.app.agent and channel.kind == "im" and workspace.message(channel, ts) is not None
    if not conversation and (channel.id, ts) not in workspace.assistant_threads:
        if not workspace.assistant_status_in_channels or workspace.message(channel, ts) is None:
            raise Refused("invalid_thread_ts")
        if workspace.app.user not in channel.members:
            raise Refused("channel_not_found")
    if len(arguments.get("loading_messages") or []) > 10:
        raise Refused("invalid_arguments")
    status = arguments.get("status", "")
    if status:
        workspace.statuses[channel.id, ts] = status
    else:
        workspace.statuses.pop((channel.id, ts), None)
    workspace.status_log.append((channel.id, ts, status))
    return {}


@method("assistant.threads.setTitle", "assistant:write", ("channel_id", "thread_ts", "title"))
def set_title(workspace: Workspace, arguments: Json) -> Json:
    if workspace.app.agent:
        session = workspace.sessions.get((arguments["channel_id"], arguments["thread_ts"]))
        if session is None:
            raise Refused("invalid_thread_ts")
        session.title = arguments["title"]
        return {}
    thread = _thread(workspace, arguments)
    root = workspace.messages[thread.channel, thread.ts]
    before = workspace.as_json(root)
    thread.title = root.text = arguments["title"]
    # Slack tells the app of its own change to the thread's root.
    workspace.changed(root, before)
    return {}


@method("assistant.threads.setSuggestedPrompts", "assistant:write", ("channel_id", "prompts"))
def set_prompts(workspace: Workspace, arguments: Json) -> Json:
    prompts = arguments["prompts"]
    if not isinstance(prompts, list) or any(not p.get("title") or not p.get("message") for p in prompts):
        raise Refused("invalid_arguments")
    if len(prompts) > 4:
        raise Refused("too_many_prompts")
    if workspace.app.agent:
        # Slack says ok to a call that names a thread, and shows nothing.
        if not arguments.get("thread_ts"):
            channel = workspace.channel(arguments["channel_id"])
            workspace.prompts[channel.id] = Prompts(arguments.get("title", ""), prompts)
        return {}
    if not arguments.get("thread_ts"):
        raise Refused("not_agent_app")
    thread = _thread(workspace, arguments)
    thread.prompts, thread.prompts_title = prompts, arguments.get("title", "")
    return {}


@method("views.open", "", ("view",))
def open_view(workspace: Workspace, arguments: Json) -> Json:
    user = workspace.use_trigger(arguments.get("trigger_id", ""))
    opened = workspace.show_view(user, arguments["view"])
    return {"view": workspace.view_json(opened, {})}


@method("auth.test")
def auth_test(workspace: Workspace, arguments: Json) -> Json:
    return {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.domain,
        "user": "fonte",
        "team_id": workspace.team,
        "user_id": workspace.app.user,
        "bot_id": workspace.app.bot,
        "is_enterprise_install": False,
    }


@method("api.test")
def api_test(workspace: Workspace, arguments: Json) -> Json:
    if arguments.get("error"):
        raise Refused(arguments["error"])
    return {"args": arguments}


def _thread(workspace: Workspace, arguments: Json) -> AssistantThread:
    channel = workspace.channel(arguments["channel_id"])
    thread = workspace.assistant_threads.get((channel.id, str(arguments.get("thread_ts", ""))))
    if thread is None:
        raise Refused("invalid_thread_ts")
    return thread
