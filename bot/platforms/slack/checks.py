"""Makes sure, before anything is served, that Slack accepts the tokens, and names what the app lacks."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from bot.errors import ConfigError, DeliveryError, Throttled
from bot.platforms.slack.client import SlackClient, translate
from bot.platforms.slack.events import Place
from bot.platforms.slack.scopes import missing

FIRST_RETRY = 1.0
LAST_RETRY = 60.0
"""Seconds between attempts to reach a Slack that does not answer."""

_REFUSED = frozenset(
    {
        "access_denied",
        "account_inactive",
        "invalid_auth",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Introduced:
    """What Slack says of the bot."""

    user: str
    bot: str
    """Its ids."""
    name: str
    """For people."""
    lacking: tuple[str, ...]
    """One sentence for each missing scope."""


async def introduce(client: SlackClient, auto_channels: frozenset[str]) -> tuple[Place, str]:
    """Who the bot is, for programs and for people. Waits for a Slack that cannot be reached.

    Raises ConfigError where the bot token is refused. Missing scopes are named in the log: what needs them fails alone.
    """
    delay = FIRST_RETRY
    while True:
        try:
            found = await look_up(client)
            break
        except DeliveryError as error:
            pause = error.seconds if isinstance(error, Throttled) else delay
            _log.warning("Slack cannot be reached (%s); trying again in %.0f s.", error, pause)
            await asyncio.sleep(pause)
            delay = min(delay * 2, LAST_RETRY)
    for sentence in found.lacking:
        _log.warning("%s", sentence)
    return Place(found.user, found.bot, auto_channels), found.name


async def look_up(client: SlackClient) -> Introduced:
    """Who the bot is, asked once. Raises ConfigError where the bot token is refused, DeliveryError."""
    try:
        answer, headers = await client.call_with_headers("auth.test")
    except DeliveryError as error:
        if error.reason in _REFUSED:
            raise ConfigError(
                f"Slack refuses SLACK_BOT_TOKEN ({error.reason}): copy the Bot User OAuth Token anew from the "
                "app's page, OAuth & Permissions."
            ) from None
        raise
    name = f"@{answer.get('user', 'bot')} in {answer.get('team', 'its workspace')}"
    lacking = missing(headers.get("x-oauth-scopes", ""))
    return Introduced(str(answer["user_id"]), str(answer.get("bot_id") or ""), name, tuple(lacking))


async def check_app_token(client: SlackClient, app_token: str) -> None:
    """Raises ConfigError where Slack refuses the app-level token; a Slack that does not answer is no reason to stop."""
    try:
        await try_app_token(client, app_token)
    except DeliveryError as error:
        _log.warning("%s", error)


async def try_app_token(client: SlackClient, app_token: str) -> None:
    """Raises ConfigError where Slack refuses the app-level token, DeliveryError where it does not say."""
    try:
        await client.web.apps_connections_open(app_token=app_token)
    except Exception as raised:
        error = translate("apps.connections.open", raised)
        if error.reason in _REFUSED or error.reason == "missing_scope":
            raise ConfigError(
                f"Slack refuses SLACK_APP_TOKEN ({error.reason}): create an app-level token with the scope "
                "connections:write on the app's page, Basic Information."
            ) from None
        if error.reason == "socket_mode_disabled" or "socket_mode" in error.reason:
            raise ConfigError(
                f"Slack refuses Socket Mode ({error.reason}): switch it on on the app's page, Socket Mode."
            ) from None
        raise error from None
