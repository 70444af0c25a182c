"""How the bot shows that it is at work, and that the sign goes when it is done."""

from __future__ import annotations

import pytest

from bot.errors import AnswerFailed
from bot.messages import messages_in
from bot.platforms.slack.work import REACTION
from bot.types import Outcome
from tests.bot.platforms.slack.seen import answers, private, rest
from tests.standin.fonte import OPENING, SHOWING, fonte, slow
from tests.standin.slack.faults import Error

EN, IT = messages_in("en"), messages_in("it")


async def test_a_reaction_shows_work_where_there_is_no_status(slack, tmp_path):
    w = slack.workspace
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: question.reactions == {REACTION: [w.app.user]})
        oracle.hold.set()
        await answers(slack, w.general, question.ts)
        await slack.wait_for(lambda: question.reactions == {})
        await rest(slack, bot)
    assert w.status_log == []


@pytest.mark.parametrize("error", ["already_reacted", "message_not_found", "missing_scope"])
async def test_a_sign_that_cannot_be_shown_keeps_no_answer(slack, tmp_path, error):
    w = slack.workspace
    oracle = slow()
    slack.fail("reactions.add", Error(error, after=error == "already_reacted"))
    async with fonte(slack, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: slack.calls("reactions.add"))
        oracle.hold.set()
        await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        await slack.wait_for(lambda: question.reactions == {})


@pytest.mark.parametrize("agent", [True, False])
async def test_a_status_shows_work_in_a_conversation(slack, tmp_path, agent):
    w = slack.workspace
    w.app.agent = agent
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        thread = "" if agent else w.open_panel(w.bruno).ts
        question = w.say(w.bruno, w.dm(w.bruno), "Quando scade il bando?", thread=thread)
        place = (question.channel, thread or question.ts)
        await slack.wait_for(lambda: w.statuses == {place: IT.working})
        oracle.hold.set()
        await answers(slack, question.channel, place[1])
        await slack.wait_for(lambda: w.statuses == {})
        await rest(slack, bot)
    assert question.reactions == {}
    assert slack.calls("reactions.add") == []


async def test_a_status_in_a_channel_where_slack_offers_it(slack, tmp_path):
    w = slack.workspace
    w.assistant_status_in_channels = True
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: w.statuses == {(w.general.id, question.ts): EN.working})
        oracle.hold.set()
        await answers(slack, w.general, question.ts)
        await slack.wait_for(lambda: w.statuses == {})
        await rest(slack, bot)
    assert slack.calls("reactions.add") == []


@pytest.mark.parametrize("ending", ["fails", "not found", "deleted"])
async def test_the_sign_goes_however_the_work_ends(slack, tmp_path, ending):
    w = slack.workspace
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await slack.wait_for(lambda: question.reactions)
        if ending == "fails":
            oracle.error = AnswerFailed(EN.failed)
        elif ending == "not found":
            oracle.outcome = Outcome.NOT_FOUND
        else:
            w.delete(question)
            await slack.settled()
        oracle.hold.set()
        await rest(slack, bot)
        if ending != "deleted":
            await slack.wait_for(lambda: question.reactions == {})
        shown = [answer.shown for answer in w.answers(w.general)]
    words = {"fails": [EN.failed], "not found": [EN.not_found], "deleted": []}[ending]
    assert [text.split("\n")[0] for text in shown] == words


async def test_nobody_sees_the_bot_at_work_on_what_nobody_asked_it(slack, tmp_path):
    w = slack.workspace
    oracle = slow()
    async with fonte(
        slack, tmp_path, oracle=oracle, pace=SHOWING, slack={"auto_answer_channels": [w.random.id]}
    ) as bot:
        question = w.say(w.alice, w.random, "When is it?")
        await slack.wait_for(lambda: oracle.questions)
        oracle.support = 0.1
        oracle.hold.set()
        await rest(slack, bot)
    assert question.reactions == {}
    assert {call.method for call in slack.api.calls} == {"auth.test", "apps.connections.open"}


async def test_a_command_is_told_that_the_bot_is_at_work(slack, tmp_path):
    w = slack.workspace
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=SHOWING):
        w.slash(w.alice, w.general, "When is it?")
        await private(slack, w.alice)
        oracle.hold.set()
        first, second = await private(slack, w.alice, 2)
    assert first.shown == EN.searching
    assert "The answer to When is it?" in second.shown


async def test_a_long_wait_has_a_stream_for_its_answer(slack, tmp_path):
    w = slack.workspace
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        (reply,) = await answers(slack, w.general, question.ts)
        assert reply.streaming == "in_progress"
        oracle.hold.set()
        await slack.wait_for(lambda: reply.streaming == "completed")
        await rest(slack, bot)
    assert "The answer to When is it?" in reply.shown
    assert w.answers(w.general) == [reply]
    assert w.sessions[w.general.id, question.ts].status == "active"


async def test_a_long_wait_has_words_in_the_place_of_the_answer(slack, tmp_path):
    w = slack.workspace
    slack.fail("chat.startStream", Error("feature_not_enabled"), times=99)
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        question = w.say(w.bruno, w.general, f"{w.mention} Quando scade il bando?")
        (reply,) = await answers(slack, w.general, question.ts)
        assert reply.shown == IT.searching
        oracle.hold.set()
        await slack.wait_for(lambda: "The answer to Quando scade il bando?" in reply.shown)
        await rest(slack, bot)
    assert w.answers(w.general) == [reply]


async def test_where_there_are_no_streams_they_are_not_tried_again_at_once(slack, tmp_path):
    w = slack.workspace
    tried = slack.fail("chat.startStream", Error("paid_teams_only"), times=99)
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        first = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await answers(slack, w.general, first.ts)
        second = w.say(w.alice, w.random, f"{w.mention} Where is it?")
        await answers(slack, w.random, second.ts)
        oracle.hold.set()
        await rest(slack, bot)
    assert len(tried.hits) == 1


async def test_those_who_wait_are_told_how_many_are_before_them(slack, tmp_path):
    w = slack.workspace
    slack.fail("chat.startStream", Error("feature_not_enabled"), times=99)
    oracle = slow()
    async with fonte(slack, tmp_path, oracle=oracle, pace=OPENING) as bot:
        for number in range(16):  # as many as are answered at the same time
            w.say(w.alice, w.add_channel(f"room{number}"), f"{w.mention} When is it?")
        await slack.wait_for(lambda: len(oracle.questions) == 16)
        places = {}
        for number in range(4):
            channel = w.add_channel(f"queue{number}")
            question = w.say(w.alice, channel, f"{w.mention} When is it?")
            (places[number],) = await answers(slack, channel, question.ts)
        shown = [reply.shown for reply in places.values()]
        oracle.hold.set()
        await rest(slack, bot)
    assert shown == [
        EN.searching,
        EN.before_you_one,
        EN.before_you_many.format(count=2),
        EN.before_you_many.format(count=3),
    ]
    assert all("The answer to" in reply.shown for reply in places.values())
