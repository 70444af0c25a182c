"""Looks at a ledger as it is: nothing is created, migrated or written."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import BotError, ConfigError
from bot.ledger import faults
from bot.ledger.database import make_engine
from bot.ledger.schema import revision
from bot.ledger.url import sqlite_path

PATIENCE = 10.0
"""Seconds that a server has to answer."""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What was found."""

    where: str
    """SQLite's file, or PostgreSQL; holds no secret."""
    present: str
    """The schema's revision; empty where there is no ledger yet."""
    wanted: str
    """The revision that this program wants; unknown, and empty, where there is no file yet."""


class NotLooked(BotError):
    """The ledger cannot be looked at without changing it."""


def inspect(url: str) -> LedgerState:
    """The state of the ledger at a URL made by ``database_url``. Must run on a thread without an event loop.

    Raises ConfigError where a person must change something, LedgerUnavailable where the server may answer later,
    NotLooked.
    """
    file = sqlite_path(url)
    try:
        return asyncio.run(_server(url)) if file is None else _file(file)
    except (SQLAlchemyError, sqlite3.Error, OSError, ValueError) as error:
        raise faults.at_open(error, file) from None


async def _server(url: str) -> LedgerState:
    engine = make_engine(url, PATIENCE, pooled=False)
    try:
        async with asyncio.timeout(PATIENCE), engine.connect() as connection:
            await connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            return LedgerState("PostgreSQL", *await connection.run_sync(revision))
    finally:
        await engine.dispose()


def _file(file: Path) -> LedgerState:
    try:
        file.stat()
    except FileNotFoundError:
        _check_place(file)
        return LedgerState(str(file), "", "")
    engine = create_engine("sqlite://", creator=lambda: _open(file), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            _check(connection, file)
            state = LedgerState(str(file), *revision(connection))
    finally:
        engine.dispose()
    if not os.access(file, os.W_OK):
        raise ConfigError(
            f"{file} cannot be written: let the bot write there, or let DATABASE_URL name another ledger."
        )
    return state


def _open(file: Path) -> sqlite3.Connection:
    """A connection that cannot write.

    SQLite would make the files of its log where they are not there, if only to read; without a log nobody writes, and
    it may take the file as it stands. Raises NotLooked where it would have to make one of them.
    """
    log, memory = (file.with_name(file.name + suffix) for suffix in ("-wal", "-shm"))
    logged = log.exists()
    if logged and not memory.exists():
        raise NotLooked(f"{file} has a log, {log.name}, and no {memory.name}, as after a copy: start the bot.")
    how = "mode=ro" if logged else "mode=ro&immutable=1"
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?{how}", uri=True, timeout=PATIENCE)


def _check_place(file: Path) -> None:
    place = next(folder for folder in file.absolute().parents if folder.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        raise ConfigError(f"{file} cannot be made: let the bot write there, or let DATABASE_URL name another ledger.")


def _check(connection: Connection, file: Path) -> None:
    if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() != "ok":
        raise ConfigError(faults.damaged(file))
