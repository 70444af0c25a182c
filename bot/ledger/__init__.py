"""What must outlive a restart: claims, turns, feedback and unanswered questions, in SQLite or PostgreSQL.

Importing this package imports no SQLAlchemy: ``open_ledger`` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.ledger.url import database_url, sqlite_path
from retrieval.sharing import Held

if TYPE_CHECKING:
    from bot.ledger.store import SqlLedger

__all__ = ["LEASE", "database_url", "open_ledger"]

LEASE = 15.0
"""Seconds for which a process keeps a claim that it does not renew."""


@asynccontextmanager
async def open_ledger(url: str, *, lease: float = LEASE) -> AsyncIterator[SqlLedger]:
    """The ledger at a URL made by ``database_url``, created or brought up to date first, closed at the end.

    Raises ConfigError where the setting, the file or the schema must be changed by a person, LedgerUnavailable where
    the server may answer later.
    """
    # Both import SQLAlchemy and read files: not on the event loop.
    ledger, held = await asyncio.to_thread(_prepare, url, lease)
    with held:
        try:
            yield ledger
        finally:
            await ledger.close()


def _prepare(url: str, lease: float) -> tuple[SqlLedger, Held]:
    from bot.ledger.database import Database
    from bot.ledger.guard import using
    from bot.ledger.schema import prepare
    from bot.ledger.store import SqlLedger

    file = sqlite_path(url)
    held = Held(None) if file is None else using(file)
    try:
        prepare(url)
        return SqlLedger(Database(url), lease=lease), held
    except BaseException:
        held.release()
        raise
