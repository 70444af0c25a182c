"""What goes wrong between the bot and Slack: in the end, what a call was for is there, and once."""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import pairwise

import pytest

from bot.messages import messages_in
from tests.bot.platforms.slack.trials import FAULTS, Trial, first, hurry, named, rest
from tests.bot.platforms.trials import DONE, OPENING, SHOWING, endings, slow
from tests.standin.faults import Cut, Status
from tests.standin.fonte import QUICK, fonte
from tests.standin.slack.faults import Error, RateLimited

EN = messages_in("en")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


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
    assert {state for state, _ in endings(tmp_path)} == {"removed"}


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
    done = [name for name in FAULTS if name in ("429", "cut within") or "after" in name]
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
    assert all(later.at - earlier.at >= 0.2 for earlier, later in pairwise(calls))


async def test_an_answer_waits_for_a_slack_out_of_reach(slack, tmp_path, caplog):
    w, oracle = slack.workspace, slow()
    pace = replace(QUICK, ping_interval=0.1)
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
    assert {state for state, _ in endings(tmp_path)} == {"removed"}
    assert caplog.text == ""


async def test_without_the_right_to_read_an_uncertain_post_is_repeated(slack, tmp_path, caplog):
    w = slack.workspace
    async with fonte(slack, tmp_path, pace=QUICK) as bot:
        slack.fail("chat.postMessage", Cut())
        slack.fail("conversations.replies", Error("missing_scope"))
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
    assert [first(m) for m in w.answers(w.general)] == ["The answer to When is it?"]
