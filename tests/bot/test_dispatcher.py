"""The dispatcher over a platform in memory, with a real ledger and an assistant that answers when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field, replace

import pytest

from bot.actions import Actions, Desk
from bot.claims import Asked, Feedback, Reason, Trigger, Verdict
from bot.composer import Composer
from bot.delivery import Delivery
from bot.dispatcher import Dispatcher
from bot.errors import (
    AnswerFailed,
    Gone,
    LedgerUnavailable,
    Overloaded,
    QuestionRefused,
    Rejected,
    Throttled,
    Uncertain,
    Unreachable,
)
from bot.ledger import open_ledger
from bot.limits import Access, Limits
from bot.messages import messages_in
from bot.types import Outcome, Question, Reply
from tests.standin.surface import MemorySurface

EN = messages_in("en")


def asked(key: str = "p:1", text: str = "When is it?", **changes) -> Asked:
    base = Asked(key, "p", "T", "C", key, "thread", "U", text, Trigger.MENTION, time.time())
    return replace(base, **changes)


@dataclass
class Oracle:
    """Answers "answer to QUESTION"; ``hold`` lets it wait, ``outcome`` and ``support`` say how sure it is."""

    outcome: Outcome = Outcome.ANSWERED
    support: float = 0.9
    error: Exception | None = None
    hold: asyncio.Event | None = None
    asked: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Reply:
        self.asked.append(question)
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        return Reply(self.outcome, f"answer to {question.text}", None, "en", (), self.support)


LIMITS, ACCESS, DESK = Limits(), Access(), Desk()


class Bench:
    """A dispatcher with all its parts."""

    def __init__(self, ledger, *, limits=LIMITS, access=ACCESS, desk=DESK, grace=0.0, open_after=0.0) -> None:
        self.ledger = ledger
        self.oracle = Oracle()
        self.surface = MemorySurface()
        composer = Composer(
            self.oracle.ask,
            ledger,
            detect=lambda text: "en",
            is_question=lambda text: text.endswith("?"),
            is_courtesy=lambda text: text == "Hello",
            auto_support=0.8,
            concurrent=limits.concurrent,
        )
        self.dispatcher = Dispatcher(
            composer, ledger, Delivery(ledger, interval=0), limits, lease=15.0, grace=grace, open_after=open_after
        )
        self.dispatcher.attach("p", self.surface, access)
        self.actions = Actions(ledger, self.dispatcher, desk)

    async def settle(self) -> None:
        """Wait until no claim is at work."""
        while tasks := list(self.dispatcher._tasks.values()):
            await asyncio.wait(tasks)
            await asyncio.sleep(0)

    async def until(self, condition) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - nothing tells when it is so
                await asyncio.sleep(0.001)


async def ended(task: asyncio.Task) -> None:
    """Cancel a task and see it out: its ledger must not be closed under it."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def ledger(tmp_path):
    async with open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


@pytest.fixture
def bench(ledger, monkeypatch):
    monkeypatch.setattr("bot.delivery.FIRST_RETRY", 0.001)
    return Bench(ledger, grace=5.0, open_after=5.0)


async def test_every_delivery_of_one_message_is_one_question(bench):
    new = await asyncio.gather(*(bench.dispatcher.receive(asked()) for _ in range(10)))
    await bench.settle()
    assert new.count(True) == 1
    assert bench.surface.texts() == ["answer to When is it?"]
    turn = await bench.ledger.turn("p:1")
    assert turn.reply.text == "answer to When is it?"
    assert turn.message in bench.surface.messages


async def test_who_is_turned_away_is_told_once_and_nothing_is_answered(bench):
    await asyncio.gather(*(bench.dispatcher.deny(asked()) for _ in range(3)))
    await bench.dispatcher.deny(asked("p:2", trigger=Trigger.FOLLOW_UP))  # did not speak to the bot
    assert not await bench.dispatcher.receive(asked())
    await bench.dispatcher.revise(asked(text="And now?", version="2"))
    await bench.settle()
    assert bench.surface.private == [("U", EN.not_allowed)]
    assert bench.surface.texts() == []
    assert bench.oracle.asked == []


async def test_who_was_turned_away_is_not_answered_by_the_next_process(ledger, tmp_path):
    await Bench(ledger).dispatcher.deny(asked())
    async with open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db", lease=0.0) as later:
        following = Bench(later)
        running = asyncio.create_task(following.dispatcher.run())
        await following.until(lambda: not following.dispatcher._attached.is_set())
        await following.settle()
        await ended(running)
    assert following.surface.texts() == []


async def test_what_is_taken_over_while_its_platform_goes_is_let_go_of_again(ledger, monkeypatch):
    bench = Bench(ledger)
    await ledger.claim(asked())
    await ledger.release()
    take_over, gone = ledger.take_over, []

    async def slowly(platforms=None):
        taken = await take_over(platforms)
        if taken and not gone:
            gone.append(bench.dispatcher._platforms.pop("p"))  # as detach does, which has just released its claims
        return taken

    monkeypatch.setattr(ledger, "take_over", slowly)
    running = asyncio.create_task(bench.dispatcher.run())
    await bench.until(lambda: gone)
    bench.dispatcher.attach("p", bench.surface, Access())
    await bench.until(bench.surface.texts)
    await bench.settle()
    await ended(running)
    assert bench.surface.texts() == ["answer to When is it?"]


@pytest.mark.parametrize("trigger", [Trigger.COMMAND, Trigger.OPEN_COMMAND])
async def test_a_command_is_acknowledged_before_it_is_answered_and_only_if_it_is(bench, ledger, trigger):
    await bench.dispatcher.receive(asked(trigger=trigger))
    await bench.settle()
    assert bench.surface.calls == ["acknowledge", "post"]
    closed = Bench(ledger, access=Access(channels=frozenset({"X"})))
    await closed.dispatcher.receive(asked("p:2", trigger=trigger))
    await closed.settle()
    assert closed.surface.calls == ["whisper"]


@pytest.mark.parametrize("error", [Unreachable("no connection"), Uncertain("lost"), Throttled("too fast", 0.001)])
async def test_an_acknowledgement_is_repeated_until_it_arrives(bench, error):
    for _ in range(3):
        bench.surface.fail("acknowledge", error)
    await bench.dispatcher.receive(asked(trigger=Trigger.OPEN_COMMAND))
    await bench.settle()
    assert bench.surface.acknowledged == ["p:1"]
    assert bench.surface.texts() == ["answer to When is it?"]


@pytest.mark.parametrize("error", [Rejected("no"), Gone("unknown interaction"), Throttled("too fast", 60.0)])
async def test_an_acknowledgement_that_does_not_arrive_is_no_reason_not_to_answer(bench, error):
    bench.surface.fail("acknowledge", error)
    await bench.dispatcher.receive(asked(trigger=Trigger.OPEN_COMMAND))
    await bench.settle()
    assert bench.surface.texts() == ["answer to When is it?"]


async def test_a_late_acknowledgement_is_tried_once(bench):
    bench.surface.fail("acknowledge", Unreachable("no connection"))
    await bench.dispatcher.receive(asked(trigger=Trigger.OPEN_COMMAND, asked_at=time.time() - 60))
    await bench.settle()
    assert bench.surface.calls == ["acknowledge", "post"]


async def test_what_a_platform_that_is_gone_has_asked_is_answered_once_it_is_back(ledger):
    bench = Bench(ledger)
    bench.oracle.hold = asyncio.Event()
    other = MemorySurface()
    bench.dispatcher.attach("q", other, Access())
    await bench.dispatcher.receive(asked())
    await bench.dispatcher.receive(asked("q:1", platform="q"))
    await bench.until(lambda: len(bench.oracle.asked) == 2)
    await bench.dispatcher.detach("p")
    await bench.dispatcher.detach("p")  # once is enough
    await bench.dispatcher.receive(asked("p:2", text="Where is it?", channel="D"))
    bench.oracle.hold.set()
    await bench.settle()
    assert (bench.surface.texts(), other.texts()) == ([], ["answer to When is it?"])
    running = asyncio.create_task(bench.dispatcher.run())
    await bench.until(lambda: not bench.dispatcher._attached.is_set())
    again = MemorySurface()
    bench.dispatcher.attach("p", again, Access())  # long before the lease is looked after the next time
    await bench.until(again.texts)
    await bench.settle()
    await ended(running)
    assert again.texts() == ["answer to When is it?"]
    assert other.texts() == ["answer to When is it?"]


async def test_a_quick_answer_shows_no_sign_of_work(bench):
    await bench.dispatcher.receive(asked())
    await bench.settle()
    assert bench.surface.calls == ["post"]


async def test_a_slow_answer_shows_work_then_opens_a_reply_that_it_completes(ledger):
    bench = Bench(ledger, grace=0.0, open_after=0.01)
    bench.oracle.hold = asyncio.Event()
    await bench.dispatcher.receive(asked())
    await bench.until(lambda: "open" in bench.surface.calls and bench.surface.at_work)
    bench.oracle.hold.set()
    await bench.settle()
    assert not bench.surface.at_work
    assert bench.surface.calls == ["show_work", "open", "close", "hide_work"]
    assert bench.surface.texts() == ["answer to When is it?"]


async def test_a_placeholder_says_how_many_questions_come_before(ledger):
    bench = Bench(ledger, limits=Limits(concurrent=1), grace=5.0, open_after=0.01)
    bench.surface.streams = False
    bench.oracle.hold = asyncio.Event()
    for n in range(4):
        await bench.dispatcher.receive(asked(f"p:{n}"))
    await bench.until(lambda: len(bench.surface.messages) == 4)
    assert bench.surface.texts() == [EN.searching, EN.searching, EN.before_you_one, EN.before_you_many.format(count=2)]
    bench.oracle.hold.set()
    await bench.settle()
    assert bench.surface.texts() == ["answer to When is it?"] * 4


async def test_a_private_question_has_no_reply_in_the_making(ledger):
    bench = Bench(ledger, grace=0.0, open_after=0.0)
    bench.oracle.hold = asyncio.Event()
    await bench.dispatcher.receive(asked(trigger=Trigger.COMMAND, address="https://secret"))
    await bench.until(lambda: bench.surface.at_work)
    bench.oracle.hold.set()
    await bench.settle()
    assert bench.surface.calls == ["acknowledge", "show_work", "post", "hide_work"]
    assert bench.surface.private == [("U", "answer to When is it?")]


async def test_the_sign_of_work_goes_before_the_end_is_recorded(ledger):
    bench = Bench(ledger, grace=0.0, open_after=60.0)
    bench.oracle.hold, bench.surface.gates["hide_work"] = asyncio.Event(), asyncio.Event()
    await bench.dispatcher.receive(asked())
    await bench.until(lambda: bench.surface.at_work)
    bench.oracle.hold.set()
    await bench.until(lambda: "hide_work" in bench.surface.calls)
    assert await ledger.turn("p:1") is None
    bench.surface.gates["hide_work"].set()
    await bench.settle()
    assert await ledger.turn("p:1") is not None


async def test_a_sign_that_does_not_go_does_not_keep_a_question_open(ledger, monkeypatch):
    monkeypatch.setattr("bot.dispatcher.SIGN_PATIENCE", 0.01)
    bench = Bench(ledger, grace=0.0, open_after=60.0)
    bench.oracle.hold, bench.surface.gates["hide_work"] = asyncio.Event(), asyncio.Event()
    await bench.dispatcher.receive(asked())
    await bench.until(lambda: bench.surface.at_work)
    bench.oracle.hold.set()
    await bench.settle()
    assert await ledger.turn("p:1") is not None


# What is not answered.


@pytest.mark.parametrize(
    ("access", "sentence"),
    [(Access(channels=frozenset({"X"})), EN.not_allowed), (Access(users=frozenset({"X"})), EN.not_allowed)],
)
async def test_who_is_not_allowed_is_told_so_in_private(ledger, access, sentence):
    bench = Bench(ledger, access=access)
    await bench.dispatcher.receive(asked())
    await bench.dispatcher.receive(asked("p:2", trigger=Trigger.FOLLOW_UP))
    await bench.settle()
    assert bench.surface.private == [("U", sentence)]
    assert bench.surface.texts() == []
    assert bench.oracle.asked == []


async def test_who_asks_too_often_gets_a_private_word_and_others_do_not_suffer(ledger):
    bench = Bench(ledger, limits=Limits(per_minute=2))
    for n in range(4):
        await bench.dispatcher.receive(asked(f"p:{n}"))
        await bench.settle()
    await bench.dispatcher.receive(asked("p:other", user="V"))
    await bench.settle()
    assert len(bench.surface.texts()) == 3
    assert bench.surface.private == [("U", EN.slow_down.format(seconds=60))] * 2


async def test_a_full_queue_turns_questions_away_in_private(ledger):
    bench = Bench(ledger, limits=Limits(queue=2, per_minute=0), grace=5.0, open_after=5.0)
    bench.oracle.hold = asyncio.Event()
    for n in range(4):
        await bench.dispatcher.receive(asked(f"p:{n}"))
        await bench.until(lambda n=n: len(bench.oracle.asked) + len(bench.surface.private) == n + 1)
    bench.oracle.hold.set()
    await bench.settle()
    assert bench.surface.private == [("U", EN.overloaded)] * 2
    assert len(bench.surface.texts()) == 2


@pytest.mark.parametrize(
    ("error", "shown"),
    [(QuestionRefused("too long"), "too long"), (AnswerFailed("it broke"), "it broke"), (Overloaded("busy"), "busy")],
)
async def test_an_error_becomes_one_reply(bench, error, shown):
    bench.oracle.error = error
    await bench.dispatcher.receive(asked())
    await bench.settle()
    assert bench.surface.texts() == [shown]
    assert await bench.ledger.turn("p:1") is None


async def test_a_fault_of_ours_is_confessed_and_not_repeated(bench, caplog):
    bench.oracle.error = ZeroDivisionError("oops")
    await bench.dispatcher.receive(asked())
    await bench.settle()
    assert bench.surface.private == [("U", EN.failed)]
    assert await bench.ledger.take_over() == []


@pytest.mark.parametrize("text", ["  ", "Hello"])
async def test_a_mention_that_asks_nothing_gets_a_hint(bench, text):
    await bench.dispatcher.receive(asked(text=text))
    await bench.settle()
    assert bench.surface.texts() == [EN.ask_me]
    assert bench.oracle.asked == []


async def test_a_platform_that_refuses_ends_the_question(bench, caplog):
    bench.surface.fail("post", Rejected("is_archived"))
    await bench.dispatcher.receive(asked())
    await bench.settle()
    assert "is_archived" in caplog.text
    assert await bench.ledger.take_over() == []


# Speaking without being asked.


@pytest.mark.parametrize(
    ("text", "outcome", "support", "spoken"),
    [
        ("When is it?", Outcome.ANSWERED, 0.9, True),
        ("When is it?", Outcome.ANSWERED, 0.7, False),
        ("When is it?", Outcome.NOT_FOUND, 0.1, False),
        ("It is late", Outcome.ANSWERED, 0.9, False),
    ],
)
async def test_an_automatic_answer_needs_a_question_and_high_support(bench, text, outcome, support, spoken):
    bench.oracle.outcome, bench.oracle.support = outcome, support
    await bench.dispatcher.receive(asked(text=text, trigger=Trigger.AUTO))
    await bench.settle()
    assert bool(bench.surface.texts()) is spoken
    assert bench.surface.private == []


async def test_what_people_tell_each_other_is_not_kept(bench):
    await bench.dispatcher.receive(asked(text="It is late", trigger=Trigger.AUTO))
    assert not await bench.ledger.known("p:1")


@pytest.mark.parametrize(
    ("text", "outcome", "support", "spoken"),
    [
        ("And where?", Outcome.ANSWERED, 0.6, True),
        ("And where?", Outcome.NOT_FOUND, 0.1, True),
        ("Thank you", Outcome.NOT_FOUND, 0.1, False),
        ("Thank you", Outcome.ANSWERED, 0.6, False),
        ("The price of it", Outcome.ANSWERED, 0.9, True),
    ],
)
async def test_a_follow_up_is_answered_where_it_asks_or_is_sure(bench, text, outcome, support, spoken):
    bench.oracle.outcome, bench.oracle.support = outcome, support
    await bench.dispatcher.receive(asked(text=text, trigger=Trigger.FOLLOW_UP))
    await bench.settle()
    assert bool(bench.surface.texts()) is spoken


# Edits and deletions.


async def test_an_edit_changes_the_answer_in_place(bench):
    await bench.dispatcher.receive(asked())
    await bench.settle()
    await bench.dispatcher.revise(asked(text="Where is it?", version="1"))
    await bench.settle()
    assert bench.surface.calls == ["post", "update"]
    assert bench.surface.texts() == ["answer to Where is it?"]
    assert (await bench.ledger.turn("p:1")).reply.text == "answer to Where is it?"


async def test_an_older_edit_that_arrives_late_changes_nothing(bench):
    await bench.dispatcher.receive(asked())
    await bench.dispatcher.revise(asked(text="third", version="3"))
    await bench.dispatcher.revise(asked(text="second", version="2"))
    await bench.settle()
    assert bench.surface.texts() == ["answer to third"]


async def test_an_edit_while_the_answer_is_sought_is_answered_instead(bench):
    bench.oracle.hold = asyncio.Event()
    await bench.dispatcher.receive(asked())
    await bench.until(lambda: bench.oracle.asked)
    await bench.dispatcher.revise(asked(text="Where is it?", version="1"))
    bench.oracle.hold.set()
    await bench.settle()
    assert bench.surface.texts() == ["answer to Where is it?"]


async def test_an_edit_while_the_answer_is_posted_updates_it(bench):
    bench.surface.gates["post"] = asyncio.Event()
    await bench.dispatcher.receive(asked())
    await bench.until(lambda: "post" in bench.surface.calls)
    await bench.dispatcher.revise(asked(text="Where is it?", version="1"))
    bench.surface.gates["post"].set()
    await bench.settle()
    assert bench.surface.texts() == ["answer to Where is it?"]


async def test_an_edit_that_addresses_the_bot_asks_it(bench):
    await bench.dispatcher.revise(asked(version="1"))
    await bench.dispatcher.revise(asked("p:2", version="1", trigger=Trigger.FOLLOW_UP))
    await bench.settle()
    assert bench.surface.texts() == ["answer to When is it?"]


async def test_a_deleted_question_takes_its_answer_along(bench):
    await bench.dispatcher.receive(asked())
    await bench.settle()
    await bench.dispatcher.withdraw("p:1")
    await bench.settle()
    assert bench.surface.texts() == []
    assert await bench.ledger.turn("p:1") is None


@pytest.mark.parametrize("moment", ["ask", "post"])
async def test_a_question_deleted_on_the_way_leaves_nothing(bench, moment):
    bench.oracle.hold = asyncio.Event()
    bench.surface.gates["post"] = asyncio.Event()
    await bench.dispatcher.receive(asked())
    if moment == "post":
        bench.oracle.hold.set()
        await bench.until(lambda: "post" in bench.surface.calls)
    else:
        await bench.until(lambda: bench.oracle.asked)
    await bench.dispatcher.withdraw("p:1")
    bench.oracle.hold.set()
    bench.surface.gates["post"].set()
    await bench.settle()
    assert bench.surface.texts() == []
    await bench.dispatcher.receive(asked())  # a late retry of the original
    await bench.settle()
    assert bench.surface.texts() == []


async def test_deletion_of_an_unknown_message_is_nothing(bench):
    await bench.dispatcher.withdraw("p:unknown")
    await bench.settle()
    assert bench.surface.calls == []


# Stops and restarts.


async def test_drain_finishes_what_is_at_work(bench):
    bench.oracle.hold = asyncio.Event()
    for n in range(5):
        await bench.dispatcher.receive(asked(f"p:{n}"))
    await bench.until(lambda: len(bench.oracle.asked) == 5)
    draining = asyncio.create_task(bench.dispatcher.drain(5.0))
    await asyncio.sleep(0)
    bench.oracle.hold.set()
    await draining
    assert len(bench.surface.texts()) == 5


async def test_what_drain_leaves_is_answered_by_the_next_process_once(bench, tmp_path):
    bench.oracle.hold = asyncio.Event()
    await bench.dispatcher.receive(asked())
    await bench.until(lambda: bench.oracle.asked)
    await bench.dispatcher.drain(0.0)
    await bench.dispatcher.receive(asked("p:2"))  # arrives while the process is on its way out
    await bench.dispatcher.close()
    assert bench.surface.texts() == []

    async with open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db") as ledger:
        following = Bench(ledger)
        following.surface = bench.surface
        following.dispatcher.attach("p", bench.surface, Access())
        keeper = asyncio.create_task(following.dispatcher.run())
        await bench.until(lambda: len(bench.surface.texts()) == 2)
        await following.settle()
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
    assert bench.surface.texts() == ["answer to When is it?"] * 2


async def test_closing_ends_what_is_at_work_before_it_lets_go_of_it(bench, monkeypatch):
    posts: list[str] = []
    release = bench.ledger.release

    async def look() -> None:
        posts.append(f"{len(bench.dispatcher._tasks)} at work")
        await release()

    monkeypatch.setattr(bench.ledger, "release", look)
    bench.surface.gates["post"] = asyncio.Event()
    await bench.dispatcher.receive(asked())
    await bench.until(lambda: "post" in bench.surface.calls)
    await bench.dispatcher.close()
    bench.surface.gates["post"].set()
    await bench.settle()
    assert posts == ["0 at work"]
    assert bench.surface.texts() == []


async def test_a_drain_does_not_wait_for_signs(ledger):
    bench = Bench(ledger, grace=0.0, open_after=60.0)
    bench.oracle.hold, bench.surface.gates["hide_work"] = asyncio.Event(), asyncio.Event()
    await bench.dispatcher.receive(asked())
    await bench.until(lambda: bench.surface.at_work)
    await bench.dispatcher.drain(0.0)
    assert bench.surface.at_work  # the next process takes it away
    assert not bench.dispatcher._tasks


async def test_a_question_of_yesterday_is_not_answered_after_a_restart(bench, tmp_path):
    await bench.ledger.claim(asked(asked_at=time.time() - 25 * 3600))
    await bench.ledger.release()
    async with open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db") as ledger:
        following = Bench(ledger)
        for claim in await ledger.take_over():
            following.dispatcher._spawn(claim)
        await following.settle()
        assert following.surface.texts() == []
        assert await ledger.take_over() == []


async def test_without_a_ledger_nothing_is_received(bench, monkeypatch):
    async def down(_):
        raise LedgerUnavailable("down")

    monkeypatch.setattr(bench.ledger, "claim", down)
    with pytest.raises(LedgerUnavailable):
        await bench.dispatcher.receive(asked())
    assert bench.surface.calls == []


async def test_a_ledger_that_fails_on_the_way_delays_the_answer_and_does_not_double_it(bench, monkeypatch):
    real, failures = bench.ledger.hold, iter([True, True, False])

    async def flaky(*arguments, **options):
        if next(failures):
            raise LedgerUnavailable("down")
        return await real(*arguments, **options)

    monkeypatch.setattr(bench.ledger, "hold", flaky)
    await bench.dispatcher.receive(asked())
    await bench.settle()
    assert bench.surface.texts() == ["answer to When is it?"]
    assert (await bench.ledger.turn("p:1")).message


# Buttons.


async def test_feedback_is_kept_forwarded_and_changed_in_place(ledger):
    bench = Bench(ledger, desk=Desk(feedback_channel="FEEDBACK"))
    await bench.dispatcher.receive(asked())
    await bench.settle()
    assert await bench.actions.rate(Feedback("p:1", "V", Verdict.HELPFUL))
    await bench.settle()
    second = Feedback("p:1", "V", Verdict.NOT_HELPFUL, Reason.WRONG, "it is not")
    assert await bench.actions.rate(second)
    await bench.settle()
    assert await ledger.feedback("p:1", "V") == second
    [message] = [m for m in bench.surface.messages.values() if m.channel == "FEEDBACK"]
    assert message.body.feedback == second
    assert not await bench.actions.rate(Feedback("p:unknown", "V", Verdict.HELPFUL))


async def test_a_private_answer_is_shared_once_and_by_its_asker_alone(bench):
    await bench.dispatcher.receive(asked(trigger=Trigger.COMMAND, address="https://secret"))
    await bench.settle()
    assert not await bench.actions.share("p:1", "V", "")
    assert await bench.actions.share("p:1", "U", "")
    assert await bench.actions.share("p:1", "U", "")
    await bench.settle()
    assert bench.surface.texts() == ["Shared"]
    assert (await bench.ledger.turn("p:1:share")).asked.user == "U"


async def test_a_person_is_asked_once(ledger):
    bench = Bench(ledger, desk=Desk(escalation_channel="HELP"))
    await bench.dispatcher.receive(asked())
    await bench.settle()
    assert await bench.actions.escalate("p:1", "V")
    assert await bench.actions.escalate("p:1", "W")
    await bench.settle()
    assert bench.surface.texts("HELP") == ["Escalated"]


async def test_only_the_asker_deletes_and_an_edit_does_not_bring_the_answer_back(bench):
    await bench.dispatcher.receive(asked())
    await bench.settle()
    assert not await bench.actions.delete("p:1", "V")
    assert await bench.actions.delete("p:1", "U")
    assert bench.surface.texts() == []
    await bench.dispatcher.revise(asked(text="Where is it?", version="1"))
    await bench.settle()
    assert bench.surface.texts() == []


async def test_words_that_tell_no_language_are_answered_in_that_of_the_asker(bench):
    bench.dispatcher._composer._detect = lambda text: None
    bench.surface.user_locale = "it-IT"
    await bench.dispatcher.receive(asked(text="Hello"))
    await bench.settle()
    assert bench.surface.texts() == [messages_in("it").ask_me]


async def test_a_private_question_is_put_before_nobody_in_public(ledger):
    """A button that was shown while there was a channel for it."""
    bench = Bench(ledger, desk=Desk(escalation_group="HELPERS"))
    await bench.dispatcher.receive(asked(trigger=Trigger.COMMAND))
    await bench.dispatcher.receive(asked("p:2"))
    await bench.settle()
    assert not await bench.actions.escalate("p:1", "U")
    assert await bench.actions.escalate("p:2", "U")
    await bench.settle()
    assert bench.surface.texts() == ["answer to When is it?", "Escalated"]
