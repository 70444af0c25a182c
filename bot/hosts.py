"""What it takes to serve each platform: its settings, checked, and how its parts are put together.

The platform's library is imported here, which takes a second, because no event loop runs yet.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from bot.actions import Actions, Desk
from bot.core import Core
from bot.hosting import Host
from bot.limits import Access
from bot.settings import Settings, discord_token, slack_credentials

HostMaker = Callable[[Core], Host]


def slack_host(settings: Settings) -> HostMaker:
    """Serves one workspace. Raises ConfigError where what is set cannot do."""
    from bot.platforms import slack

    credentials, chosen = slack_credentials(settings), settings.slack
    import_module("bot.platforms.slack.listeners")
    in_group = chosen.escalation.startswith("S")
    desk = Desk(
        feedback_channel=chosen.feedback_channel,
        escalation_channel="" if in_group else chosen.escalation,
        escalation_group=chosen.escalation if in_group else "",
    )
    socket = credentials.mode == "socket"

    def make(parts: Core) -> Host:
        options = slack.Options(
            bot_token=credentials.bot_token,
            app_token=credentials.app_token if socket else "",
            signing_secret=credentials.signing_secret,
            base_url=chosen.api_base_url,
            access=Access(frozenset(chosen.allowed_channels), frozenset(chosen.allowed_users)),
            auto_channels=frozenset(chosen.auto_answer_channels),
            desk=desk,
            locale=settings.locale,
            ping_interval=parts.pace.ping_interval,
        )
        actions = Actions(parts.ledger, parts.dispatcher, desk, parts.scopes)
        return Host(
            "slack",
            "Slack",
            lambda: slack.connected(options, parts.dispatcher, actions, parts.shelf.suggested),
            route="" if socket else slack.EVENTS_PATH,
        )

    return make


def discord_host(settings: Settings) -> HostMaker:
    """Serves every server that the bot was invited to. Raises ConfigError where what is set cannot do."""
    from bot.platforms import discord

    token, chosen = discord_token(settings), settings.discord
    import_module("bot.platforms.discord.gateway")
    desk = Desk(
        feedback_channel=chosen.feedback_channel,
        escalation_channel=chosen.escalation_channel,
        escalation_group=chosen.escalation_role,
    )

    def make(parts: Core) -> Host:
        pace = parts.pace
        options = discord.Options(
            token=token,
            base_url=chosen.api_base_url,
            guilds=chosen.guilds,
            access=Access(
                channels=frozenset(chosen.allowed_channels),
                users=frozenset(chosen.allowed_users),
                teams=frozenset(chosen.guilds),
                roles=frozenset(chosen.allowed_roles),
            ),
            threads=chosen.threads,
            message_content=chosen.message_content,
            desk=desk,
            locale=settings.locale,
            timing=discord.Timing(pace.guild_wait, pace.identify_interval, pace.heartbeat_timeout),
        )
        actions = Actions(parts.ledger, parts.dispatcher, desk, parts.scopes)
        library = discord.Library(parts.shelf.suggested, parts.shelf.listed, parts.scopes.shows_privately)
        return Host("discord", "Discord", lambda: discord.connected(options, parts.dispatcher, actions, library))

    return make
