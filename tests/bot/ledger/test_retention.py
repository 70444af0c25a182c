"""What a bot that runs for days erases and gives back, over both databases; days pass by a clock of the test's own."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot import housekeeping
from bot.claims import Ending
from bot.core import core
from bot.errors import LedgerUnavailable
from bot.housekeeping import AGAIN, DAY, EVERY, keep
from bot.ledger import database_url, open_ledger, schema
from bot.ledger.store import SqlLedger
from bot.settings import Settings
from retrieval.build import index_folder
from tests.standin.fonte import Oracle


class Days:
    """A clock, and a sleep that lets it run on; after ``most`` seconds there is an end."""

    def __init__(self, most: float, between: Callable[[float], Awaitable[object]]) -> None:
        self.now, self._end, self._between = 1e9, 1e9 + most, between
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._between(self.now)
        self.now += seconds
        if self.now > self._end:
            raise asyncio.CancelledError

    async def pass_by(self, ledger: Any, data_dir: Path) -> None:
        with pytest.raises(asyncio.CancelledError):
            await keep(ledger, Settings(data_dir=data_dir, retention_days=3), clock=self.clock, sleep=self.sleep)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, "bot.housekeeping"):
        yield caplog


def warnings(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in log.records if record.levelno == logging.WARNING]


async def test_what_grows_old_while_the_bot_serves_is_erased(
    ledger: SqlLedger, ask: Any, execute: Any, tmp_path: Path, log: Any
) -> None:
    ages: list[float] = []

    async def between(now: float) -> None:
        await ledger.claim(ask(f"{now:.0f}", asked_at=now), Ending.NOT_FOUND)
        [row] = await execute("SELECT min(asked_at) AS oldest, count(*) AS number FROM claims")
        ages.append(now - row["oldest"])
        assert row["number"] <= 3 * 4 + 1

    days = Days(10 * DAY, between)
    await days.pass_by(ledger, tmp_path)
    assert set(days.slept) == {EVERY}
    assert max(ages) == 3 * DAY, "the oldest is as old as it may be, for days on end"
    assert ages.count(3 * DAY) > 20
    assert warnings(log) == []
    assert "1 questions older than 3 days were erased" in log.text


async def test_what_fails_is_said_once_and_tried_again_sooner(
    ledger: SqlLedger, ask: Any, tmp_path: Path, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.claim(ask(asked_at=1.0), Ending.NOT_FOUND)
    away, rounds = True, 0
    purge = ledger.purge

    async def unsteady(before: float) -> int:
        if away:
            raise LedgerUnavailable("The ledger cannot be used now: it does not answer.")
        return await purge(before)

    async def between(_: float) -> None:
        nonlocal away, rounds
        rounds += 1
        away = rounds < 5 or rounds in (7, 8)

    monkeypatch.setattr(ledger, "purge", unsteady)
    days = Days(DAY, between)
    await days.pass_by(ledger, tmp_path)
    told = "old questions were not erased: The ledger cannot be used now: it does not answer."
    assert warnings(log) == [told, told], "once more, as it had worked in between"
    assert days.slept[:9] == [*[AGAIN] * 5, EVERY, EVERY, AGAIN, AGAIN]
    assert not await ledger.known("k")


async def test_a_fault_of_ours_does_not_end_it(ledger: SqlLedger, tmp_path: Path, log: Any, monkeypatch: Any) -> None:
    calls = 0

    def fails(*_: object) -> None:
        nonlocal calls
        calls += 1
        raise ZeroDivisionError("over")

    async def between(_: float) -> None:
        pass

    monkeypatch.setattr(housekeeping, "tidy_library", fails)
    await Days(DAY, between).pass_by(ledger, tmp_path)
    assert calls > 10
    assert warnings(log) == ["DATA_DIR was not cleared up: ZeroDivisionError: over"]


async def test_a_bot_that_serves_does_all_of_this(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "EVERY", 0.01)
    async with core(Settings(data_dir=tmp_path), Oracle().ask) as parts:
        await parts.ledger.claim(ask(asked_at=1.0), Ending.NOT_FOUND)
        left = [index_folder(tmp_path) / ".building-1", tmp_path / "models" / ".making-1"]
        for folder in left:
            folder.mkdir(parents=True)
        async with asyncio.timeout(30):
            while await parts.ledger.known("k") or any(folder.exists() for folder in left):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


# --- the file ------------------------------------------------------------------------------------------------------


def size(file: Path) -> int:
    return sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*") if not path.name.endswith("-shm"))


def holding(word: bytes, folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if word in path.read_bytes()]


async def fill(ledger: SqlLedger, ask: Any, number: int, asked_at: float) -> None:
    for i in range(number):
        await ledger.claim(ask(f"{asked_at}-{i}", text="x" * 20_000, asked_at=asked_at), Ending.NOT_FOUND)


async def test_a_file_shrinks_when_its_content_goes_and_does_not_grow_by_turnover(ask: Any, tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with open_ledger(database_url(None, tmp_path)) as ledger:
        await ledger.give_back()
        empty = size(file)
        sizes = []
        for day in range(1, 6):
            await fill(ledger, ask, 100, float(day))
            await ledger.purge(float(day))
            await ledger.give_back()
            sizes.append(size(file))
        assert max(sizes) < 1.1 * min(sizes)
        assert min(sizes) > 100 * 20_000
        await ledger.purge(100.0)
        await ledger.give_back()
        assert size(file) == empty


async def test_what_is_erased_is_in_no_file_any_more(ask: Any, tmp_path: Path) -> None:
    async with open_ledger(database_url(None, tmp_path)) as ledger:
        await ledger.claim(ask(text="What is the shibboleth?", asked_at=1.0), Ending.NOT_FOUND)
        assert holding(b"shibboleth", tmp_path) != []
        await ledger.purge(100.0)
        await ledger.give_back()
        assert holding(b"shibboleth", tmp_path) == []


@pytest.mark.parametrize("large", [False, True])
async def test_a_ledger_of_an_earlier_version_is_rewritten_once_if_it_is_small(
    ask: Any, tmp_path: Path, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ledger.db"
    async with open_ledger(database_url(None, tmp_path)) as ledger:
        await fill(ledger, ask, 20, 1.0)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=NONE; VACUUM")
    monkeypatch.setattr(schema, "REWRITTEN", 0 if large else schema.REWRITTEN)
    before = file.stat().st_size
    async with open_ledger(database_url(None, tmp_path)) as ledger:
        assert await ledger.known("1.0-7")
        await ledger.purge(100.0)
        await ledger.give_back()
        assert (size(file) < before / 2) is not large
