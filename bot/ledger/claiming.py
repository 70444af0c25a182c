"""What a platform reports about a question: asked, edited, deleted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, exists, select

from bot.claims import ADDRESSED, Asked, Claim, Ending, State
from bot.ledger.records import claim_values
from bot.ledger.rows import CLOSED, Holder, insert, lock, set_claim
from bot.ledger.tables import claims
from bot.ledger.turns import erase_turns


def claim(db: Connection, holder: Holder, asked: Asked, ending: Ending | None) -> Claim | None:
    state = State.WAITING if ending is None else State.DONE
    if ending is None:
        held: dict[str, Any] = {"owner": holder.owner, "lease_until": holder.until()}
    else:
        held = {**CLOSED, "ending": ending}
    columns = {**claim_values(asked), "state": state, "streaming": False, "withdrawn": False, **held}
    statement = insert(db, claims).values(columns)
    inserted = db.execute(statement.on_conflict_do_nothing(index_elements=[claims.c.key]))
    return Claim(asked, state) if inserted.rowcount == 1 else None


def known(db: Connection, key: str) -> bool:
    return bool(db.scalar(select(exists().where(claims.c.key == key))))


def edit(db: Connection, holder: Holder, asked: Asked) -> Claim | None:
    row = lock(db, asked.key, holder)
    if row is None or asked.version <= row["seen"] or not _editable(row):
        return None
    if row["text"].split() == asked.text.split():
        # The version of the text stays: what works on it is not disturbed.
        set_claim(db, asked.key, seen=asked.version)
        return None
    # Who speaks to the bot goes on doing so in what they edit.
    trigger = row["trigger"] if row["trigger"] in ADDRESSED else asked.trigger.value
    new = {"text": asked.text, "version": asked.version, "seen": asked.version, "trigger": trigger}
    new["locale"] = asked.locale or row["locale"]
    if row["state"] == State.DONE:
        return holder.take(db, row, **new, state=State.WAITING, ending=None)
    if holder.alive(row):
        set_claim(db, asked.key, **new)
        return None
    return holder.take(db, row, **new)


def _editable(row: RowMapping) -> bool:
    """Whether a newer version is to be answered."""
    if row["withdrawn"]:
        return False
    if row["state"] == State.DONE:
        return row["ending"] not in (None, Ending.DENIED)  # None: its person was forgotten
    return row["state"] in (State.WAITING, State.POSTING)


def remove(db: Connection, holder: Holder, key: str) -> Claim | None:
    row = lock(db, key, holder)
    if row is None or row["state"] == State.REMOVED:
        return None
    if row["state"] == State.DONE:
        if row["reply"] is not None:
            return holder.take(db, row, state=State.REMOVING)
        _erase_question(db, key)
        return None
    if holder.alive(row):
        set_claim(db, key, state=State.REMOVING)
        return None
    return holder.take(db, row, state=State.REMOVING)


def removed(db: Connection, holder: Holder, key: str) -> None:
    row = lock(db, key, holder)
    if row is not None and row["state"] == State.REMOVING:
        _erase_question(db, key)


def _erase_question(db: Connection, key: str) -> None:
    erase_turns(db, [key])
    set_claim(db, key, **CLOSED, state=State.REMOVED, streaming=False, text="", locale=None)


def delete_reply(db: Connection, holder: Holder, key: str) -> None:
    row = lock(db, key, holder)
    if row is None:
        return
    changes: dict[str, Any] = {"reply": None, "streaming": False, "withdrawn": True}
    if row["state"] in (State.WAITING, State.POSTING):
        changes |= {**CLOSED, "state": State.DONE}  # whoever deletes the answer wants no other
    set_claim(db, key, **changes)
