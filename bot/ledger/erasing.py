"""Erasing a person, and what is old."""

from __future__ import annotations

from sqlalchemy import Connection, case, delete, func, or_, select, update

from bot.claims import QUESTIONS, Forgotten, State
from bot.ledger.rows import BATCH, batches
from bot.ledger.tables import claims, feedback
from bot.ledger.turns import erase_turns

_QUESTIONS = tuple(trigger.value for trigger in QUESTIONS)


def forget(db: Connection, user: str) -> Forgotten:
    """Claims about a person's questions (an answer shared, a question put before others) count as theirs."""
    theirs = select(claims.c.key).where(claims.c.user_id == user)
    about = or_(claims.c.user_id == user, claims.c.origin.in_(theirs))
    keys = db.scalars(select(claims.c.key).where(about).order_by(claims.c.key).with_for_update()).all()
    questions = db.execute(
        select(func.count()).where(claims.c.user_id == user, claims.c.trigger.in_(_QUESTIONS))
    ).scalar_one()
    erased = [erase_turns(db, batch) for batch in batches(keys)]
    given = db.execute(delete(feedback).where(feedback.c.user_id == user)).rowcount
    for batch in batches(keys):
        _blank(db, batch)
    return Forgotten(
        questions=questions,
        answers=sum(counts[0] for counts in erased),
        feedback=given + sum(counts[1] for counts in erased),
        unanswered=sum(counts[2] for counts in erased),
    )


def _blank(db: Connection, keys: list[str]) -> None:
    of_these = claims.c.key.in_(keys)
    db.execute(update(claims).where(of_these).values(text="", user_id="", address="", locale=None))
    # A deleted question stays deleted, and its reply still has to go.
    not_deleted = claims.c.state.not_in((State.REMOVING, State.REMOVED))
    done = {"state": State.DONE, "ending": None, "owner": None, "lease_until": None}
    db.execute(update(claims).where(of_these, not_deleted).values(**done))


def purge_batch(db: Connection, before: float) -> tuple[int, int]:
    """Erase some of what is older: how many claims, and how many of these were questions."""
    question = case((claims.c.trigger.in_(_QUESTIONS), 1), else_=0)
    old = select(claims.c.key, question.label("question")).where(claims.c.asked_at < before)
    rows = db.execute(old.order_by(claims.c.asked_at, claims.c.key).limit(BATCH).with_for_update()).all()
    keys = [row.key for row in rows]
    erase_turns(db, keys)
    db.execute(delete(claims).where(claims.c.key.in_(keys)))
    return len(rows), sum(row.question for row in rows)
