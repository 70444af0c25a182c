"""The Web API: one call at a time, and every way in which it can fail as one of our errors.

What the library would do by itself is switched off: it would repeat a post whose answer was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import DeliveryError, Gone, Rejected, Throttled, Uncertain, Unreachable, Unsupported

TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)
"""Slack answers within a second or two; a connection that hangs must not hold up a channel for long."""
RETRY_AFTER = 30.0
"""Seconds to wait where a 429 does not say how long."""

_GONE = frozenset({"file_deleted", "file_not_found", "message_not_found", "no_item_specified", "thread_not_found"})
_TRY_ANOTHER_WAY = frozenset(
    {
        "cant_update_message",
        "cant_delete_message",
        "channel_type_not_supported",
        "edit_window_closed",
        "feature_not_enabled",
        "invalid_arguments",
        "invalid_chunks",
        "invalid_thread_ts",
        "message_not_in_streaming_state",
        "message_not_owned_by_app",
        "method_deprecated",
        "method_not_supported_for_channel_type",
        "missing_recipient_team_id",
        "missing_recipient_user_id",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "paid_only",
        "paid_teams_only",
        "plan_upgrade_required",
        "restricted_plan_level",
        "streaming_mode_mismatch",
        "streaming_state_conflict",
        "team_not_eligible",
        "unknown_method",
    }
)
"""What a method answers where it is not offered: by the plan, the place, the installation or the message's state."""
_UNCERTAIN = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"})

Answer = dict[str, Any]


class SlackClient:
    """Calls Web API methods. ``web`` is the library's own client, for those who need one."""

    def __init__(self, token: str, base_url: str, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.web = AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])

    async def call(self, method: str, **arguments: Any) -> Answer:
        """The answer of a method that was carried out; arguments that are None are left out. Raises DeliveryError."""
        answer, _ = await self.call_with_headers(method, **arguments)
        return answer

    async def call_with_headers(self, method: str, **arguments: Any) -> tuple[Answer, dict[str, str]]:
        """Like ``call``, with the HTTP headers of the answer, names in lower case."""
        body = {name: value for name, value in arguments.items() if value is not None}
        try:
            if method in _FORM_METHODS:
                response = await self.web.api_call(method, data=body)
            else:
                response = await self.web.api_call(method, json=body)
        except Exception as error:
            raise translate(method, error) from None
        data = response.data
        if not isinstance(data, dict):
            raise Uncertain(f"{method}: the answer is not JSON")
        return data, {name.lower(): str(value) for name, value in dict(response.headers).items()}

    async def respond(self, address: str, message: Answer) -> None:
        """Answer through a response_url. Raises DeliveryError; its text never holds the address, which is a secret."""
        try:
            async with self._session.post(address, json=message) as response:
                text = (await response.text())[:200]
                status, headers = response.status, response.headers
        except Exception as error:
            raise translate("response_url", error) from None
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Throttled("response_url: too fast", _seconds(headers.get("Retry-After")))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Uncertain(f"response_url: status {status}")
        if status >= HTTPStatus.BAD_REQUEST:
            raise Rejected(f"response_url: {text or status}")

    async def upload(self, address: str, content: bytes) -> None:
        """Send a file's content to the address that files.getUploadURLExternal gave."""
        try:
            async with self._session.post(address, data=content) as response:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise Rejected(f"file upload: status {response.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise translate("file upload", error) from None


_FORM_METHODS = frozenset(
    {
        "auth.test",
        "conversations.history",
        "conversations.info",
        "conversations.replies",
        "chat.getPermalink",
        "files.delete",
        "files.getUploadURLExternal",
        "users.info",
    }
)
"""Methods that read their arguments from a form only, never from JSON."""


@asynccontextmanager
async def open_client(token: str, base_url: str) -> AsyncIterator[SlackClient]:
    """A client with connections of its own, closed at the end."""
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        yield SlackClient(token, base_url, session)


def translate(method: str, error: Exception) -> DeliveryError:
    """What a failure of the library or the network means for whoever called."""
    match error:
        case SlackApiError():
            return _from_answer(method, error)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return Unreachable(f"{method}: no connection ({type(error).__name__})")
        case aiohttp.ClientError() | TimeoutError() | ConnectionError() | asyncio.IncompleteReadError():
            return Uncertain(f"{method}: the connection was lost ({type(error).__name__})")
        case SlackClientError():
            return Rejected(f"{method}: {error}")
        case DeliveryError():
            return error
        case _:
            return Rejected(f"{method}: {type(error).__name__}: {error}")


def _from_answer(method: str, error: SlackApiError) -> DeliveryError:
    response = error.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or HTTPStatus.OK)
    headers = getattr(response, "headers", {}) or {}
    try:
        reason = str(response["error"] or "")
    except Exception:
        reason = ""
    sentence = f"{method}: {reason or f'status {status}'}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or reason in ("ratelimited", "rate_limited", "message_limit_exceeded"):
        return Throttled(sentence, _seconds(headers.get("Retry-After")))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or reason in _UNCERTAIN:
        return Uncertain(sentence, reason)
    if not reason and status < HTTPStatus.BAD_REQUEST:
        return Uncertain(f"{method}: the answer is not Slack's")  # a proxy's, or a part of one
    if reason in _GONE:
        return Gone(sentence, reason)
    if reason in _TRY_ANOTHER_WAY:
        if reason == "missing_scope":
            sentence += f" (needs {response.get('needed', 'another scope')})"
        return Unsupported(sentence, reason)
    return Rejected(sentence, reason)


def _seconds(header: str | None) -> float:
    try:
        return max(float(header), 0.0) if header is not None else RETRY_AFTER
    except ValueError:
        return RETRY_AFTER
