"""A ledger of SQLite's as one file: taken while others write, and put in another's place."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from bot.errors import ConfigError, LedgerUnavailable
from bot.ledger import faults
from bot.ledger.guard import using
from bot.ledger.inspection import inspect
from bot.ledger.url import sqlite_url
from retrieval.publish import sync_folder

PATIENCE = 30.0
"""Seconds to wait for a lock of SQLite's."""
BEFORE = ".before-restore-"
"""In the names of ledgers that another was put in the place of."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_BESIDE = ("-wal", "-shm", "-journal")


def copy_ledger(file: Path, target: Path) -> int:
    """Write all that is committed at one moment into ``target``; how many questions that is. Nobody has to wait.

    Raises ConfigError where the ledger is damaged, LedgerUnavailable.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with using(file), closing(_source(file)) as source, closing(sqlite3.connect(target)) as copy:
            end = time.monotonic() + PATIENCE

            def watch(status: int, _remaining: int, _total: int) -> None:
                # By itself it would try for ever.
                if status in _BUSY and time.monotonic() > end:
                    raise LedgerUnavailable(f"{file} cannot be copied now: another process keeps it locked.")

            # In one step, which is one transaction: a copy in several begins again whenever somebody writes.
            source.backup(copy, progress=watch)
            # One file: no log beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
            check_whole(copy, file)
            return int(copy.execute("SELECT count(*) FROM claims").fetchone()[0])
    except sqlite3.Error as error:
        raise faults.at_open(error, file) from None


def check_whole(connection: sqlite3.Connection, file: Path) -> None:
    """Raises ConfigError where what is read from ``file`` is damaged."""
    if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
        raise ConfigError(faults.damaged(file))


def check_copy(copy: Path) -> str:
    """The revision of a copy that this program can use. Must run on a thread without an event loop.

    Raises ConfigError, LedgerUnavailable.
    """
    try:
        with closing(sqlite3.connect(copy)) as connection:
            check_whole(connection, copy)
    except sqlite3.Error as error:
        raise faults.at_open(error, copy) from None
    present = inspect(sqlite_url(copy)).present
    if not present:
        raise ConfigError(f"{copy} is no ledger: use another backup.")
    return present


def put(copy: Path, file: Path) -> Path | None:
    """Put a copy, which is moved, in the place of a ledger in one step, and keep the one that was there.

    Where that one is now, None where there was none. The caller holds ``bot.ledger.guard.replacing(file)``. Raises
    OSError.
    """
    file = file.resolve()
    beside = file.with_name(f".{file.name}.restoring")
    beside.unlink(missing_ok=True)
    try:
        shutil.move(copy, beside)
        beside.chmod(0o600)
        with beside.open("rb+") as new:
            os.fsync(new.fileno())
        kept = _keep(file) if file.exists() else None
        try:
            beside.replace(file)
        except OSError:
            if kept is not None and not file.exists():
                kept.rename(file)
            raise
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(file.parent)
    return kept


def _keep(file: Path) -> Path:
    """Have a ledger, which stays where it is, under a second name."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=PATIENCE)) as connection:
        # What the log still holds goes into the file; a damaged one keeps its log.
        connection.execute("PRAGMA journal_mode=DELETE")
    kept = _free_name(file)
    for suffix in _BESIDE:
        # Or SQLite would take it for the new ledger's.
        with suppress(FileNotFoundError):
            file.with_name(file.name + suffix).rename(kept.with_name(kept.name + suffix))
    try:
        kept.hardlink_to(file)
    except OSError:  # the file system has no links
        file.rename(kept)
    return kept


def _free_name(file: Path) -> Path:
    when = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    names = (file.with_name(f"{file.name}{BEFORE}{when}{n}") for n in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(name for name in names if not name.exists())


def _source(file: Path) -> sqlite3.Connection:
    """A connection that changes nothing, also where nothing may be written."""
    if os.access(file.parent, os.W_OK):
        how = "mode=rw"
    else:
        how = "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?{how}", uri=True, timeout=PATIENCE)
