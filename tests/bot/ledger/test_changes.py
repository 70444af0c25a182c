"""Edited and deleted questions, over both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from bot.claims import Claim, Ending, Feedback, Ledger, State, Trigger, Verdict
from bot.types import Reply


async def answer(ledger: Ledger, asked: Any, reply: Reply | None, ending: Ending = Ending.ANSWERED) -> Claim:
    claim = await ledger.claim(asked)
    assert claim is not None
    assert await ledger.start(claim)
    assert await ledger.hold(claim, f"reply to {asked.key}")
    assert await ledger.finish(claim, ending, reply) is None
    return claim


async def test_an_edit_opens_an_answered_question_again(ledger: Ledger, ask: Any, reply: Reply, missing: Reply) -> None:
    await answer(ledger, ask(), reply)
    again = await ledger.edit(ask(text="When does it close?", version="2", asked_at=900.0, message="x", locale=None))
    assert again == Claim(ask(text="When does it close?", version="2"), State.WAITING, "reply to k")
    assert (await ledger.turn("k")).asked.text == "When does it open?"
    assert await ledger.start(again)
    assert await ledger.finish(again, Ending.NOT_FOUND, missing) is None
    turn = await ledger.turn("k")
    assert (turn.asked, turn.ending, turn.reply, turn.message) == (
        again.asked,
        Ending.NOT_FOUND,
        missing,
        "reply to k",
    )


async def test_what_is_no_news_is_passed_over(ledger: Ledger, ask: Any, reply: Reply) -> None:
    await answer(ledger, ask(version="2"), reply)
    for version, text in (("2", "Other?"), ("1", "Other?"), ("", "Other?"), ("3", " When  does\nit open?")):
        assert await ledger.edit(ask(text=text, version=version)) is None
    assert await ledger.edit(ask("unknown", version="9")) is None


async def test_versions_with_the_same_text_are_counted(ledger: Ledger, ask: Any, reply: Reply) -> None:
    await answer(ledger, ask(), reply)
    assert await ledger.edit(ask(version="3")) is None
    assert await ledger.edit(ask(text="Late?", version="2")) is None
    assert await ledger.edit(ask(text="New?", version="4")) is not None


async def test_the_same_text_again_does_not_disturb_who_works_on_it(ledger: Ledger, ask: Any, reply: Reply) -> None:
    claim = await ledger.claim(ask())
    assert await ledger.edit(ask(version="3")) is None
    assert await ledger.start(claim)
    assert await ledger.finish(claim, Ending.ANSWERED, reply) is None


async def test_who_may_not_ask_may_not_edit(ledger: Ledger, ask: Any) -> None:
    for ending in Ending:
        await ledger.finish(await ledger.claim(ask(ending)), ending)
        again = await ledger.edit(ask(ending, text="New?", version="2"))
        assert (again is None) is (ending is Ending.DENIED)


async def test_an_edit_can_address_the_bot_and_not_leave_it(ledger: Ledger, ask: Any) -> None:
    await ledger.finish(await ledger.claim(ask("aside", trigger=Trigger.FOLLOW_UP)), Ending.SILENT)
    assert (await ledger.edit(ask("aside", text="@bot?", version="2"))).asked.trigger is Trigger.MENTION
    await ledger.finish(await ledger.claim(ask("asked")), Ending.FAILED)
    edited = await ledger.edit(ask("asked", text="Well?", version="2", trigger=Trigger.AUTO))
    assert edited.asked.trigger is Trigger.MENTION


async def test_an_edit_reaches_who_works_on_it_before_it_posts(opened: Any, ask: Any, reply: Reply) -> None:
    owner, other = await opened(), await opened()
    claim = await owner.claim(ask())
    new = ask(text="New?", version="2")
    assert await other.edit(new) is None
    assert not await owner.start(claim)
    now = await owner.current(claim)
    assert now == Claim(new, State.WAITING)
    assert await owner.start(now)
    assert await owner.finish(now, Ending.ANSWERED, reply) is None
    assert (await owner.turn("k")).asked == new


async def test_an_edit_reaches_who_works_on_it_after_it_posted(ledger: Ledger, ask: Any, reply: Reply) -> None:
    claim = await ledger.claim(ask())
    assert await ledger.start(claim)
    assert await ledger.edit(ask(text="New?", version="2")) is None
    assert await ledger.edit(ask(text="Newer?", version="3")) is None
    assert await ledger.hold(claim, "r")
    rest = await ledger.finish(claim, Ending.ANSWERED, reply)
    assert rest == Claim(ask(text="Newer?", version="3"), State.WAITING, "r")
    turn = await ledger.turn("k")
    assert (turn.asked, turn.message) == (ask(), "r")
    assert await ledger.start(rest)
    assert await ledger.finish(rest, Ending.ANSWERED, reply) is None
    assert (await ledger.turn("k")).asked == rest.asked


async def test_an_edit_takes_over_from_who_has_stopped(opened: Any, ask: Any) -> None:
    late, new = await opened(lease=0.0), await opened()
    claim = await late.claim(ask())
    assert await late.start(claim)
    taken = await new.edit(ask(text="New?", version="2"))
    assert taken == Claim(ask(text="New?", version="2"), State.POSTING, recovered=True)
    assert not await late.start(claim)
    assert await late.edit(ask(text="Newer?", version="3")) is None
    assert not await new.start(taken)
    assert await new.current(taken) == replace(taken, asked=ask(text="Newer?", version="3"))


async def test_an_answered_question_that_is_deleted_takes_its_answer_along(
    ledger: Ledger, ask: Any, missing: Reply, execute: Any
) -> None:
    await answer(ledger, ask(), missing, Ending.NOT_FOUND)
    await ledger.rate(Feedback("k", "U2", Verdict.NOT_HELPFUL))
    claim = await ledger.remove("k")
    assert claim == Claim(ask(), State.REMOVING, "reply to k")
    assert await ledger.current(claim) == claim
    assert await ledger.edit(ask(text="New?", version="2")) is None
    assert await ledger.remove("k") is None
    assert not await ledger.answered_in("slack", "T1", "C1", "100.1")
    await ledger.removed("k")
    assert await ledger.current(claim) is None
    assert await ledger.turn("k") is None
    assert await ledger.known("k")
    assert await ledger.remove("k") is None
    assert await ledger.edit(ask(text="New?", version="2")) is None
    assert await execute("SELECT text, state FROM claims") == [{"text": "", "state": "removed"}]
    for table in ("turns", "feedback", "unanswered"):
        assert await execute(f"SELECT * FROM {table}") == []


async def test_a_question_without_a_reply_is_gone_at_once(ledger: Ledger, ask: Any, execute: Any) -> None:
    await ledger.finish(await ledger.claim(ask()), Ending.SILENT)
    assert await ledger.remove("k") is None
    assert await ledger.remove("unknown") is None
    assert await execute("SELECT text, state FROM claims") == [{"text": "", "state": "removed"}]


async def test_a_deletion_reaches_who_works_on_it(opened: Any, ask: Any, reply: Reply) -> None:
    owner, other = await opened(), await opened()
    claim = await owner.claim(ask())
    assert await other.remove("k") is None
    assert not await owner.start(claim)
    assert await owner.current(claim) == replace(claim, state=State.REMOVING)
    second = await owner.claim(ask("2"))
    assert await owner.start(second)
    assert await other.remove("2") is None
    assert await owner.hold(second, "r")
    rest = await owner.finish(second, Ending.ANSWERED, reply)
    assert rest == replace(second, state=State.REMOVING, reply="r")
    assert await owner.turn("2") is None
    await owner.removed("2")
    assert await owner.finish(second, Ending.ANSWERED, reply) is None
    assert await owner.turn("2") is None


async def test_a_deletion_takes_over_from_who_has_stopped(opened: Any, ask: Any) -> None:
    late, new, third = await opened(lease=0.0), await opened(), await opened()
    for key in ("1", "2"):
        assert await late.start(await late.claim(ask(key)))
    assert await new.remove("1") == Claim(ask("1"), State.REMOVING, recovered=True)
    assert await third.remove("1") is None
    assert await late.remove("2") is None
    assert await third.take_over() == [Claim(ask("2"), State.REMOVING, recovered=True)]


async def test_a_reply_that_comes_after_the_question_is_gone_is_deleted_too(opened: Any, ask: Any) -> None:
    late, new = await opened(lease=0.0), await opened()
    claim = await late.claim(ask())
    assert await late.start(claim)
    await new.remove("k")
    await new.removed("k")
    assert await late.hold(claim, "r")
    assert await late.finish(claim, Ending.FAILED) is None
    [left] = await new.take_over()
    assert (left.state, left.reply, left.asked.text) == (State.REMOVING, "r", "")
    await new.removed("k")
    assert await late.hold(claim, "r")
    assert await new.take_over() == []


async def test_what_is_not_to_be_removed_is_not(ledger: Ledger, ask: Any, reply: Reply) -> None:
    await answer(ledger, ask(), reply)
    await ledger.removed("k")
    await ledger.removed("unknown")
    assert (await ledger.turn("k")).reply == reply


async def test_a_deleted_reply_stays_away(ledger: Ledger, ask: Any, reply: Reply) -> None:
    await answer(ledger, ask(), reply)
    await ledger.delete_reply("k")
    await ledger.delete_reply("unknown")
    turn = await ledger.turn("k")
    assert (turn.reply, turn.message) == (reply, "")
    assert await ledger.edit(ask(text="New?", version="2")) is None
    assert not await ledger.answered_in("slack", "T1", "C1", "100.1")
    assert await ledger.remove("k") is None
    assert await ledger.turn("k") is None


async def test_a_reply_deleted_while_an_edit_is_answered_stays_away(ledger: Ledger, ask: Any, reply: Reply) -> None:
    await answer(ledger, ask(), reply)
    again = await ledger.edit(ask(text="New?", version="2"))
    await ledger.delete_reply("k")
    assert not await ledger.start(again)
    assert await ledger.current(again) is None
    assert await ledger.finish(again, Ending.ANSWERED, reply) is None
    assert await ledger.take_over() == []


async def test_an_edit_or_deletion_that_races_with_the_end_is_never_lost(opened: Any, ask: Any, reply: Reply) -> None:
    owner, other = await opened(), await opened()
    for i in range(20):
        edited, deleted = await owner.claim(ask(f"e{i}")), await owner.claim(ask(f"d{i}"))
        assert await owner.hold(deleted, f"r{i}")
        rest, again, left, gone = await asyncio.gather(
            owner.finish(edited, Ending.ANSWERED, reply),
            other.edit(ask(f"e{i}", text="New?", version="2")),
            owner.finish(deleted, Ending.ANSWERED, reply),
            other.remove(f"d{i}"),
        )
        assert [(claim.asked.text, claim.state) for claim in (rest, again) if claim] == [("New?", State.WAITING)]
        assert [claim.state for claim in (left, gone) if claim] == [State.REMOVING]
