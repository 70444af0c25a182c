"""Each fault does what it says, to the calls it was set for."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.standin.faults import Cut, Fault, Hang, Slow, Status
from tests.standin.slack.faults import Error, RateLimited
from tests.standin.slack.server import SlackServer
from tests.standin.slack.workspace import Workspace


async def post(client: AsyncWebClient, workspace: Workspace, text: str = "x") -> None:
    await client.chat_postMessage(channel=workspace.general.id, text=text)


def texts(workspace: Workspace) -> list[str]:
    return [message.text for message in workspace.answers(workspace.general)]


@pytest.mark.parametrize(
    ("fault", "status", "error", "done"),
    [
        (RateLimited(7), 429, "ratelimited", False),
        (Error("fatal_error"), 200, "fatal_error", False),
        (Error("fatal_error", after=True), 200, "fatal_error", True),
    ],
)
async def test_slack_says_no(
    slack: SlackServer, client: AsyncWebClient, fault: Fault, status: int, error: str, done: bool
) -> None:
    slack.fail("chat.postMessage", fault)
    with pytest.raises(SlackApiError) as caught:
        await post(client, slack.workspace)
    assert (caught.value.response.status_code, caught.value.response["error"]) == (status, error)
    if status == 429:
        assert caught.value.response.headers["Retry-After"] == "7"
    assert texts(slack.workspace) == ["x"] * done
    assert slack.throttled == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("status", [500, 503])
async def test_the_server_breaks(slack: SlackServer, client: AsyncWebClient, status: int, after: bool) -> None:
    slack.fail("chat.postMessage", Status(status, after=after))
    with pytest.raises(SlackApiError) as caught:
        await post(client, slack.workspace)
    assert caught.value.response.status_code == status
    (call,) = slack.calls("chat.postMessage")
    assert (call.status, call.handled, call.fault) == (status, after, "Status")
    assert texts(slack.workspace) == ["x"] * after


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        (Cut(), aiohttp.ServerDisconnectedError, False),
        (Cut(after=True), aiohttp.ServerDisconnectedError, True),
        (Cut(reset=True), aiohttp.ClientOSError, False),
        (Cut(partial=True), aiohttp.ClientPayloadError, True),
    ],
)
async def test_the_connection_is_cut(
    slack: SlackServer, client: AsyncWebClient, fault: Fault, error: type[Exception], done: bool
) -> None:
    slack.fail("chat.postMessage", fault)
    with pytest.raises(error):
        await post(client, slack.workspace)
    assert texts(slack.workspace) == ["x"] * done
    await slack.wait_for(lambda: slack.calls("chat.postMessage")[0].status == 0)
    await post(client, slack.workspace, "y")
    assert texts(slack.workspace) == ["x"] * done + ["y"]


@pytest.mark.parametrize("after", [False, True])
async def test_a_call_hangs_until_released(slack: SlackServer, client: AsyncWebClient, after: bool) -> None:
    fault = Hang(after=after)
    slack.fail("chat.postMessage", fault)
    waiting = asyncio.create_task(post(client, slack.workspace))
    await asyncio.wait_for(fault.reached.wait(), 5)
    assert texts(slack.workspace) == ["x"] * after
    assert not waiting.done()
    fault.release()
    await waiting
    assert texts(slack.workspace) == ["x"]


async def test_what_hangs_does_not_keep_the_server() -> None:
    async with SlackServer() as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.base_url, retry_handlers=[])
        fault = Hang()
        slack.fail("auth.test", fault)
        waiting = asyncio.create_task(client.auth_test())
        await asyncio.wait_for(fault.reached.wait(), 5)
    await asyncio.wait_for(asyncio.gather(waiting, return_exceptions=True), 5)


async def test_a_slow_answer_comes(slack: SlackServer, client: AsyncWebClient) -> None:
    slack.fail("auth.test", Slow(0.01))
    slack.fail("chat.postMessage", Slow(0.01, after=True))
    assert (await client.auth_test())["ok"]
    await post(client, slack.workspace)
    assert texts(slack.workspace) == ["x"]


async def test_faults_choose_their_calls(slack: SlackServer, client: AsyncWebClient) -> None:
    entry = slack.fail(
        "chat.postMessage", Error("fatal_error"), times=2, skip=1, where=lambda arguments: arguments["text"] == "x"
    )
    outcomes = []
    for text in ("x", "y", "x", "x", "x"):
        try:
            await post(client, slack.workspace, text)
            outcomes.append(True)
        except SlackApiError:
            outcomes.append(False)
    assert outcomes == [True, True, False, False, True]
    assert entry.used_up
    assert len(entry.hits) == 2


async def test_down_refuses_connections_on_the_same_port(slack: SlackServer, client: AsyncWebClient) -> None:
    before = slack.base_url
    async with aiohttp.ClientSession() as session:
        client.session = session
        await client.auth_test()
        await slack.down()
        for _ in range(2):
            with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)) as caught:
                await client.auth_test()
        assert isinstance(caught.value, aiohttp.ClientConnectorError)
        await slack.up()
        assert slack.base_url == before
        await client.auth_test()


async def test_waiting_in_vain_tells_what_happened(slack: SlackServer, client: AsyncWebClient) -> None:
    await client.auth_test()
    with pytest.raises(AssertionError, match=r"auth\.test 200"):
        await slack.wait_for(lambda: False, 0.01)
