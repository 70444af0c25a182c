"""The REST API: one call at a time, and every way in which it can fail as one of our errors.

The library keeps to the rate limits, and repeats by itself what Discord answered with 500, 502, 504 or 524. That does
no harm: what creates a message bears a nonce, and the rest changes or looks; follow-ups to an interaction have none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient, Route

from bot.errors import DeliveryError, Gone, Rejected, Throttled, Uncertain, Unreachable, Unsupported

TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)
"""Discord answers within a second or two; a connection that hangs must not hold up a channel for long."""
CALLBACK_TIMEOUT = aiohttp.ClientTimeout(total=1.2, sock_connect=1)
"""An interaction must be answered within 3 s: time for two attempts."""
RETRY_AFTER = 60.0
"""Seconds to wait where a 429 does not say how long: then it comes from the proxy in front, which bans for a while."""

ALREADY_ANSWERED = "40060"
INVALID_FORM = "50035"
NO_HISTORY = "160002"
THREAD_ARCHIVED = "50083"
THREAD_EXISTS = "160004"
_GONE = frozenset({"10003", "10004", "10008", "10015", "10062", "50027"})
"""Unknown channel, server, message, webhook, interaction; an interaction's token that is over."""
_TRY_ANOTHER_WAY = frozenset({"30046", "50005", "50021", THREAD_ARCHIVED, "50068", "50080"})
"""A message that cannot be changed: edited too often, somebody else's, Discord's own, in a thread that is closed."""

Answer = dict[str, Any]


class DiscordClient:
    """Calls routes of the API with the library's own HTTP client."""

    def __init__(self, http: HTTPClient, application_id: int) -> None:
        self._http = http
        self._application = str(application_id)

    async def call(
        self,
        method: str,
        path: str,
        ids: Mapping[str, str],
        *,
        body: object = None,
        file: tuple[str, str] | None = None,
        query: dict[str, str] | None = None,
        within: aiohttp.ClientTimeout | None = None,
    ) -> Any:
        """What the API answered; an empty text where it had nothing to say. Raises DeliveryError.

        ``path`` names its ``ids`` in braces. ``file`` is name and content of a text file that goes along with a
        message; ``within``: TIMEOUT, where nothing else is said.
        """
        route = Route(method, path, **ids)
        options: Answer = {"timeout": within or TIMEOUT}
        if query is not None:
            options["params"] = query
        if file is not None:
            options["form"] = _form(body, file)
        elif body is not None:
            options["json"] = body
        what = f"{method} {path}"
        try:
            answer = await self._http.request(route, **options)
        except Exception as error:
            raise translate(what, error) from None
        if isinstance(answer, str) and answer:  # a proxy's page
            raise Uncertain(f"{what}: the answer is not Discord's")
        return answer

    async def respond(
        self,
        address: str,
        kind: discord.InteractionResponseType,
        data: Answer | None = None,
        *,
        file: tuple[str, str] | None = None,
    ) -> None:
        """Answer an interaction for the first time. ``address`` as made by ``address_of``. Raises DeliveryError."""
        identity, _, token = address.partition(":")
        await self.call(
            "POST",
            "/interactions/{interaction_id}/{webhook_token}/callback",
            {"interaction_id": identity, "webhook_token": token},
            body={"type": kind.value} if data is None else {"type": kind.value, "data": data},
            file=file,
            within=CALLBACK_TIMEOUT,
        )

    async def original(
        self, method: str, address: str, *, body: object = None, file: tuple[str, str] | None = None
    ) -> Answer:
        """Read, change or delete the first answer to an interaction. Raises DeliveryError, Gone after 15 minutes."""
        answer = await self.call(
            method,
            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
            self._webhook(address),
            body=body,
            file=file,
        )
        return answer if isinstance(answer, dict) else {}

    async def follow_up(self, address: str, body: object, file: tuple[str, str] | None) -> Answer:
        """Say something more to an interaction. Raises DeliveryError."""
        answer: Answer = await self.call(
            "POST",
            "/webhooks/{webhook_id}/{webhook_token}",
            self._webhook(address),
            body=body,
            file=file,
            query={"wait": "true"},
        )
        return answer

    def _webhook(self, address: str) -> dict[str, str]:
        return {"webhook_id": self._application, "webhook_token": address.partition(":")[2]}


def address_of(interaction: discord.Interaction[Any]) -> str:
    """What it takes to answer an interaction: a secret."""
    return f"{interaction.id}:{interaction.token}"


def _form(body: object, file: tuple[str, str]) -> list[Answer]:
    name, content = file
    return [
        {"name": "payload_json", "value": json.dumps(body), "content_type": "application/json"},
        {"name": "files[0]", "value": content.encode(), "filename": name, "content_type": "text/plain; charset=utf-8"},
    ]


def translate(what: str, error: Exception) -> DeliveryError:
    """What a failure of the library or the network means for whoever called."""
    kind = type(error).__name__
    match error:
        case discord.RateLimited():
            return Throttled(f"{what}: too fast", error.retry_after)
        case discord.HTTPException():
            return _from_answer(what, error)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return Unreachable(f"{what}: no connection ({kind})")
        case RuntimeError() if "closed" in str(error):
            return Unreachable(f"{what}: the client is closed")
        case aiohttp.ClientError() | OSError() | json.JSONDecodeError():  # among these, a time-out
            return Uncertain(f"{what}: the connection was lost ({kind})")
        case _:
            return Rejected(f"{what}: {kind}: {error}")


def _from_answer(what: str, error: discord.HTTPException) -> DeliveryError:
    reason = str(error.code) if error.code else ""
    sentence = f"{what}: status {error.status}" + (f", {error.text} ({reason})" if reason else "")
    if error.status == HTTPStatus.TOO_MANY_REQUESTS and reason not in _TRY_ANOTHER_WAY:
        return Throttled(sentence, _seconds(error))
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Uncertain(sentence, reason)
    if error.status == HTTPStatus.NOT_FOUND or reason in _GONE:
        return Gone(sentence, reason)
    if error.status == HTTPStatus.FORBIDDEN or reason in _TRY_ANOTHER_WAY:
        return Unsupported(sentence, reason)
    return Rejected(sentence, reason)


def _seconds(error: discord.HTTPException) -> float:
    try:
        return max(float(error.response.headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        return RETRY_AFTER
