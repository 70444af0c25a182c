from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from bot import settings as module
from bot.errors import ConfigError
from bot.settings import Settings, load_settings, variables

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables():
        monkeypatch.delenv(name, raising=False)


def env_file(folder: Path, text: str) -> Path:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return path


def sentences(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[str]:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings(None)
    return str(caught.value).split("\n")


def test_the_example_file_documents_every_variable_with_its_default(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    documented = re.findall(r"^#([A-Z][A-Z_]*)=(.*)$", text, re.MULTILINE)
    assert [name for name, _ in documented] == list(variables())
    assert not re.search(r"^[^#\n]", text, re.MULTILINE), "everything is commented out"
    uncommented = env_file(tmp_path, "\n".join(f"{name}={value}" for name, value in documented))
    assert load_settings(uncommented) == load_settings(None)
    defaults = {name: value for name, value in documented if value}
    assert defaults["SEEDS_DIR"] == str(load_settings(None).seeds.dir)
    assert {"EMBEDDING_MODEL", "LOG_LEVEL", "BOT_LANGUAGE", "DATA_DIR", "EMBEDDING_THREADS"} < defaults.keys()


def test_flat_variables_fill_nested_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDS_DIR", "/docs")
    monkeypatch.setenv("SEEDS_EXCLUDE", " drafts/* , *.old.md,, ")
    monkeypatch.setenv("EMBEDDING_THREADS", "3")
    monkeypatch.setenv("ANSWER_MIN_SUPPORT", "0.4")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("BOT_LANGUAGE", "It")
    settings = load_settings(None)
    assert settings.seeds.dir == Path("/docs")
    assert settings.seeds.exclude == ("drafts/*", "*.old.md")
    assert settings.embedding.threads == 3
    assert settings.answer.min_support == 0.4
    assert settings.log_level == "debug"
    assert settings.locale == "it"


def test_the_environment_goes_before_the_file_variable_by_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = env_file(tmp_path, "SEEDS_DIR=from-file\nSEEDS_EXCLUDE=a,b # both\nDATA_DIR=file-data\n")
    monkeypatch.setenv("SEEDS_DIR", "from-environment")
    monkeypatch.setenv("DATA_DIR", "")
    settings = load_settings(path)
    assert settings.seeds.dir == Path("from-environment")
    assert settings.seeds.exclude == ("a", "b")
    assert settings.data_dir == Path("file-data"), "an empty variable is an unset one"


def test_empty_values_and_a_missing_file_mean_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables():
        monkeypatch.setenv(name, " ")
    assert load_settings(tmp_path / ".env") == Settings()


def test_variables_that_are_not_ours_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEEDS", "ANSWER", "EMBEDDING", "SEEDS_COLOUR", "seeds_dir"):
        monkeypatch.setenv(name, "{not json")
    assert load_settings(None) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("EMBEDDING_THREADS", "two", "EMBEDDING_THREADS must be a whole number from 0 (automatic) to 256, not 'two'."),
        ("EMBEDDING_THREADS", "-1", "EMBEDDING_THREADS must be a whole number from 0 (automatic) to 256, not '-1'."),
        ("ANSWER_MIN_SUPPORT", "1.5", "ANSWER_MIN_SUPPORT must be a number from 0 to 1, not '1.5'."),
        ("ANSWER_MIN_SUPPORT", "nan", "ANSWER_MIN_SUPPORT must be a number from 0 to 1, not 'nan'."),
        ("BOT_LANGUAGE", "fr", "BOT_LANGUAGE must be auto, en or it, not 'fr'."),
        ("LOG_LEVEL", "x\x1b[31m", "LOG_LEVEL must be debug, info, warning or error, not 'x\\x1b[31m'."),
    ],
)
def test_a_wrong_value_names_its_variable_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    assert sentences(monkeypatch, **{name: value}) == [sentence]


def test_every_wrong_value_gets_its_own_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = sentences(monkeypatch, EMBEDDING_THREADS="x" * 500, LOG_LEVEL="loud")
    assert [line.split()[0] for line in lines] == ["EMBEDDING_THREADS", "LOG_LEVEL"]
    assert max(map(len, lines)) < 200


def test_a_secret_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slack(module._Group):
        bot_token: SecretStr = module._setting(None, "a token that starts with xoxb-", min_length=60)

    class WithSlack(Settings):
        slack: Slack = Slack()

    monkeypatch.setattr(module, "Settings", WithSlack)
    assert sentences(monkeypatch, SLACK_BOT_TOKEN="xoxb-oops") == [
        "SLACK_BOT_TOKEN must be a token that starts with xoxb-."
    ]


@pytest.mark.parametrize(
    ("text", "line"), [("A=1\n\n# c\nhello there\n", 4), ("LOG_LEVEL='info\n", 1), ("A=1\nB\n", 2)]
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, text: str, line: int) -> None:
    path = env_file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert str(caught.value) == f"{path}, line {line}, is not of the form NAME=value."


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / ".env"
    folder.mkdir()
    with pytest.raises(ConfigError, match=r"^.*\.env cannot be read: .+\.$"):
        load_settings(folder)
    latin = tmp_path / "latin"
    latin.write_bytes("SEEDS_DIR=città".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"^.*latin is not UTF-8 text: save it as UTF-8\.$"):
        load_settings(latin)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_one_sentence(tmp_path: Path) -> None:
    path = env_file(tmp_path, "")
    path.chmod(0)
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        load_settings(path)


def test_settings_do_not_change() -> None:
    settings = load_settings(None)
    for model, field in ((settings, "data_dir"), (settings.seeds, "dir")):
        assert isinstance(model, BaseModel)
        with pytest.raises(ValidationError):
            setattr(model, field, Path("elsewhere"))
