"""The stand-in for Slack serves the real slack-bolt app, over Socket Mode and over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.standin.slack.http_sender import HttpTarget
from tests.standin.slack.rate import PostingRate
from tests.standin.slack.server import SlackServer

SHARE = {
    "type": "actions",
    "elements": [
        {"type": "button", "text": {"type": "plain_text", "text": "Share"}, "action_id": "share", "value": "key"}
    ],
}
MODAL = {
    "type": "modal",
    "callback_id": "why",
    "title": {"type": "plain_text", "text": "Why?"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "more",
            "label": {"type": "plain_text", "text": "More"},
            "element": {"type": "plain_text_input", "action_id": "comment"},
        }
    ],
}


class Serve(Protocol):
    def __call__(self, slack: SlackServer, app: AsyncApp) -> AbstractAsyncContextManager[None]: ...


def build(slack: SlackServer) -> AsyncApp:
    """A small app that uses what the real one uses."""
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.base_url, retry_handlers=[])
    logger = logging.getLogger("standin-app")
    app = AsyncApp(client=client, signing_secret=slack.signing_secret, logger=logger)

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any], client: AsyncWebClient) -> None:
        await client.chat_postMessage(channel=event["channel"], text="echo", thread_ts=event["ts"], blocks=[SHARE])

    @app.event("message")
    async def said(event: dict[str, Any]) -> None: ...

    @app.command("/ask")
    async def asked(ack: Any, respond: Any, command: dict[str, Any]) -> None:
        await ack()
        await respond(f"private {command['text']}")

    @app.action("share")
    async def shared(ack: Any, respond: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        await respond(text="replaced", replace_original=True)

    @app.view("why")
    async def submitted(ack: Any, view: dict[str, Any]) -> None:
        if view["state"]["values"]["more"]["comment"]["value"] == "bad":
            await ack(response_action="errors", errors={"more": "too bad"})
        else:
            await ack()

    return app


@asynccontextmanager
async def over_socket_mode(slack: SlackServer, app: AsyncApp) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(app, slack.app_token, web_client=app.client)
    await handler.connect_async()
    await slack.connected()
    try:
        yield
    finally:
        await handler.close_async()
        # The client cancels its tasks without waiting for them.
        await asyncio.sleep(0)


@asynccontextmanager
async def over_http(slack: SlackServer, app: AsyncApp) -> AsyncIterator[None]:
    runner = web.AppRunner(app.server(port=0, path="/slack/events", host="127.0.0.1").web_app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.http_target(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(rate=PostingRate(0)) as server:
        yield server


@pytest.fixture(params=[over_socket_mode, over_http])
def serve(request: pytest.FixtureRequest) -> Serve:
    return request.param  # type: ignore[no-any-return]


async def test_a_mention_is_answered_in_its_thread(slack: SlackServer, serve: Serve) -> None:
    workspace = slack.workspace
    async with serve(slack, build(slack)):
        question = workspace.say(workspace.alice, workspace.general, f"{workspace.mention} how?")
        await slack.wait_for(lambda: workspace.answers(workspace.general, question.ts))
        deliveries = await slack.settled()
    # The bot hears its own answer as well.
    assert [delivery.name for delivery in deliveries] == ["message", "app_mention", "message"]
    assert all(delivery.acked and len(delivery.attempts) == 1 for delivery in deliveries)
    assert [m.text for m in workspace.thread(workspace.general, question.ts)] == [question.text, "echo"]
    assert {call.token for call in slack.calls("chat.postMessage")} == {slack.bot_token}


async def test_a_command_is_answered_in_private(slack: SlackServer, serve: Serve) -> None:
    workspace = slack.workspace
    async with serve(slack, build(slack)):
        workspace.slash(workspace.alice, workspace.general, "how?")
        await slack.wait_for(lambda: workspace.ephemerals_for(workspace.alice))
        await slack.settled()
    assert [m.text for m in workspace.ephemerals_for(workspace.alice)] == ["private how?"]
    assert workspace.visible_messages(workspace.general) == []


async def test_a_click_opens_a_modal_that_is_submitted(slack: SlackServer, serve: Serve) -> None:
    workspace = slack.workspace
    async with serve(slack, build(slack)):
        workspace.say(workspace.alice, workspace.general, f"{workspace.mention} how?")
        (answer,) = await slack.wait_for(lambda: workspace.answers(workspace.general))
        workspace.click(workspace.bruno, answer, "share")
        await slack.wait_for(lambda: answer.text == "replaced")
        view = workspace.open_view(workspace.bruno)
        workspace.submit(workspace.bruno, values={"comment": "bad"})
        await slack.settled()
        assert (view.open, view.errors) == (True, {"more": "too bad"})
        workspace.submit(workspace.bruno, values={"comment": "good"})
        await slack.settled()
    assert (view.open, view.errors) == (False, {})


async def test_what_the_app_does_not_take_is_sent_again() -> None:
    async with SlackServer(ack_timeout=0.1, retry_delays=(0.01,), rate=PostingRate(0)) as slack:
        workspace = slack.workspace
        async with over_socket_mode(slack, build(slack)):
            # The app has no listener for the panel: bolt answers 404 and acks nothing.
            workspace.app.agent = False
            workspace.open_panel(workspace.alice)
            (delivery,) = await slack.settled()
    assert (delivery.state, [attempt.number for attempt in delivery.attempts]) == ("lost", [0, 1])


@pytest.fixture
async def target(slack: SlackServer) -> AsyncIterator[HttpTarget]:
    async with over_http(slack, build(slack)):
        yield slack.targets[0]


async def test_the_app_answers_the_challenge(target: HttpTarget) -> None:
    assert await target.verify()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Request-Timestamp": "1531420618"},
        {"X-Slack-Signature": ""},
    ],
)
async def test_a_wrong_signature_is_refused(slack: SlackServer, target: HttpTarget, headers: dict[str, str]) -> None:
    body = json.dumps({"type": "event_callback", "event": {"type": "app_mention", "channel": "C0GENERAL", "ts": "1"}})
    status, _, _ = await target.post(body, headers=headers)
    assert status == 401
    assert slack.calls("chat.postMessage") == []


async def test_http_retries_say_so(slack: SlackServer) -> None:
    seen: list[tuple[str | None, str | None]] = []
    done = asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        seen.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
        if len(seen) == 2:
            await done.wait()
        return web.Response(status=500 if len(seen) < 3 else 200)

    app = web.Application()
    app.router.add_post("/slack/events", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    target = slack.http_target(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    target.ack_timeout = 0.3
    slack.workspace.say(slack.workspace.alice, slack.workspace.general, "hello")
    (delivery,) = await slack.settled()
    done.set()
    await runner.cleanup()
    assert seen == [(None, None), ("1", "http_error"), ("2", "http_timeout")]
    assert delivery.acked
    # Nobody is there any more: three retries, then Slack gives the event up.
    slack.workspace.say(slack.workspace.alice, slack.workspace.general, "hello?")
    lost = (await slack.settled())[1]
    assert [attempt.failure for attempt in lost.attempts] == ["connection_failed"] * 4
    assert lost.state == "lost"
