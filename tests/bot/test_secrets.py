"""Secrets: from the environment or a file, never shown, and whether they are enough for Slack."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.settings import SlackCredentials, discord_token, load_settings, secret_values, slack_credentials, variables
from tests.bot.variables import env_file, sentences

BOT = "xoxb-" + "1234567890-abcDEF"
APP = "xapp-" + "1-A0123-456-abcdef"
SIGNING = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables():
        monkeypatch.delenv(name, raising=False)


def test_a_secret_in_the_wrong_place_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = sentences(
        monkeypatch,
        LOG_LEVEL=BOT,
        SLACK_ALLOWED_CHANNELS=f"C1,{APP}",
        SLACK_API_BASE_URL="https://me:hunter2@slack.example/api",
        SLACK_BOT_TOKEN_FILE=BOT,
    )
    assert len(lines) == 4
    assert not any(secret in line for line in lines for secret in (BOT[5:], APP[5:], "hunter2"))


# --- Secrets in files -------------------------------------------------------------------------------------------------


def secret_file(folder: Path, content: bytes) -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"xoxb-1-a", b"xoxb-1-a\n", b"\xef\xbb\xbfxoxb-1-a\r\n", b" xoxb-1-a \n\n"])
def test_a_secret_may_be_kept_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", f" {secret_file(tmp_path, content)} ")
    token = load_settings(None).slack.bot_token
    assert token is not None
    assert token.get_secret_value() == "xoxb-1-a"


SECRETS = [
    "MILVUS_TOKEN",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "DISCORD_BOT_TOKEN",
    "DATABASE_URL",
]


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_has_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = secret_file(tmp_path, b"a-secret\n")
    monkeypatch.setenv(f"{name}_FILE", str(path))
    settings = load_settings(None)
    assert secret_values(settings) == ("a-secret",)
    assert "a-secret" not in repr(settings) + str(settings.model_dump())


def test_only_secrets_have_files() -> None:
    assert [name for name in variables() if name.endswith("_FILE")] == [
        "MILVUS_TOKEN_FILE",
        "SLACK_BOT_TOKEN_FILE",
        "SLACK_APP_TOKEN_FILE",
        "SLACK_SIGNING_SECRET_FILE",
        "DISCORD_BOT_TOKEN_FILE",
        "DATABASE_URL_FILE",
    ]


def test_a_secret_given_twice_is_an_error_wherever_the_two_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = env_file(tmp_path, "SLACK_BOT_TOKEN=xoxb-1-secret\n")
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(secret_file(tmp_path, b"xoxb-2-secret")))
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert str(caught.value) == "SLACK_BOT_TOKEN and SLACK_BOT_TOKEN_FILE are both set: keep one of them."
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", "")
    assert secret_values(load_settings(path)) == ("xoxb-1-secret",)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty: it must hold the secret."),
        (b" \n", "is empty: it must hold the secret."),
        (b"caf\xe9-secret", "is not UTF-8 text: it must hold the secret and nothing else."),
        (b"s" * 100_000, "is too long: it must hold the secret and nothing else."),
        (None, "cannot be read: Is a directory."),
    ],
)
def test_a_file_without_a_secret_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, problem: str
) -> None:
    path = tmp_path if content is None else secret_file(tmp_path, content)
    assert sentences(monkeypatch, SLACK_APP_TOKEN_FILE=str(path), LOG_LEVEL="loud") == [
        f"The file '{path}' that SLACK_APP_TOKEN_FILE names {problem}",
        "LOG_LEVEL must be debug, info, warning or error, not 'loud'.",
    ]


def test_a_file_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/nowhere/" + "deep/" * 30 + "secret"
    assert sentences(monkeypatch, DATABASE_URL_FILE=path) == [
        f"The file '{path}' that DATABASE_URL_FILE names cannot be read: No such file or directory."
    ]


def test_the_password_of_the_database_is_a_secret_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://me:p%40ss@word@host/db"
    monkeypatch.setenv("DATABASE_URL", url)
    assert secret_values(load_settings(None)) == (url, "p%40ss@word", "p@ss@word")
    monkeypatch.setenv("DATABASE_URL", "postgresql://host/db")
    assert secret_values(load_settings(None)) == ("postgresql://host/db",)


# --- Credentials ------------------------------------------------------------------------------------------------------


def credentials(monkeypatch: pytest.MonkeyPatch, **values: str) -> SlackCredentials:
    for name, value in values.items():
        monkeypatch.setenv(f"SLACK_{name}", value)
    return slack_credentials(load_settings(None))


def test_both_tokens_mean_socket_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    found = credentials(monkeypatch, BOT_TOKEN=BOT, APP_TOKEN=APP)
    assert found == SlackCredentials("socket", BOT, APP, "")
    assert BOT not in repr(found)
    assert credentials(monkeypatch, MODE="socket", SIGNING_SECRET=SIGNING).mode == "socket"


def test_both_tokens_overrule_http_mode_aloud(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = credentials(monkeypatch, BOT_TOKEN=BOT, APP_TOKEN=APP, SIGNING_SECRET=SIGNING, MODE="http")
    assert found.mode == "socket"
    assert "SLACK_MODE=http is overruled" in caplog.text


def test_http_mode_needs_a_signing_secret_and_no_app_token(monkeypatch: pytest.MonkeyPatch) -> None:
    found = credentials(monkeypatch, BOT_TOKEN=BOT, SIGNING_SECRET=SIGNING, MODE="http")
    assert found == SlackCredentials("http", BOT, "", SIGNING)


def test_rotated_tokens_are_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert credentials(monkeypatch, BOT_TOKEN=f"xoxe.{BOT}", APP_TOKEN=APP).bot_token == f"xoxe.{BOT}"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "SLACK_BOT_TOKEN is not set: it must be the"),
        ({"APP_TOKEN": APP}, "SLACK_BOT_TOKEN is not set"),
        ({"BOT_TOKEN": APP}, "SLACK_BOT_TOKEN holds an app-level token, which belongs in SLACK_APP_TOKEN"),
        ({"BOT_TOKEN": "xoxp-1-secret"}, "SLACK_BOT_TOKEN must be the"),
        ({"BOT_TOKEN": "xoxb-"}, "SLACK_BOT_TOKEN must be the"),
        ({"BOT_TOKEN": f"{BOT} secret"}, "SLACK_BOT_TOKEN must be the"),
        ({"BOT_TOKEN": BOT}, "SLACK_APP_TOKEN is not set: Socket Mode needs an app-level token"),
        ({"BOT_TOKEN": BOT, "SIGNING_SECRET": SIGNING}, "SLACK_APP_TOKEN is not set"),
        ({"BOT_TOKEN": BOT, "SIGNING_SECRET": SIGNING, "MODE": "socket"}, "SLACK_APP_TOKEN is not set"),
        ({"BOT_TOKEN": BOT, "APP_TOKEN": BOT}, "SLACK_APP_TOKEN holds a bot token, which belongs in SLACK_BOT_TOKEN"),
        ({"BOT_TOKEN": BOT, "APP_TOKEN": "oops-secret"}, "SLACK_APP_TOKEN must be an app-level token"),
        ({"BOT_TOKEN": BOT, "MODE": "http"}, "SLACK_MODE=http needs SLACK_SIGNING_SECRET"),
        ({"BOT_TOKEN": BOT, "MODE": "http", "SIGNING_SECRET": APP}, "SLACK_SIGNING_SECRET must be the"),
        ({"BOT_TOKEN": BOT, "MODE": "http", "SIGNING_SECRET": "a secret"}, "SLACK_SIGNING_SECRET must be the"),
    ],
)
def test_what_is_missing_or_misplaced_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        credentials(monkeypatch, **values)
    text = str(caught.value)
    assert text.startswith(sentence)
    assert text.endswith(".")
    assert "\n" not in text
    assert not any(value in text for value in values.values() if value not in ("http", "socket", "xoxb-"))


TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbcDe.a1_-a1_-a1_-a1_-a1_-a1_-a1_"


def test_a_discord_token_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_BOT_TOKEN", f" {TOKEN} ")
    assert discord_token(load_settings(None)) == TOKEN


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "DISCORD_BOT_TOKEN is not set: it must be the token under Bot"),
        (f"Bot {TOKEN}", "DISCORD_BOT_TOKEN must be the token alone"),
        (BOT, "DISCORD_BOT_TOKEN holds a token of Slack's"),
        (TOKEN.rpartition(".")[0], "DISCORD_BOT_TOKEN must be the token under Bot"),
        ("1045678901234567890", "DISCORD_BOT_TOKEN must be the token under Bot"),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "DISCORD_BOT_TOKEN must be the token"),
        (f"{TOKEN} secret", "DISCORD_BOT_TOKEN must be the token under Bot"),
    ],
)
def test_a_discord_token_that_cannot_be_one_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, token: str, sentence: str
) -> None:
    monkeypatch.setenv("DISCORD_BOT_TOKEN", token)
    with pytest.raises(ConfigError) as caught:
        discord_token(load_settings(None))
    text = str(caught.value)
    assert text.startswith(sentence)
    assert text.endswith(".")
    assert "\n" not in text
    assert not token or token not in text


def test_http_mode_is_offered_where_no_mode_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for mode, offered in (("", True), ("socket", False)):
        with pytest.raises(ConfigError) as caught:
            credentials(monkeypatch, BOT_TOKEN=BOT, MODE=mode)
        assert ("SLACK_MODE=http" in str(caught.value)) is offered
