"""What can be set, from the environment and ``.env``: flat variable names outside, nested groups inside."""

from bot.settings.discord import discord_token
from bot.settings.loading import as_variables, inspect_settings, load_settings, secret_values, variables
from bot.settings.model import Settings
from bot.settings.slack import Mode, SlackCredentials, slack_credentials
from bot.settings.spelling import misspelt

__all__ = [
    "Mode",
    "Settings",
    "SlackCredentials",
    "as_variables",
    "discord_token",
    "inspect_settings",
    "load_settings",
    "misspelt",
    "secret_values",
    "slack_credentials",
    "variables",
]
