"""What the statements of several modules share: whose a claim is, and rows under lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.claims import Claim
from bot.ledger.records import to_claim
from bot.ledger.tables import claims

BATCH = 500
"""Keys in one statement: well below the parameters that any of the databases takes."""
CLOSED: dict[str, Any] = {"owner": None, "lease_until": None, "address": ""}
"""Columns of a claim that is not open any more."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process in the ledger's eyes."""

    lease: float
    """Seconds."""
    now: Callable[[], ColumnElement[float]]
    """Seconds since the epoch."""
    owner: str = field(default_factory=lambda: uuid4().hex)
    working: set[str] = field(default_factory=set)
    """Keys of the claims that were handed out and are worked on. What the database counts as this process's beyond
    these is work that nobody heard of, because the ledger's answer was lost: its lease is left to run out."""

    def until(self) -> ColumnElement[float]:
        """When a lease ends that begins now."""
        return self.now() + self.lease

    def at_work(self, row: RowMapping) -> bool:
        """Whether this process works on a claim at this moment."""
        return row["owner"] == self.owner and row["key"] in self.working

    def alive(self, row: RowMapping) -> bool:
        """Whether an open claim, read by ``lock``, is in the hands of a process that runs."""
        return self.at_work(row) or not row["over"]

    def take(self, db: Connection, row: RowMapping, **changes: Any) -> Claim:
        """Make a locked claim this process's. ``recovered`` says whether another one had left it open."""
        set_claim(db, row["key"], owner=self.owner, lease_until=self.until(), **changes)
        return to_claim({**row, **changes}, recovered=row["lease_until"] is not None)

    def keep(self, db: Connection, row: RowMapping, claim: Claim, **changes: Any) -> Claim:
        """A locked claim of this process as it is to go on with it after ``claim``."""
        set_claim(db, row["key"], lease_until=self.until(), **changes)
        return to_claim({**row, **changes}, recovered=claim.recovered)


def lock(db: Connection, key: str, holder: Holder) -> RowMapping | None:
    """A claim's row, with ``over``: whether its lease has run out. Nobody else changes it before the transaction ends.

    SQLite's transactions lock the whole file as they begin.
    """
    over = (claims.c.lease_until <= holder.now()).label("over")
    return db.execute(select(claims, over).where(claims.c.key == key).with_for_update()).mappings().one_or_none()


def set_claim(db: Connection, key: str, **columns: Any) -> None:
    db.execute(update(claims).where(claims.c.key == key).values(**columns))


def insert(db: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what to do about a row that is there."""
    return postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)


def batches(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, BATCH)):
        yield batch
