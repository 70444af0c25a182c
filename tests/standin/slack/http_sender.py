"""Slack's side of the Events API over HTTP: signed requests to the app."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.standin.calls import Json
from tests.standin.slack.model import Attempt, Delivery
from tests.standin.slack.outbox import Outbox
from tests.standin.slack.workspace import Workspace

FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: str) -> str:
    """The v0 signature of a request."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return f"v0={digest}"


class HttpTarget(Outbox):
    """Sends to one request URL."""

    def __init__(self, workspace: Workspace, url: str, signing_secret: str, **timing: Any) -> None:
        super().__init__(workspace, **timing)
        self.url = url
        self.signing_secret = signing_secret
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, body: str, *, content_type: str = "application/json", headers: dict[str, str] | None = None
    ) -> tuple[int, str, dict[str, str]]:
        """POST a signed body: status, text and headers of the answer. ``headers`` replace what Slack would send."""
        timestamp = str(int(time.time()))
        sent = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.signing_secret, timestamp, body),
        }
        if self._session is None:
            self._session = aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(total=self.ack_timeout)
        async with self._session.post(
            self.url, data=body.encode(), headers=sent | (headers or {}), timeout=timeout
        ) as answer:
            return answer.status, await answer.text(), {name.lower(): value for name, value in answer.headers.items()}

    async def verify(self) -> bool:
        """The challenge that Slack sends when the URL is entered: whether the app answers it."""
        body = {"token": self.workspace.app.verification_token, "challenge": "3eZbrw1a", "type": "url_verification"}
        status, text, _ = await self.post(json.dumps(body))
        return status == 200 and "3eZbrw1a" in text

    async def attempt(self, delivery: Delivery, attempt: Attempt) -> bool:
        body, content_type = _encoded(delivery)
        headers: dict[str, str] = {}
        if attempt.number:
            headers = {"X-Slack-Retry-Num": str(attempt.number), "X-Slack-Retry-Reason": attempt.reason}
        attempt.at = time.monotonic()
        try:
            status, text, answered = await self.post(body, content_type=content_type, headers=headers)
        except TimeoutError:
            attempt.failure = "http_timeout"
            return False
        except (aiohttp.ClientError, OSError):
            attempt.failure = "connection_failed"
            return False
        attempt.status = status
        if 200 <= status < 300:
            self.acked(delivery, attempt, _decoded(text))
            return True
        attempt.failure = "no_retry" if answered.get("x-slack-no-retry") == "1" else "http_error"
        return False

    async def close(self) -> None:
        await super().close()
        if self._session is not None:
            await self._session.close()
            # aiohttp closes its transports in the next round of the loop.
            await asyncio.sleep(0)


def _encoded(delivery: Delivery) -> tuple[str, str]:
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload), "application/json"
    fields: Json = delivery.payload if delivery.kind == "slash_commands" else {"payload": json.dumps(delivery.payload)}
    return urlencode(fields), FORM


def _decoded(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
