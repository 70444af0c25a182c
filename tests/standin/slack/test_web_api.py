"""The stand-in's Web API, as the real client sees it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.standin.slack.rate import PostingRate
from tests.standin.slack.server import SlackServer
from tests.standin.slack.workspace import Workspace

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


def button(text: str = "Share", action_id: str = "share", **fields: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": action_id, **fields}


async def test_the_token_decides_who_is_calling(slack: SlackServer, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"]) == (slack.workspace.team, slack.workspace.app.user)
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")
    assert await refused(client.auth_test(token="xoxb-wrong")) == "invalid_auth"
    assert await refused(AsyncWebClient(base_url=slack.base_url).auth_test()) == "not_authed"
    assert await refused(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"
    assert await refused(client.api_call("chat.frobnicate")) == "unknown_method"
    slack.workspace.app.revoked = "account_inactive"
    assert await refused(client.auth_test()) == "account_inactive"


async def test_a_missing_scope_is_named(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.app.scopes.discard("groups:history")
    with pytest.raises(SlackApiError) as caught:
        await client.conversations_history(channel=workspace.secret.id)
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "groups:history"
    assert "groups:history" not in caught.value.response["provided"]
    assert (await client.conversations_history(channel=workspace.general.id))["messages"] == []


async def test_a_message_is_posted_read_changed_and_deleted(workspace: Workspace, client: AsyncWebClient) -> None:
    question = workspace.say(workspace.alice, workspace.general, "how?")
    metadata = {"event_type": "fonte_reply", "event_payload": {"claim": "k", "complete": True}}
    posted = await client.chat_postMessage(
        channel=workspace.general.id, text="so", blocks=[SECTION], thread_ts=question.ts, metadata=metadata
    )
    plain = await client.conversations_replies(channel=workspace.general.id, ts=question.ts)
    assert [m["text"] for m in plain["messages"]] == ["how?", "so"]
    assert "metadata" not in plain["messages"][1]
    assert plain["messages"][0]["reply_count"] == 1
    full = await client.conversations_replies(channel=workspace.general.id, ts=question.ts, include_all_metadata=True)
    assert full["messages"][1]["metadata"] == metadata
    await client.chat_update(channel=workspace.general.id, ts=posted["ts"], text="not so")
    (answer,) = workspace.answers(workspace.general, question.ts)
    assert (answer.text, answer.blocks, answer.metadata) == ("not so", [], metadata)
    await client.chat_delete(channel=workspace.general.id, ts=posted["ts"])
    assert workspace.answers(workspace.general, question.ts) == []
    assert await refused(client.chat_delete(channel=workspace.general.id, ts=posted["ts"])) == "message_not_found"


async def test_what_is_not_the_bots_is_left_alone(workspace: Workspace, client: AsyncWebClient) -> None:
    theirs = workspace.say(workspace.alice, workspace.general, "mine")
    place = {"channel": workspace.general.id, "ts": theirs.ts}
    assert await refused(client.chat_update(**place, text="x")) == "cant_update_message"
    assert await refused(client.chat_delete(**place)) == "cant_delete_message"


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0NOWHERE", "channel_not_found"),
        ("C0CLOSED", "not_in_channel"),
        ("C0HIDDEN", "channel_not_found"),
        ("C0OLD", "is_archived"),
    ],
)
async def test_where_the_bot_cannot_post(
    workspace: Workspace, client: AsyncWebClient, channel: str, error: str
) -> None:
    workspace.add_channel("closed", bot=False)
    workspace.add_channel("hidden", kind="group", bot=False)
    workspace.add_channel("old", archived=True)
    assert await refused(client.chat_postMessage(channel=channel, text="x")) == error


async def test_no_reply_to_a_message_that_is_gone(workspace: Workspace, client: AsyncWebClient) -> None:
    question = workspace.say(workspace.alice, workspace.general, "how?")
    workspace.delete(question)
    call = client.chat_postMessage(channel=workspace.general.id, text="x", thread_ts=question.ts)
    assert await refused(call) == "thread_not_found"
    assert (
        await refused(client.conversations_replies(channel=workspace.general.id, ts=question.ts)) == "thread_not_found"
    )


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], "invalid_blocks"),
        ([SECTION] * 51, "invalid_blocks"),
        ([{"type": "actions", "elements": [button()] * 26}], "invalid_blocks"),
        ([{"type": "actions", "elements": [button("x" * 76)]}], "invalid_blocks"),
        ([{"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}], "invalid_blocks"),
        ([{"type": "sections"}], "invalid_blocks"),
        ([SECTION | {"block_id": "a"}, SECTION | {"block_id": "a"}], "invalid_blocks"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}] * 5, "msg_blocks_too_long"),
    ],
)
async def test_blocks_beyond_the_limits(
    workspace: Workspace, client: AsyncWebClient, blocks: list[dict[str, Any]], error: str
) -> None:
    assert await refused(client.chat_postMessage(channel=workspace.general.id, text="x", blocks=blocks)) == error
    assert workspace.visible_messages(workspace.general) == []


async def test_texts_beyond_the_limits(workspace: Workspace, client: AsyncWebClient) -> None:
    channel = workspace.general.id
    assert await refused(client.chat_postMessage(channel=channel, text="x" * 40_001)) == "msg_too_long"
    posted = await client.chat_postMessage(channel=channel, text="x" * 4001)
    assert await refused(client.chat_update(channel=channel, ts=posted["ts"], text="x" * 4001)) == "msg_too_long"


async def test_pages_hold_everything_once(workspace: Workspace, client: AsyncWebClient) -> None:
    said = [workspace.say(workspace.alice, workspace.general, f"m{n}").ts for n in range(7)]
    seen: list[str] = []
    async for page in await client.conversations_history(channel=workspace.general.id, limit=3):
        assert len(page["messages"]) <= 3
        seen += [message["ts"] for message in page["messages"]]
    assert seen == said[::-1]
    newest = await client.conversations_history(channel=workspace.general.id, oldest=said[4])
    assert [m["ts"] for m in newest["messages"]] == [said[6], said[5]]
    assert await refused(client.conversations_history(channel=workspace.general.id, cursor="?")) == "invalid_cursor"


async def test_reactions_are_there_once(workspace: Workspace, client: AsyncWebClient) -> None:
    message = workspace.say(workspace.alice, workspace.general, "how?")
    place = {"channel": workspace.general.id, "timestamp": message.ts, "name": "eyes"}
    await client.reactions_add(**place)
    assert await refused(client.reactions_add(**place)) == "already_reacted"
    assert message.reactions == {"eyes": [workspace.app.user]}
    await client.reactions_remove(**place)
    assert await refused(client.reactions_remove(**place)) == "no_reaction"


async def test_people_and_their_locale(workspace: Workspace, client: AsyncWebClient) -> None:
    with_locale = await client.users_info(user=workspace.bruno.id, include_locale=True)
    assert with_locale["user"]["locale"] == "it-IT"
    assert "locale" not in (await client.users_info(user=workspace.bruno.id))["user"]
    assert (await client.bots_info(bot=workspace.app.bot))["bot"]["app_id"] == workspace.app.id
    opened = await client.conversations_open(users=workspace.bruno.id)
    assert opened["channel"]["id"] == workspace.dm(workspace.bruno).id


async def test_a_stream_opens_and_closes(workspace: Workspace, client: AsyncWebClient) -> None:
    question = workspace.say(workspace.alice, workspace.general, "how?")
    place: dict[str, Any] = {"channel": workspace.general.id, "thread_ts": question.ts}
    assert await refused(client.chat_startStream(**place)) == "missing_recipient_user_id"
    place |= {"recipient_user_id": workspace.alice.id, "recipient_team_id": workspace.team}
    assert await refused(client.chat_startStream(**place, metadata={})) == "invalid_arguments"
    started = await client.chat_startStream(**place)
    stream = {"channel": workspace.general.id, "ts": started["ts"]}
    assert await refused(client.chat_update(**stream, text="x")) == "streaming_state_conflict"
    assert await refused(client.chat_delete(**stream)) == "cant_delete_message"
    await client.chat_appendStream(**stream, markdown_text="so ")
    metadata = {"event_type": "fonte_reply", "event_payload": {"claim": "k"}}
    await client.chat_stopStream(**stream, blocks=[SECTION], metadata=metadata)
    (answer,) = workspace.answers(workspace.general, question.ts)
    assert (answer.streaming, answer.metadata, answer.shown) == ("completed", metadata, "so \nhello")
    for late in (client.chat_appendStream(**stream, markdown_text="x"), client.chat_stopStream(**stream)):
        assert await refused(late) == "message_not_in_streaming_state"
    await client.chat_update(**stream, text="changed")
    assert answer.text == "changed"


async def test_slack_ends_a_long_stream_by_itself(workspace: Workspace, client: AsyncWebClient) -> None:
    channel = workspace.dm(workspace.alice).id
    question = workspace.say(workspace.alice, channel, "how?")
    started = await client.chat_startStream(channel=channel, thread_ts=question.ts)
    workspace.advance(301)
    call = client.chat_stopStream(channel=channel, ts=started["ts"], blocks=[SECTION])
    assert await refused(call) == "message_not_in_streaming_state"
    await client.chat_update(channel=channel, ts=started["ts"], text="x")


async def test_a_file_goes_up_in_three_steps(workspace: Workspace, client: AsyncWebClient) -> None:
    question = workspace.say(workspace.alice, workspace.general, "how?")
    await client.files_upload_v2(
        content="the answer", filename="answer.txt", channel=workspace.general.id, thread_ts=question.ts
    )
    (file,) = workspace.files.values()
    (message,) = workspace.answers(workspace.general, question.ts)
    assert (file.content, file.shares) == (b"the answer", [(workspace.general.id, message.ts)])
    assert message.files[0]["name"] == "answer.txt"
    await client.files_delete(file=file.id)
    assert message.files == [{"id": file.id, "mode": "tombstone"}]
    assert await refused(client.files_delete(file=file.id)) == "file_deleted"
    assert await refused(client.files_delete(file="F0")) == "file_not_found"


async def test_the_assistant_panel(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.app.agent = False
    thread = workspace.open_panel(workspace.alice)
    place = {"channel_id": thread.channel, "thread_ts": thread.ts}
    await client.assistant_threads_setStatus(**place, status="is looking")
    assert workspace.statuses == {(thread.channel, thread.ts): "is looking"}
    await client.chat_postMessage(channel=thread.channel, thread_ts=thread.ts, text="here")
    assert workspace.statuses == {}
    await client.assistant_threads_setTitle(**place, title="Leave")
    await client.assistant_threads_setSuggestedPrompts(**place, prompts=[{"title": "a", "message": "b"}])
    assert (thread.title, thread.prompts) == ("Leave", [{"title": "a", "message": "b"}])
    elsewhere = workspace.say(workspace.alice, workspace.general, "how?")
    outside = {"channel_id": workspace.general.id, "thread_ts": elsewhere.ts, "status": "x"}
    assert await refused(client.assistant_threads_setStatus(**outside)) == "invalid_thread_ts"
    workspace.assistant_status_in_channels = True
    await client.assistant_threads_setStatus(**outside)


async def test_ephemerals_and_permalinks(workspace: Workspace, client: AsyncWebClient) -> None:
    channel = workspace.general.id
    question = workspace.say(workspace.alice, channel, "how?")
    await client.chat_postEphemeral(channel=channel, user=workspace.alice.id, text="only you")
    assert [m.text for m in workspace.ephemerals_for(workspace.alice)] == ["only you"]
    assert workspace.ephemerals_for(workspace.bruno) == []
    assert [m.text for m in workspace.visible_messages(channel)] == ["how?"]
    link = (await client.chat_getPermalink(channel=channel, message_ts=question.ts))["permalink"]
    assert link.endswith(f"/{channel}/p{question.ts.replace('.', '')}")


async def test_a_response_url_works_five_times_for_half_an_hour(slack: SlackServer, workspace: Workspace) -> None:
    command = workspace.slash(workspace.alice, workspace.general, "how?")
    webhook = AsyncWebhookClient(command.payload["response_url"], retry_handlers=[])
    for kind in ("ephemeral", "in_channel", None, None, None):
        assert (await webhook.send(text="so", response_type=kind)).status_code == 200
    assert (await webhook.send(text="so")).body == '{"ok": false, "error": "used_url"}'
    assert len(workspace.ephemerals_for(workspace.alice)) == 4
    assert len(workspace.answers(workspace.general)) == 1
    later = workspace.slash(workspace.alice, workspace.general, "how?")
    workspace.advance(1801)
    assert (await AsyncWebhookClient(later.payload["response_url"]).send(text="so")).status_code == 404
    assert len(slack.calls("response_url", handled=True)) == 5


async def test_posting_faster_than_allowed_is_seen() -> None:
    time = [0.0]
    async with SlackServer(rate=PostingRate(1, burst=2, clock=lambda: time[0])) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.base_url, retry_handlers=[])
        place = {"channel": slack.workspace.general.id, "text": "x"}
        await asyncio.gather(client.chat_postMessage(**place), client.chat_postMessage(**place))
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(**place)
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel=slack.workspace.random.id, text="x")
        time[0] += 1
        await client.chat_postMessage(**place)
        assert len(slack.throttled) == 1
        assert len(slack.calls("chat.postMessage", handled=True)) == 4


async def test_forms_carry_json(slack: SlackServer, workspace: Workspace) -> None:
    form = {"channel": workspace.general.id, "text": "x", "blocks": '[{"type": "divider"}]', "token": slack.bot_token}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{slack.base_url}chat.postMessage", data=form) as answer,
    ):
        assert (await answer.json())["ok"] is True
    assert workspace.answers(workspace.general)[0].blocks[0]["type"] == "divider"
