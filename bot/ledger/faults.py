"""What the drivers raise, as errors of ours: sentences without addresses, passwords or what people wrote."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from bot.errors import BotError, ConfigError, LedgerUnavailable

TRY_AGAIN = frozenset({"40001", "40P01", "0A000"})
"""SQLSTATEs after which the same transaction may succeed: serialisation, deadlock, a plan made before a migration."""

_STATES = {
    "25006": "its server is read-only",
    "42501": "its user may not do that",
    "53100": "its server's disk is full",
    "53300": "its server has no connection left",
    "55P03": "a row is locked for too long",
    "57P03": "its server is starting or stopping",
}
_CODES = {
    sqlite3.SQLITE_BUSY: "another process keeps its file locked",
    sqlite3.SQLITE_LOCKED: "another process keeps its file locked",
    sqlite3.SQLITE_READONLY: "its file is read-only",
    sqlite3.SQLITE_IOERR: "its disk does not read or write",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_NOTADB: "its file is not a ledger",
}
_NO_RIGHT = "the user may not create or change tables there: it needs the right CREATE on the schema"
_WRONG_SETTING = {
    "28000": "the server refuses the user",
    "28P01": "the server refuses user and password",
    "3D000": "the server has no such database",
    "3F000": _NO_RIGHT,
    "42501": _NO_RIGHT,
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code of an error; empty where it has none."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(origin, "sqlstate", None) or "")


def unavailable(error: Exception) -> LedgerUnavailable:
    """The error of an operation, as one sentence."""
    return LedgerUnavailable(f"The ledger cannot be used now: {_reason(error)}.")


def at_open(error: Exception, file: Path | None) -> BotError:
    """The error of opening a ledger: of a file of SQLite's, or of PostgreSQL where that is None."""
    if file is not None:
        return ConfigError(_file_sentence(error, file))
    wrong = _WRONG_SETTING.get(sqlstate(error))
    if wrong is not None:
        return ConfigError(f"The database that DATABASE_URL names cannot be used: {wrong}.")
    if isinstance(error, ValueError | TypeError):
        return ConfigError("DATABASE_URL has a value that the driver does not take.")
    return LedgerUnavailable(f"The database that DATABASE_URL names cannot be used now: {_reason(error)}.")


def damaged(file: Path) -> str:
    """What to do about a file that SQLite cannot read."""
    return (
        f"{file} is damaged or no ledger: move it away, with {file.name}-wal and {file.name}-shm if they are there,"
        " and start again; a new one is made."
    )


def _file_sentence(error: Exception, file: Path) -> str:
    if _sqlite_code(error) in _DAMAGED:
        return damaged(file)
    return f"{file} cannot be used as the ledger: {_reason(error)}; DATA_DIR and DATABASE_URL say where it lies."


def _reason(error: Exception) -> str:
    code = _sqlite_code(error)
    if code is not None:
        return _CODES.get(code, f"SQLite reports error {code}")
    state = sqlstate(error)
    if state:
        return _STATES.get(state, f"PostgreSQL reports error {state}")
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    origin = error.orig if isinstance(error, DBAPIError) else error
    return f"{type(origin).__name__}"


def _sqlite_code(error: Exception) -> int | None:
    """SQLite's primary result code, None where the error is not SQLite's."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None
