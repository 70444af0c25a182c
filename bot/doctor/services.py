"""The ledger and the chat platforms."""

from __future__ import annotations

import asyncio
import glob
from collections.abc import Iterator
from pathlib import Path

from bot.doctor.subject import Check, Subject
from bot.errors import BotError, ConfigError, DeliveryError, LedgerUnavailable
from retrieval.inspection.finding import Finding, Status, ok, told, warning

LEDGER, SLACK, DISCORD = "ledger", "slack", "discord"
PATIENCE = 15.0
"""Seconds that Discord has to answer; the Slack client has as many for each call."""
_OFFLINE = "was not asked, because of --offline"


def _ledger(subject: Subject) -> Iterator[Finding]:
    from bot.ledger import database_url
    from bot.ledger.inspection import NotLooked, inspect
    from bot.ledger.url import sqlite_path

    secret = subject.settings.database_url
    try:
        url = database_url(secret.get_secret_value() if secret else None, subject.settings.data_dir)
        if subject.offline and sqlite_path(url) is None:
            yield ok(LEDGER, f"PostgreSQL {_OFFLINE}.")
            return
        state = inspect(url)
    except (ConfigError, LedgerUnavailable) as error:
        yield _unusable(error)
        return
    except NotLooked as error:
        yield told(LEDGER, Status.WARNING, error)
        return
    if not state.present:
        yield ok(LEDGER, f"{state.where}: none yet; it is made when a platform is first served.")
    elif state.present != state.wanted:
        yield warning(
            LEDGER,
            f"{state.where} has revision {state.present}, this program wants {state.wanted}.",
            "Stop bots of the earlier version and start this one, which brings it up to date.",
        )
    else:
        yield ok(LEDGER, f"{state.where} can be read and has the current revision, {state.present}.")
    if (file := sqlite_path(url)) is not None:
        yield from _kept(file)


def _kept(file: Path) -> Iterator[Finding]:
    """Ledgers that another was restored over."""
    from bot.ledger.copying import BEFORE

    kept = sorted(file.resolve().parent.glob(f"{glob.escape(file.resolve().name)}{BEFORE}*"))
    if kept:
        size = sum(path.stat().st_size for path in kept)
        yield warning(
            LEDGER,
            f"Kept from before a restore: {', '.join(path.name for path in kept)} ({size / 1e6:.1f} MB), which "
            "RETENTION_DAYS and `forget` do not reach.",
            "Delete that once it is not needed.",
        )


def _unusable(error: BotError) -> Finding:
    """What cannot be used is told with the reason, and not with what to do."""
    stuck = "cannot be used" in str(error)
    remedy = "Correct DATABASE_URL or DATA_DIR, or what stands in the way there." if stuck else ""
    return told(LEDGER, Status.WRONG, error, remedy)


# --- Slack ---------------------------------------------------------------------------------------------------------


def _slack(subject: Subject) -> Iterator[Finding]:
    from bot.settings import slack_credentials

    chosen = subject.settings.slack
    if not (chosen.bot_token or chosen.app_token or chosen.signing_secret):
        yield ok(SLACK, "Not set up: there is no token.")
        return
    try:
        credentials = slack_credentials(subject.settings)
    except ConfigError as error:
        yield told(SLACK, Status.WRONG, error)
        return
    if chosen.mode == "http" and credentials.mode == "socket":
        yield warning(
            SLACK, "SLACK_MODE=http is overruled by SLACK_APP_TOKEN.", "Remove SLACK_APP_TOKEN to serve HTTP."
        )
    if subject.offline:
        yield ok(SLACK, f"What is set looks right; Slack {_OFFLINE}.")
        return
    app_token = credentials.app_token if credentials.mode == "socket" else ""
    yield from asyncio.run(_ask_slack(credentials.bot_token, app_token, chosen.api_base_url))


async def _ask_slack(bot_token: str, app_token: str, base_url: str) -> list[Finding]:
    from bot.platforms.slack.checks import look_up, try_app_token
    from bot.platforms.slack.client import open_client

    findings = []
    async with open_client(bot_token, base_url) as client:
        try:
            found = await look_up(client)
            findings.append(ok(SLACK, f"The bot is {found.name}."))
            findings += [_scope(sentence) for sentence in found.lacking] or [ok(SLACK, "It has every scope it uses.")]
            if app_token:
                await try_app_token(client, app_token)
                findings.append(ok(SLACK, "The app-level token opens Socket Mode."))
        except ConfigError as error:
            findings.append(told(SLACK, Status.WRONG, error))
        except DeliveryError as error:
            findings.append(_silent(SLACK, "Slack", error, base_url))
    return findings


def _scope(sentence: str) -> Finding:
    """The sentence says what does not work and, at its end, what to do."""
    detail, _, remedy = sentence.rpartition("; ")
    return warning(SLACK, f"{detail}.", remedy[0].upper() + remedy[1:])


def _silent(check: str, platform: str, error: DeliveryError, base_url: str) -> Finding:
    remedy = f"See whether this machine reaches {base_url}, or leave it out with --offline."
    return warning(check, f"{platform} does not say who the bot is ({error}).", remedy)


# --- Discord -------------------------------------------------------------------------------------------------------


def _discord(subject: Subject) -> Iterator[Finding]:
    from bot.settings import discord_token

    chosen = subject.settings.discord
    if not chosen.bot_token:
        yield ok(DISCORD, "Not set up: there is no token.")
        return
    try:
        token = discord_token(subject.settings)
    except ConfigError as error:
        yield told(DISCORD, Status.WRONG, error)
        return
    if subject.offline:
        yield ok(DISCORD, f"The token looks right; Discord {_OFFLINE}.")
        return
    from bot.platforms.discord.lookup import look_up

    try:
        found = asyncio.run(
            look_up(token, chosen.api_base_url, message_content=chosen.message_content, within=PATIENCE)
        )
    except ConfigError as error:
        yield told(DISCORD, Status.WRONG, error)
    except DeliveryError as error:
        yield _silent(DISCORD, "Discord", error, chosen.api_base_url)
    else:
        servers = f"{found.servers} server{'' if found.servers == 1 else 's'}"
        yield ok(DISCORD, f"The bot is {found.name}, in {servers}; the intents it asks for are granted.")


SERVICES = (
    Check(LEDGER, ("DATABASE_URL", "DATA_DIR"), _ledger),
    Check(
        SLACK,
        ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_MODE", "SLACK_API_BASE_URL"),
        _slack,
    ),
    Check(DISCORD, ("DISCORD_BOT_TOKEN", "DISCORD_API_BASE_URL", "DISCORD_MESSAGE_CONTENT"), _discord),
)
