"""Each step of a claim, over both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from bot.claims import Claim, Ending, Ledger, State, Trigger
from bot.types import Reply


async def test_a_question_is_claimed_once(ledger: Ledger, ask: Any) -> None:
    asked = ask(version="1", origin="o", address="https://secret")
    assert not await ledger.known("k")
    assert await ledger.claim(asked) == Claim(asked, State.WAITING)
    assert await ledger.known("k")
    assert await ledger.claim(ask(text="again")) is None


async def test_one_of_many_claimers_gets_it(opened: Any, ask: Any) -> None:
    ledgers = [await opened(), await opened()]
    for key in "abc":
        claims = await asyncio.gather(*(ledgers[i % 2].claim(ask(key, message=str(i))) for i in range(20)))
        assert sum(claim is not None for claim in claims) == 1


async def test_what_postgres_refuses_is_cleaned(ledger: Ledger, ask: Any, reply: Reply) -> None:
    claim = await ledger.claim(ask("k\0\ud800", text="nul\0 and half\udc00", user="U\0"))
    assert claim is not None
    assert claim.asked.text == "nul and half\ufffd"
    assert await ledger.start(replace(claim, asked=replace(claim.asked, key="k\0\ud800")))
    assert await ledger.hold(claim, "r\0")
    odd = replace(reply, text="a\0b", highlights=((2, 3),))
    assert await ledger.finish(claim, Ending.ANSWERED, odd) is None
    turn = await ledger.turn("k\0\ud800")
    assert turn is not None
    assert (turn.reply, turn.message) == (odd, "r")


async def test_the_way_of_a_claim(ledger: Ledger, ask: Any, reply: Reply) -> None:
    claim = await ledger.claim(ask())
    assert claim is not None
    assert await ledger.current(claim) == claim
    assert await ledger.start(claim)
    assert await ledger.start(claim)
    assert await ledger.current(claim) == replace(claim, state=State.POSTING)
    assert await ledger.hold(claim, "r1", streaming=True)
    assert await ledger.current(claim) == replace(claim, state=State.POSTING, reply="r1", streaming=True)
    assert await ledger.hold(claim, "r1")
    assert await ledger.finish(claim, Ending.ANSWERED, reply) is None
    assert await ledger.current(claim) is None
    assert not await ledger.start(claim)
    assert await ledger.finish(claim, Ending.FAILED) is None
    turn = await ledger.turn("k")
    assert turn is not None
    assert turn.ending is Ending.ANSWERED


async def test_a_claim_can_end_without_having_begun(ledger: Ledger, ask: Any) -> None:
    claim = await ledger.claim(ask())
    assert await ledger.finish(claim, Ending.LIMITED) is None
    assert await ledger.current(claim) is None
    assert await ledger.turn("k") is None


async def test_the_address_of_a_private_reply_is_forgotten(
    ledger: Ledger, ask: Any, reply: Reply, execute: Any
) -> None:
    claim = await ledger.claim(ask(address="https://secret", trigger=Trigger.COMMAND))
    assert (await ledger.current(claim)).asked.address == "https://secret"
    await ledger.finish(claim, Ending.ANSWERED, reply)
    assert await execute("SELECT address FROM claims") == [{"address": ""}]
    assert (await ledger.turn("k")).asked.address == ""


async def test_a_reply_belongs_to_one_claim(ledger: Ledger, ask: Any) -> None:
    first, second = await ledger.claim(ask("1")), await ledger.claim(ask("2"))
    elsewhere = await ledger.claim(ask("3", channel="C2"))
    assert await ledger.hold(first, "r")
    assert not await ledger.hold(second, "r")
    assert (await ledger.current(second)).reply == ""
    assert await ledger.hold(elsewhere, "r")
    assert await ledger.hold(first, "other")
    assert await ledger.hold(second, "r")
    assert await ledger.hold(first, "")
    assert (await ledger.current(first)).reply == ""


async def test_two_at_once_cannot_hold_the_same_reply(opened: Any, ask: Any) -> None:
    ledgers = [await opened(), await opened()]
    claims = [await ledgers[i % 2].claim(ask(str(i))) for i in range(6)]
    held = await asyncio.gather(*(ledgers[i % 2].hold(claim, "r") for i, claim in enumerate(claims)))
    assert sum(held) == 1


async def test_a_reply_is_recorded_by_whoever_has_posted_it(opened: Any, ask: Any, reply: Reply) -> None:
    late, new = await opened(lease=0.0), await opened()
    claim = await late.claim(ask())
    assert await late.start(claim)
    [taken] = await new.take_over()
    assert await late.hold(claim, "r1")
    assert (await new.current(taken)).reply == "r1"
    assert await new.hold(taken, "r2")
    assert not await late.hold(claim, "r1")
    assert await late.hold(claim, "r2")
    assert (await new.current(taken)).reply == "r2"


async def test_a_reply_of_an_unknown_claim_is_nobody_elses(ledger: Ledger, ask: Any) -> None:
    assert await ledger.hold(Claim(ask("purged"), State.POSTING), "r")


async def test_who_lost_a_claim_can_do_nothing_with_it(opened: Any, ask: Any, reply: Reply) -> None:
    late, new = await opened(lease=0.0), await opened()
    claim = await late.claim(ask())
    [taken] = await new.take_over()
    assert taken == replace(claim, recovered=True)
    assert not await late.start(claim)
    assert await late.current(claim) is None
    assert await late.finish(claim, Ending.ANSWERED, reply) is None
    await late.renew()
    await late.release()
    assert await late.turn("k") is None
    assert await new.start(taken)
    assert await new.finish(taken, Ending.ANSWERED, reply) is None
    assert (await new.turn("k")).reply == reply


async def test_oldest_claims_are_taken_over_first_with_all_that_is_known(opened: Any, ask: Any) -> None:
    late, new = await opened(lease=0.0), await opened()
    young = await late.claim(ask("young", asked_at=300.0))
    old = await late.claim(ask("old", asked_at=200.0, address="https://secret"))
    done = await late.claim(ask("done", asked_at=100.0))
    await late.finish(done, Ending.SILENT)
    assert await late.start(old)
    assert await late.hold(old, "r", streaming=True)
    assert await new.take_over() == [
        replace(old, state=State.POSTING, reply="r", streaming=True, recovered=True),
        replace(young, recovered=True),
    ]
    assert await new.take_over() == []


async def test_a_claim_is_taken_over_by_one(opened: Any, ask: Any) -> None:
    late, first, second = await opened(lease=0.0), await opened(), await opened()
    for i in range(12):
        await late.claim(ask(str(i)))
    taken = await asyncio.gather(*(ledger.take_over() for ledger in (first, second) * 3))
    keys = [claim.asked.key for claims in taken for claim in claims]
    assert sorted(keys) == sorted(map(str, range(12)))


async def test_a_lease_that_is_renewed_goes_on(opened: Any, ask: Any, execute: Any) -> None:
    one, other = await opened(), await opened()
    claims = {key: await one.claim(ask(key)) for key in ("kept", "done")}
    await one.finish(claims["done"], Ending.SILENT)
    assert await other.take_over() == []
    await execute("UPDATE claims SET lease_until = 0 WHERE owner IS NOT NULL")
    await one.renew()
    assert await other.take_over() == []
    await execute("UPDATE claims SET lease_until = 0 WHERE owner IS NOT NULL")
    assert [claim.asked.key for claim in await other.take_over()] == ["kept"]
    await execute("UPDATE claims SET lease_until = 0 WHERE owner IS NOT NULL")
    await one.renew()
    await other.renew()
    assert await one.take_over() == []


async def test_a_process_does_not_take_over_from_itself(opened: Any, ask: Any) -> None:
    ledger = await opened(lease=0.0)
    claim = await ledger.claim(ask())
    assert await ledger.take_over() == []
    assert await ledger.start(claim)


async def test_what_is_released_is_taken_over_at_once(opened: Any, ask: Any) -> None:
    one, other = await opened(), await opened()
    claim = await one.claim(ask())
    await one.release()
    assert not await one.start(claim)
    assert await other.take_over() == [replace(claim, recovered=True)]


async def test_what_is_not_to_be_answered_is_claimed_and_done_at_once(opened: Any, ask: Any) -> None:
    one, other = await opened(lease=0.0), await opened(lease=0.0)
    claim = await one.claim(ask(), Ending.DENIED)
    assert claim is not None
    assert claim.state is State.DONE
    assert await one.claim(ask()) is None
    assert await other.take_over() == []
    assert not await one.start(claim)
    assert await one.edit(ask(text="And now?", version="2")) is None
    await one.renew()


async def test_one_platform_can_be_released_alone(opened: Any, ask: Any) -> None:
    one, other = await opened(), await opened()
    first = await one.claim(replace(ask("first"), platform="slack"))
    second = await one.claim(replace(ask("second"), platform="discord"))
    await one.release(("discord", "terminal"))
    assert await one.start(first)
    assert not await one.start(second)
    assert await other.take_over() == [replace(second, recovered=True)]
    third = await other.claim(replace(ask("third"), platform="discord"))
    await other.release(("discord",))
    # The same process may take up again what it let go of.
    assert await other.take_over() == [replace(second, recovered=True), replace(third, recovered=True)]


async def test_a_claim_whose_answer_was_lost_is_taken_over(
    opened: Any, ask: Any, reply: Reply, execute: Any, lose: Any
) -> None:
    ledger = await opened()
    with lose(ledger):
        await ledger.claim(ask("claimed"))
    finished = await ledger.claim(ask("finished"))
    started = await ledger.claim(ask("started"))
    again = await ledger.claim(ask("again"))
    with lose(ledger):
        await ledger.finish(finished, Ending.ANSWERED, reply)
    with lose(ledger):
        await ledger.start(started)
    with lose(ledger):
        await ledger.start(again)
    assert await ledger.claim(ask("claimed")) is None
    assert await ledger.finish(finished, Ending.ANSWERED, reply) is None
    assert await ledger.hold(again, "r")
    await execute("UPDATE claims SET lease_until = 0 WHERE owner IS NOT NULL")
    await ledger.renew()
    taken = await ledger.take_over()
    assert [(claim.asked.key, claim.state) for claim in taken] == [
        ("claimed", State.WAITING),
        ("started", State.POSTING),
    ]


async def test_a_finished_claim_can_be_asked_for_what_came_next_again(
    ledger: Ledger, ask: Any, reply: Reply, lose: Any
) -> None:
    claim = await ledger.claim(ask())
    await ledger.edit(ask(text="Other?", version="2"))
    with lose(ledger):
        await ledger.finish(claim, Ending.ANSWERED, reply)
    rest = await ledger.finish(claim, Ending.ANSWERED, reply)
    assert (rest.asked.text, rest.state) == ("Other?", State.WAITING)


async def test_nothing_to_do_is_no_error(ledger: Ledger) -> None:
    for call in (ledger.take_over, ledger.release, ledger.renew, ledger.ping):
        assert not await call()


async def test_nobody_takes_over_what_only_others_can_answer(opened: Any, ask: Any) -> None:
    gone, other = await opened(lease=0), await opened()
    for platform in ("slack", "discord"):
        await gone.claim(ask(platform, platform=platform))
    assert await other.take_over([]) == []
    assert [claim.asked.key for claim in await other.take_over(["discord"])] == ["discord"]
    assert [claim.asked.key for claim in await other.take_over()] == ["slack"]
