"""Apps made with ``agent_view``: the messages tab, its prompts, sessions; and group direct messages."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.standin.slack.workspace import Workspace

PROMPTS = [{"title": "When?", "message": "When is it?"}]


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


def events(workspace: Workspace) -> list[dict[str, Any]]:
    return [delivery.payload["event"] for delivery in workspace.deliveries]


def test_an_agent_hears_of_its_page_and_never_of_a_panel() -> None:
    workspace = Workspace()
    workspace.open_home(workspace.alice)
    workspace.open_home(workspace.alice, tab="home")
    assert [(event["type"], event["channel"], event["tab"]) for event in events(workspace)] == [
        ("app_home_opened", "D0ALICE", "messages"),
        ("app_home_opened", "D0ALICE", "home"),
    ]
    with pytest.raises(LookupError):
        workspace.open_panel(workspace.alice)


async def test_prompts_belong_to_the_messages_tab(workspace: Workspace, client: AsyncWebClient) -> None:
    tab = workspace.open_home(workspace.alice)
    question = workspace.say(workspace.alice, tab, "how?")
    call = {"channel_id": tab.id, "prompts": PROMPTS}
    await client.api_call("assistant.threads.setSuggestedPrompts", json=call | {"thread_ts": question.ts})
    assert workspace.prompts == {}
    await client.api_call("assistant.threads.setSuggestedPrompts", json=call | {"title": "Try"})
    assert (workspace.prompts[tab.id].title, workspace.prompts[tab.id].prompts) == ("Try", PROMPTS)
    workspace.app.agent = False
    assert await refused(client.api_call("assistant.threads.setSuggestedPrompts", json=call)) == "not_agent_app"


async def test_only_a_session_has_a_title(workspace: Workspace, client: AsyncWebClient) -> None:
    question = workspace.say(workspace.alice, workspace.dm(workspace.alice), "how?")
    thread = {"channel_id": question.channel, "thread_ts": question.ts}
    assert await refused(client.agents_sessions_rename(**thread, title="How")) == "not_authorized"
    await client.agents_sessions_setStatus(
        **thread, status="active", title="How: so", initiator_user_id=workspace.alice.id
    )
    (session,) = workspace.sessions.values()
    assert (session.status, session.title, session.initiator) == ("active", "How_ so", workspace.alice.id)
    await client.agents_sessions_setStatus(**thread, status="processing", title="Late")
    assert (session.status, session.title) == ("processing", "How_ so")
    await client.agents_sessions_rename(**thread, title="How: so")
    assert session.title == "How: so"
    assert await refused(client.agents_sessions_rename(**thread, title="x" * 201)) == "invalid_arguments"
    assert await refused(client.agents_sessions_setStatus(**thread, status="is thinking")) == "invalid_arguments"
    workspace.app.agent = False
    assert await refused(client.agents_sessions_rename(**thread, title="How")) == "not_agent_app"


async def test_an_agents_status_stays_until_it_is_taken_away(workspace: Workspace, client: AsyncWebClient) -> None:
    question = workspace.say(workspace.alice, workspace.dm(workspace.alice), "how?")
    thread = {"channel_id": question.channel, "thread_ts": question.ts}
    await client.assistant_threads_setStatus(**thread, status="is looking")
    await client.chat_postMessage(channel=question.channel, thread_ts=question.ts, text="so")
    assert workspace.statuses == {(question.channel, question.ts): "is looking"}
    await client.assistant_threads_setStatus(**thread, status="")
    assert workspace.statuses == {}


async def test_a_stream_is_a_session(workspace: Workspace, client: AsyncWebClient) -> None:
    question = workspace.say(workspace.alice, workspace.dm(workspace.alice), "how?")
    stream = await client.chat_startStream(channel=question.channel, thread_ts=question.ts)
    (session,) = workspace.sessions.values()
    assert session.status == "processing"
    await client.chat_stopStream(channel=question.channel, ts=stream["ts"], markdown_text="so")
    assert session.status == "active"
    await client.agents_sessions_rename(channel_id=question.channel, thread_ts=question.ts, title="How")
    assert session.title == "How"


async def test_a_group_has_direct_messages_too(workspace: Workspace, client: AsyncWebClient) -> None:
    group = workspace.group_dm(workspace.alice, workspace.bruno)
    assert workspace.group_dm(workspace.bruno, workspace.alice) is group
    question = workspace.say(workspace.alice, group, f"{workspace.mention} how?")
    assert [(event["type"], event.get("channel_type")) for event in events(workspace)] == [
        ("message", "mpim"),
        ("app_mention", None),
    ]
    await client.chat_postMessage(channel=group.id, thread_ts=question.ts, text="so")
    assert [message.text for message in workspace.answers(group, question.ts)] == ["so"]
    workspace.app.scopes.discard("mpim:history")
    assert await refused(client.conversations_history(channel=group.id)) == "missing_scope"
    assert (await client.conversations_info(channel=group.id))["channel"]["is_mpim"]
