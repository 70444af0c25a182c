"""Questions that are changed or deleted, before and after they are answered."""

from __future__ import annotations

import pytest

from bot.messages import messages_in
from bot.types import Outcome
from tests.bot.platforms.discord.seen import answers, read, reply, rest, taken
from tests.standin.fonte import OPENING, fonte, slow

EN = messages_in("en")


def posted(discord) -> list:
    return discord.calls("POST", "/messages")


async def test_an_edit_changes_the_answer_in_place(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} Wen is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
        w.edit(question, f"{w.mention} When is it?")
        await discord.wait_for(lambda: "The answer to When is it?" in read(answer))
        bot.oracle.outcome = Outcome.NOT_FOUND
        w.edit(question, f"{w.mention} When was it?")
        await discord.wait_for(lambda: EN.not_found in read(answer))
        await rest(discord, bot)
        assert w.answers(w.general) == [answer]
        assert [q.text for q in bot.oracle.questions] == ["Wen is it?", "When is it?", "When was it?"]
        # The buttons are about the newest answer.
        turn = await bot.core.ledger.turn(f"discord:message:{question.id}")
        assert (turn.asked.text, turn.reply.outcome) == ("When was it?", Outcome.NOT_FOUND)


async def test_an_edit_that_arrives_twice_is_followed_once(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} Wen is it?")
        await reply(discord, question)
        await rest(discord, bot)
        w.edit(question, f"{w.mention} When is it?")
        w.emit_message("MESSAGE_UPDATE", question)
        await rest(discord, bot)
        w.emit_message("MESSAGE_UPDATE", question)
        w.redeliver(question)
        await rest(discord, bot)
        assert [q.text for q in bot.oracle.questions] == ["Wen is it?", "When is it?"]
        assert len(discord.calls("PATCH", "/messages")) == 1
        assert len(w.answers(w.general)) == 1


async def test_an_edit_in_direct_messages_and_in_a_thread(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        post = w.forum_post(w.alice, w.forum, "A post", f"{w.mention} Wen is it?")
        direct = w.say(w.alice, w.dm(w.alice), "Wen is it?")
        found = [(question, await reply(discord, question)) for question in (post, direct)]
        await rest(discord, bot)
        for question, answer in found:
            w.edit(question, question.content.replace("Wen", "When"))
            await discord.wait_for(lambda answer=answer: "The answer to When is it?" in read(answer))
        await rest(discord, bot)
        for question, answer in found:
            w.delete(question)
            await discord.wait_for(lambda answer=answer: answer.deleted)
        await rest(discord, bot)


async def test_an_edit_while_the_answer_is_made_gets_the_newer_answer_alone(discord, tmp_path):
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} Wen is it?")
        await discord.wait_for(lambda: oracle.questions)
        w.edit(question, f"{w.mention} When is it?")
        await discord.settled()
        oracle.hold.set()
        answer = await reply(discord, question)
        await rest(discord, bot)
        assert "The answer to When is it?" in read(answer)
        assert w.answers(w.general) == [answer]


async def test_a_mention_added_later_is_answered_once(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, "When is it?")
        await rest(discord, bot)
        assert w.answers(w.general) == []
        w.edit(question, f"{w.mention} When is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
        assert "The answer to When is it?" in read(answer)
        assert w.answers(w.general) == [answer]
        assert len(bot.oracle.questions) == 1


async def test_a_message_of_long_ago_is_not_answered_because_it_was_pinned(discord, tmp_path):
    w = discord.world
    question = w.say(w.alice, w.general, f"{w.mention} When is it?")
    w.edit(question, f"{w.mention} When was it?")
    question.edited = "2024-01-02T03:04:05.000000+00:00"
    async with fonte(discord, tmp_path) as bot:  # with a ledger that knows nothing of it
        w.unfurl(question)
        await rest(discord, bot)
        assert bot.oracle.questions == []
    assert w.answers(w.general) == []


async def test_an_edit_that_calls_the_role_cannot_be_read(discord, tmp_path):
    w = discord.world
    w.bot_role.mentionable = True
    async with fonte(discord, tmp_path) as bot:
        message = w.say(w.alice, w.general, "When is it?")
        w.edit(message, f"{w.bot_role.mention} When is it?")
        assert read(await reply(discord, message)) == EN.unreadable
        await rest(discord, bot)
        assert bot.oracle.questions == []


@pytest.mark.parametrize("content", [True, False])
async def test_a_mention_taken_away_leaves_the_answer_as_it_was(discord, tmp_path, content):
    w = discord.world
    w.message_content = content
    async with fonte(discord, tmp_path, discord={"message_content": content}) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
        w.edit(question, "Never mind, I know.")
        await rest(discord, bot)
        assert w.answers(w.general) == [answer]
        assert "The answer to When is it?" in read(answer)


async def test_what_discord_changes_is_no_edit(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What does https://example.org/ say?")
        await reply(discord, question)
        await rest(discord, bot)
        w.unfurl(question)
        w.edit(question, question.content)
        w.edit(question, question.content.replace(" What", "   What"))
        w.open_thread(w.bruno, question)
        other = w.say(w.bruno, w.general, "See https://example.org/")
        w.unfurl(other)
        await rest(discord, bot)
        assert len(bot.oracle.questions) == 1
        assert discord.calls("PATCH") == []


async def test_a_deleted_question_takes_its_answer_along(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
        w.delete(question)
        await discord.wait_for(lambda: answer.deleted)
        await rest(discord, bot)
        assert await bot.core.ledger.turn(f"discord:message:{question.id}") is None


async def test_questions_that_a_moderator_deletes_take_their_answers_along(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        chat = w.say(w.bruno, w.general, "Good morning")
        questions = [w.say(w.alice, w.general, f"{w.mention} Question {n}?") for n in range(3)]
        await answers(discord, w.general, 3)
        await rest(discord, bot)
        w.bulk_delete(chat, *questions[1:])
        await discord.wait_for(lambda: len(w.answers(w.general)) == 1)
        await rest(discord, bot)
        assert w.replies_to(questions[0]) == w.answers(w.general)


async def test_a_question_deleted_before_its_answer_gets_none(discord, tmp_path):
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await discord.wait_for(lambda: oracle.questions)
        w.delete(question)
        await taken(discord)
        oracle.hold.set()
        await rest(discord, bot)
        assert posted(discord) == []


async def test_a_question_deleted_while_its_reply_is_open_takes_that_along(discord, tmp_path):
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=OPENING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        placeholder = await reply(discord, question)
        w.delete(question)
        await discord.settled()
        oracle.hold.set()
        await discord.wait_for(lambda: placeholder.deleted)
        await rest(discord, bot)
        assert w.answers(w.general) == []


async def test_a_question_deleted_while_its_answer_is_on_its_way_leaves_no_answer(discord, tmp_path):
    """The answer's request finds no question to reply to, and is taken back."""
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        question.deleted = True  # which the bot is told of only after it has answered
        await answers(discord, w.general)
        w.delete(question)
        await discord.wait_for(lambda: not w.answers(w.general))
        await rest(discord, bot)


async def test_changes_to_what_is_no_question_are_nothing_to_the_bot(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        chat = w.say(w.alice, w.general, "Good morning")
        w.edit(chat, "Good morning!")
        w.delete(chat)
        w.delete_channel(w.random)
        await rest(discord, bot)
        assert bot.oracle.questions == []
        assert discord.calls("", "/channels") == []


async def test_an_answer_that_people_deleted_comes_back_with_the_next_edit(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} Wen is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
        w.delete(answer)  # by a moderator
        w.edit(question, f"{w.mention} When is it?")
        again = await reply(discord, question)
        await rest(discord, bot)
        assert "The answer to When is it?" in read(again)
        assert w.answers(w.general) == [again]


async def test_changes_while_the_bot_was_away_do_no_harm(discord, tmp_path):
    """Discord does not tell of them later."""
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        first = w.say(w.alice, w.general, f"{w.mention} Wen is it?")
        second = w.say(w.alice, w.general, f"{w.mention} Where is it?")
        await answers(discord, w.general, 2)
        await rest(discord, bot)
    w.edit(first, f"{w.mention} When was it?")
    w.delete(second)
    async with fonte(discord, tmp_path) as bot:
        w.edit(first, f"{w.mention} When is it?")
        await discord.wait_for(lambda: "The answer to When is it?" in read(w.replies_to(first)[0]))
        await rest(discord, bot)
        assert len(bot.oracle.questions) == 1
