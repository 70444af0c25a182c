"""Turns, feedback, counting and erasing, over both databases."""

from __future__ import annotations

from typing import Any

from bot.claims import Ending, Feedback, Forgotten, Ledger, Reason, State, Trigger, Unanswered, Verdict
from bot.types import Reply


async def finish(ledger: Ledger, asked: Any, ending: Ending, reply: Reply | None = None) -> None:
    claim = await ledger.claim(asked)
    assert claim is not None
    assert await ledger.finish(claim, ending, reply) is None


async def test_a_turn_keeps_question_and_answer(ledger: Ledger, ask: Any, reply: Reply) -> None:
    asked = ask(locale=None, version="7", origin="o", trigger=Trigger.AUTO)
    await finish(ledger, asked, Ending.ANSWERED, reply)
    turn = await ledger.turn("k")
    assert (turn.asked, turn.ending, turn.reply, turn.message) == (asked, Ending.ANSWERED, reply, "")
    assert await ledger.turn("unknown") is None


async def test_a_shared_answer_is_a_turn_of_its_own(ledger: Ledger, ask: Any, reply: Reply) -> None:
    await finish(ledger, ask(trigger=Trigger.COMMAND), Ending.ANSWERED, reply)
    shared = ask("k:share", trigger=Trigger.SHARE, origin="k", user="U2")
    await finish(ledger, shared, Ending.POSTED, reply)
    turn = await ledger.turn("k:share")
    assert (turn.asked, turn.ending, turn.reply) == (shared, Ending.POSTED, reply)
    assert await ledger.rate(Feedback("k:share", "U3", Verdict.HELPFUL))


async def test_without_an_answer_there_is_no_turn(ledger: Ledger, ask: Any, reply: Reply) -> None:
    for ending in (Ending.FAILED, Ending.UNDELIVERED, Ending.POSTED):
        await finish(ledger, ask(ending), ending)
        assert await ledger.turn(ending) is None
    await finish(ledger, ask("limited"), Ending.LIMITED, reply)
    assert await ledger.turn("limited") is None


async def test_unanswered_questions_are_kept_until_they_are_answered(
    ledger: Ledger, ask: Any, reply: Reply, missing: Reply, execute: Any
) -> None:
    await finish(ledger, ask(), Ending.NOT_FOUND, missing)
    assert await execute("SELECT * FROM unanswered") == [{"key": "k", "text": "When does it open?", "language": "en"}]
    again = await ledger.edit(ask(text="Opens when?", version="2"))
    await ledger.finish(again, Ending.NOT_FOUND, missing)
    assert [row["text"] for row in await execute("SELECT text FROM unanswered")] == ["Opens when?"]
    again = await ledger.edit(ask(text="When?", version="3"))
    await ledger.finish(again, Ending.ANSWERED, reply)
    assert await execute("SELECT * FROM unanswered") == []


async def test_feedback_can_be_changed(ledger: Ledger, ask: Any, reply: Reply) -> None:
    assert not await ledger.rate(Feedback("k", "U2", Verdict.HELPFUL))
    claim = await ledger.claim(ask())
    assert not await ledger.rate(Feedback("k", "U2", Verdict.HELPFUL))
    await ledger.finish(claim, Ending.ANSWERED, reply)
    assert await ledger.feedback("k", "U2") is None
    for given in (
        Feedback("k", "U2", Verdict.NOT_HELPFUL, Reason.OUTDATED, "It moved."),
        Feedback("k", "U3", Verdict.HELPFUL),
        Feedback("k", "U2", Verdict.HELPFUL),
    ):
        assert await ledger.rate(given)
        assert await ledger.feedback("k", given.user) == given
    assert await ledger.feedback("k", "U3") == Feedback("k", "U3", Verdict.HELPFUL)


async def test_how_many_questions_a_person_asked(ledger: Ledger, ask: Any) -> None:
    await ledger.claim(ask("open", asked_at=200.0))
    await finish(ledger, ask("failed", asked_at=201.0), Ending.FAILED)
    for key, ending in (("limited", Ending.LIMITED), ("denied", Ending.DENIED)):
        await finish(ledger, ask(key, asked_at=202.0), ending)
    for trigger in (Trigger.AUTO, Trigger.SHARE, Trigger.ESCALATION, Trigger.FEEDBACK):
        await ledger.claim(ask(trigger, asked_at=203.0, trigger=trigger))
    await ledger.claim(ask("old", asked_at=199.9))
    await ledger.claim(ask("other person", asked_at=204.0, user="U2"))
    await ledger.claim(ask("other platform", asked_at=204.0, platform="discord"))
    assert await ledger.asked_since("slack", "U1", 200.0) == 2
    assert await ledger.asked_since("slack", "U1", 0.0) == 3
    assert await ledger.edit(ask("limited", text="Now?", version="2")) is not None
    assert await ledger.asked_since("slack", "U1", 200.0) == 3


async def test_where_the_bot_has_answered(ledger: Ledger, ask: Any, reply: Reply, missing: Reply) -> None:
    await ledger.claim(ask("open", thread="1"))  # what is asked there before the answer is for the bot too
    await ledger.claim(ask("overheard", thread="6", trigger=Trigger.AUTO))
    assert not await ledger.answered_in("slack", "T1", "C1", "6")
    await finish(ledger, ask("answered", thread="2"), Ending.ANSWERED, reply)
    await finish(ledger, ask("not found", thread="3"), Ending.NOT_FOUND, missing)
    await finish(ledger, ask("silent", thread="4"), Ending.SILENT)
    await finish(ledger, ask("shared", thread="5", trigger=Trigger.SHARE), Ending.POSTED, reply)
    threads = [await ledger.answered_in("slack", "T1", "C1", str(thread)) for thread in range(1, 6)]
    assert threads == [True, True, True, False, False]
    shared = await ledger.claim(ask("held", thread="", trigger=Trigger.SHARE))
    await ledger.hold(shared, "200.1")
    assert not await ledger.answered_in("slack", "T1", "C1", "200.1")
    await ledger.finish(shared, Ending.POSTED, reply)
    assert await ledger.answered_in("slack", "T1", "C1", "200.1")  # people go on below what was shared
    # Or below an answer, or below the question that it answers.
    below = await ledger.claim(ask("below", message="m", thread=""))
    await ledger.hold(below, "300.1")
    assert not await ledger.answered_in("slack", "T1", "C1", "m")
    assert not await ledger.answered_in("slack", "T1", "C1", "300.1")
    await ledger.finish(below, Ending.ANSWERED, reply)
    assert await ledger.answered_in("slack", "T1", "C1", "m")
    assert await ledger.answered_in("slack", "T1", "C1", "300.1")
    put = await ledger.claim(ask("put before people", thread="", trigger=Trigger.ESCALATION))
    await ledger.hold(put, "400.1")
    await ledger.finish(put, Ending.POSTED)
    assert not await ledger.answered_in("slack", "T1", "C1", "400.1")
    for place in (("discord", "T1", "C1"), ("slack", "T2", "C1"), ("slack", "T1", "C2")):
        assert not await ledger.answered_in(*place, "2")
    assert await ledger.edit(ask("answered", text="New?", version="2")) is not None
    assert await ledger.answered_in("slack", "T1", "C1", "2")


async def test_a_person_is_forgotten(
    ledger: Ledger, ask: Any, reply: Reply, missing: Reply, execute: Any, url: str, tmp_path: Any
) -> None:
    secret = "Gianluca"
    await finish(ledger, ask("1", user=secret, text=f"{secret}?", address=secret), Ending.ANSWERED, reply)
    await finish(ledger, ask("2", user=secret, text=f"{secret}?", locale=secret), Ending.NOT_FOUND, missing)
    held = await ledger.claim(ask("3", user=secret, text=f"{secret}?"))
    assert await ledger.start(held)
    assert await ledger.hold(held, "r")
    await finish(ledger, ask("4", user="U2"), Ending.ANSWERED, reply)
    about = ask("1:share", user="U2", text=f"{secret}?", trigger=Trigger.SHARE, origin="1")
    await finish(ledger, about, Ending.POSTED, reply)
    await ledger.rate(Feedback("1", "U2", Verdict.HELPFUL))
    await ledger.rate(Feedback("4", secret, Verdict.NOT_HELPFUL, Reason.OTHER, f"{secret} says no"))
    await ledger.rate(Feedback("4", "U3", Verdict.HELPFUL))

    assert await ledger.forget(secret) == Forgotten(questions=3, answers=3, feedback=2, unanswered=1)

    for table in ("claims", "turns", "feedback", "unanswered"):
        assert secret not in repr(await execute(f"SELECT * FROM {table}"))
    assert not await ledger.start(held)
    assert await ledger.current(held) is None
    assert await ledger.finish(held, Ending.ANSWERED, reply) is None
    for key in ("1", "2", "3", "1:share"):
        assert await ledger.known(key)
        assert await ledger.turn(key) is None
        assert await ledger.edit(ask(key, text="New?", version="9")) is None
    assert (await ledger.turn("4")).reply == reply
    assert await ledger.feedback("4", "U3") is not None
    removal = await ledger.remove("3")
    assert (removal.state, removal.reply) == (State.REMOVING, "r")
    assert await ledger.forget(secret) == Forgotten(0, 0, 0, 0)
    assert await ledger.forget("") == Forgotten(0, 0, 0, 0)
    for file in (tmp_path / "data").glob("*"):
        assert secret.encode() not in file.read_bytes(), file.name


async def test_a_forgotten_persons_deleted_question_is_still_removed(ledger: Ledger, ask: Any, reply: Reply) -> None:
    for key in ("1", "2"):
        claim = await ledger.claim(ask(key))
        await ledger.hold(claim, f"r{key}")
        await ledger.finish(claim, Ending.ANSWERED, reply)
        await ledger.remove(key)
    await ledger.removed("1")
    await ledger.forget("U1")
    assert await ledger.edit(ask("1", text="New?", version="9")) is None
    claim = await ledger.current(claim)
    assert (claim.state, claim.reply, claim.asked.user, claim.asked.text) == (State.REMOVING, "r2", "", "")


async def test_what_is_old_is_erased(ledger: Ledger, ask: Any, missing: Reply, execute: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("bot.ledger.erasing.BATCH", 2)
    for i in range(5):
        await finish(ledger, ask(str(i), asked_at=100.0 + i), Ending.NOT_FOUND, missing)
        await ledger.rate(Feedback(str(i), "U2", Verdict.HELPFUL))
    await ledger.claim(ask("open", asked_at=103.5))
    await ledger.claim(ask("shared", asked_at=103.6, trigger=Trigger.SHARE))
    assert await ledger.purge(104.0) == 5
    assert [await ledger.known(key) for key in ("0", "3", "4", "open", "shared")] == [False, False, True, False, False]
    for table in ("claims", "turns", "feedback", "unanswered"):
        assert [row["key"] for row in await execute(f"SELECT key FROM {table}")] == ["4"]
    assert await ledger.purge(104.0) == 0
    assert await ledger.claim(ask("0")) is not None


async def test_an_open_claim_that_is_erased_comes_to_nothing(ledger: Ledger, ask: Any, reply: Reply) -> None:
    claim = await ledger.claim(ask())
    assert await ledger.purge(1000.0) == 1
    assert not await ledger.start(claim)
    assert await ledger.finish(claim, Ending.ANSWERED, reply) is None
    assert await ledger.turn("k") is None


async def test_what_was_not_answered_is_listed_the_latest_first(
    ledger: Ledger, ask: Any, reply: Reply, missing: Reply
) -> None:
    for number, (ending, said) in enumerate([(Ending.NOT_FOUND, missing), (Ending.ANSWERED, reply)] * 2):
        await finish(ledger, ask(str(number), text=f"{number}?", asked_at=100.0 + number), ending, said)
    assert await ledger.unanswered() == [Unanswered("slack", "2?", 102.0), Unanswered("slack", "0?", 100.0)]
    again = await ledger.edit(ask("2", text="2, then?", version="1"))
    await ledger.finish(again, Ending.ANSWERED, reply)
    await ledger.forget("nobody")
    assert [question.text for question in await ledger.unanswered()] == ["0?"]
