"""What every platform shares while the bot serves: ledger, dispatcher, documents and what may be shown where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot import housekeeping
from bot.composer import Composer
from bot.delivery import POST_INTERVAL, Delivery
from bot.dispatcher import GRACE, OPEN_AFTER, Dispatcher
from bot.errors import LedgerUnavailable
from bot.ledger import LEASE, database_url, open_ledger
from bot.limits import Limits
from bot.platforms.discord import GUILD_WAIT, HEARTBEAT_TIMEOUT, IDENTIFY_INTERVAL
from bot.platforms.slack import PING_INTERVAL
from bot.scopes import Scopes, scopes_of
from bot.settings import Settings
from bot.shelf import Shelf
from bot.types import Question, Reply
from bot.web import Fact
from retrieval.evidence import AUTO_SUPPORT
from retrieval.interrogative import is_courtesy, is_question
from retrieval.language import detect_language

if TYPE_CHECKING:
    from bot.ledger.store import SqlLedger

Ask = Callable[[Question], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that decide how the bot behaves in time; tests are in a hurry."""

    lease: float = LEASE
    post_interval: float = POST_INTERVAL
    grace: float = GRACE
    open_after: float = OPEN_AFTER
    ping_interval: float = PING_INTERVAL
    guild_wait: float = GUILD_WAIT
    identify_interval: float = IDENTIFY_INTERVAL
    heartbeat_timeout: float = HEARTBEAT_TIMEOUT


@dataclass(frozen=True, slots=True)
class Core:
    """What every platform shares."""

    settings: Settings
    ledger: SqlLedger
    dispatcher: Dispatcher
    pace: Pace
    scopes: Scopes
    """What may be shown where."""
    shelf: Shelf
    """What people are offered before they ask."""
    facts: dict[str, Fact] = field(default_factory=dict)
    """What the health page tells besides."""

    async def ledger_state(self) -> str | None:
        """For the health page."""
        try:
            await self.ledger.ping()
        except LedgerUnavailable as error:
            return str(error)
        return None


@asynccontextmanager
async def core(settings: Settings, ask: Ask, pace: Pace | None = None) -> AsyncIterator[Core]:
    """Ledger and dispatcher, with ``ask`` to answer the questions, while the block runs."""
    pace = pace or Pace()
    limits = Limits(per_minute=settings.rate_limit, queue=settings.queue_limit)
    scopes = scopes_of(settings)
    async with open_ledger(ledger_url(settings), lease=pace.lease) as ledger:
        composer = Composer(
            ask,
            ledger,
            detect=detect_language,
            is_question=is_question,
            is_courtesy=is_courtesy,
            auto_support=AUTO_SUPPORT,
            locale=settings.locale,
            concurrent=limits.concurrent,
            scopes=scopes,
        )
        dispatcher = Dispatcher(
            composer,
            ledger,
            Delivery(ledger, interval=pace.post_interval),
            limits,
            lease=pace.lease,
            grace=pace.grace,
            open_after=pace.open_after,
        )
        keeping = asyncio.create_task(housekeeping.keep(ledger, settings), name="housekeeping")
        try:
            yield Core(settings, ledger, dispatcher, pace, scopes, Shelf(scopes))
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


def ledger_url(settings: Settings) -> str:
    """Where the ledger is."""
    secret = settings.database_url
    return database_url(secret.get_secret_value() if secret else None, settings.data_dir)
