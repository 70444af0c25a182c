"""The two ways in which Slack reaches the bot: a WebSocket that the bot opens, or signed HTTP requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.platforms.slack.client import SlackClient

GOODBYE = 1.0
"""Seconds that Slack has to answer when the bot leaves."""

_log = logging.getLogger(__name__)


class _Socket(SocketModeClient):
    """The library's client, which would try one expired address for ever once a connection attempt had failed."""

    async def connect(self) -> None:
        try:
            # Time for two attempts: the second is at the same address.
            await asyncio.wait_for(super().connect(), 2 * self.ping_interval)  # type: ignore[no-untyped-call]
        except BaseException:
            self.wss_uri = None
            self.auto_reconnect_enabled = self.default_auto_reconnect_enabled
            raise


class SocketConnection:
    """Socket Mode."""

    def __init__(self, app: AsyncApp, client: SlackClient, app_token: str, ping_interval: float) -> None:
        self._app = app
        self._ping_interval = ping_interval
        self._socket = _Socket(app_token=app_token, web_client=client.web, ping_interval=ping_interval)
        self._socket.socket_mode_request_listeners.append(self._handle)

    async def open(self) -> None:
        """Connect; tries until it works."""
        while True:
            try:
                await self._socket.connect()
                return
            except Exception as error:
                _log.warning("Slack's socket cannot be opened (%s); trying again.", type(error).__name__)
                await asyncio.sleep(self._ping_interval)

    async def healthy(self) -> bool:
        return bool(await self._socket.is_connected())

    async def close(self) -> None:
        """Say goodbye; a connection that went silent would hold up the library for ten seconds."""
        self._socket.closed, self._socket.auto_reconnect_enabled = True, False
        with suppress(Exception):
            await asyncio.wait_for(self._socket.disconnect(), GOODBYE)  # type: ignore[no-untyped-call]
        await self._socket.close()  # type: ignore[no-untyped-call]

    async def _handle(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        started = time.time()
        response = await run_async_bolt_app(self._app, request)
        try:
            await send_async_response(client, request, response, started)
        except Exception as error:
            # The connection was replaced meanwhile. Slack sends the event again, and the claim tells that it is known.
            _log.info("an event could not be acknowledged (%s)", type(error).__name__)


@asynccontextmanager
async def socket_mode(
    app: AsyncApp, client: SlackClient, app_token: str, ping_interval: float
) -> AsyncIterator[SocketConnection]:
    """Events arrive by WebSocket while the block runs."""
    connection = SocketConnection(app, client, app_token, ping_interval)
    try:
        await connection.open()
        yield connection
    finally:
        await connection.close()


async def handle(app: AsyncApp, signing_secret: str, request: web.Request) -> web.Response:
    """Answer a signed HTTP request."""
    # Before the library does so: it reads a body before it knows who sent it.
    if not _signed(SignatureVerifier(signing_secret), await request.read(), request.headers):
        return web.Response(status=HTTPStatus.UNAUTHORIZED, text="not signed by Slack")
    try:
        asked = await to_bolt_request(request)
    except Exception as error:
        _log.warning("a request cannot be read: %s", type(error).__name__)
        return web.Response(status=HTTPStatus.BAD_REQUEST, text="not readable")
    return await to_aiohttp_response(await app.async_dispatch(asked))


def _signed(verifier: SignatureVerifier, body: bytes, headers: Mapping[str, str]) -> bool:
    timestamp, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
    try:
        return verifier.is_valid(body, timestamp, signature)
    except (TypeError, ValueError):  # a time that is no number, a signature beyond ASCII, a body that is no text
        return False
