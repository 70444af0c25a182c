from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.errors import ConfigError
from bot.settings import Settings, load_settings, variables
from bot.settings.fields import Folder
from tests.bot.variables import env_file, sentences

ROOT = Path(__file__).parents[2]
FOLDER: TypeAdapter[str] = TypeAdapter(Folder)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables():
        monkeypatch.delenv(name, raising=False)


def test_the_example_file_documents_every_variable_with_its_default(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    documented = re.findall(r"^#([A-Z][A-Z_]*)=(.*)$", text, re.MULTILINE)
    assert [name for name, _ in documented] == list(variables())
    assert not re.search(r"^[^#\n]", text, re.MULTILINE), "everything is commented out"
    uncommented = env_file(tmp_path, "\n".join(f"{name}={value}" for name, value in documented))
    assert load_settings(uncommented) == load_settings(None)
    defaults = {name: value for name, value in documented if value}
    assert defaults["SEEDS_DIR"] == str(load_settings(None).seeds.dir)
    # A default that is written nowhere else would be found out by nobody.
    assert {name for name, field in variables().items() if field.default not in (None, (), "")} == defaults.keys()


def test_the_readme_names_every_variable() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in variables() if f"`{name}`" not in text] == []


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
        ("INDEX_RECALL", "1", "INDEX_RECALL must be a number from 0.5 to 0.9999, not '1'."),
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


def test_lists_and_addresses_of_slack_are_read_and_normalised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_ALLOWED_CHANNELS", " C0123ABCD , G1,D2")
    monkeypatch.setenv("SLACK_ALLOWED_USERS", "U1,W2")
    monkeypatch.setenv("SLACK_AUTO_ANSWER_CHANNELS", "C9")
    monkeypatch.setenv("SLACK_FEEDBACK_CHANNEL", " C7 ")
    monkeypatch.setenv("SLACK_ESCALATION", "S0123")
    monkeypatch.setenv("SLACK_MODE", "HTTP")
    monkeypatch.setenv("SLACK_API_BASE_URL", "http://127.0.0.1:8888/api")
    monkeypatch.setenv("SOURCE_BASE_URL", "https://docs.example.com/a%20b")
    monkeypatch.setenv("HTTP_PORT", "65535")
    monkeypatch.setenv("HTTP_HOST", "::1")
    monkeypatch.setenv("DRAIN_SECONDS", "0.5")
    settings = load_settings(None)
    assert settings.slack.allowed_channels == ("C0123ABCD", "G1", "D2")
    assert settings.slack.allowed_users == ("U1", "W2")
    assert settings.slack.auto_answer_channels == ("C9",)
    assert settings.slack.feedback_channel == "C7"
    assert settings.slack.escalation == "S0123"
    assert settings.slack.mode == "http"
    assert settings.slack.api_base_url == "http://127.0.0.1:8888/api/"
    assert settings.source_base_url == "https://docs.example.com/a%20b"
    assert (settings.http.host, settings.http.port) == ("::1", 65535)
    assert settings.drain_seconds == 0.5


@pytest.mark.parametrize(
    ("name", "value", "beginning", "end"),
    [
        ("VECTOR_STORE", "qdrant", "faiss or milvus", "not 'qdrant'."),
        ("MILVUS_URI", "localhost:19530", "an address such as http://localhost:19530", "not 'localhost:19530'."),
        ("MILVUS_URI", "milvus", "an address such as http://localhost:19530", "not 'milvus'."),
        ("MILVUS_URI", "file:///a.db", "an address such as http://localhost:19530", "not 'file:///a.db'."),
        ("MILVUS_TIMEOUT", "0", "a number of seconds from 0.1 to 3600", "not '0'."),
        ("MILVUS_CONSISTENCY", "weak", "strong, session, bounded or eventually", "not 'weak'."),
        ("MILVUS_COLLECTION", "a-b", "a name of at most 100 letters", "not 'a-b'."),
        ("SLACK_ALLOWED_CHANNELS", "C1,#general", "channel ids such as C0123ABCD", "not '#general'."),
        ("SLACK_ALLOWED_CHANNELS", "U1", "channel ids", "not 'U1'."),
        ("SLACK_AUTO_ANSWER_CHANNELS", "GENERAL", "channel ids", "not 'GENERAL'."),
        ("SLACK_ALLOWED_USERS", "@bob", "member ids such as U0123ABCD", "not '@bob'."),
        ("SLACK_FEEDBACK_CHANNEL", "c1", "a channel id such as C0123ABCD", "not 'c1'."),
        ("SLACK_ESCALATION", "U1", "a user group id such as S0123ABCD or a channel id", "not 'U1'."),
        ("SLACK_MODE", "rtm", "socket or http", "not 'rtm'."),
        ("SLACK_API_BASE_URL", "slack.com/api", "an http or https address", "not 'slack.com/api'."),
        ("SLACK_API_BASE_URL", "http://[::1", "an http or https address", "not 'http://[::1'."),
        ("SLACK_API_BASE_URL", "https://a:99999/", "an http or https address", "not 'https://a:99999/'."),
        ("SOURCE_BASE_URL", "file:///docs", "an http or https address", "not 'file:///docs'."),
        ("SOURCE_BASE_URL", "https://a/?q=", "an http or https address", "not 'https://a/?q='."),
        ("HTTP_HOST", "http://a", "a host name or an IP address", "not 'http://a'."),
        ("HTTP_PORT", "0", "a port number from 1 to 65535", "not '0'."),
        ("HTTP_PORT", "65536", "a port number from 1 to 65535", "not '65536'."),
        ("RATE_LIMIT", "-1", "a whole number of questions from 0", "not '-1'."),
        ("QUEUE_LIMIT", "0", "a whole number of questions from 1", "not '0'."),
        ("RETENTION_DAYS", "0", "a whole number of days from 1", "not '0'."),
        ("DRAIN_SECONDS", "inf", "a number of seconds from 0 to 3600", "not 'inf'."),
    ],
)
def test_a_wrong_value_for_slack_says_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, beginning: str, end: str
) -> None:
    (sentence,) = sentences(monkeypatch, **{name: value})
    assert sentence.startswith(f"{name} must be {beginning}")
    assert sentence.endswith(end)


def test_what_milvus_needs_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    (sentence,) = sentences(monkeypatch, VECTOR_STORE="Milvus")
    assert sentence.startswith("VECTOR_STORE=milvus needs MILVUS_URI: an address such as http://localhost:19530, or ")
    (sentence,) = sentences(monkeypatch, MILVUS_URI=" data/lite.db ", INDEX_TYPE="HNSW32")
    assert sentence == "INDEX_TYPE is for FAISS: with VECTOR_STORE=milvus it must be auto."
    monkeypatch.setenv("INDEX_TYPE", "auto")
    assert load_settings(None).milvus.uri == "data/lite.db"


def test_a_user_name_in_the_address_of_milvus_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    (sentence,) = sentences(monkeypatch, MILVUS_URI="http://root:hunter2@host:19530")
    assert sentence.startswith("MILVUS_URI must be an address such as http://localhost:19530 without user name")
    assert "hunter2" not in sentence


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.sampled_from(["https://host/", "http://host:1", ""]))
def test_an_address_that_is_accepted_takes_a_name_at_its_end(rest: str, beginning: str) -> None:
    try:
        kept = FOLDER.validate_python(beginning + rest)
    except ValidationError:
        return
    parts = urlsplit(kept + "name")
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.path.endswith("/name")
    assert parts.geturl() == kept + "name"
    assert not any((parts.username, parts.password, parts.query, parts.fragment))
    assert FOLDER.validate_python(kept) == kept


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
