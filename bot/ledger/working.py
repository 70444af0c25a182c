"""What the process that works on a claim does with it, and how it keeps it or lets it go."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from bot.claims import Claim, Ending, State
from bot.ledger.records import to_claim
from bot.ledger.rows import CLOSED, Holder, batches, lock, set_claim
from bot.ledger.tables import claims
from bot.ledger.turns import record_turn
from bot.types import Reply

_OPEN = (State.WAITING, State.POSTING, State.REMOVING)


def start(db: Connection, holder: Holder, claim: Claim) -> bool:
    started = db.execute(
        update(claims)
        .where(
            claims.c.key == claim.asked.key,
            claims.c.owner == holder.owner,
            claims.c.version == claim.asked.version,
            claims.c.state.in_((State.WAITING, State.POSTING)),
        )
        .values(state=State.POSTING, lease_until=holder.until())
    )
    return started.rowcount == 1


def hold(db: Connection, holder: Holder, key: str, reply: str, streaming: bool) -> tuple[bool, bool]:
    """Whether the reply is the claim's, and whether the claim is this process's.

    The UNIQUE constraint refuses the change where the reply is another claim's.
    """
    row = lock(db, key, holder)
    if row is None:
        return True, False
    mine = row["owner"] == holder.owner
    new = reply or None
    if not mine and row["reply"] not in (None, new):
        return False, False
    set_claim(db, key, reply=new, streaming=streaming)
    if row["state"] == State.REMOVED and new != row["reply"]:
        # Posted by a process that was late: whoever comes next deletes it.
        set_claim(db, key, state=State.REMOVING, lease_until=0.0)
    return True, mine


def finish(db: Connection, holder: Holder, claim: Claim, ending: Ending, reply: Reply | None) -> Claim | None:
    key = claim.asked.key
    row = lock(db, key, holder)
    if row is None or row["owner"] != holder.owner:
        return None
    if row["state"] == State.REMOVING:
        return holder.keep(db, row, claim)
    if reply is not None:
        record_turn(db, claim.asked, ending, reply)
    if row["version"] != claim.asked.version:
        return holder.keep(db, row, claim, state=State.WAITING)
    set_claim(db, key, **CLOSED, state=State.DONE, ending=ending)
    return None


def current(db: Connection, holder: Holder, claim: Claim) -> Claim | None:
    mine = (claims.c.key == claim.asked.key, claims.c.owner == holder.owner, claims.c.state.in_(_OPEN))
    row = db.execute(select(claims).where(*mine)).mappings().one_or_none()
    return None if row is None else to_claim(row, recovered=claim.recovered)


def renew(db: Connection, holder: Holder, keys: Collection[str]) -> None:
    for batch in batches(keys):
        mine = (claims.c.key.in_(batch), claims.c.owner == holder.owner, claims.c.state.in_(_OPEN))
        db.execute(update(claims).where(*mine).values(lease_until=holder.until()))


def take_over(db: Connection, holder: Holder, platforms: Collection[str] | None) -> list[Claim]:
    over = (
        select(claims)
        .where(claims.c.lease_until <= holder.now())
        .order_by(claims.c.asked_at, claims.c.key)
        .with_for_update(skip_locked=True)
    )
    if platforms is not None:
        over = over.where(claims.c.platform.in_(platforms))
    rows = [row for row in db.execute(over).mappings() if not holder.at_work(row)]
    for batch in batches(row["key"] for row in rows):
        db.execute(update(claims).where(claims.c.key.in_(batch)).values(owner=holder.owner, lease_until=holder.until()))
    return [to_claim(row, recovered=True) for row in rows]


def release(db: Connection, holder: Holder, platforms: Collection[str] | None) -> list[str]:
    """The keys of the claims that were let go of."""
    mine = claims.c.owner == holder.owner
    if platforms is not None:
        mine &= claims.c.platform.in_(platforms)
    released = update(claims).where(mine).values(owner=None, lease_until=0.0).returning(claims.c.key)
    return list(db.scalars(released))
