"""A thread for each question, and what is said in threads without a mention."""

from __future__ import annotations

import pytest

from bot.markup.discord import Button
from bot.messages import messages_in
from bot.types import Outcome
from tests.bot.platforms.discord.seen import HELPERS, answers, read, reply, response, rest
from tests.standin.discord import permissions as may
from tests.standin.discord.faults import Error
from tests.standin.discord.model import ANNOUNCEMENT
from tests.standin.fonte import fonte

EN = messages_in("en")
THREADS = {"threads": True}
READING = {"threads": True, "message_content": True}


async def opened(discord, question):
    """The thread that was opened for a question."""
    return await discord.wait_for(lambda: question.thread and discord.world.channels[question.thread])


async def in_thread(discord, bot, text="When is it?"):
    """A question in a channel, the thread for it, and the answer there."""
    w = discord.world
    question = w.say(w.alice, w.general, f"{w.mention} {text}")
    thread = await opened(discord, question)
    (answer,) = await answers(discord, thread)
    await rest(discord, bot)
    return question, thread, answer


async def test_each_question_gets_a_thread(discord, tmp_path):
    w = discord.world
    news = w.add_channel("news", type=ANNOUNCEMENT)
    async with fonte(discord, tmp_path, discord=THREADS) as bot:
        question, thread, answer = await in_thread(discord, bot)
        assert (thread.name, thread.parent, thread.owner) == ("When is it?", w.general.id, w.bot.id)
        assert "The answer to When is it?" in read(answer)
        long = w.say(w.alice, news, f"{w.mention} And\nhow {'very ' * 40}long is it?")
        thread = await opened(discord, long)
        await answers(discord, thread)
        await rest(discord, bot)
        assert thread.name.startswith("And how very very")
        assert len(thread.name) <= 100
        w.redeliver(question)
        await rest(discord, bot)
        assert w.answers(w.general) == w.answers(news) == []
        assert len(discord.calls("POST", "/threads")) == 2


async def test_an_edit_and_the_buttons_reach_the_answer_in_the_thread(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, discord=THREADS) as bot:
        question, thread, answer = await in_thread(discord, bot, "Wen is it?")
        w.edit(question, f"{w.mention} When is it?")
        await discord.wait_for(lambda: "The answer to When is it?" in read(answer))
        await rest(discord, bot)
        w.archive(thread)
        w.edit(question, f"{w.mention} Where is it?")
        await discord.wait_for(lambda: "The answer to Where is it?" in read(answer))
        await rest(discord, bot)
        w.archive(thread)
        w.delete(question)
        await discord.wait_for(lambda: answer.deleted)
        await rest(discord, bot)


async def test_where_there_is_a_thread_or_can_be_none_it_is_answered_there(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, discord=THREADS) as bot:
        thread = w.open_thread(w.bruno, w.general)
        post = w.forum_post(w.alice, w.forum, "A post", f"{w.mention} When is it due?")
        for question in (
            w.say(w.alice, thread, f"{w.mention} When is it?"),
            w.say(w.alice, w.dm(w.alice), "When is it?"),
            post,
            w.say(w.alice, w.channels[post.channel], f"{w.mention} And then?"),
            w.say(w.alice, w.general, w.mention),  # nothing to talk about
        ):
            answer = await reply(discord, question)
            assert answer.channel == question.channel
        asked = await response(discord, w.slash(w.alice, w.general, "ask", {"question": "When is it?"}))
        assert asked.channel == w.general.id
        await rest(discord, bot)
        assert discord.calls("POST", "/threads") == []


@pytest.mark.parametrize("forbidden", [may.CREATE_PUBLIC_THREADS, may.SEND_MESSAGES_IN_THREADS])
async def test_without_permission_for_threads_the_channel_will_do(discord, tmp_path, forbidden):
    w = discord.world
    w.deny(w.general, forbidden)
    role = w.add_role(HELPERS, mentionable=True)
    async with fonte(discord, tmp_path, discord=THREADS | {"escalation_role": role.id}) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
        assert w.answers(w.general) == [answer]
        # What follows goes where the answer is.
        await response(discord, w.click(w.bruno, answer, Button.ASK_PERSON))
        _, call = await answers(discord, w.general, 2)
        assert call.reference["message_id"] == answer.id
        w.edit(question, f"{w.mention} When was it?")
        await discord.wait_for(lambda: "The answer to When was it?" in read(answer))
        await rest(discord, bot)


async def test_a_thread_that_somebody_was_quicker_to_open_is_taken(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, discord=THREADS) as bot:
        discord.fail("POST /channels/{}/messages/{}/threads", Error(160004, after=True))
        _, thread, _ = await in_thread(discord, bot)
        assert len(w.answers(thread)) == 1


# ---------------------------------------------------------------- without a mention


async def test_the_bots_threads_need_no_mention(discord, tmp_path):
    w = discord.world
    w.message_content = True
    async with fonte(discord, tmp_path, discord=READING) as bot:
        _, thread, _ = await in_thread(discord, bot)
        second = await reply(discord, w.say(w.bruno, thread, "And where is it?"))
        assert "The answer to And where is it?" in read(second)
        mentioned = await reply(discord, w.say(w.bruno, thread, f"{w.mention} who is it?"))
        asked = len(bot.oracle.questions)
        bot.oracle.outcome = Outcome.NOT_FOUND
        missing = await reply(discord, w.say(w.alice, thread, "Who pays for it?"))
        assert EN.not_found in read(missing)
        w.say(w.alice, thread, "Nobody knows")
        await rest(discord, bot)
        assert len(bot.oracle.questions) == asked + 2
        assert len(w.answers(thread)) == 4
    # The next process knows its threads; closed ones, which Discord does not list, too.
    w.archive(thread)
    async with fonte(discord, tmp_path, discord=READING) as bot:
        later = await reply(discord, w.say(w.bruno, thread, "And why is it so?"))
        assert "The answer to And why is it so?" in read(later)
        assert mentioned.channel == later.channel == thread.id


async def test_what_is_said_to_others_or_to_nobody_in_particular_gets_no_answer(discord, tmp_path):
    w = discord.world
    w.message_content = True
    role = w.add_role("experts")
    async with fonte(discord, tmp_path, discord=READING) as bot:
        question, thread, _ = await in_thread(discord, bot)
        elsewhere = w.open_thread(w.bruno, w.general)
        bot.oracle.support = 0.5
        said = w.say(w.bruno, thread, "I will be there at nine")
        await rest(discord, bot)
        asked = len(bot.oracle.questions)
        w.say(w.alice, thread, f"{w.bruno.mention} do you know where it is?")
        w.say(w.alice, thread, f"{role.mention} where is it?")
        w.say(w.alice, thread, "@here where is it?")
        w.say(w.alice, thread, "Where is it?", reply_to=said)
        w.say(w.alice, thread, "Where is it?", reply_to=said, mention_reply=False)
        w.say(w.other_bot, thread, "Where is it?")
        w.say(w.alice, elsewhere, "Where is it?")
        w.say(w.alice, w.general, "Where is it?")
        w.say(w.alice, w.general, "Where is it?", reply_to=question)
        await rest(discord, bot)
        assert len(bot.oracle.questions) == asked
        w.say(w.alice, thread, "Thank you")
        w.say(w.alice, thread, "It is at ten, not at nine")
        await rest(discord, bot)
        assert len(w.answers(thread)) == 1
        # To oneself is to nobody else.
        note = w.say(w.alice, thread, "It is about the key.")
        again = w.say(w.alice, thread, "Where is it?", reply_to=note, mention_reply=False)
        assert "The answer to Where is it?" in read(await reply(discord, again))


async def test_any_thread_in_which_the_bot_has_answered_is_its_own(discord, tmp_path):
    w = discord.world
    w.message_content = True
    async with fonte(discord, tmp_path, discord={"message_content": True}) as bot:
        thread = w.open_thread(w.bruno, w.general)
        post = w.forum_post(w.alice, w.forum, "A post", f"{w.mention} When is it due?")
        await reply(discord, w.say(w.alice, thread, f"{w.mention} When is it?"))
        await reply(discord, post)
        for place in (thread, w.channels[post.channel]):
            follow_up = w.say(w.bruno, place, "And where is it?")
            assert "The answer to And where is it?" in read(await reply(discord, follow_up))
        await rest(discord, bot)


@pytest.mark.parametrize("about", ["question", "answer"])
async def test_a_thread_that_people_open_on_a_question_or_its_answer_is_the_bots(discord, tmp_path, about):
    w = discord.world
    w.message_content = True
    async with fonte(discord, tmp_path, discord={"message_content": True}) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
        thread = w.open_thread(w.bruno, question if about == "question" else answer)
        follow_up = w.say(w.bruno, thread, "And where is it?")
        assert "The answer to And where is it?" in read(await reply(discord, follow_up))
        # A thread on something else is people's.
        other = w.open_thread(w.bruno, w.say(w.bruno, w.general, "Lunch?"))
        w.say(w.bruno, other, "Where is it?")
        await rest(discord, bot)
        assert w.answers(other) == []


async def test_a_thread_about_an_answer_that_was_shared_is_the_bots(discord, tmp_path):
    w = discord.world
    w.message_content = True
    async with fonte(discord, tmp_path, discord={"message_content": True}) as bot:
        asked = w.slash(w.alice, w.general, "ask", {"question": "When is it?", "private": True})
        alone = await response(discord, asked)
        await rest(discord, bot)
        w.click(w.alice, alone, Button.SHARE)
        (shared,) = await answers(discord, w.general)
        await rest(discord, bot)
        thread = w.open_thread(w.bruno, shared)
        follow_up = w.say(w.bruno, thread, "And where is it?")
        assert "The answer to And where is it?" in read(await reply(discord, follow_up))


async def test_follow_ups_are_edited_and_deleted_like_questions(discord, tmp_path):
    w = discord.world
    w.message_content = True
    async with fonte(discord, tmp_path, discord=READING) as bot:
        _, thread, first = await in_thread(discord, bot)
        follow_up = w.say(w.alice, thread, "And where is it?")
        second = await reply(discord, follow_up)
        await rest(discord, bot)
        bot.oracle.support = 0.5
        w.edit(follow_up, "Never mind.")
        await discord.wait_for(lambda: second.deleted)
        await rest(discord, bot)
        w.edit(follow_up, "And who is it?")
        third = await reply(discord, follow_up)
        assert "The answer to And who is it?" in read(third)
        await rest(discord, bot)
        w.delete(follow_up)
        await discord.wait_for(lambda: third.deleted)
        await rest(discord, bot)
        assert w.answers(thread) == [first]


async def test_without_the_intent_follow_ups_need_a_mention_or_a_reply(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, discord=THREADS) as bot:
        _, thread, answer = await in_thread(discord, bot)
        w.say(w.alice, thread, "And where is it?")
        await rest(discord, bot)
        assert w.answers(thread) == [answer]
        named = w.say(w.alice, thread, f"{w.mention} and where is it?")
        assert "The answer to and where is it?" in read(await reply(discord, named))
        to_it = w.say(w.alice, thread, "And who is it?", reply_to=answer)
        assert "The answer to And who is it?" in read(await reply(discord, to_it))
        await rest(discord, bot)


async def test_an_answer_that_its_asker_deleted_leaves_the_thread_to_people(discord, tmp_path):
    w = discord.world
    w.message_content = True
    async with fonte(discord, tmp_path, discord=READING) as bot:
        _, thread, answer = await in_thread(discord, bot)
        w.click(w.alice, answer, Button.DELETE)
        await discord.wait_for(lambda: answer.deleted)
        await rest(discord, bot)
        w.say(w.bruno, thread, "And where is it?")
        await rest(discord, bot)
        assert w.answers(thread) == []
