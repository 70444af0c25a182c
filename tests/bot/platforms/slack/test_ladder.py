"""The ways to deliver a reply that takes a while: a stream, else an update, else a post."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.messages import messages_in
from tests.bot.platforms.slack.trials import first, hurry, rest
from tests.bot.platforms.trials import DONE, OPENING, endings, slow
from tests.standin.faults import Cut, Status
from tests.standin.fonte import fonte
from tests.standin.slack.faults import Error, RateLimited
from tests.standin.slack.server import SlackServer

EN = messages_in("en")
NO_STREAMS = ["unknown_method", "method_deprecated", "feature_not_enabled", "paid_teams_only", "team_not_eligible"]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


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
    assert {state for state, _ in endings(tmp_path)} == {"removed"}
    assert caplog.text == ""
