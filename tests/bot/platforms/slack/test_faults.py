"""What goes wrong between the bot and Slack: in the end one answer stands there, by whatever way was left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from bot.messages import messages_in
from bot.service import Pace
from tests.standin.fonte import INTERVAL, Fonte, Oracle, fonte
from tests.standin.slack.faults import Cut, Error, Fault, Hang, RateLimited, Status
from tests.standin.slack.model import Channel, Message
from tests.standin.slack.server import SlackServer

EN = messages_in("en")
QUICK = Pace(post_interval=INTERVAL, grace=60.0, open_after=60.0)
OPENING = Pace(post_interval=INTERVAL, grace=60.0, open_after=0.0)
SHOWING = Pace(post_interval=INTERVAL, grace=0.0, open_after=60.0)

NOT_DONE: dict[str, Callable[[], Fault]] = {
    "429": lambda: RateLimited(0.05),
}
"""What certainly was not done."""
UNCERTAIN: dict[str, Callable[[], Fault]] = {
    "500 before": lambda: Status(500),
    "500 after": lambda: Status(500, after=True),
    "503 before": lambda: Status(503),
    "503 after": lambda: Status(503, after=True),
    "internal error": lambda: Error("internal_error"),
    "fatal error after": lambda: Error("fatal_error", after=True),
    "proxy before": lambda: Status(200),
    "proxy after": lambda: Status(200, after=True),
    "cut before": Cut,
    "cut after": lambda: Cut(after=True),
    "cut within": lambda: Cut(partial=True),
    "reset before": lambda: Cut(reset=True),
    "reset after": lambda: Cut(after=True, reset=True),
    "silence before": Hang,
    "silence after": lambda: Hang(after=True),
}
FAULTS = NOT_DONE | UNCERTAIN


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.FIRST_RETRY", 0.01)
    monkeypatch.setattr("bot.platforms.slack.client.TIMEOUT", aiohttp.ClientTimeout(total=0.3))


class Trial:
    """Every fault in a channel of its own, and one question in each."""

    def __init__(self, slack: SlackServer, *methods: str, faults: dict[str, Callable[[], Fault]] = FAULTS) -> None:
        self.slack = slack
        self.faults = faults
        self.channels = {name: slack.workspace.add_channel(f"f{number}") for number, name in enumerate(faults)}
        self.questions: dict[str, Message] = {}
        for method in methods:
            self.fail(method)

    def fail(self, method: str, skip: int = 0) -> None:
        for name, make in self.faults.items():
            self.slack.fail(method, make(), skip=skip, where=named(self.channels[name]))

    def ask(self, text: str = "When is it?") -> None:
        w = self.slack.workspace
        self.questions = {name: w.say(w.alice, c, f"{w.mention} {text}") for name, c in self.channels.items()}

    async def shown(self) -> None:
        """Wait until something stands in every thread."""
        w = self.slack.workspace
        await self.slack.wait_for(lambda: all(w.answers(m.channel, m.ts) for m in self.questions.values()))

    def found(self) -> dict[str, list[str]]:
        """First lines of what stands in the channels."""
        answers = self.slack.workspace.answers
        return {name: [first(m) for m in answers(channel)] for name, channel in self.channels.items()}

    def all(self, *texts: str) -> dict[str, list[str]]:
        return {name: list(texts) for name in self.channels}


def named(channel: Channel) -> Callable[[Any], bool]:
    """Picks calls about a channel."""
    return lambda arguments: channel.id in (arguments.get("channel"), arguments.get("channel_id"))


def first(message: Message) -> str:
    return message.shown.strip().partition("\n")[0] if message.streaming != "in_progress" else "(a stream)"


async def rest(slack: SlackServer, bot: Fonte) -> None:
    """Wait until all that Slack sent was taken and the bot is at nothing, though some calls may hang for ever."""
    sent = -1
    while sent != len(slack.workspace.deliveries):
        sent = len(slack.workspace.deliveries)
        await slack.settled()
        await bot.idle()


def slow() -> Oracle:
    return Oracle(hold=asyncio.Event())


def endings(tmp_path) -> set[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        return set(connection.execute("SELECT state, ending FROM claims"))


def states(tmp_path) -> set[str]:
    return {state for state, _ in endings(tmp_path)}


DONE = {("done", "answered")}

# Whatever happens to a call, what it was for is there once.


async def test_a_post_is_there_once(slack, tmp_path):
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        trial = Trial(slack, "chat.postMessage")
        trial.ask()
        await rest(slack, bot)
        assert trial.found() == trial.all("The answer to When is it?")
    assert endings(tmp_path) == DONE


async def test_a_post_that_fails_again_and_again_is_there_once(slack, tmp_path):
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        place = named(slack.workspace.general)
        for fault in (Status(503), RateLimited(0.01), Cut(), RateLimited(0.01), Status(500, after=True)):
            slack.fail("chat.postMessage", fault, where=place)
        slack.fail("conversations.replies", Status(500), times=2, where=place)
        slack.fail("conversations.replies", RateLimited(0.01), where=place)
        slack.workspace.say(slack.workspace.alice, slack.workspace.general, f"{slack.workspace.mention} When is it?")
        await rest(slack, bot)
    assert [first(m) for m in slack.workspace.answers(slack.workspace.general)] == ["The answer to When is it?"]
    assert len(slack.calls("chat.postMessage")) == 5


async def test_the_opening_of_a_stream_leaves_one_reply(slack, tmp_path):
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        trial = Trial(slack, "chat.startStream")
        trial.ask()
        await trial.shown()
        oracle.hold.set()
        await rest(slack, bot)
        assert trial.found() == trial.all("The answer to When is it?")
    assert endings(tmp_path) == DONE


@pytest.mark.parametrize("method", ["chat.stopStream", "chat.update"])
async def test_the_end_of_a_reply_is_there_once(slack, tmp_path, method):
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        trial = Trial(slack, method)
        if method == "chat.update":
            slack.fail("chat.startStream", Error("unknown_method"), times=len(FAULTS))
        trial.ask()
        await trial.shown()
        oracle.hold.set()
        await rest(slack, bot)
        assert trial.found() == trial.all("The answer to When is it?")
    assert endings(tmp_path) == DONE


async def test_an_edit_changes_the_answer(slack, tmp_path):
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        trial = Trial(slack, "chat.update")
        trial.ask()
        await rest(slack, bot)
        for question in trial.questions.values():
            slack.workspace.edit(question, f"{slack.workspace.mention} Where is it?")
        await rest(slack, bot)
        assert trial.found() == trial.all("The answer to Where is it?")


async def test_a_deleted_question_takes_its_answer_along(slack, tmp_path):
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        trial = Trial(slack, "chat.delete")
        trial.ask()
        await rest(slack, bot)
        for question in trial.questions.values():
            slack.workspace.delete(question)
        await rest(slack, bot)
        assert trial.found() == trial.all()
    assert states(tmp_path) == {"removed"}


@pytest.mark.parametrize("method", ["reactions.add", "reactions.remove", "assistant.threads.setStatus"])
async def test_no_sign_of_work_stays(slack, tmp_path, method):
    slack.workspace.assistant_status_in_channels = method == "assistant.threads.setStatus"
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        trial = Trial(slack, method)
        trial.ask()
        await slack.wait_for(lambda: len(slack.calls(method.replace("remove", "add"))) >= len(FAULTS))
        oracle.hold.set()
        await rest(slack, bot)
        assert trial.found() == trial.all("The answer to When is it?")
        assert [name for name, question in trial.questions.items() if question.reactions] == []
        assert slack.workspace.statuses == {}
    assert endings(tmp_path) == DONE


# What one person alone sees cannot be found again: it is said once, or not at all.


async def test_a_private_answer_is_sent_at_most_once(slack, tmp_path, caplog):
    w = slack.workspace
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        for name, make in FAULTS.items():
            slack.fail("response_url", make(), where=lambda arguments, name=name: f" {name}?" in arguments["text"])
            w.slash(w.alice, w.add_channel(f"c{len(w.channels)}"), f"After {name}?")
        await rest(slack, bot)
        found = sorted(first(m).removeprefix("The answer to After ") for m in w.ephemerals_for(w.alice))
    done = [name for name in FAULTS if "after" in name or name in NOT_DONE or name == "cut within"]
    assert found == sorted(f"{name}?" for name in done)
    assert endings(tmp_path) == DONE | {("done", "undelivered")}


async def test_a_private_word_is_said_at_most_once(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, pace=QUICK, slack={"allowed_channels": (w.general.id,)}) as bot:
        trial = Trial(slack, "chat.postEphemeral")
        trial.ask()
        await rest(slack, bot)
        found = {name: [m.text for m in w.ephemerals_for(w.alice, c)] for name, c in trial.channels.items()}
    certain = {name for name in FAULTS if "before" not in name and name != "internal error"}
    assert found == {name: [EN.not_allowed] if name in certain else [] for name in FAULTS}


# Slack's limits, and Slack out of reach.


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "chat.delete"])
async def test_nothing_is_sent_before_the_time_that_slack_says(slack, tmp_path, method):
    w = slack.workspace
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        slack.fail(method, RateLimited(0.2), times=2)
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
        if method == "chat.update":
            w.edit(question, f"{w.mention} Where is it?")
        elif method == "chat.delete":
            w.delete(question)
        await rest(slack, bot)
    calls = slack.calls(method)
    assert [call.handled for call in calls] == [False, False, True]
    assert all(later.at - earlier.at >= 0.2 for earlier, later in zip(calls, calls[1:], strict=False))


async def test_an_answer_waits_for_a_slack_out_of_reach(slack, tmp_path, caplog):
    w, oracle = slack.workspace, slow()
    pace = Pace(post_interval=INTERVAL, grace=60.0, open_after=60.0, ping_interval=0.1)
    async with fonte(slack, tmp_path, oracle=oracle, pace=pace) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: oracle.questions)
        await slack.settled()
        await slack.down()
        with caplog.at_level(logging.INFO, "bot.delivery"):
            oracle.hold.set()
            await slack.wait_for(lambda: "will try again: chat.postMessage: no connection" in caplog.text)
        await slack.up()
        await rest(slack, bot)
    assert [first(m) for m in w.answers(w.general, question.ts)] == ["The answer to When is it?"]
    assert len(w.answers(w.general)) == 1


async def test_a_burst_of_fifty_is_answered_in_order_and_never_too_fast(slack, tmp_path):
    w = slack.workspace
    channels = [w.add_channel(f"burst{number}") for number in range(10)]
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        for number in range(50):
            w.say(w.alice, channels[number % 10], f"{w.mention} Question {number}?", copies=1 + number % 2)
        await rest(slack, bot)
    found = [[first(m) for m in w.answers(channel)] for channel in channels]
    assert found == [[f"The answer to Question {n}?" for n in range(start, 50, 10)] for start in range(10)]
    assert slack.throttled == []
    assert len(slack.calls("chat.postMessage")) == 50


# The ladder: a stream, else an update, else a post.

NO_STREAMS = ["unknown_method", "method_deprecated", "feature_not_enabled", "paid_teams_only", "team_not_eligible"]


async def reply_in_the_making(slack, tmp_path, prepare: Callable[[], None], then: Callable[[], None] = lambda: None):
    """The one answer to a slow question; ``prepare`` is called before it is asked, ``then`` before it is answered."""
    w, oracle = slack.workspace, slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        prepare()
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: w.answers(w.general, question.ts))
        await slack.settled()
        (opened,) = w.answers(w.general)
        then()
        oracle.hold.set()
        await rest(slack, bot)
    (answer,) = w.answers(w.general)
    assert first(answer) == "The answer to When is it?"
    assert endings(tmp_path) == DONE
    return opened, answer


def writing(slack: SlackServer) -> list[str]:
    """The writing calls that took effect, in order."""
    return [call.method for call in slack.calls(handled=True) if call.method.startswith("chat.")]


async def test_a_reply_is_streamed(slack, tmp_path):
    opened, answer = await reply_in_the_making(slack, tmp_path, lambda: None)
    assert opened is answer
    assert writing(slack) == ["chat.startStream", "chat.stopStream"]
    assert answer.metadata["event_payload"]["complete"] is True


@pytest.mark.parametrize("error", [*NO_STREAMS, "missing_scope", "channel_type_not_supported", "restricted_action"])
async def test_without_streams_a_placeholder_is_updated(slack, tmp_path, error):
    opened, answer = await reply_in_the_making(slack, tmp_path, lambda: slack.fail("chat.startStream", Error(error)))
    assert opened is answer
    assert writing(slack) == ["chat.postMessage", "chat.update"]


async def test_a_ration_of_streams_is_not_waited_for(slack, tmp_path):
    await reply_in_the_making(slack, tmp_path, lambda: slack.fail("chat.startStream", RateLimited(3600)))
    assert writing(slack) == ["chat.postMessage", "chat.update"]


async def test_streams_that_are_not_offered_are_not_asked_for_again(slack, tmp_path, monkeypatch):
    w = slack.workspace
    monkeypatch.setattr("bot.platforms.slack.surface.FORGET_AFTER", 0.5)
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        slack.fail("chat.startStream", Error("unknown_method"), times=3)
        first_refusal = asyncio.get_running_loop().time()
        while len(slack.calls("chat.startStream")) < 2:
            oracle.hold.clear()
            question = w.say(w.alice, w.general, f"{w.mention} When is it?")
            await slack.wait_for(lambda question=question: w.answers(w.general, question.ts))
            oracle.hold.set()
            await rest(slack, bot)
        assert asyncio.get_running_loop().time() - first_refusal >= 0.5
    earlier, later = slack.calls("chat.startStream")
    assert later.at - earlier.at >= 0.5
    assert len(w.answers(w.general)) > 2


@pytest.mark.parametrize("error", ["message_not_in_streaming_state", "streaming_mode_mismatch", "unknown_method"])
async def test_a_stream_that_cannot_be_closed_is_updated(slack, tmp_path, error):
    def end() -> None:
        slack.workspace.advance(301)

    def prepare() -> None:
        slack.fail("chat.stopStream", Error(error))

    opened, answer = await reply_in_the_making(slack, tmp_path, prepare, end)
    assert opened is answer
    assert writing(slack) == ["chat.startStream", "chat.update"]


async def test_a_stream_that_slack_has_ended_is_updated(slack, tmp_path):
    opened, answer = await reply_in_the_making(slack, tmp_path, lambda: None, lambda: slack.workspace.advance(301))
    assert opened is answer
    assert slack.calls("chat.stopStream")[0].error == "message_not_in_streaming_state"
    assert writing(slack) == ["chat.startStream", "chat.update"]


@pytest.mark.parametrize("error", ["cant_update_message", "edit_window_closed", "message_not_found"])
@pytest.mark.parametrize("deletion", [None, RateLimited(0.01), Status(500), Status(500, after=True), Cut()])
async def test_what_cannot_be_updated_is_posted_anew_and_the_old_one_goes(slack, tmp_path, error, deletion):
    def prepare() -> None:
        slack.fail("chat.startStream", Error("unknown_method"))
        slack.fail("chat.update", Error(error))
        if deletion is not None:
            slack.fail("chat.delete", deletion)

    opened, answer = await reply_in_the_making(slack, tmp_path, prepare)
    assert opened is not answer
    assert opened.deleted
    assert writing(slack)[-1] == "chat.postMessage"


async def test_a_reply_that_somebody_deleted_is_posted_anew(slack, tmp_path):
    w = slack.workspace
    await reply_in_the_making(
        slack,
        tmp_path,
        lambda: slack.fail("chat.startStream", Error("unknown_method")),
        lambda: w.remove(w.answers(w.general)[0]),
    )


async def test_a_reply_that_can_be_neither_changed_nor_deleted_does_not_keep_the_answer_away(slack, tmp_path):
    w, oracle = slack.workspace, slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        slack.fail("chat.startStream", Error("unknown_method"))
        slack.fail("chat.update", Error("cant_update_message"))
        slack.fail("chat.delete", Error("cant_delete_message"))
        slack.fail("chat.postMessage", Cut(), skip=1)
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: w.answers(w.general, question.ts))
        oracle.hold.set()
        await rest(slack, bot)
    assert [first(m) for m in w.answers(w.general)] == [EN.searching, "The answer to When is it?"]


async def test_what_slack_will_not_take_ends_the_question(slack, tmp_path, caplog):
    w = slack.workspace
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        slack.fail("chat.postMessage", Error("is_archived"))
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
    assert len(slack.calls("chat.postMessage")) == 1
    assert "no reply could be shown: chat.postMessage: is_archived" in caplog.text
    assert endings(tmp_path) == {("done", "undelivered")}


async def test_a_question_deleted_before_its_answer_leaves_nothing_to_complain_about(slack, tmp_path, caplog):
    w, oracle = slack.workspace, slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=QUICK) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: oracle.questions)
        w.delete(question)
        await slack.settled()
        oracle.hold.set()
        await rest(slack, bot)
    assert w.answers(w.general) == []
    assert states(tmp_path) == {"removed"}
    assert caplog.text == ""


async def test_a_question_deleted_while_its_answer_is_streamed_takes_the_stream_along(slack, tmp_path, caplog):
    w, oracle = slack.workspace, slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: w.answers(w.general))
        w.delete(question)
        await slack.settled()
        oracle.hold.set()
        await rest(slack, bot)
    assert w.answers(w.general) == []
    assert states(tmp_path) == {"removed"}
    assert caplog.text == ""


async def test_without_the_right_to_read_an_uncertain_post_is_repeated(slack, tmp_path, caplog):
    w = slack.workspace
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        slack.fail("chat.postMessage", Cut())
        slack.fail("conversations.replies", Error("missing_scope"))
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
    assert [first(m) for m in w.answers(w.general)] == ["The answer to When is it?"]
