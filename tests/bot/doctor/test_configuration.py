"""Settings: each wrong one is a line of its own, and the rest is looked at all the same."""

from __future__ import annotations

import pytest

from bot.errors import ConfigError
from bot.settings import inspect_settings, misspelt
from tests.bot.doctor.conftest import statuses


def test_right_settings_are_one_line(doctor) -> None:
    [line] = doctor("settings")
    assert line["status"] == "ok"


def test_each_wrong_setting_is_a_line_and_what_depends_on_none_is_looked_at(doctor) -> None:
    lines = doctor("settings", INDEX_RECALL="2", LOG_LEVEL="loud", SLACK_ALLOWED_USERS="ada")
    assert statuses(lines) == ["wrong"] * 3
    assert [line["detail"].split()[0] for line in lines] == ["INDEX_RECALL", "SLACK_ALLOWED_USERS", "LOG_LEVEL"]
    found = {line["check"]: line for line in doctor.report["checks"]}
    assert found["index"]["detail"] == "Not looked at, as it depends on INDEX_RECALL."
    assert found["seeds"]["status"] == found["ledger"]["status"] == found["slack"]["status"] == "ok"


def test_settings_that_contradict_each_other_are_one_line(doctor) -> None:
    [line] = doctor("settings", VECTOR_STORE="milvus")
    assert line["detail"].startswith("VECTOR_STORE=milvus needs MILVUS_URI")
    found = {line["check"]: line for line in doctor.report["checks"]}
    assert "VECTOR_STORE" in found["index"]["detail"]
    assert found["seeds"]["status"] == "ok"


def test_what_is_behind_another_error_is_found_too(doctor) -> None:
    """The rules for several settings together are looked at only once each is right."""
    lines = doctor("settings", VECTOR_STORE="milvus", LOG_LEVEL="loud")
    assert [line["detail"].partition("=")[0].split()[0] for line in lines] == ["LOG_LEVEL", "VECTOR_STORE"]


def test_a_secret_that_is_given_twice_is_not_shown(doctor) -> None:
    lines = doctor("settings", SLACK_BOT_TOKEN="hunter2-hunter2", SLACK_BOT_TOKEN_FILE="/nowhere")
    assert statuses(lines) == ["wrong"]
    assert "SLACK_BOT_TOKEN and SLACK_BOT_TOKEN_FILE are both set" in lines[0]["detail"]
    assert "hunter2" not in doctor.said
    [slack] = [line for line in doctor.report["checks"] if line["check"] == "slack"]
    assert slack["status"] == "warning"


def test_an_env_file_that_cannot_be_read_leaves_what_needs_no_settings(doctor) -> None:
    (doctor.folder / ".env").write_text("DATA_DIR\n", encoding="utf-8")
    [line] = doctor("settings")
    assert (line["status"], line["detail"]) == ("wrong", ".env, line 1, is not of the form NAME=value.")
    found = {line["check"]: line for line in doctor.report["checks"]}
    assert found["seeds"]["detail"] == "Not looked at, as no settings could be read."
    assert found["python"]["status"] == found["reader"]["status"] == found["gpu"]["status"] == "ok"
    assert doctor.status == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("INDEX_TYP", "INDEX_TYPE"),
        ("SEED_DIR", "SEEDS_DIR"),
        ("DISCORD_TOKEN", "DISCORD_BOT_TOKEN"),
        ("slack_app_token", "SLACK_APP_TOKEN"),
        ("LOGLEVEL", "LOG_LEVEL"),
    ],
)
def test_a_misspelt_name_is_a_warning_that_shows_no_value(doctor, name: str, meant: str) -> None:
    (doctor.folder / ".env").write_text(f"{name}=hunter2\n", encoding="utf-8")
    [line] = doctor("settings")
    assert line == {
        "check": "settings",
        "status": "warning",
        "detail": f"{name} is set, which nobody reads.",
        "remedy": f"If {meant} is meant, correct the name.",
    }
    assert doctor.status == 0
    assert "hunter2" not in doctor.said


def test_other_programs_names_are_none_of_ours(doctor, monkeypatch) -> None:
    for name in ("HTTP_PROXY", "XDG_DATA_DIRS", "DATABASE_USER", "LANG", "HOSTNAME", "MILVUS_DEFAULT_CONNECTION"):
        monkeypatch.setenv(name, "x")
    assert list(misspelt()) == []


def test_wrong_values_give_way_to_defaults(monkeypatch) -> None:
    monkeypatch.setenv("RATE_LIMIT", "many")
    monkeypatch.setenv("QUEUE_LIMIT", "7")
    settings, wrong = inspect_settings(None)
    assert (settings.rate_limit, settings.queue_limit) == (10, 7)
    assert wrong == {
        "RATE_LIMIT": "RATE_LIMIT must be a whole number of questions from 0 (no limit) to 100000, not 'many'."
    }


def test_a_broken_env_file_is_an_error(tmp_path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        inspect_settings(tmp_path / ".env")
