"""Databases that stall, fill up, stop and come back."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import text

from bot.claims import Claim, Feedback, Ledger, State, Verdict
from bot.errors import LedgerUnavailable
from bot.ledger import database_url, open_ledger
from bot.ledger.database import PATIENCE, Database, make_engine
from bot.ledger.schema import prepare
from bot.ledger.store import SqlLedger

Blocked = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def blocked(url: str) -> Blocked:
    """Within it, nobody else can write."""

    @asynccontextmanager
    async def block() -> AsyncIterator[None]:
        engine = make_engine(url, 2.0, pooled=False)
        async with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text("LOCK TABLE claims IN EXCLUSIVE MODE"))
            yield
        await engine.dispose()

    return block


CALLS: list[Callable[[Ledger, Any], Any]] = [
    lambda ledger, asked: ledger.claim(asked),
    lambda ledger, asked: ledger.edit(asked),
    lambda ledger, asked: ledger.remove("k"),
    lambda ledger, asked: ledger.known("k"),
    lambda ledger, asked: ledger.start(Claim(asked, State.WAITING)),
    lambda ledger, asked: ledger.hold(Claim(asked, State.WAITING), "r"),
    lambda ledger, asked: ledger.finish(Claim(asked, State.WAITING), "answered"),
    lambda ledger, asked: ledger.current(Claim(asked, State.WAITING)),
    lambda ledger, asked: ledger.removed("k"),
    lambda ledger, asked: ledger.renew(),
    lambda ledger, asked: ledger.take_over(),
    lambda ledger, asked: ledger.release(),
    lambda ledger, asked: ledger.asked_since("slack", "U", 0.0),
    lambda ledger, asked: ledger.answered_in("slack", "T", "C", "1"),
    lambda ledger, asked: ledger.turn("k"),
    lambda ledger, asked: ledger.delete_reply("k"),
    lambda ledger, asked: ledger.rate(Feedback("k", "U", Verdict.HELPFUL)),
    lambda ledger, asked: ledger.feedback("k", "U"),
    lambda ledger, asked: ledger.forget("U"),
    lambda ledger, asked: ledger.purge(0.0),
    lambda ledger, asked: ledger.ping(),
]


async def test_every_method_says_that_the_ledger_is_not_there(ledger: Ledger, ask: Any, execute: Any) -> None:
    await ledger.claim(ask("open"))
    for table in ("unanswered", "feedback", "turns", "claims", "ledger_version"):
        await execute(f"DROP TABLE {table}")
    for call in CALLS:
        with pytest.raises(LedgerUnavailable, match="The ledger cannot be used now") as caught:
            await call(ledger, ask(text="secret"))
        assert "secret" not in repr(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


async def test_a_ledger_that_stalls_is_given_up(
    ledger: Ledger, ask: Any, blocked: Blocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = await ledger.claim(ask())
    async with blocked():
        monkeypatch.setattr("bot.ledger.database.PATIENCE", 0.05)
        for _ in range(2):
            with pytest.raises(LedgerUnavailable, match="has not answered"):
                await ledger.claim(ask("2"))
    monkeypatch.setattr("bot.ledger.database.PATIENCE", PATIENCE)
    assert await ledger.start(claim)
    assert await ledger.claim(ask("3")) is not None


async def test_reading_does_not_wait_for_writing(ledger: Ledger, ask: Any, blocked: Blocked) -> None:
    await ledger.claim(ask())
    async with blocked():
        assert await ledger.known("k")
        assert await ledger.asked_since("slack", "U1", 0.0) == 1


@pytest.mark.parametrize("others", [0, 3])
async def test_a_cancelled_call_leaves_the_ledger_whole(ledger: Ledger, ask: Any, others: int) -> None:
    for turns in range(40):
        key = f"{turns}"
        calls = [asyncio.create_task(ledger.claim(ask(f"{key}-{i}"))) for i in range(others)]
        task = asyncio.create_task(ledger.claim(ask(key)))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or task.result() is not None
        assert None not in await asyncio.gather(*calls)
        # A commit that was under way may still go through; what is known before that is over says nothing.
        if given_up := set(ledger._database._given_up):
            await asyncio.wait(given_up)
        if not await ledger.known(key):
            assert await ledger.claim(ask(key)) is not None
    await ledger.ping()


async def test_a_call_cancelled_while_it_waits_leaves_the_ledger_whole(
    ledger: Ledger, ask: Any, blocked: Blocked
) -> None:
    async with blocked():
        task = asyncio.create_task(ledger.claim(ask()))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await ledger.claim(ask("2")) is not None


async def test_what_is_written_is_not_logged(
    ledger: Ledger, ask: Any, reply: Any, execute: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    claim = await ledger.claim(ask(text="secret", address="secret"))
    await ledger.hold(claim, "r")
    await ledger.hold(await ledger.claim(ask("2", text="secret")), "r")
    await execute("DROP TABLE unanswered")
    with pytest.raises(LedgerUnavailable):
        await ledger.finish(claim, "answered", reply)
    assert "secret" not in caplog.text


async def test_a_full_disk(tmp_path: Path, ask: Any) -> None:
    async with open_ledger(database_url(None, tmp_path)) as ledger:
        await _on_its_connection(ledger, "PRAGMA max_page_count = 1")
        with pytest.raises(LedgerUnavailable, match="disk is full"):
            await ledger.claim(ask(text="x" * 100_000))
        await _on_its_connection(ledger, "PRAGMA max_page_count = 1000000")
        assert await ledger.claim(ask(text="x" * 100_000)) is not None


async def test_a_disk_that_became_read_only(tmp_path: Path) -> None:
    async with open_ledger(database_url(None, tmp_path)) as ledger:
        await _on_its_connection(ledger, "PRAGMA query_only = ON")
        with pytest.raises(LedgerUnavailable, match="read-only"):
            await ledger.ping()


async def _on_its_connection(ledger: SqlLedger, statement: str) -> None:
    await ledger._database.read(lambda db: db.exec_driver_sql(statement).close())


async def test_a_file_locked_by_another_process(tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.ledger.database.LOCK_PATIENCE", 0.05)
    async with open_ledger(database_url(None, tmp_path)) as ledger:
        other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match="locked"):
            await ledger.claim(ask())
        other.close()
        assert await ledger.claim(ask()) is not None


async def test_leases_follow_the_clock_that_is_given(tmp_path: Path, ask: Any) -> None:
    url, time = database_url(None, tmp_path), [1000.0]
    await asyncio.to_thread(prepare, url)
    one, other = (SqlLedger(Database(url, clock=lambda: time[0]), lease=10.0) for _ in range(2))
    await one.claim(ask())
    time[0] = 1008.0
    await one.renew()
    time[0] = 1017.9
    assert await other.take_over() == []
    time[0] = 1018.0
    assert len(await other.take_over()) == 1
    await one.close()
    await other.close()


async def test_leases_in_postgres_follow_its_own_clock(postgres_database: str, ask: Any) -> None:
    url = database_url(postgres_database, Path())
    await asyncio.to_thread(prepare, url)
    ahead = SqlLedger(Database(url, clock=lambda: 9e9), lease=10.0)
    behind = SqlLedger(Database(url, clock=lambda: 0.0), lease=10.0)
    await ahead.claim(ask("1"))
    await behind.claim(ask("2"))
    assert await behind.take_over() == []
    assert await ahead.take_over() == []
    await ahead.close()
    await behind.close()


async def test_a_server_that_stops_and_comes_back(
    postgres_server: Any, postgres_database: str, ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with open_ledger(database_url(postgres_database, Path())) as ledger:
        claim = await ledger.claim(ask())
        await use_every_connection(ledger)
        postgres_server.stop()
        try:
            with pytest.raises(LedgerUnavailable):
                await ledger.claim(ask("2"))
            with pytest.raises(LedgerUnavailable):
                await ledger.ping()
        finally:
            postgres_server.ensure_postgres_running()
        await ledger.ping()
        assert await ledger.start(claim)
        assert await ledger.claim(ask("2")) is not None
        await use_every_connection(ledger)
        postgres_server.stop()
        postgres_server.ensure_postgres_running()
        # Nothing was asked while it was away: nobody notices.
        await use_every_connection(ledger)
    assert caplog.text == ""


async def test_a_server_that_stands_still(
    postgres_server: Any,
    postgres_database: str,
    ask: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("bot.ledger.database.CLOSE_PATIENCE", 0.05)
    postmaster = psutil.Process(postgres_server.get_pid())
    async with open_ledger(database_url(postgres_database, Path())) as ledger:
        await use_every_connection(ledger)
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            with monkeypatch.context() as patch:
                patch.setattr("bot.ledger.database.PATIENCE", 0.05)
                with pytest.raises(LedgerUnavailable, match="has not answered"):
                    await ledger.claim(ask())
            closing = asyncio.create_task(ledger.close())
            done, _ = await asyncio.wait([closing], timeout=30)
        finally:
            for process in processes:
                process.resume()
        assert done
        assert await ledger.claim(ask("2")) is not None
    assert caplog.text == ""


async def use_every_connection(ledger: Ledger) -> None:
    await asyncio.gather(*(ledger.known(str(i)) for i in range(20)))


async def test_a_server_that_became_read_only(postgres_server: Any, postgres_database: str, ask: Any) -> None:
    url = database_url(postgres_database, Path())
    await asyncio.to_thread(prepare, url)
    postgres_server.psql("ALTER DATABASE ledger SET default_transaction_read_only = on;")
    try:
        async with open_ledger(url) as ledger:
            assert not await ledger.known("k")
            with pytest.raises(LedgerUnavailable, match="read-only"):
                await ledger.ping()
            with pytest.raises(LedgerUnavailable, match="read-only"):
                await ledger.claim(ask())
    finally:
        postgres_server.psql("ALTER DATABASE ledger RESET ALL;")
