"""Where settings come from: the environment, ``.env``, and the files that hold secrets."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from dotenv.parser import parse_stream
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from bot.errors import ConfigError
from bot.redaction import redact
from bot.settings.fields import Fault, Group

MAX_SHOWN = 60
"""Characters of a wrong value that an error sentence repeats."""
MAX_SECRET = 65_536
"""Bytes of a secret's file that are read: no secret is longer, and a device or a pipe may never end."""


class Variables(PydanticBaseSettingsSource):
    """The variables that the stock sources have read, put into their groups.

    The stock sources would take SEEDS or ANSWER, which are not ours, for JSON with a whole group. One source stands
    for all, earlier ones first, so that NAME in one and NAME_FILE in another are seen to contradict each other.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        *sources: PydanticBaseSettingsSource,
        without: frozenset[str] = frozenset(),
    ) -> None:
        """``without``: variables that are passed over."""
        super().__init__(settings_cls)
        self._given: dict[str, str] = {}
        for source in reversed(sources):
            if isinstance(source, EnvSettingsSource):
                given = {name: value for name, value in source.env_vars.items() if value and value.strip()}
                self._given |= {name: value for name, value in given.items() if name not in without}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._given.get(field_name.upper()), field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for variable, path, field in walk(self.settings_cls):
            value = _secret(variable, self._given) if is_secret(field) else self._given.get(variable)
            if value is not None:
                group = values if len(path) == 1 else values.setdefault(path[0], {})
                group[path[-1]] = value
        return values


def walk(model: type[BaseModel]) -> Iterator[tuple[str, tuple[str, ...], FieldInfo]]:
    """Every setting: its variable, the fields that lead to it, its own field."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Group):
            yield from ((f"{name}_{inner}".upper(), (name, inner), f) for inner, f in kind.model_fields.items())
        else:
            yield name.upper(), (name,), field


def is_secret(field: FieldInfo) -> bool:
    """Whether the setting is never shown and may be given as a file."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _secret(variable: str, given: Mapping[str, str]) -> str | Fault | None:
    file = f"{variable}_FILE"
    value, path = given.get(variable), given.get(file)
    if path is None:
        return value
    if value is not None:
        return Fault(f"{variable} and {file} are both set: keep one of them.")
    path = path.strip()
    problem = f"The file {shown(path, len(path))} that {file} names"
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_SECRET + 1)
        if len(content) > MAX_SECRET:
            return Fault(f"{problem} is too long: it must hold the secret and nothing else.")
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return Fault(f"{problem} is not UTF-8 text: it must hold the secret and nothing else.")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        return Fault(f"{problem} cannot be read: {reason or error}.")
    return text or Fault(f"{problem} is empty: it must hold the secret.")


def shown(value: str, most: int = MAX_SHOWN) -> str:
    """A wrong value as an error sentence repeats it: short, printable, without what looks like a secret."""
    value = redact(value)
    short = value if len(value) <= most else value[:most] + "…"
    return repr(short) if short.isprintable() else ascii(short)


def check_env_file(path: Path) -> None:
    """Raise ConfigError where ``path`` is there and cannot be read as a whole.

    The stock source skips lines it cannot read; a setting that silently does nothing is worse than an error.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from None
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            blank = len(binding.original.string) - len(binding.original.string.lstrip())
            line = binding.original.line + binding.original.string[:blank].count("\n")
            raise ConfigError(f"{path}, line {line}, is not of the form NAME=value.")
