"""The ledger over SQL. Every change is one transaction of the functions in the modules beside this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, text

from bot.claims import Asked, Claim, Ending, Feedback, Forgotten, Turn, Unanswered
from bot.errors import LedgerUnavailable
from bot.ledger import claiming, erasing, turns, working
from bot.ledger.database import Conflict, Database
from bot.ledger.records import clean, clean_asked
from bot.ledger.rows import Holder
from bot.ledger.schema import VERSION_TABLE
from bot.types import Reply

_T = TypeVar("_T")


class SqlLedger:
    """Implements bot.claims.Ledger; see there for what the methods do. Used from one event loop.

    Every instance is a process of its own to the others, with claims of its own. Leases are measured by the server's
    clock in PostgreSQL and by this machine's in SQLite.

    ``renew`` extends the claims that were handed out and whose last step was answered. A claim whose answer was lost
    (LedgerUnavailable, a cancelled call) and that no later call succeeds with is left to be taken over.
    """

    def __init__(self, database: Database, *, lease: float) -> None:
        self._database = database
        self._holder = Holder(lease, database.now)

    async def close(self) -> None:
        """Close all connections; claims that are open stay this process's until their lease ends."""
        await self._database.close()

    async def claim(self, asked: Asked, ending: Ending | None = None) -> Claim | None:
        asked = clean_asked(asked)
        claim = await self._database.write(lambda db: claiming.claim(db, self._holder, asked, ending))
        return claim if ending is not None else self._handed(claim)

    async def edit(self, asked: Asked) -> Claim | None:
        asked = clean_asked(asked)
        return self._handed(await self._database.write(lambda db: claiming.edit(db, self._holder, asked)))

    async def remove(self, key: str) -> Claim | None:
        key = clean(key)
        return self._handed(await self._database.write(lambda db: claiming.remove(db, self._holder, key)))

    async def known(self, key: str) -> bool:
        key = clean(key)
        return await self._database.read(lambda db: claiming.known(db, key))

    async def start(self, claim: Claim) -> bool:
        claim = _clean_claim(claim)
        started = await self._step(claim.asked.key, lambda db: working.start(db, self._holder, claim))
        if started:
            self._holder.working.add(claim.asked.key)
        return started

    async def hold(self, claim: Claim, reply: str, *, streaming: bool = False) -> bool:
        """As in the protocol; False as well where the claim, by now another process's, has another reply."""
        key, reply = clean(claim.asked.key), clean(reply)
        try:
            held, mine = await self._step(key, lambda db: working.hold(db, self._holder, key, reply, streaming))
        except Conflict:
            return False
        if mine:
            self._holder.working.add(key)
        return held

    async def finish(self, claim: Claim, ending: Ending, reply: Reply | None = None) -> Claim | None:
        """As in the protocol; a turn is recorded where there is a reply and the ending is POSTED, too."""
        claim = _clean_claim(claim)
        finish = partial(working.finish, holder=self._holder, claim=claim, ending=ending, reply=reply)
        return self._kept(claim, await self._step(claim.asked.key, finish))

    async def current(self, claim: Claim) -> Claim | None:
        claim = _clean_claim(claim)
        return self._kept(claim, await self._step(claim.asked.key, lambda db: working.current(db, self._holder, claim)))

    async def removed(self, key: str) -> None:
        key = clean(key)
        await self._step(key, lambda db: claiming.removed(db, self._holder, key))
        self._holder.working.discard(key)

    async def renew(self) -> None:
        keys = sorted(self._holder.working)
        if keys:
            await self._database.write(lambda db: working.renew(db, self._holder, keys))

    async def take_over(self, platforms: Collection[str] | None = None) -> list[Claim]:
        """As in the protocol; never what this process works on itself."""
        taken = await self._database.write(lambda db: working.take_over(db, self._holder, platforms))
        self._holder.working.update(claim.asked.key for claim in taken)
        return taken

    async def release(self, platforms: Collection[str] | None = None) -> None:
        keys = await self._database.write(lambda db: working.release(db, self._holder, platforms))
        self._holder.working.difference_update(keys)

    async def asked_since(self, platform: str, user: str, since: float) -> int:
        platform, user = clean(platform), clean(user)
        return await self._database.read(lambda db: turns.asked_since(db, platform, user, since))

    async def answered_in(self, platform: str, team: str, channel: str, thread: str, head: str = "") -> bool:
        """As in the protocol; an answer that was deleted counts no more."""
        where = clean(platform), clean(team), clean(channel), clean(thread), clean(head or thread)
        return await self._database.read(lambda db: turns.answered_in(db, *where))

    async def turn(self, key: str) -> Turn | None:
        key = clean(key)
        return await self._database.read(lambda db: turns.turn(db, key))

    async def delete_reply(self, key: str) -> None:
        """As in the protocol; an edit that is being answered at this moment is dropped."""
        key = clean(key)
        await self._database.write(lambda db: claiming.delete_reply(db, self._holder, key))

    async def rate(self, feedback: Feedback) -> bool:
        given = replace(feedback, key=clean(feedback.key), user=clean(feedback.user), comment=clean(feedback.comment))
        try:
            return await self._database.write(lambda db: turns.rate(db, given))
        except Conflict:
            return False

    async def feedback(self, key: str, user: str) -> Feedback | None:
        key, user = clean(key), clean(user)
        return await self._database.read(lambda db: turns.find_feedback(db, key, user))

    async def unanswered(self) -> list[Unanswered]:
        return await self._database.read(turns.find_unanswered)

    async def forget(self, user: str) -> Forgotten:
        """As in the protocol; a deleted question whose reply is not deleted yet keeps its state without its text."""
        user = clean(user)
        if not user:
            return Forgotten(0, 0, 0, 0)  # the name under which forgotten people's claims are kept
        forgotten = await self._database.write(lambda db: erasing.forget(db, user))
        await self._database.shrink_log()
        return forgotten

    async def purge(self, before: float) -> int:
        """As in the protocol, in several transactions: where one fails, the earlier ones stay done."""
        questions = 0
        while True:
            rows, found = await self._database.write(lambda db: erasing.purge_batch(db, before))
            if not rows:
                return questions
            questions += found

    async def give_back(self) -> None:
        """Give the space of what was erased back to the disk, where the database does not do so by itself.

        Raises LedgerUnavailable.
        """
        await self._database.give_back()

    async def ping(self) -> None:
        """A row is written and committed: a full or read-only disk is found, too."""
        statement = text(f"UPDATE {VERSION_TABLE} SET version_num = version_num")  # noqa: S608
        written = await self._database.write(lambda db: db.execute(statement).rowcount)
        if written != 1:
            raise LedgerUnavailable("The ledger cannot be used now: its tables are not there.")

    def _handed(self, claim: Claim | None) -> Claim | None:
        if claim is not None:
            self._holder.working.add(claim.asked.key)
        return claim

    def _kept(self, claim: Claim, now: Claim | None) -> Claim | None:
        if now is None:
            self._holder.working.discard(claim.asked.key)
        return self._handed(now)

    async def _step(self, key: str, work: Callable[[Connection], _T]) -> _T:
        try:
            return await self._database.write(work)
        except Conflict:
            raise
        except (LedgerUnavailable, asyncio.CancelledError):
            self._holder.working.discard(key)
            raise


def _clean_claim(claim: Claim) -> Claim:
    return replace(claim, asked=clean_asked(claim.asked))
