"""Ledgers over both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.claims import Asked, Trigger
from bot.errors import LedgerUnavailable
from bot.ledger import database_url, open_ledger
from bot.ledger.database import make_engine
from bot.ledger.store import SqlLedger
from bot.types import Citation, Outcome, Reply

Open = Callable[..., Awaitable[SqlLedger]]
Execute = Callable[[str], Awaitable[list[dict[str, Any]]]]

Ask = Callable[..., Asked]


@pytest.fixture
def ask() -> Ask:
    """Makes a question; what is not given is the same every time."""

    def make(key: str = "k", **fields: Any) -> Asked:
        defaults = {
            "platform": "slack",
            "team": "T1",
            "channel": "C1",
            "message": "100.1",
            "thread": "100.1",
            "user": "U1",
            "text": "When does it open?",
            "trigger": Trigger.MENTION,
            "asked_at": 100.0,
            "locale": "it-IT",
        }
        return Asked(key=key, **(defaults | fields))

    return make


@pytest.fixture
def reply() -> Reply:
    """An answer."""
    return Reply(
        outcome=Outcome.ANSWERED,
        text="It opens at nine.",
        short_answer="at nine",
        language="en",
        citations=(
            Citation(
                "a/b.md", "Hours", ("Opening", "Day"), None, 3, 20, 37, "It opens at nine.", 0.75, "https://x.test/b"
            ),
            Citation("c.pdf", "Notes", (), 2, 9, 0, 4, "Nine", 0.5),
        ),
        support=0.93,
        highlights=((9, 16),),
        seconds=0.01,
    )


@pytest.fixture
def missing() -> Reply:
    """What is said where there is no answer."""
    return Reply(Outcome.NOT_FOUND, "The documents do not say.", None, "en", (), 0.1)


@pytest.fixture(scope="session")
def shared_database(postgres_server: Any) -> str:
    postgres_server.psql("CREATE DATABASE ledger;")
    return postgres_server.get_uri(database="ledger")


@pytest.fixture
async def postgres_database(shared_database: str) -> str:
    """An empty database: emptying one is much quicker than making one."""
    import asyncpg

    connection = await asyncpg.connect(shared_database, server_settings={"lock_timeout": "5000"})
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    return shared_database


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A URL as ``open_ledger`` takes it, of a database that is not there yet or empty."""
    given = request.getfixturevalue("postgres_database") if request.param == "postgres" else None
    return database_url(given, tmp_path / "data")


@pytest.fixture
async def opened(url: str) -> AsyncIterator[Open]:
    """Opens ledgers over the same database, each as a process of its own; all are closed at the end."""
    async with AsyncExitStack() as stack:

        async def enter(lease: float = 15.0) -> SqlLedger:
            return await stack.enter_async_context(open_ledger(url, lease=lease))

        yield enter


@pytest.fixture
async def ledger(opened: Open) -> SqlLedger:
    return await opened()


@pytest.fixture
async def execute(url: str) -> Execute:
    """Runs a statement past the ledger and returns the rows."""

    async def run(statement: str) -> list[dict[str, Any]]:
        engine = make_engine(url, 2.0, pooled=False)
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            rows = [dict(row) for row in result.mappings()] if result.returns_rows else []
        await engine.dispose()
        return rows

    return run


@pytest.fixture
def lose() -> Callable[[SqlLedger], AbstractContextManager[None]]:
    """Within it, what a ledger does is committed and its answer lost."""

    @contextmanager
    def losing(ledger: SqlLedger) -> Iterator[None]:
        database = ledger._database
        write = database.write

        async def lost(work: Any) -> Any:
            await write(work)
            raise LedgerUnavailable("the answer was lost")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(database, "write", lost)
            try:
                yield
            except LedgerUnavailable:
                return
        raise AssertionError("nothing was lost")

    return losing
