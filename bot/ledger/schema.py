"""Creates the ledger and brings it up to date, before anything else uses it. Runs on a thread of its own."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import ConfigError
from bot.ledger import faults
from bot.ledger.database import make_engine, sqlite_options, tune_sqlite
from bot.ledger.tables import metadata
from bot.ledger.url import sqlite_path

PATIENCE = 30.0
"""Seconds to wait for another process that is migrating."""
RETRY = 0.02
VERSION_TABLE = "ledger_version"
"""Not Alembic's own name: another program that uses Alembic may share the database."""
INCREMENTAL = 2
"""SQLite's number for the mode of auto_vacuum in which free pages are given back when that is asked for."""
REWRITTEN = 1 << 26
"""Bytes of a file that is written anew in well under a second."""
ADVISORY_LOCK = 0x466F6E7465  # "Fonte" in ASCII; any number that others are unlikely to use


def prepare(url: str) -> None:
    """Create the database of a URL made by ``database_url`` where it is SQLite's, and migrate it.

    Must run on a thread without an event loop: it reads files and waits. Raises ConfigError or LedgerUnavailable.
    """
    file = sqlite_path(url)
    try:
        if file is None:
            asyncio.run(_migrate(url))
        else:
            _create(file)
            _check(file)
            _migrate_file(file)
    except (SQLAlchemyError, sqlite3.Error, OSError, ValueError) as error:
        raise faults.at_open(error, file) from None


def configure(connection: Connection) -> dict[str, Any]:
    """How Alembic sees the ledger."""
    return {
        "connection": connection,
        "target_metadata": metadata,
        "version_table": VERSION_TABLE,
        "render_as_batch": True,  # SQLite changes tables by copying them
    }


def scripts() -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _migrate_file(file: Path) -> None:
    engine = create_engine(URL.create("sqlite", database=str(file)), poolclass=NullPool, **sqlite_options(PATIENCE))
    tune_sqlite(engine)
    with engine.begin() as connection:
        _upgrade(connection)
    engine.dispose()


async def _migrate(url: str) -> None:
    engine = make_engine(url, PATIENCE, pooled=False)
    try:
        async with asyncio.timeout(PATIENCE), engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    """In one transaction, which nobody else who migrates can enter: SQLite's began with a lock on the file."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
    revision(connection)
    config = scripts()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def revision(connection: Connection) -> tuple[str, str]:
    """The schema's revision, empty where there is none yet, and the one that this program wants; only reads.

    Raises ConfigError where it is a newer program's.
    """
    directory = ScriptDirectory.from_config(scripts())
    known = {script.revision for script in directory.walk_revisions()}
    present = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_heads()
    for found in present:
        if found not in known:
            raise ConfigError(
                f"The ledger was written by a newer version of this program (schema {found}): run that version,"
                " or let DATABASE_URL or DATA_DIR name another ledger."
            )
    return ", ".join(present), ", ".join(directory.get_heads())


def _create(file: Path) -> None:
    """The file with its folders, for its owner alone: it holds what people asked."""
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


def _check(file: Path) -> None:
    """Look for damage, and have changes logged ahead, so that reading never waits for writing."""
    with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as connection:
        finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if finding != "ok":
            raise ConfigError(faults.damaged(file))
        _let_shrink(connection)
        _log_ahead(connection)


def _let_shrink(connection: sqlite3.Connection) -> None:
    """Have the file's free pages be given back one by one. A ledger made before this was so is written anew, once.

    A large one is left as it is, as that would keep others from it for too long: its free pages are used again.
    """
    (mode,), (pages,), (size,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("auto_vacuum", "page_count", "page_size")
    )
    if mode == INCREMENTAL or pages * size > REWRITTEN:
        return
    connection.execute(f"PRAGMA auto_vacuum={INCREMENTAL}")
    if pages:
        with suppress(sqlite3.OperationalError):  # the disk is too full for a second copy, or somebody uses it
            connection.execute("VACUUM")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for its lock while it changes this mode."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(RETRY)
        else:
            return
