"""The manifest: complete, as Slack's schema wants it, and in step with what the code counts on."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
import yaml

from bot.platforms.slack.scopes import EVENTS, FORMER_EVENTS, REQUIRED, missing

TEXT = files("bot.platforms.slack").joinpath("manifest.yaml").read_text(encoding="utf-8")

FIELDS = {
    "display_information": {"name", "description", "background_color", "long_description"},
    "features.app_home": {"home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled"},
    "features.bot_user": {"display_name", "always_online"},
    "features.agent_view": {"agent_description", "suggested_prompts", "actions"},
    "oauth_config": {"redirect_urls", "scopes", "token_management_enabled", "pkce_enabled"},
    "oauth_config.scopes": {"bot", "user", "bot_optional", "user_optional"},
    "settings": {
        "allowed_ip_address_ranges",
        "event_subscriptions",
        "interactivity",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "token_rotation_enabled",
    },
    "settings.event_subscriptions": {"request_url", "bot_events", "user_events", "metadata_subscriptions"},
    "settings.interactivity": {"is_enabled", "request_url", "message_menu_options_url"},
}
"""Fields that https://github.com/slackapi/manifest-schema allows at each place; any other is refused."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded = yaml.safe_load(TEXT)
    assert isinstance(loaded, dict)
    return loaded


def at(manifest: dict[str, Any], path: str) -> Any:
    for name in path.split("."):
        manifest = manifest[name]
    return manifest


def test_it_asks_for_exactly_the_scopes_and_events_the_code_counts_on(manifest: dict[str, Any]) -> None:
    scopes = at(manifest, "oauth_config.scopes.bot")
    events = at(manifest, "settings.event_subscriptions.bot_events")
    assert scopes == list(REQUIRED)
    assert tuple(events) == EVENTS
    assert not set(EVENTS) & set(FORMER_EVENTS), "an app has one of the two messaging experiences"


@pytest.mark.parametrize("path", FIELDS)
def test_every_field_is_one_that_slack_knows(manifest: dict[str, Any], path: str) -> None:
    assert set(at(manifest, path)) <= FIELDS[path]


def test_texts_keep_to_slacks_lengths(manifest: dict[str, Any]) -> None:
    assert len(at(manifest, "display_information.name")) <= 35
    assert len(at(manifest, "display_information.description")) <= 140
    assert len(at(manifest, "features.bot_user.display_name")) <= 80
    assert len(at(manifest, "features.agent_view.agent_description")) <= 300


def test_people_can_write_to_it_and_press_its_buttons(manifest: dict[str, Any]) -> None:
    home = at(manifest, "features.app_home")
    assert home["messages_tab_enabled"] is True
    assert home["messages_tab_read_only_enabled"] is False
    assert at(manifest, "settings.interactivity.is_enabled") is True
    assert [command["command"] for command in at(manifest, "features.slash_commands")] == ["/ask"]
    assert at(manifest, "features.slash_commands")[0]["should_escape"] is False


def test_it_works_without_an_address_until_its_comments_are_followed(manifest: dict[str, Any]) -> None:
    assert at(manifest, "settings.socket_mode_enabled") is True
    assert at(manifest, "settings.token_rotation_enabled") is False
    assert at(manifest, "settings.org_deploy_enabled") is False
    assert "url" not in at(manifest, "features.slash_commands")[0]

    def switched(line: str) -> str:
        indent = line[: len(line) - len(line.lstrip())]
        return f"{indent}{line.strip().removeprefix('# HTTP: ')}" if "# HTTP: " in line and "url" in line else line

    text = "\n".join(switched(line) for line in TEXT.splitlines()).replace(
        "enabled: true\n  token", "enabled: false\n  token"
    )
    http = yaml.safe_load(text)
    address = "https://bot.example.com/slack/events"
    assert at(http, "settings.socket_mode_enabled") is False
    assert at(http, "settings.event_subscriptions.request_url") == address
    assert at(http, "settings.interactivity.request_url") == address
    assert at(http, "features.slash_commands")[0]["url"] == address


def test_a_missing_scope_is_named_with_what_does_not_work() -> None:
    assert missing(",".join(REQUIRED)) == []
    assert missing(", ".join([*REQUIRED, "channels:read"])) == []
    granted = ",".join(scope for scope in REQUIRED if scope not in ("files:write", "commands"))
    first, second = missing(granted)
    assert first == (
        "The Slack app lacks the scope commands: /ask is not there; "
        "add it under OAuth & Permissions and reinstall the app."
    )
    assert "files:write" in second
    assert len(missing("")) == len(REQUIRED)
    # Part of a name is not the name.
    assert any("chat:write:" in sentence for sentence in missing("chat:write.public"))
