"""Answers and what came of them: turns, feedback, unanswered questions, and what is counted from them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, delete, exists, func, or_, select

from bot.claims import QUESTIONS, Asked, Ending, Feedback, State, Trigger, Turn, Unanswered
from bot.ledger.records import reply_to_json, to_feedback, to_turn
from bot.ledger.rows import insert
from bot.ledger.tables import claims, feedback, turns, unanswered
from bot.types import Reply

_COUNTED = tuple(trigger.value for trigger in QUESTIONS - {Trigger.AUTO})
_ANSWERS = (Ending.ANSWERED, Ending.NOT_FOUND)


def record_turn(db: Connection, asked: Asked, ending: Ending, reply: Reply) -> None:
    """Keep what was said, in place of what was said to an earlier version; other endings say nothing to be kept."""
    if ending not in (*_ANSWERS, Ending.POSTED):
        return
    columns = {"text": asked.text, "version": asked.version, "ending": ending, "reply": reply_to_json(reply)}
    statement = insert(db, turns).values(key=asked.key, **columns)
    db.execute(statement.on_conflict_do_update(index_elements=[turns.c.key], set_=columns))
    db.execute(delete(unanswered).where(unanswered.c.key == asked.key))
    if ending == Ending.NOT_FOUND:
        db.execute(insert(db, unanswered).values(key=asked.key, text=asked.text, language=reply.language))


def erase_turns(db: Connection, keys: Collection[str]) -> tuple[int, int, int]:
    """How many turns, feedback and unanswered questions that were."""
    given = db.execute(delete(feedback).where(feedback.c.key.in_(keys))).rowcount
    open_questions = db.execute(delete(unanswered).where(unanswered.c.key.in_(keys))).rowcount
    return db.execute(delete(turns).where(turns.c.key.in_(keys))).rowcount, given, open_questions


def turn(db: Connection, key: str) -> Turn | None:
    columns = (column.label(f"turn_{column.name}") for column in turns.c)
    both = select(claims, *columns).join(turns, turns.c.key == claims.c.key).where(claims.c.key == key)
    row = db.execute(both).mappings().one_or_none()
    return None if row is None else to_turn(row)


def rate(db: Connection, given: Feedback) -> bool:
    """The foreign key refuses the change where the turn goes away at this moment."""
    if not db.scalar(select(exists().where(turns.c.key == given.key))):
        return False
    columns = {"verdict": given.verdict, "reason": given.reason, "comment": given.comment}
    statement = insert(db, feedback).values(key=given.key, user_id=given.user, **columns)
    db.execute(statement.on_conflict_do_update(index_elements=[feedback.c.key, feedback.c.user_id], set_=columns))
    return True


def find_feedback(db: Connection, key: str, user: str) -> Feedback | None:
    theirs = select(feedback).where(feedback.c.key == key, feedback.c.user_id == user)
    row = db.execute(theirs).mappings().one_or_none()
    return None if row is None else to_feedback(row)


def asked_since(db: Connection, platform: str, user: str, since: float) -> int:
    statement = select(func.count()).where(
        claims.c.platform == platform,
        claims.c.user_id == user,
        claims.c.asked_at >= since,
        claims.c.trigger.in_(_COUNTED),
        or_(claims.c.ending.is_(None), claims.c.ending.not_in((Ending.LIMITED, Ending.DENIED))),
    )
    return db.execute(statement).scalar_one()


def answered_in(db: Connection, platform: str, team: str, channel: str, thread: str, head: str) -> bool:
    here = (claims.c.platform == platform, claims.c.team == team, claims.c.channel == channel)
    asked = exists().where(
        *here,
        claims.c.thread == thread,
        claims.c.trigger == Trigger.MENTION,
        claims.c.state.in_((State.WAITING, State.POSTING)),
    )
    answered = exists().where(
        *here,
        or_(
            claims.c.reply == head,
            and_(or_(claims.c.thread == thread, claims.c.message == head), turns.c.ending.in_(_ANSWERS)),
        ),
        claims.c.state.not_in((State.REMOVING, State.REMOVED)),
        claims.c.withdrawn.is_(False),
        turns.c.key == claims.c.key,
    )
    return bool(db.scalar(select(or_(asked, answered))))


def find_unanswered(db: Connection) -> list[Unanswered]:
    both = select(claims.c.platform, unanswered.c.text, claims.c.asked_at).join(
        claims, claims.c.key == unanswered.c.key
    )
    rows = db.execute(both.order_by(claims.c.asked_at.desc(), claims.c.key))
    return [Unanswered(row.platform, row.text, row.asked_at) for row in rows]
