"""Slack and Discord, over real sockets: there, refused, out of reach; and no secret is ever shown."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest

from tests.bot.doctor.conftest import Doctor, look, statuses
from tests.standin.discord.faults import Error as DiscordError
from tests.standin.discord.server import DiscordServer
from tests.standin.faults import Hang, Status
from tests.standin.slack.faults import Error as SlackError
from tests.standin.slack.rate import PostingRate
from tests.standin.slack.server import SlackServer


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlackServer]:
    async with SlackServer(rate=PostingRate(0)) as server:
        monkeypatch.setenv("SLACK_BOT_TOKEN", server.bot_token)
        monkeypatch.setenv("SLACK_APP_TOKEN", server.app_token)
        monkeypatch.setenv("SLACK_API_BASE_URL", server.base_url)
        yield server


def free_port() -> int:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def hides(doctor: Doctor, *secrets: str) -> bool:
    return not any(secret in doctor.said for secret in secrets)


async def test_slack_says_who_the_bot_is(doctor, slack) -> None:
    lines = await look(doctor, "slack")
    assert statuses(lines) == ["ok", "ok", "ok"]
    assert lines[0]["detail"].startswith("The bot is @")
    assert lines[1]["detail"] == "It has every scope it uses."
    assert lines[2]["detail"] == "The app-level token opens Socket Mode."
    assert hides(doctor, slack.bot_token, slack.app_token)
    assert [call.method for call in slack.calls()] == ["auth.test", "apps.connections.open"]


async def test_missing_scopes_are_warnings(doctor, slack) -> None:
    slack.workspace.app.scopes -= {"users:read", "files:write"}
    lines = await look(doctor, "slack")
    assert statuses(lines) == ["ok", "warning", "warning", "ok"]
    assert lines[1]["detail"].startswith("The Slack app lacks the scope files:write: answers that are too long")
    assert lines[1]["remedy"] == "Add it under OAuth & Permissions and reinstall the app."
    assert doctor.status == 0


async def test_a_bot_token_that_slack_refuses_is_wrong(doctor, slack) -> None:
    [line] = await look(doctor, "slack", SLACK_BOT_TOKEN="xoxb-1-2-revoked")
    assert line["status"] == "wrong"
    assert line["detail"] == "Slack refuses SLACK_BOT_TOKEN (invalid_auth)."
    assert line["remedy"].startswith("Copy the Bot User OAuth Token anew")
    assert doctor.status == 1
    assert hides(doctor, "1-2-revoked", slack.app_token)


async def test_an_app_token_that_slack_refuses_is_wrong(doctor, slack) -> None:
    slack.fail("apps.connections.open", SlackError("invalid_auth"))
    lines = await look(doctor, "slack")
    assert statuses(lines) == ["ok", "ok", "wrong"]
    assert lines[2]["detail"] == "Slack refuses SLACK_APP_TOKEN (invalid_auth)."


async def test_a_slack_that_cannot_be_reached_is_a_warning(doctor, slack) -> None:
    slack.fail("auth.test", Status(503))
    [line] = await look(doctor, "slack")
    assert line["status"] == "warning"
    await slack.down()
    [line] = await look(doctor, "slack")
    assert line["status"] == "warning"
    assert "no connection" in line["detail"]
    assert "--offline" in line["remedy"]
    assert doctor.status == 0


async def test_offline_slack_is_not_asked(doctor, slack) -> None:
    [line] = await look(doctor, "slack", offline=True)
    assert line["status"] == "ok"
    assert slack.calls() == []


async def test_tokens_that_look_wrong_are_wrong_without_asking(doctor) -> None:
    [line] = await look(doctor, "slack", SLACK_BOT_TOKEN="xapp-1-swapped-token")
    assert line["status"] == "wrong"
    assert "holds an app-level token" in line["detail"]
    assert hides(doctor, "swapped-token")
    [line] = await look(doctor, "discord", DISCORD_BOT_TOKEN="hunter2-hunter2")
    assert line["status"] == "wrong"
    assert hides(doctor, "hunter2")


async def test_http_mode_is_told_where_it_is_overruled(doctor, slack) -> None:
    first, *_ = await look(doctor, "slack", SLACK_MODE="http")
    assert (first["status"], first["remedy"]) == ("warning", "Remove SLACK_APP_TOKEN to serve HTTP.")
    assert doctor.said.count("overruled") == 1


async def test_http_mode_needs_no_app_token(doctor, slack, monkeypatch) -> None:
    monkeypatch.delenv("SLACK_APP_TOKEN")
    lines = await look(doctor, "slack", SLACK_MODE="http", SLACK_SIGNING_SECRET=slack.signing_secret)
    assert statuses(lines) == ["ok", "ok"]
    assert hides(doctor, slack.signing_secret)


# --- Discord


@pytest.fixture
async def discord(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordServer]:
    async with DiscordServer(identify_seconds=0) as server:
        monkeypatch.setenv("DISCORD_BOT_TOKEN", server.token)
        monkeypatch.setenv("DISCORD_API_BASE_URL", server.base_url)
        yield server


async def test_discord_says_who_the_bot_is_without_a_session(doctor, discord) -> None:
    [line] = await look(doctor, "discord")
    assert line["status"] == "ok"
    assert line["detail"].startswith(f"The bot is {discord.world.bot.name}")
    assert line["detail"].endswith(f", in {len(discord.world.guilds)} server; the intents it asks for are granted.")
    assert hides(doctor, discord.token)
    assert discord.gateway.sessions == []
    assert discord.violations == []
    assert {call.method for call in discord.calls()} == {"GET"}


async def test_a_token_that_discord_refuses_is_wrong(doctor, discord) -> None:
    other = f"{discord.token[:-4]}abcd"
    [line] = await look(doctor, "discord", DISCORD_BOT_TOKEN=other)
    assert (line["status"], line["detail"]) == ("wrong", "Discord refuses DISCORD_BOT_TOKEN.")
    assert doctor.status == 1
    assert hides(doctor, other)


async def test_an_intent_that_is_not_granted_is_wrong(doctor, discord) -> None:
    [line] = await look(doctor, "discord", DISCORD_MESSAGE_CONTENT="true")
    assert line["status"] == "wrong"
    assert "Message Content Intent" in line["detail"]
    discord.world.message_content = True
    [line] = await look(doctor, "discord")
    assert line["status"] == "ok"


async def test_a_discord_that_cannot_be_reached_is_a_warning(doctor, discord, monkeypatch) -> None:
    discord.fail("GET /users/@me", DiscordError(50001))
    [line] = await look(doctor, "discord")
    assert line["status"] == "warning"
    monkeypatch.setattr("bot.doctor.services.PATIENCE", 0.2)
    hang = Hang()
    discord.fail("GET /users/@me", hang)
    [line] = await look(doctor, "discord")
    hang.release()
    assert line["status"] == "warning"
    assert "no answer within" in line["detail"]
    await discord.down()
    [line] = await look(doctor, "discord")
    assert line["status"] == "warning"
    assert "no connection" in line["detail"]
    assert doctor.status == 0


async def test_offline_discord_is_not_asked(doctor, discord) -> None:
    [line] = await look(doctor, "discord", offline=True)
    assert line["status"] == "ok"
    assert discord.calls() == []


async def test_no_secret_is_shown_at_any_level(doctor, slack, discord) -> None:
    password, key = "s3cretpassword", "milvus-k3y-0123456789"
    for settings in ({"LOG_LEVEL": "debug"}, {"LOG_LEVEL": "loud"}):
        await look(
            doctor,
            "",
            DATABASE_URL=f"postgres://ada:{password}@127.0.0.1:{free_port()}/d",
            VECTOR_STORE="milvus",
            MILVUS_URI=f"http://127.0.0.1:{free_port()}",
            MILVUS_TOKEN=key,
            MILVUS_TIMEOUT="1",
            **settings,
        )
        assert doctor.status == 1
        assert hides(doctor, password, key, slack.bot_token, slack.app_token, discord.token)
