from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.ledger import database_url
from bot.ledger.url import postgres_dsn, sqlite_path


def test_sqlite_is_the_default() -> None:
    assert database_url(None, Path("data")) == "sqlite+aiosqlite:///data/ledger.db"
    assert database_url(None, Path("/srv/fonte")) == "sqlite+aiosqlite:////srv/fonte/ledger.db"


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("sqlite:///own.db", "own.db"),
        ("sqlite:////var/own.db", "/var/own.db"),
        ("sqlite+aiosqlite:////var/own.db", "/var/own.db"),
        ("SQLite:////var/with%20space.db", "/var/with space.db"),
    ],
)
def test_sqlite_urls(setting: str, path: str) -> None:
    assert sqlite_path(database_url(setting, Path("data"))) == Path(path)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0/"), min_size=1))
def test_any_folder_can_hold_the_file(name: str) -> None:
    folder = Path("/srv") / name
    assert sqlite_path(database_url(None, folder)) == folder / "ledger.db"


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p%40x@h:5433/d", "postgresql+asyncpg://u:p%40x@h:5433/d"),
        ("postgresql+asyncpg://u@h/d", "postgresql+asyncpg://u@h/d"),
        (" postgres://h/d\n", "postgresql+asyncpg://h/d"),
        ("postgres://u:p@h/d?sslmode=require", "postgresql+asyncpg://u:p@h/d?ssl=require"),
        ("postgres://h/d?ssl=disable", "postgresql+asyncpg://h/d?ssl=disable"),
        (
            "postgres://h/d?sslmode=verify-full&sslrootcert=/etc/ca%20.pem",
            "postgresql+asyncpg://h/d?ssl=verify-full&sslrootcert=/etc/ca+.pem",
        ),
        ("postgresql://postgres:@/d?host=/tmp/pg", "postgresql+asyncpg://postgres:@/d?host=/tmp/pg"),
    ],
)
def test_postgres_urls(setting: str, url: str) -> None:
    assert database_url(setting, Path("data")) == url
    assert database_url(url, Path("data")) == url


def test_the_driver_reads_what_libpq_would() -> None:
    url = database_url("postgres://u:p@h/d?sslmode=verify-ca&sslrootcert=/a,b", Path("data"))
    assert postgres_dsn(url) == "postgresql://u:p@h/d?sslmode=verify-ca&sslrootcert=/a,b"
    assert postgres_dsn(database_url("postgres://h/d", Path("data"))) == "postgresql://h/d"


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "secret",
        "mysql://u:secret@h/d",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://secret/x.db",
        "sqlite:///x.db?mode=secret",
        "postgres://u:sec#ret@h/d",
        "postgres://u:sec/ret@h/d",
        "postgres://u:sec ret@h/d",
        "postgres://u:secret@h:port/d",
        "postgres://u:secret@[h/d",
        "postgres://u:secret@h/d?options=-csearch_path",
        "postgres://u:secret@h/d?secret",
        "postgres://u:secret@h/d?sslmode=secret",
    ],
)
def test_anything_else_is_refused_without_repeating_it(setting: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL") as caught:
        database_url(setting, Path("data"))
    assert "secret" not in str(caught.value)
    assert "ret@" not in str(caught.value)


def test_importing_the_package_imports_no_database() -> None:
    program = "import sys, bot.ledger; sys.exit(any(n in sys.modules for n in ('sqlalchemy', 'alembic', 'asyncpg')))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
