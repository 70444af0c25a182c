"""Questions that are changed or deleted, before and after they are answered."""

from __future__ import annotations

import asyncio

import pytest

from bot.core import Pace
from bot.messages import messages_in
from bot.types import Outcome
from tests.bot.platforms.slack.seen import answers, rest
from tests.standin.fonte import INTERVAL, Oracle, fonte
from tests.standin.slack.faults import Error

EN = messages_in("en")
EAGER = Pace(lease=15.0, post_interval=INTERVAL, grace=60.0, open_after=0.0)
"""A reply is opened before its text is known."""


async def test_an_edit_changes_the_answer_in_place(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} Wen is it?")
        (answer,) = await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        w.edit(question, f"{w.mention} When is it?")
        await slack.wait_for(lambda: "The answer to When is it?" in answer.shown)
        bot.oracle.outcome = Outcome.NOT_FOUND
        w.edit(question, f"{w.mention} When was it?")
        await slack.wait_for(lambda: EN.not_found in answer.shown)
        await rest(slack, bot)
        assert w.answers(w.general) == [answer]
        assert [q.text for q in bot.oracle.questions] == ["Wen is it?", "When is it?", "When was it?"]
        assert answer.metadata["event_payload"]["version"] == question.edited
        # The buttons are about the newest answer.
        turn = await bot.core.ledger.turn(f"slack:{w.team}:{w.general.id}:{question.ts}")
        assert (turn.asked.text, turn.reply.outcome) == ("When was it?", Outcome.NOT_FOUND)


async def test_an_edit_while_the_answer_is_made_gets_the_newer_answer_alone(slack, tmp_path):
    w = slack.workspace
    oracle = Oracle(hold=asyncio.Event())
    async with fonte(slack, tmp_path, oracle=oracle) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} Wen is it?")
        await slack.wait_for(lambda: oracle.questions)
        w.edit(question, f"{w.mention} When is it?")
        await slack.settled()
        oracle.hold.set()
        (answer,) = await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        assert "The answer to When is it?" in answer.shown
        assert w.answers(w.general) == [answer]


async def test_a_mention_added_later_is_answered_once(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, "When is it?")
        await rest(slack, bot)
        assert w.answers(w.general) == []
        w.edit(question, f"{w.mention} When is it?")
        (answer,) = await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        assert "The answer to When is it?" in answer.shown
        assert w.answers(w.general) == [answer]
        assert len(bot.oracle.questions) == 1


async def test_what_slack_changes_is_no_edit(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What does <https://example.org/> say?")
        await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        w.unfurl(question)
        w.edit(question, question.text)
        w.edit(question, question.text.replace(" What", "   What"))
        other = w.say(w.bruno, w.general, "See <https://example.org/>")
        w.unfurl(other)
        await rest(slack, bot)
        assert len(bot.oracle.questions) == 1
        assert slack.calls("chat.update") == []


async def test_an_edit_that_leaves_no_question_takes_the_answer_back(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
        follow_up = w.say(w.alice, w.general, "And where is it?", thread=question.ts)
        _, second = await answers(slack, w.general, question.ts, 2)
        await rest(slack, bot)
        bot.oracle.support = 0.5
        w.edit(follow_up, "Never mind.")
        await slack.wait_for(lambda: second.deleted)
        await rest(slack, bot)
        assert len(w.answers(w.general)) == 1
        w.edit(follow_up, "And who is it?")
        _, third = await answers(slack, w.general, question.ts, 2)
        assert "The answer to And who is it?" in third.shown


async def test_a_deleted_question_takes_its_answer_along(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        # The answer is a reply, so what is left of the question is a tombstone until the answer is gone.
        w.delete(question)
        await slack.wait_for(lambda: not w.thread(w.general, question.ts))
        await rest(slack, bot)
        key = f"slack:{w.team}:{w.general.id}:{question.ts}"
        assert await bot.core.ledger.turn(key) is None
        assert w.visible_messages(w.general) == []


async def test_a_deleted_follow_up_leaves_the_rest_of_its_thread(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
        follow_up = w.say(w.alice, w.general, "And where is it?", thread=question.ts)
        first, second = await answers(slack, w.general, question.ts, 2)
        await rest(slack, bot)
        w.delete(follow_up)
        await slack.wait_for(lambda: second.deleted)
        await rest(slack, bot)
        assert w.answers(w.general) == [first]


async def test_a_question_deleted_before_its_answer_gets_none(slack, tmp_path):
    w = slack.workspace
    oracle = Oracle(hold=asyncio.Event())
    async with fonte(slack, tmp_path, oracle=oracle) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: oracle.questions)
        w.delete(question)
        await slack.settled()
        oracle.hold.set()
        await rest(slack, bot)
        assert slack.calls("chat.postMessage") == []
        assert slack.calls("chat.postEphemeral") == []


@pytest.mark.parametrize("streams", [True, False])
async def test_a_question_deleted_while_its_reply_is_open_takes_that_along(slack, tmp_path, streams):
    w = slack.workspace
    if not streams:
        slack.fail("chat.startStream", Error("feature_not_enabled"), times=99)
    oracle = Oracle(hold=asyncio.Event())
    async with fonte(slack, tmp_path, oracle=oracle, pace=EAGER) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        (reply,) = await answers(slack, w.general, question.ts)
        assert bool(reply.streaming) is streams
        w.delete(question)
        await slack.settled()
        oracle.hold.set()
        await slack.wait_for(lambda: not w.thread(w.general, question.ts))
        await rest(slack, bot)
        assert w.visible_messages(w.general) == []


async def test_changes_to_what_is_no_question_are_nothing_to_the_bot(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        chat = w.say(w.alice, w.general, "Good morning")
        w.edit(chat, "Good morning!")
        w.delete(chat)
        await rest(slack, bot)
        assert bot.oracle.questions == []
        assert not [call for call in slack.api.calls if call.method.startswith("chat.")]


async def test_an_answer_that_people_deleted_comes_back_with_the_next_edit(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} Wen is it?")
        (answer,) = await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        w.delete(answer)  # by an administrator
        w.edit(question, f"{w.mention} When is it?")
        await slack.wait_for(lambda: w.answers(w.general) and "When is it?" in w.answers(w.general)[0].shown)
        await rest(slack, bot)
        assert len(w.answers(w.general)) == 1
