"""Whether the secret for Discord is there and looks right."""

from __future__ import annotations

import re

from bot.errors import ConfigError
from bot.settings.model import Settings

# Three parts: the bot's id, a time, a signature, each in base64url.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{18,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{20,}")
_SLACK = re.compile(r"xox|xapp-")
_EXPECTED = "the token under Bot, Reset Token, on the application's page at discord.com/developers/applications"


def discord_token(settings: Settings) -> str:
    """The bot's token.

    Raises ConfigError: one sentence about what is missing or misplaced; it never shows the secret.
    """
    secret = settings.discord.bot_token
    token = secret.get_secret_value() if secret else ""
    if not token:
        raise ConfigError(f"DISCORD_BOT_TOKEN is not set: it must be {_EXPECTED}.")
    if token.startswith(("Bot ", "Bearer ")):
        raise ConfigError("DISCORD_BOT_TOKEN must be the token alone, without the word before it.")
    if _SLACK.match(token):
        raise ConfigError(f"DISCORD_BOT_TOKEN holds a token of Slack's; it must be {_EXPECTED}.")
    if not _TOKEN.fullmatch(token):
        raise ConfigError(
            f"DISCORD_BOT_TOKEN must be {_EXPECTED}: three parts with dots between them. The public key, the "
            "client id and the client secret are something else."
        )
    return token
