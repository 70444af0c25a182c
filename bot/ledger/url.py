"""DATABASE_URL, in the many ways people write it, as the one way in which the ledger reads it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from bot.errors import ConfigError

SQLITE = "sqlite+aiosqlite:///"
POSTGRES = "postgresql+asyncpg://"
FILE = "ledger.db"

_SQLITE_SCHEMES = ("sqlite", "sqlite+aiosqlite")
_POSTGRES_SCHEMES = ("postgres", "postgresql", "postgresql+asyncpg")
_PARAMETERS = ("application_name", "host", "port", "ssl", "sslcert", "sslkey", "sslmode", "sslrootcert")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def database_url(setting: str | None, data_dir: Path) -> str:
    """``sqlite+aiosqlite:///PATH`` (percent-encoded) or ``postgresql+asyncpg://...`` for the setting DATABASE_URL.

    None means ``ledger.db`` in ``data_dir``. libpq's ``sslmode`` becomes asyncpg's ``ssl``; other parameters that the
    driver knows stay. Raises ConfigError, which never repeats the setting: it may hold a password.
    """
    if setting is None:
        return sqlite_url(data_dir / FILE)
    scheme, separator, rest = setting.strip().partition("://")
    if separator and scheme.lower() in _SQLITE_SCHEMES:
        return sqlite_url(Path(_file(rest)))
    if separator and scheme.lower() in _POSTGRES_SCHEMES:
        return _postgres(rest)
    raise ConfigError(
        "DATABASE_URL must be of the form sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE,"
        " or be left out for a file in DATA_DIR."
    )


def sqlite_url(path: Path) -> str:
    return SQLITE + quote(str(path), safe="/:\\")


def sqlite_path(url: str) -> Path | None:
    """The file of a URL made by ``database_url``, None where it is not SQLite's."""
    return Path(unquote(url.removeprefix(SQLITE))) if url.startswith(SQLITE) else None


def postgres_dsn(url: str) -> str:
    """A URL made by ``database_url`` as libpq and asyncpg read it."""
    head, _, query = url.removeprefix(POSTGRES).partition("?")
    pairs = [("sslmode" if name == "ssl" else name, value) for name, value in parse_qsl(query)]
    return f"postgresql://{head}" + (f"?{urlencode(pairs, safe='/,')}" if pairs else "")


def _file(rest: str) -> str:
    if not rest.startswith("/") or "?" in rest:
        raise ConfigError("DATABASE_URL must be of the form sqlite:///PATH, without host or parameters.")
    path = unquote(rest[1:])
    if not path or path == ":memory:" or "\0" in path:
        raise ConfigError("DATABASE_URL must name a file after sqlite:///: questions must outlive a restart.")
    return path


def _postgres(rest: str) -> str:
    try:
        parts = urlsplit("postgresql://" + rest)
        _ = parts.port  # read here for the ValueError alone
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        # The message of the error may repeat a part of the password.
        raise _unreadable() from None
    if parts.fragment or any(character.isspace() for character in rest):
        raise _unreadable()
    query: dict[str, str] = {}
    for name, value in pairs:
        if name not in _PARAMETERS:
            raise ConfigError(f"DATABASE_URL has a parameter that is not supported, {name[:40]!a}: leave it out.")
        if name in ("ssl", "sslmode") and value not in _SSL_MODES:
            raise ConfigError(f"DATABASE_URL: {name} must be one of {', '.join(_SSL_MODES)}.")
        query["ssl" if name == "sslmode" else name] = value
    return f"{POSTGRES}{parts.netloc}{parts.path}" + (f"?{urlencode(query, safe='/,')}" if query else "")


def _unreadable() -> ConfigError:
    return ConfigError(
        "DATABASE_URL cannot be read: write characters such as @ : / ? # % in user name or password percent-encoded"
        " (%40 %3A %2F %3F %23 %25)."
    )
