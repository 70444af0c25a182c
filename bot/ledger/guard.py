"""Who has SQLite's file open: another ledger takes its place only while nobody has.

A file beside the ledger is held for that, not the ledger itself, whose locks are SQLite's own affair.
"""

from __future__ import annotations

import os
from pathlib import Path

from bot.errors import ConfigError, LedgerUnavailable
from retrieval.sharing import Busy, Held, seize, share


def lock_of(file: Path) -> Path:
    """The file that is held."""
    file = file.resolve()
    return file.with_name(f".{file.name}.lock")


def using(file: Path) -> Held:
    """Keep a ledger from being replaced until what is returned is released. Raises LedgerUnavailable."""
    try:
        return share(_made(file))
    except Busy:
        raise LedgerUnavailable(f"{file} is being restored from a backup: start again when that is done.") from None
    except OSError:
        return Held(None)  # what stands in the way is told by whoever opens the ledger


def replacing(file: Path) -> Held:
    """Keep everybody from opening a ledger until what is returned is released.

    Raises ConfigError where somebody has it open, OSError.
    """
    try:
        return seize(_made(file))
    except Busy:
        raise ConfigError(f"A bot or another command has {file} open: stop it, then restore the backup.") from None


def _made(file: Path) -> Path:
    lock = lock_of(file)
    lock.parent.mkdir(parents=True, exist_ok=True)
    if not lock.exists():
        os.close(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600))  # for whom the ledger is
    return lock
