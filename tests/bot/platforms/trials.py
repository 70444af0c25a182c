"""What the tests of faults and crashes share: the faults, questions that meet them, and what the ledger says then."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from bot.core import Pace
from tests.standin.echo import THINK, WAIT
from tests.standin.faults import Cut, Fault, Hang, Status
from tests.standin.fonte import QUICK, Fonte, Oracle, Server, fonte
from tests.standin.processes import PACE

DONE = {("done", "answered")}
"""What ``endings`` are where every question was answered."""
OPENING = replace(QUICK, open_after=0.0)
SHOWING = replace(QUICK, grace=0.0)
IN_A_HURRY = replace(PACE, grace=0.0, open_after=0.0)
"""Shows that it works, and opens a reply, before it knows the answer."""

NEVER = f"{WAIT}, when is it?"
SLOWLY = f"{THINK}: when is it?"

NETWORK: dict[str, Callable[[], Fault]] = {
    "500 before": lambda: Status(500),
    "500 after": lambda: Status(500, after=True),
    "503 before": lambda: Status(503),
    "503 after": lambda: Status(503, after=True),
    "proxy before": lambda: Status(200),
    "proxy after": lambda: Status(200, after=True),
    "cut before": Cut,
    "cut after": lambda: Cut(after=True),
    "cut within": lambda: Cut(partial=True),
    "reset before": lambda: Cut(reset=True),
    "reset after": lambda: Cut(after=True, reset=True),
    "silence before": Hang,
    "silence after": lambda: Hang(after=True),
}
"""``before`` it did anything, or ``after``: which, the bot cannot tell."""


def slow() -> Oracle:
    """Answers when ``hold`` is set."""
    return Oracle(hold=asyncio.Event())


def rows(data_dir: Path, statement: str) -> list[tuple[Any, ...]]:
    """What the ledger answers."""
    with contextlib.closing(sqlite3.connect(data_dir / "ledger.db")) as connection:
        return connection.execute(statement).fetchall()


def states(data_dir: Path) -> set[str]:
    """States of all claims."""
    return {state for (state,) in rows(data_dir, "SELECT state FROM claims")}


def endings(data_dir: Path) -> set[tuple[str, str | None]]:
    """States and endings of all claims."""
    return {(state, ending) for state, ending in rows(data_dir, "SELECT state, ending FROM claims")}


@contextlib.asynccontextmanager
async def successor(server: Server, data_dir: Path, pace: Pace = PACE) -> AsyncIterator[Fonte]:
    """The next process, once it has finished what was left to it."""
    async with fonte(server, data_dir, pace=pace) as bot:
        await server.wait_for(lambda: states(data_dir) <= {"done", "removed"})
        await bot.idle()
        yield bot


async def health(port: int) -> tuple[int, dict[str, Any]]:
    """Status and body of the health page."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/health") as answer:
        return answer.status, await answer.json()


@contextlib.asynccontextmanager
async def locked(data_dir: Path) -> AsyncIterator[None]:
    """Nobody else can use the ledger's file while the block runs."""
    file = data_dir / "ledger.db"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        # Not on the event loop, which whoever holds the lock at this moment needs to let go of it.
        await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
