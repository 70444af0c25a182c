"""What a bot that serves does from time to time, for as long as it runs: it erases what is old, and clears up.

In the ledger: questions older than RETENTION_DAYS, and the space that they took. In DATA_DIR: what killed processes
left, and versions of the index that are superseded and that nobody reads any more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.errors import BotError
from bot.library import tidy_library
from bot.settings import Settings

EVERY = 6 * 3600.0
AGAIN = 600.0
"""Seconds between two rounds; and after one in which something failed."""
DAY = 24 * 3600.0
"""Seconds."""

_log = logging.getLogger(__name__)


class Ledger(Protocol):
    """The ledger as far as it is looked after here."""

    async def purge(self, before: float) -> int:
        """As bot.claims.Ledger.purge."""
        ...

    async def give_back(self) -> None:
        """Give the space of what was erased back to the disk. Raises LedgerUnavailable."""
        ...


async def keep(
    ledger: Ledger,
    settings: Settings,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Begin with a round, and go on until cancelled. What fails is said once, until it succeeds again."""
    troubles: dict[str, str] = {}

    async def purge() -> None:
        erased = await ledger.purge(clock() - settings.retention_days * DAY)
        if erased:
            _log.info("%d questions older than %d days were erased", erased, settings.retention_days)
        await ledger.give_back()

    async def clear_up() -> None:
        await asyncio.to_thread(tidy_library, settings, lambda sentence: _log.warning("%s", sentence))

    while True:
        for name, work in (("old questions were not erased", purge), ("DATA_DIR was not cleared up", clear_up)):
            try:
                await work()
            except Exception as error:
                trouble = str(error) if isinstance(error, BotError) else f"{type(error).__name__}: {error}"
                if troubles.get(name) != trouble:
                    _log.warning("%s: %s", name, trouble)
                    _log.debug("traceback", exc_info=error)
                troubles[name] = trouble
            else:
                troubles.pop(name, None)
        await sleep(AGAIN if troubles else EVERY)
