"""Settings loaded and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.errors import ConfigError
from bot.settings.fields import FAULT
from bot.settings.model import Settings
from bot.settings.sources import check_env_file, is_secret, shown, walk


def variables() -> dict[str, FieldInfo]:
    """Every variable that is read, in order, with its field; NAME_FILE with the field of the secret NAME."""
    found: dict[str, FieldInfo] = {}
    for variable, _, field in walk(Settings):
        found[variable] = field
        if is_secret(field):
            found[f"{variable}_FILE"] = field
    return found


def as_variables(settings: Settings, groups: Iterable[str]) -> dict[str, str]:
    """What is set in some groups (names of fields of Settings), as variables for another process; no secret."""
    found: dict[str, str] = {}
    for variable, path, field in walk(type(settings)):
        value = _value(settings, path)
        if path[0] in groups and not is_secret(field) and value is not None:
            found[variable] = _as_text(value)
    return found


def _as_text(value: object) -> str:
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    return ",".join(value) if isinstance(value, tuple) else str(value)


def load_settings(env_file: Path | None = Path(".env")) -> Settings:
    """Settings from the environment, else from ``env_file`` where it exists.

    An empty value counts as unset; variables that are not ours are ignored.
    Raises ConfigError: one sentence per wrong value, each on its own line.
    """
    if env_file is not None:
        check_env_file(env_file)
    options: dict[str, Any] = {"_env_file": env_file}  # type checkers see the fields alone
    try:
        return Settings(**options)
    except ValidationError as error:
        raise ConfigError("\n".join(dict.fromkeys(_sentence(item) for item in error.errors()))) from None


def inspect_settings(env_file: Path | None = Path(".env")) -> tuple[Settings, dict[str, str]]:
    """The settings with defaults in place of wrong values, and the sentence about each variable that is wrong.

    For those who want to know of everything that is wrong, and go on with the rest. Raises ConfigError where
    ``env_file`` cannot be read.
    """
    if env_file is not None:
        check_env_file(env_file)
    wrong: dict[str, str] = {}
    while True:
        try:
            return _settings_without(frozenset(wrong), env_file), wrong
        except ValidationError as error:
            found = {name: sentence for item in error.errors() for name, sentence in _told(item)}
            if not found.keys() - wrong.keys():  # leaving these out did not help
                raise ConfigError("\n".join(dict.fromkeys(found.values()))) from None
            wrong |= found


def _settings_without(names: frozenset[str], env_file: Path | None) -> Settings:
    class Partial(Settings):
        passed_over: ClassVar[frozenset[str]] = names

    options: dict[str, Any] = {"_env_file": env_file}
    return Partial(**options)


def _told(error: ErrorDetails) -> Iterator[tuple[str, str]]:
    """The variables that an error is about, each with its sentence; NAME_FILE beside NAME where that is a secret."""
    sentence, known = _sentence(error), variables()
    location = tuple(map(str, error["loc"]))
    # A rule for several together has no location; its sentence names them.
    named = (name for name in known if re.search(rf"\b{name}\b", sentence))
    names = [_located(location)[0]] if location else list(named)
    yield from ((name, sentence) for name in names)
    yield from ((file, sentence) for name in names if (file := f"{name}_FILE") in known)


def secret_values(settings: Settings) -> tuple[str, ...]:
    """What must never be shown: every secret, and the passwords inside DATABASE_URL and MILVUS_TOKEN by themselves."""
    secrets = [_value(settings, path) for _, path, field in walk(type(settings)) if is_secret(field)]
    values = [secret.get_secret_value() for secret in secrets if isinstance(secret, SecretStr)]
    if settings.database_url is not None:
        # The last "@": a password may hold one as it is.
        account, at, _ = settings.database_url.get_secret_value().partition("://")[2].rpartition("@")
        password = account.partition(":")[2] if at else ""
        values += [value for value in dict.fromkeys((password, unquote(password))) if value]
    if settings.milvus.token is not None:
        password = settings.milvus.token.get_secret_value().partition(":")[2]
        values += [password] if password else []
    return tuple(values)


def _sentence(error: ErrorDetails) -> str:
    if error["type"] == FAULT:
        return error["msg"]
    location = tuple(map(str, error["loc"]))
    variable, field = _located(location)
    extra = field.json_schema_extra
    sentence = f"{variable} must be {extra['allowed'] if isinstance(extra, dict) else 'valid'}"
    return f"{sentence}." if is_secret(field) else f"{sentence}, not {shown(str(error['input']))}."


def _located(location: tuple[str, ...]) -> tuple[str, FieldInfo]:
    # An error inside a list or a union is located beyond the field itself.
    return next((v, field) for v, path, field in walk(Settings) if location[: len(path)] == path)


def _value(settings: Settings, path: tuple[str, ...]) -> object:
    value: object = settings
    for name in path:
        value = getattr(value, name)
    return value
