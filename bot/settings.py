"""What can be set, from the environment and ``.env``: flat variable names outside, nested groups inside.

A group is one ``_Group`` subclass and one field of Settings: the field ``seeds`` of a group with the field ``dir`` is
the variable ``SEEDS_DIR``. Its ``allowed`` clause completes "SEEDS_DIR must be ..." when a value is wrong.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from dotenv.parser import parse_stream
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.errors import ConfigError

MAX_SHOWN = 60
"""Characters of a wrong value that an error sentence repeats."""


def _split(value: object) -> object:
    return tuple(part for item in value.split(",") if (part := item.strip())) if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]


def _setting(default: object, allowed: str, **bounds: Any) -> Any:
    """A field whose value must be ``allowed``."""
    return Field(default, json_schema_extra={"allowed": allowed}, **bounds)


class _Group(BaseModel):
    """Settings whose variables share a prefix."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Seeds(_Group):
    """The documents."""

    dir: Path = _setting(Path("seeds"), "the path of a folder")
    exclude: CommaList = _setting((), "file name patterns separated by commas")


class Embedding(_Group):
    """The model that turns text into vectors."""

    model: str = _setting("all-MiniLM-L6-v2", "a sentence-transformers model's name or folder, or hashing")
    threads: int = _setting(0, "a whole number from 0 (automatic) to 256", ge=0, le=256)


class Answer(_Group):
    """When a question counts as answered."""

    min_support: float | None = _setting(None, "a number from 0 to 1", ge=0, le=1, allow_inf_nan=False)


class Settings(BaseSettings):
    """Everything that can be set. Built by ``load_settings``."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore", case_sensitive=True)

    seeds: Seeds = Seeds()
    data_dir: Path = _setting(Path("data"), "the path of a folder")
    embedding: Embedding = Embedding()
    answer: Answer = Answer()
    bot_language: Annotated[Literal["auto", "en", "it"], BeforeValidator(_lower)] = _setting("auto", "auto, en or it")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = _setting(
        "warning", "debug, info, warning or error"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Variables(settings_cls, env_settings), _Variables(settings_cls, dotenv_settings)

    @property
    def locale(self) -> str | None:
        """The language forced by BOT_LANGUAGE, None where it is automatic."""
        return None if self.bot_language == "auto" else self.bot_language


def variables() -> dict[str, FieldInfo]:
    """Every variable that is read, in order, with its field."""
    return {variable: field for variable, _, field in _walk(Settings)}


def load_settings(env_file: Path | None = Path(".env")) -> Settings:
    """Settings from the environment, else from ``env_file`` where it exists.

    An empty value counts as unset; variables that are not ours are ignored.
    Raises ConfigError: one sentence per wrong value, each on its own line.
    """
    if env_file is not None:
        _check_env_file(env_file)
    options: dict[str, Any] = {"_env_file": env_file}  # type checkers see the fields alone
    try:
        return Settings(**options)
    except ValidationError as error:
        raise ConfigError("\n".join(dict.fromkeys(_sentence(item) for item in error.errors()))) from None


class _Variables(PydanticBaseSettingsSource):
    """The variables that a stock source has read, put into their groups.

    The stock sources would take SEEDS or ANSWER, which are not ours, for JSON with a whole group.
    """

    def __init__(self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._given = source.env_vars if isinstance(source, EnvSettingsSource) else {}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._given.get(field_name.upper()), field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for variable, path, _ in _walk(self.settings_cls):
            value = self._given.get(variable)
            if value is not None and value.strip():
                group = values if len(path) == 1 else values.setdefault(path[0], {})
                group[path[-1]] = value
        return values


def _walk(model: type[BaseModel]) -> Iterator[tuple[str, tuple[str, ...], FieldInfo]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, _Group):
            yield from ((f"{name}_{inner}".upper(), (name, inner), f) for inner, f in kind.model_fields.items())
        else:
            yield name.upper(), (name,), field


def _sentence(error: ErrorDetails) -> str:
    location = tuple(map(str, error["loc"]))
    # An error inside a list or a union is located beyond the field itself.
    variable, field = next((v, field) for v, path, field in _walk(Settings) if location[: len(path)] == path)
    extra = field.json_schema_extra
    sentence = f"{variable} must be {extra['allowed'] if isinstance(extra, dict) else 'valid'}"
    if SecretStr in (field.annotation, *get_args(field.annotation)):
        return f"{sentence}."
    value = str(error["input"])
    shown = value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…"
    return f"{sentence}, not {repr(shown) if shown.isprintable() else ascii(shown)}."


def _check_env_file(path: Path) -> None:
    """The stock source skips lines it cannot read; a setting that silently does nothing is worse than an error."""
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
