"""The stand-in's Socket Mode, as the real client sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from tests.standin.slack.rate import PostingRate
from tests.standin.slack.server import SlackServer

Listener = Callable[[SocketModeClient, SocketModeRequest], Awaitable[None]]


class Receiver:
    """Keeps what arrives, and acks it unless told otherwise."""

    def __init__(self, *, acks: bool = True, payload: dict[str, Any] | None = None) -> None:
        self.requests: list[SocketModeRequest] = []
        self.acks = acks
        self.payload = payload

    async def __call__(self, client: Any, request: SocketModeRequest) -> None:
        self.requests.append(request)
        if self.acks:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, self.payload))

    @property
    def attempts(self) -> list[int | None]:
        return [request.retry_attempt for request in self.requests]


@asynccontextmanager
async def connected(slack: SlackServer, receiver: Receiver, ping: float = 5) -> AsyncIterator[SocketModeClient]:
    web = AsyncWebClient(base_url=slack.base_url)
    client = SocketModeClient(app_token=slack.app_token, web_client=web, ping_interval=ping)
    client.socket_mode_request_listeners.append(receiver)
    before = len(slack.socket_mode.connections)
    await client.connect()
    await slack.wait_for(lambda: len(slack.socket_mode.connections) > before)
    try:
        yield client
    finally:
        await client.close()
        # The client cancels its tasks without waiting for them.
        await asyncio.sleep(0)


@pytest.fixture
async def impatient() -> AsyncIterator[SlackServer]:
    """Waits for acks a tenth of a second only."""
    async with SlackServer(ack_timeout=0.1, retry_delays=(0.01, 0.01, 0.01), rate=PostingRate(0)) as server:
        yield server


async def test_an_event_is_sent_and_acked(slack: SlackServer) -> None:
    receiver = Receiver()
    workspace = slack.workspace
    async with connected(slack, receiver):
        message = workspace.say(workspace.alice, workspace.general, "hello")
        (delivery,) = await slack.settled()
    (request,) = receiver.requests
    event = request.payload["event"]
    assert (event["type"], event["ts"], event["channel_type"]) == ("message", message.ts, "channel")
    assert (request.type, request.retry_attempt, request.retry_reason) == ("events_api", 0, "")
    assert delivery.acked
    assert delivery.latency is not None
    assert 0 <= delivery.latency < 3


async def test_what_is_not_acked_comes_again_three_times(impatient: SlackServer) -> None:
    receiver = Receiver(acks=False)
    workspace = impatient.workspace
    async with connected(impatient, receiver):
        workspace.say(workspace.alice, workspace.general, "hello")
        (delivery,) = await impatient.settled()
    assert delivery.state == "lost"
    assert receiver.attempts == [0, 1, 2, 3]
    assert [request.retry_reason for request in receiver.requests] == ["", "timeout", "timeout", "timeout"]
    assert len({request.envelope_id for request in receiver.requests}) == 4
    assert len({request.payload["event_id"] for request in receiver.requests}) == 1


async def test_a_late_ack_does_not_count(impatient: SlackServer) -> None:
    receiver = Receiver(acks=False)
    workspace = impatient.workspace
    async with connected(impatient, receiver) as client:
        workspace.say(workspace.alice, workspace.general, "hello")
        await impatient.wait_for(lambda: len(receiver.requests) == 2)
        await client.send_socket_mode_response(SocketModeResponse(receiver.requests[0].envelope_id))
        (delivery,) = await impatient.settled()
    assert delivery.state == "lost"
    assert [attempt.late for attempt in delivery.attempts] == [True, False, False, False]


async def test_commands_and_clicks_do_not_come_again(impatient: SlackServer) -> None:
    receiver = Receiver(acks=False)
    workspace = impatient.workspace
    async with connected(impatient, receiver):
        workspace.slash(workspace.alice, workspace.general, "how?")
        (delivery,) = await impatient.settled()
    assert delivery.state == "lost"
    assert [request.type for request in receiver.requests] == ["slash_commands"]
    assert workspace.slash(workspace.alice, workspace.general, "how?").attempts == []
    assert [d.attempts[0].failure for d in await impatient.settled()] == ["timeout", "dispatch_failed"]


async def test_an_acks_payload_is_the_answer_to_a_command(slack: SlackServer) -> None:
    workspace = slack.workspace
    async with connected(slack, Receiver(payload={"text": "looking"})):
        delivery = workspace.slash(workspace.alice, workspace.general, "how?")
        await slack.settled()
    assert delivery.response == {"text": "looking"}
    assert [m.text for m in workspace.ephemerals_for(workspace.alice)] == ["looking"]


async def test_events_are_spread_over_connections_and_retried_on_another(impatient: SlackServer) -> None:
    deaf, awake = Receiver(acks=False), Receiver()
    impatient.socket_mode.ack_timeout = 0.5
    workspace = impatient.workspace
    async with connected(impatient, deaf), connected(impatient, awake):
        for number in range(4):
            workspace.say(workspace.alice, workspace.general, f"m{number}")
        deliveries = await impatient.settled()
    assert all(delivery.acked for delivery in deliveries)
    assert deaf.attempts == [0, 0]
    assert sorted(attempt or 0 for attempt in awake.attempts) == [0, 0, 1, 1]


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_the_client_reconnects_when_asked_to(slack: SlackServer, reason: str) -> None:
    receiver = Receiver()
    workspace = slack.workspace
    async with connected(slack, receiver):
        await slack.socket_mode.disconnect(reason)
        await slack.wait_for(lambda: [c.state for c in slack.socket_mode.connections] == ["closed", "open"])
        workspace.say(workspace.alice, workspace.general, "hello")
        await slack.settled()
    assert len(receiver.requests) == 1


async def test_what_happens_between_two_connections_waits_for_the_next(slack: SlackServer) -> None:
    receiver = Receiver()
    workspace = slack.workspace
    async with connected(slack, receiver):
        leaving = asyncio.create_task(slack.socket_mode.disconnect())
        await slack.wait_for(lambda: not slack.socket_mode.open)
        workspace.say(workspace.alice, workspace.general, "hello")
        (delivery,) = await slack.settled()
        await leaving
    assert [attempt.connection for attempt in delivery.attempts] == [2]


@pytest.mark.parametrize("end", ["drop", "reset"])
async def test_a_connection_that_dies_loses_no_event(impatient: SlackServer, end: str) -> None:
    receiver = Receiver()
    workspace = impatient.workspace
    impatient.socket_mode.retry_delays = (0.01,) * 100
    async with connected(impatient, receiver, ping=0.2):
        getattr(impatient.socket_mode, end)()
        workspace.say(workspace.alice, workspace.general, "hello")
        (delivery,) = await impatient.settled()
    assert delivery.acked
    assert delivery.attempts[-1].connection == 2
    assert [request.payload["event"]["text"] for request in receiver.requests] == ["hello"]


async def test_events_wait_for_a_connection(slack: SlackServer) -> None:
    receiver = Receiver()
    workspace = slack.workspace
    for number in range(3):
        workspace.say(workspace.alice, workspace.general, f"m{number}")
    async with connected(slack, receiver):
        await slack.settled()
    assert [request.payload["event"]["text"] for request in receiver.requests] == ["m0", "m1", "m2"]


async def test_a_ticket_admits_once(slack: SlackServer) -> None:
    opened = await AsyncWebClient(base_url=slack.base_url).apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(opened["url"]) as socket:
            hello = await socket.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(opened["url"])


async def test_pings_are_answered_both_ways(slack: SlackServer) -> None:
    async with connected(slack, Receiver()):
        (connection,) = slack.socket_mode.open
        await slack.wait_for(lambda: connection.pings and connection.pongs)
