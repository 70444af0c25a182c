"""Makes sure, before anything is served, that Slack accepts the tokens, and names what the app lacks."""

from __future__ import annotations

import asyncio
import logging

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


async def introduce(client: SlackClient, auto_channels: frozenset[str]) -> tuple[Place, str]:
    """Who the bot is, for programs and for people. Waits for a Slack that cannot be reached.

    Raises ConfigError where the bot token is refused. Missing scopes are named in the log: what needs them fails alone.
    """
    delay = FIRST_RETRY
    while True:
        try:
            answer, headers = await client.call_with_headers("auth.test")
            break
        except DeliveryError as error:
            if error.reason in _REFUSED:
                raise ConfigError(
                    f"Slack refuses SLACK_BOT_TOKEN ({error.reason}): copy the Bot User OAuth Token anew from the "
                    "app's page, OAuth & Permissions."
                ) from None
            pause = error.seconds if isinstance(error, Throttled) else delay
            _log.warning("Slack cannot be reached (%s); trying again in %.0f s.", error, pause)
            await asyncio.sleep(pause)
            delay = min(delay * 2, LAST_RETRY)
    for sentence in missing(headers.get("x-oauth-scopes", "")):
        _log.warning("%s", sentence)
    name = f"@{answer.get('user', 'bot')} in {answer.get('team', 'its workspace')}"
    return Place(str(answer["user_id"]), str(answer.get("bot_id") or ""), auto_channels), name


async def check_app_token(client: SlackClient, app_token: str) -> None:
    """Raises ConfigError where Slack refuses the app-level token; a Slack that does not answer is no reason to stop."""
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
        _log.warning("%s", error)
