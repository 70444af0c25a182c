"""How the bot shows that it is at work, and that the sign goes when it is done."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.errors import AnswerFailed
from bot.messages import messages_in
from bot.types import Outcome
from tests.bot.platforms.discord.seen import answers, read, reply, response, rest, taken
from tests.standin.discord.faults import Error
from tests.standin.fonte import OPENING, SHOWING, fonte, slow

EN, IT = messages_in("en"), messages_in("it")


def typing(discord) -> list[str]:
    """Where it was shown that the bot types."""
    return [channel for channel, _ in discord.world.typing]


async def test_the_bot_is_seen_typing(discord, tmp_path):
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        thread = w.open_thread(w.bruno, w.general)
        places = (w.general, thread, w.dm(w.alice))
        for place in places:
            w.say(w.alice, place, f"{w.mention} When is it?")
        await discord.wait_for(lambda: sorted(typing(discord)) == sorted(place.id for place in places))
        oracle.hold.set()
        await rest(discord, bot)


async def test_the_bot_types_for_as_long_as_it_works(discord, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.platforms.discord.work.RENEW", 0.01)
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await discord.wait_for(lambda: len(typing(discord)) > 2)
        oracle.hold.set()
        await reply(discord, question)
        await rest(discord, bot)
        renewing = [task for task in asyncio.all_tasks() if "_go_on" in repr(task)]
        assert renewing == []


@pytest.mark.parametrize("code", [50013, 10003])
async def test_a_sign_that_cannot_be_shown_keeps_no_answer(discord, tmp_path, code):
    w = discord.world
    oracle = slow()
    discord.fail("POST /channels/{}/typing", Error(code))
    async with fonte(discord, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await discord.wait_for(lambda: discord.calls("POST", "typing"))
        oracle.hold.set()
        await reply(discord, question)
        await rest(discord, bot)


@pytest.mark.parametrize("ending", ["fails", "not found", "deleted"])
async def test_however_the_work_ends_the_sign_is_not_renewed(discord, tmp_path, ending, monkeypatch):
    monkeypatch.setattr("bot.platforms.discord.work.RENEW", 0.01)
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await discord.wait_for(lambda: typing(discord))
        if ending == "fails":
            oracle.error = AnswerFailed(EN.failed)
        elif ending == "not found":
            oracle.outcome = Outcome.NOT_FOUND
        else:
            w.delete(question)
            await taken(discord)
        oracle.hold.set()
        await rest(discord, bot)
        assert [task for task in asyncio.all_tasks() if "_go_on" in repr(task)] == []
        shown = [read(answer).partition("\n")[0] for answer in w.answers(w.general)]
    assert shown == {"fails": [EN.failed], "not found": [EN.not_found], "deleted": []}[ending]


async def test_nobody_sees_the_bot_at_work_on_what_nobody_asked_it(discord, tmp_path):
    w = discord.world
    w.message_content = True
    oracle = slow()
    async with fonte(
        discord, tmp_path, oracle=oracle, pace=SHOWING, discord={"message_content": True, "threads": True}
    ) as bot:
        oracle.hold.set()
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        thread = await discord.wait_for(lambda: question.thread and w.channels[question.thread])
        await answers(discord, thread)
        await rest(discord, bot)
        oracle.hold.clear()
        count = len(typing(discord))
        w.say(w.bruno, thread, "I will be there at nine")
        await discord.wait_for(lambda: len(oracle.questions) == 2)
        oracle.support = 0.1
        oracle.hold.set()
        await rest(discord, bot)
        assert len(typing(discord)) == count
        assert len(w.answers(thread)) == 1


async def test_a_command_shows_that_the_bot_is_thinking(discord, tmp_path):
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=replace(SHOWING, open_after=0.0)) as bot:
        asked = w.slash(w.alice, w.general, "ask", {"question": "When is it?"})
        await discord.wait_for(lambda: oracle.questions and asked.state == "deferred")
        oracle.hold.set()
        answer = await response(discord, asked)
        await rest(discord, bot)
        assert typing(discord) == []
        assert w.visible(w.general) == [answer]
        assert answer.history == []


async def test_a_long_wait_has_words_in_the_place_of_the_answer(discord, tmp_path):
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=OPENING) as bot:
        question = w.say(w.bruno, w.general, f"{w.mention} Quando scade il bando?")
        answer = await reply(discord, question)
        assert read(answer) == IT.searching
        assert answer.buttons == []
        oracle.hold.set()
        await discord.wait_for(lambda: "The answer to Quando scade il bando?" in read(answer))
        await rest(discord, bot)
        assert w.answers(w.general) == [answer]
        assert len(answer.buttons) == 3


async def test_those_who_wait_are_told_how_many_are_before_them(discord, tmp_path):
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=OPENING) as bot:
        for number in range(16):  # as many as are answered at the same time
            w.say(w.alice, w.add_channel(f"room{number}"), f"{w.mention} When is it?")
        await discord.wait_for(lambda: len(oracle.questions) == 16)
        places = []
        for number in range(3):
            channel = w.add_channel(f"queue{number}")
            w.say(w.alice, channel, f"{w.mention} When is it?")
            places += await answers(discord, channel)
        shown = [read(answer) for answer in places]
        oracle.hold.set()
        await rest(discord, bot)
    assert shown == [EN.searching, EN.before_you_one, EN.before_you_many.format(count=2)]
    assert all("The answer to" in read(answer) for answer in places)
