"""The engine and its transactions: bounded in time, and with the database's own idea of what time it is."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import URL, AdaptedConnection, ColumnElement, Connection, Double, Engine, NullPool, event, func, literal
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from bot.errors import ConfigError, LedgerUnavailable
from bot.ledger.faults import TRY_AGAIN, sqlstate, unavailable
from bot.ledger.url import postgres_dsn, sqlite_path

PATIENCE = 2.5
"""Seconds an operation may take, so that what depends on it (an ack within 3 s) can still be withheld."""
LOCK_PATIENCE = 2.0
"""Seconds a statement waits for a lock: it ends before PATIENCE does, while it is still known what became of it."""
CLOSE_PATIENCE = 2.0
"""Seconds that closing waits for statements that were given up, and then for SQLite to close its file."""
ATTEMPTS = 3
IDLE = 10.0
"""Seconds after which PostgreSQL ends a transaction whose process stands still, and its locks with it."""
PAGES = 256
"""Pages of SQLite's file given back in one transaction: a megabyte, some milliseconds."""
POOL = 5
"""Connections to PostgreSQL."""

_BEGIN = "ledger_begin"
"""Execution option: the statement that begins a transaction of SQLite."""
_T = TypeVar("_T")


class Conflict(LedgerUnavailable):
    """A constraint forbids the change; nothing was done."""


class Database:
    """Runs functions of a connection, each in one transaction. Used from one event loop."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._writer = make_engine(url, LOCK_PATIENCE)
        self._reader = self._writer.execution_options(**{_BEGIN: "BEGIN"})
        self._bare = self._writer.execution_options(**{_BEGIN: ""})
        self._clock = clock
        self._given_up: set[asyncio.Task[Any]] = set()
        self.is_sqlite = sqlite_path(url) is not None

    def now(self) -> ColumnElement[float]:
        """Seconds since the epoch by one clock for all who use this database: the server's, or this machine's."""
        if self.is_sqlite:
            return literal(self._clock(), Double)
        return func.date_part("epoch", func.clock_timestamp(), type_=Double)

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """What ``work`` finds. Raises LedgerUnavailable, after PATIENCE seconds at the latest."""
        return await self._bounded(self._reader, work)

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """What ``work`` returns, once that is committed; ``work`` may run more than once.

        Raises LedgerUnavailable, after PATIENCE seconds at the latest: then it may have been committed or not.
        Raises Conflict where a constraint forbids the change.
        """
        return await self._bounded(self._writer, work)

    async def shrink_log(self) -> None:
        """Overwrite what SQLite's log still holds of erased rows, as far as other readers let it."""
        if self.is_sqlite:
            await self._bounded(self._bare, lambda db: db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close())

    async def give_back(self) -> None:
        """Give what SQLite's file no longer needs back to the disk, a little at a time, others' changes in between.

        A server of PostgreSQL does so by itself.
        """
        if self.is_sqlite:
            while await self._bounded(self._bare, _give_back):
                pass
            await self.shrink_log()

    async def close(self) -> None:
        if self._given_up:
            await asyncio.wait(self._given_up, timeout=CLOSE_PATIENCE)
        if not self.is_sqlite:
            # A server that stands still must not keep the program from ending: nobody waits for its goodbye.
            event.listen(self._writer.sync_engine, "close", _hang_up)
        closing = asyncio.create_task(self._writer.dispose())
        closing.add_done_callback(self._settled)
        await asyncio.wait((closing,), timeout=CLOSE_PATIENCE)

    async def _bounded(self, engine: AsyncEngine, work: Callable[[Connection], _T]) -> _T:
        # A task of its own: what has to be cleaned up after it was cancelled does not count against the bound.
        task = asyncio.create_task(_transact(engine, work))
        try:
            await asyncio.wait((task,), timeout=PATIENCE)
        finally:
            if not task.done():
                task.cancel()
                self._given_up.add(task)
            task.add_done_callback(self._settled)
        if not task.done():
            raise LedgerUnavailable(f"The ledger has not answered within {PATIENCE} seconds.")
        try:
            return task.result()
        except IntegrityError:
            raise Conflict("The ledger cannot be used now: a constraint forbids the change.") from None
        except (SQLAlchemyError, OSError) as error:
            raise unavailable(error) from None

    def _settled(self, task: asyncio.Task[Any]) -> None:
        self._given_up.discard(task)
        if not task.cancelled():
            task.exception()  # seen; otherwise asyncio reports it as lost


def _give_back(db: Connection) -> bool:
    """Whether there is more to give back."""
    before = db.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    if before:
        # As a script, which is run to its end: the driver would stop any other statement after its first page.
        script = f"PRAGMA incremental_vacuum({PAGES})"
        cast("AdaptedConnection", db.connection.dbapi_connection).run_async(lambda own: own.executescript(script))
    after = db.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    return bool(0 < after < before)


async def _transact(engine: AsyncEngine, work: Callable[[Connection], _T]) -> _T:
    attempt = 1
    while True:
        committing = False
        try:
            async with engine.begin() as connection:
                result = await connection.run_sync(work)
                committing = True
            return result
        except DBAPIError as error:
            # A connection lost while it committed leaves open what became of it: that is not for us to repeat.
            lost = error.connection_invalidated and not committing
            if attempt == ATTEMPTS or not (lost or sqlstate(error) in TRY_AGAIN):
                raise
        attempt += 1


def make_engine(url: str, lock_patience: float, *, pooled: bool = True) -> AsyncEngine:
    """An engine for a URL made by ``database_url``; nothing connects yet.

    Raises ConfigError where PostgreSQL's driver is not installed.
    """
    path = sqlite_path(url)
    if path is None:
        return _postgres_engine(url, lock_patience, _pool(POOL, pooled=pooled))
    # One connection: transactions queue up here in order, instead of polling for SQLite's lock.
    return _sqlite_engine(path, lock_patience, _pool(1, pooled=pooled))


def _pool(size: int, *, pooled: bool) -> dict[str, Any]:
    return {"pool_size": size, "max_overflow": 0} if pooled else {"poolclass": NullPool}


def _sqlite_engine(path: Path, lock_patience: float, pool: dict[str, Any]) -> AsyncEngine:
    # At DEBUG the driver logs every value that it writes: questions, and addresses that are secrets.
    logging.getLogger("aiosqlite").setLevel(logging.INFO)
    options = sqlite_options(lock_patience)
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)), **options, **pool)
    tune_sqlite(engine.sync_engine)
    return engine


def sqlite_options(lock_patience: float) -> dict[str, Any]:
    """Options of an engine for SQLite, to be completed by ``tune_sqlite``."""
    # The driver would begin transactions by itself, and late: those that turn to writing would find it locked.
    return {"connect_args": {"isolation_level": None, "timeout": lock_patience}, "hide_parameters": True}


def tune_sqlite(engine: Engine) -> None:
    """Have every commit survive a power cut, and every transaction begin with the lock that it needs."""
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)


def _configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("foreign_keys=ON", "synchronous=FULL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE")
    if statement:
        connection.exec_driver_sql(statement)


def _postgres_engine(url: str, lock_patience: float, pool: dict[str, Any]) -> AsyncEngine:
    try:
        asyncpg = import_module("asyncpg")
    except ImportError:
        raise ConfigError(
            "DATABASE_URL names PostgreSQL, which needs the extra postgres: pip install 'fonte[postgres]'."
        ) from None
    settings = {"idle_in_transaction_session_timeout": IDLE, "lock_timeout": lock_patience}
    milliseconds = {name: str(int(seconds * 1000)) for name, seconds in settings.items()}
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(asyncpg.connect, postgres_dsn(url), timeout=LOCK_PATIENCE, server_settings=milliseconds),
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        **pool,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: DBAPIConnection, _: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
    """Let the pool replace a connection that the server has closed; the driver knows without asking the server."""
    if _driver(connection).is_closed():
        raise DisconnectionError


def _hang_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    _driver(connection).terminate()


def _driver(connection: DBAPIConnection) -> Any:
    return cast("AdaptedConnection", connection).driver_connection
