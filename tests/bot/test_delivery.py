"""Delivery over a platform in memory that fails on command, with a real ledger."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.claims import Asked, Claim, State, Trigger
from bot.delivery import Delivery, Outbox
from bot.errors import Gone, Rejected, Throttled, Uncertain, Unreachable, Unsupported
from bot.ledger import open_ledger
from bot.surface import Notice
from tests.standin.surface import MemorySurface


def asked(key: str = "p:1", **changes) -> Asked:
    base = Asked(key, "p", "T", "C", key, "thread", "U", "When?", Trigger.MENTION, 1000.0)
    return replace(base, **changes)


@pytest.fixture
async def ledger(tmp_path):
    async with open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


@pytest.fixture
def surface():
    return MemorySurface()


@pytest.fixture
def delivery(ledger, monkeypatch):
    monkeypatch.setattr("bot.delivery.FIRST_RETRY", 0.001)
    return Delivery(ledger, interval=0)


async def started(ledger, **changes) -> Claim:
    claim = await ledger.claim(asked(**changes))
    assert claim is not None
    assert await ledger.start(claim)
    return claim


BODY = Notice("the answer")


async def test_a_reply_is_posted_once_and_its_id_is_held(ledger, surface, delivery):
    claim = await started(ledger)
    reply = await delivery.deliver(claim, surface, BODY)
    assert surface.texts() == ["the answer"]
    assert (await ledger.current(claim)).reply == reply


async def test_a_post_whose_answer_was_lost_is_found_and_not_repeated(ledger, surface, delivery):
    surface.fail("post", Uncertain("cut"), done=True)
    claim = await started(ledger)
    reply = await delivery.deliver(claim, surface, BODY)
    assert surface.texts() == ["the answer"]
    assert list(surface.messages) == [reply]


async def test_a_post_that_was_lost_before_it_arrived_is_repeated(ledger, surface, delivery):
    surface.fail("post", Uncertain("cut"), done=False)
    surface.fail("find", Uncertain("cut"), done=False)
    await delivery.deliver(await started(ledger), surface, BODY)
    assert surface.texts() == ["the answer"]
    assert surface.calls.count("find") == 2


@pytest.mark.parametrize("error", [Throttled("429", 0.001), Unreachable("refused")])
async def test_what_was_certainly_not_done_is_tried_again_without_a_search(ledger, surface, delivery, error):
    surface.fail("post", error)
    await delivery.deliver(await started(ledger), surface, BODY)
    assert surface.texts() == ["the answer"]
    assert "find" not in surface.calls


async def test_a_rejected_post_is_not_tried_again(ledger, surface, delivery):
    surface.fail("post", Rejected("is_archived"))
    with pytest.raises(Rejected):
        await delivery.deliver(await started(ledger), surface, BODY)
    assert surface.calls == ["post"]


async def test_a_platform_that_never_answers_is_given_up(ledger, surface, monkeypatch):
    monkeypatch.setattr("bot.delivery.FIRST_RETRY", 0.001)
    delivery = Delivery(ledger, interval=0, patience=0.02)
    for _ in range(200):
        surface.fail("post", Unreachable("refused"))
    with pytest.raises(Rejected):
        await delivery.deliver(await started(ledger), surface, BODY)


async def test_a_private_answer_is_sent_at_most_once(ledger, surface, delivery):
    surface.fail("post", Uncertain("cut"), done=True)
    claim = await started(ledger, trigger=Trigger.COMMAND)
    with pytest.raises(Uncertain):
        await delivery.deliver(claim, surface, BODY)
    with pytest.raises(Uncertain):
        await delivery.deliver(replace(claim, recovered=True, state=State.POSTING), surface, BODY)
    assert surface.private == [("U", "the answer")]


async def test_an_older_message_is_not_taken_for_a_post_whose_answer_was_lost(ledger, surface, delivery):
    claim = await delivery.open(await started(ledger), surface, "looking")
    surface.fail("close", Unsupported("no"))
    surface.fail("update", Unsupported("cant_update_message"))
    surface.fail("delete", Unsupported("cant_delete_message"))
    surface.fail("post", Uncertain("cut"), done=False)
    surface.messages[claim.reply].body, surface.messages[claim.reply].stream = Notice("looking", final=False), False
    reply = await delivery.deliver(claim, surface, BODY)
    assert surface.texts() == ["looking", "the answer"]
    assert (await ledger.current(claim)).reply == reply


async def test_the_stream_of_another_claim_is_not_taken_for_a_post(ledger, surface, delivery):
    other = replace(await started(ledger, key="p:2"), asked=asked(key="p:2"))
    stream = await surface.open(other)  # which its claim has not noted down yet
    surface.fail("post", Uncertain("cut"), done=False)
    await delivery.deliver(await started(ledger), surface, BODY)
    assert await ledger.hold(other, stream, streaming=True)


@pytest.mark.parametrize("error", [Unsupported("missing_scope"), Gone("thread_not_found")])
async def test_where_nothing_can_be_found_a_post_is_repeated(ledger, surface, delivery, error):
    surface.fail("post", Uncertain("cut"), done=False)
    surface.fail("find", error)
    await delivery.deliver(await started(ledger), surface, BODY)
    assert surface.texts() == ["the answer"]


# The ladder: stream, else update, else post.


async def test_a_stream_is_opened_and_closed(ledger, surface, delivery):
    claim = await delivery.open(await started(ledger), surface, "looking")
    assert claim.streaming
    assert (await ledger.current(claim)).streaming
    await delivery.deliver(claim, surface, BODY)
    assert surface.calls == ["open", "close"]
    assert surface.texts() == ["the answer"]
    assert not (await ledger.current(claim)).streaming


@pytest.mark.parametrize(
    "error", [Unsupported("unknown_method"), Throttled("429", 99.0), Rejected("no"), Unreachable("x")]
)
async def test_without_a_stream_a_placeholder_is_updated(ledger, surface, delivery, error):
    surface.fail("open", error)
    claim = await delivery.open(await started(ledger), surface, "looking")
    assert surface.texts() == ["looking"]
    await delivery.deliver(claim, surface, BODY)
    assert surface.calls == ["open", "post", "update"]
    assert surface.texts() == ["the answer"]


async def test_a_stream_that_cannot_be_closed_is_updated(ledger, surface, delivery):
    claim = await delivery.open(await started(ledger), surface, "looking")
    surface.fail("close", Unsupported("message_not_in_streaming_state"))
    await delivery.deliver(claim, surface, BODY)
    assert surface.calls == ["open", "close", "update"]
    assert surface.texts() == ["the answer"]


@pytest.mark.parametrize("error", [Unsupported("cant_update_message"), Gone("message_not_found")])
async def test_what_cannot_be_updated_is_posted_anew_and_leaves_nothing_behind(ledger, surface, delivery, error):
    claim = await delivery.open(await started(ledger), surface, "looking")
    surface.fail("close", Unsupported("no"))
    surface.fail("update", error)
    reply = await delivery.deliver(claim, surface, BODY)
    assert surface.texts() == ["the answer"]
    assert (await ledger.current(claim)).reply == reply


async def test_a_stream_whose_opening_was_lost_is_found_again(ledger, surface, delivery):
    surface.fail("open", Uncertain("cut"), done=True)
    claim = await delivery.open(await started(ledger), surface, "looking")
    assert claim.streaming
    await delivery.deliver(claim, surface, BODY)
    assert surface.texts() == ["the answer"]


async def test_the_stream_of_another_claim_is_left_alone(ledger, surface, delivery):
    other = await delivery.open(await started(ledger, key="p:2"), surface, "looking")
    surface.fail("open", Uncertain("cut"), done=False)
    claim = await delivery.open(await started(ledger), surface, "looking")
    assert claim.reply != other.reply
    await delivery.deliver(claim, surface, BODY)
    await delivery.deliver(other, surface, Notice("the other answer"))
    assert sorted(surface.texts()) == ["the answer", "the other answer"]


@pytest.mark.parametrize("error", [Uncertain("500"), Unreachable("refused"), Throttled("429", 0.001)])
async def test_what_makes_room_for_a_new_post_is_deleted_for_sure(ledger, surface, delivery, error):
    surface.streams = False
    claim = await delivery.open(await started(ledger), surface, "looking")
    surface.fail("update", Unsupported("edit_window_closed"))
    surface.fail("delete", error)
    await delivery.deliver(claim, surface, BODY)
    assert surface.texts() == ["the answer"]


# After a crash.


async def recovered(ledger, claim: Claim) -> Claim:
    current = await ledger.current(claim)
    return replace(current, recovered=True)


async def test_a_complete_reply_is_recognised_after_a_crash(ledger, surface, delivery):
    claim = await started(ledger)
    await surface.post(claim, BODY)  # and the process died before it could note the id down
    reply = await delivery.deliver(await recovered(ledger, claim), surface, BODY)
    assert list(surface.messages) == [reply]
    assert surface.calls == ["post", "find"]


async def test_a_placeholder_is_completed_after_a_crash(ledger, surface, delivery):
    claim = await started(ledger)
    await surface.post(claim, Notice("looking", final=False))
    await delivery.deliver(await recovered(ledger, claim), surface, BODY)
    assert surface.texts() == ["the answer"]


async def test_an_open_stream_is_completed_after_a_crash(ledger, surface, delivery):
    claim = await delivery.open(await started(ledger), surface, "looking")
    await delivery.deliver(await recovered(ledger, claim), surface, BODY)
    assert surface.texts() == ["the answer"]


async def test_a_reply_that_never_arrived_is_posted_after_a_crash(ledger, surface, delivery):
    claim = await started(ledger)
    await delivery.deliver(await recovered(ledger, claim), surface, BODY)
    assert surface.texts() == ["the answer"]


async def test_an_answer_to_an_older_version_is_updated_after_a_crash(ledger, surface, delivery):
    claim = await started(ledger)
    await surface.post(claim, Notice("the old answer"))
    newer = replace(claim, asked=replace(claim.asked, version="2"), recovered=True, state=State.POSTING)
    await delivery.deliver(newer, surface, BODY)
    assert surface.texts() == ["the answer"]


async def test_of_two_replies_the_complete_one_is_recognised_after_a_crash(ledger, surface, delivery):
    surface.streams = False
    claim = await delivery.open(await started(ledger), surface, "looking")
    answer = await surface.post(claim, BODY)
    assert await delivery.deliver(await recovered(ledger, claim), surface, BODY) == answer
    assert surface.calls.count("post") == 2


# Removal and order.


async def test_removal_takes_recorded_and_unrecorded_replies_along(ledger, surface, delivery):
    claim = await started(ledger)
    first = await surface.post(claim, BODY)
    await surface.post(claim, BODY)
    other = await surface.post(await started(ledger, key="p:2"), BODY)
    await delivery.remove(replace(claim, reply=first), surface)
    assert list(surface.messages) == [other]


async def test_removal_of_what_is_gone_already_is_no_failure(ledger, surface, delivery):
    await delivery.remove(replace(await started(ledger), reply="m99"), surface)


@pytest.mark.parametrize("error", [Gone("thread_not_found"), Unsupported("missing_scope")])
async def test_removal_takes_the_recorded_reply_along_where_nothing_can_be_found(ledger, surface, delivery, error):
    claim = await started(ledger)
    reply = await surface.post(claim, BODY)
    surface.fail("find", error)
    await delivery.remove(replace(claim, reply=reply), surface)
    assert surface.texts() == []


async def test_removal_after_a_crash_takes_a_stream_along_that_nobody_noted_down(ledger, surface, delivery):
    claim = await started(ledger)
    await surface.open(claim)
    assert await ledger.remove("p:1") is None
    await delivery.remove(await recovered(ledger, claim), surface)
    assert surface.messages == {}


async def test_removal_leaves_the_streams_of_others_alone(ledger, surface, delivery):
    other = await delivery.open(await started(ledger, key="p:2"), surface, "looking")
    unnoted = await surface.open(await started(ledger, key="p:3"))
    claim = await started(ledger)
    await delivery.remove(claim, surface)
    assert set(surface.messages) == {other.reply, unnoted}
    await ledger.hold(await started(ledger, key="p:4"), unnoted, streaming=True)
    await delivery.remove(replace(claim, recovered=True), surface)
    assert set(surface.messages) == {other.reply, unnoted}


async def test_posts_of_one_channel_keep_their_order_while_other_channels_go_on(ledger, surface, delivery):
    surface.gates["post"] = asyncio.Event()
    claims = [await started(ledger, key=f"p:{n}", channel="C") for n in range(5)]
    claims.append(await started(ledger, key="p:other", channel="D"))
    tasks = [asyncio.create_task(delivery.deliver(c, surface, Notice(c.asked.key))) for c in claims]
    while surface.calls.count("post") < 2:  # noqa: ASYNC110 - nothing tells when it is so
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert surface.calls.count("post") == 2  # one for each channel
    surface.gates["post"].set()
    await asyncio.gather(*tasks)
    assert surface.texts("C") == [f"p:{n}" for n in range(5)]


async def test_idle_channels_are_forgotten():
    outbox = Outbox(interval=0)
    for channel in range(100):
        async with outbox.turn("p", str(channel)):
            pass
    assert len(outbox._lanes) <= 1


# The sign of work.


async def work(ledger, surface, delivery, *, after: float = 0.0, text: str = "looking", **changes):
    """What is shown while an answer is sought."""
    claim, answered = replace(await started(ledger), **changes), asyncio.Event()
    task = asyncio.create_task(delivery.show_work(claim, surface, lambda: text, after=after, until=answered))
    while after == 0 and text and "show_work" not in surface.calls:  # noqa: ASYNC110 - nothing tells when it is so
        await asyncio.sleep(0)
    answered.set()
    await task
    return surface.calls


async def test_a_sign_of_work_comes_and_goes(ledger, surface, delivery):
    assert await work(ledger, surface, delivery) == ["show_work", "hide_work"]
    assert not surface.at_work


@pytest.mark.parametrize(("after", "text"), [(60.0, "looking"), (0.0, "")])
async def test_a_quick_answer_or_one_that_nobody_waits_for_needs_no_sign(ledger, surface, delivery, after, text):
    assert await work(ledger, surface, delivery, after=after, text=text) == []


async def test_a_sign_that_may_have_been_shown_is_taken_away(ledger, surface, delivery):
    surface.fail("show_work", Uncertain("cut"), done=True)
    await work(ledger, surface, delivery)
    assert not surface.at_work


@pytest.mark.parametrize("error", [Uncertain("cut"), Unreachable("refused"), Throttled("429", 0.001)])
async def test_a_sign_is_taken_away_for_sure(ledger, surface, delivery, error):
    surface.fail("hide_work", error)
    assert await work(ledger, surface, delivery) == ["show_work", "hide_work", "hide_work"]
    assert not surface.at_work


async def test_the_sign_of_a_process_that_stopped_is_taken_away(ledger, surface, delivery):
    surface.at_work.add("p:1")
    assert await work(ledger, surface, delivery, after=60.0, recovered=True) == ["hide_work"]
    assert not surface.at_work


@pytest.mark.parametrize("error", [Rejected("no"), ZeroDivisionError("oops")])
async def test_nothing_depends_on_a_sign(ledger, surface, delivery, error, caplog):
    surface.fail("show_work", error)
    surface.fail("hide_work", error)
    await work(ledger, surface, delivery)
    assert ("oops" in caplog.text) is isinstance(error, ZeroDivisionError)
