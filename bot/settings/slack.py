"""Whether the secrets for Slack are there and look right, and which way of connecting they mean."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import Literal

from pydantic import SecretStr

from bot.errors import ConfigError
from bot.settings.model import Settings

Mode = Literal["socket", "http"]
"""Socket Mode: the bot calls Slack. http: Slack calls the bot (the Events API)."""

# What follows the prefix is Slack's own affair; a rotated token has another prefix before its own.
_BOT_TOKEN = re.compile(r"(?:xoxe\.)?xoxb-[!-~]+")
_APP_TOKEN = re.compile(r"(?:xoxe\.)?xapp-[!-~]+")
_ANY_TOKEN = re.compile(r"xox[a-z][.-].*|xapp-.*", re.DOTALL)
_SECRET = re.compile(r"[!-~]+")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlackCredentials:
    """What it takes to connect; what the mode has no use for may be empty."""

    mode: Mode
    bot_token: str = field(repr=False)
    app_token: str = field(repr=False)
    """Set in Socket Mode."""
    signing_secret: str = field(repr=False)
    """Set in HTTP mode."""


def slack_credentials(settings: Settings) -> SlackCredentials:
    """The credentials that are set, and the mode they mean: with both tokens that is Socket Mode.

    Raises ConfigError: one sentence about the first thing that is missing or misplaced; it never shows a secret.
    """
    slack = settings.slack
    bot, app, secret = _plain(slack.bot_token), _plain(slack.app_token), _plain(slack.signing_secret)
    _check_bot_token(bot)
    if app:
        _check_app_token(app)
    if secret and (_ANY_TOKEN.fullmatch(secret) or not _SECRET.fullmatch(secret)):
        raise ConfigError(
            'SLACK_SIGNING_SECRET must be the "Signing Secret" under Basic Information, App Credentials; '
            "it is not a token and holds no spaces."
        )
    if app:
        if slack.mode == "http":
            _log.warning(
                "SLACK_MODE=http is overruled: SLACK_APP_TOKEN is set, and both tokens mean Socket Mode; "
                "remove SLACK_APP_TOKEN to serve HTTP."
            )
        return SlackCredentials("socket", bot, app, secret)
    if slack.mode == "http":
        if not secret:
            raise ConfigError(
                'SLACK_MODE=http needs SLACK_SIGNING_SECRET: the "Signing Secret" under Basic Information, '
                "App Credentials, in the app's settings on api.slack.com/apps."
            )
        return SlackCredentials("http", bot, app, secret)
    alternative = "" if slack.mode else "; for HTTP instead, set SLACK_MODE=http and SLACK_SIGNING_SECRET"
    raise ConfigError(
        "SLACK_APP_TOKEN is not set: Socket Mode needs an app-level token with the scope connections:write "
        f"(Basic Information, App-Level Tokens, in the app's settings on api.slack.com/apps){alternative}."
    )


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _check_bot_token(token: str) -> None:
    expected = 'the "Bot User OAuth Token" under OAuth & Permissions, which starts with xoxb-'
    if not token:
        raise ConfigError(f"SLACK_BOT_TOKEN is not set: it must be {expected}.")
    if _APP_TOKEN.match(token):
        raise ConfigError(
            f"SLACK_BOT_TOKEN holds an app-level token, which belongs in SLACK_APP_TOKEN; it must be {expected}."
        )
    if not _BOT_TOKEN.fullmatch(token):
        raise ConfigError(f"SLACK_BOT_TOKEN must be {expected}.")


def _check_app_token(token: str) -> None:
    expected = "an app-level token (Basic Information, App-Level Tokens), which starts with xapp-"
    if _BOT_TOKEN.match(token):
        raise ConfigError(
            f"SLACK_APP_TOKEN holds a bot token, which belongs in SLACK_BOT_TOKEN; it must be {expected}."
        )
    if not _APP_TOKEN.fullmatch(token):
        raise ConfigError(f"SLACK_APP_TOKEN must be {expected}.")
