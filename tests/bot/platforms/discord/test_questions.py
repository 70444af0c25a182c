"""How questions in messages reach the bot, and who gets an answer where; with the real client over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from bot.markup import layout, plain
from bot.messages import messages_in
from bot.types import Outcome, Reply
from tests.bot.platforms.books import scripted
from tests.bot.platforms.discord.seen import HELPERS, answers, read, reply, rest, words
from tests.standin.fonte import Oracle, citation, fonte

EN, IT = messages_in("en"), messages_in("it")


async def test_a_mention_is_answered_by_a_reply(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
    assert "The answer to When is it?" in read(answer)
    assert "1. The guide · guide.md · Rules · line 7" in read(answer)
    assert [q.text for q in bot.oracle.questions] == ["When is it?"]
    assert w.answers(w.general) == [answer]


async def test_the_same_words_as_in_the_terminal(discord, tmp_path):
    w = discord.world
    replies, oracle = scripted()
    async with fonte(discord, tmp_path, oracle=oracle):
        for text, said in replies.items():
            answer = await reply(discord, w.say(w.alice, w.general, f"{w.mention} {text}"))
            terminal = plain(layout(said, messages_in(said.language)))
            assert read(answer).split() == terminal.split()


async def test_a_question_that_is_delivered_again_gets_one_answer(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When?")
        w.redeliver(question)
        await reply(discord, question)
        await rest(discord, bot)
        w.redeliver(question)
        await rest(discord, bot)
        assert len(w.answers(w.general)) == 1
        assert len(bot.oracle.questions) == 1
    async with fonte(discord, tmp_path) as bot:
        w.redeliver(question)
        await rest(discord, bot)
        assert bot.oracle.questions == []


@pytest.mark.parametrize("mentionable", [True, False])
async def test_the_bots_own_role_means_the_bot(discord, tmp_path, mentionable):
    """Completion offers it under the bot's name; whether or not Discord lets the person call it."""
    w = discord.world
    w.message_content = True
    w.bot_role.mentionable = mentionable
    other = w.add_role("experts", mentionable=True)
    async with fonte(discord, tmp_path, discord={"message_content": True}) as bot:
        question = w.say(w.alice, w.general, f"{w.bot_role.mention} When is it?")
        w.say(w.alice, w.general, f"{other.mention} When is it?")
        w.say(w.alice, w.general, "@everyone When is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
    assert [q.text for q in bot.oracle.questions] == ["When is it?"]
    assert w.answers(w.general) == [answer]


async def test_who_calls_the_bots_role_is_told_what_to_do_where_the_text_cannot_be_read(discord, tmp_path):
    w = discord.world
    w.bot_role.mentionable = True
    async with fonte(discord, tmp_path) as bot:
        answer = await reply(discord, w.say(w.alice, w.general, f"{w.bot_role.mention} When is it?"))
        assert read(answer) == EN.unreadable
        assert bot.oracle.questions == []


@pytest.mark.parametrize("content", [False, True])
async def test_a_reply_to_an_answer_is_a_question(discord, tmp_path, content):
    """With the mention that goes along switched off, its text can be read with the intent alone."""
    w = discord.world
    w.message_content = content
    async with fonte(discord, tmp_path, discord={"message_content": content}) as bot:
        first = await reply(discord, w.say(w.alice, w.general, f"{w.mention} When is it?"))
        second = w.say(w.bruno, w.general, "Where is it?", reply_to=first)
        answer = await reply(discord, second)
        quiet = w.say(w.bruno, w.general, "Who is it?", reply_to=first, mention_reply=False)
        w.say(w.bruno, w.general, "I agree.", reply_to=second)
        await rest(discord, bot)
        assert "The answer to Where is it?" in read(answer)
        assert [read(a).partition("\n")[0] for a in w.replies_to(quiet)] == ["The answer to Who is it?"] * content
        assert len(bot.oracle.questions) == 2 + content


async def test_direct_messages_need_no_mention(discord, tmp_path):
    w = discord.world
    dm = w.dm(w.alice)
    async with fonte(discord, tmp_path) as bot:
        first = w.say(w.alice, dm, "When is it?")
        answer = await reply(discord, first)
        w.say(w.alice, dm, f"{w.mention} where is the key that {w.bruno.mention} has", reply_to=answer)
        thanks = w.say(w.alice, dm, "Thank you!")
        hint = await reply(discord, thanks)
        await rest(discord, bot)
        assert [q.text for q in bot.oracle.questions] == ["When is it?", "where is the key that @Bruno has"]
        assert read(hint) == EN.ask_me
        assert len(w.answers(dm)) == 3


async def test_threads_and_forum_posts_are_answered_where_they_are(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        thread = w.open_thread(w.bruno, w.general, "leave")
        asked = w.say(w.alice, thread, f"and how much is it {w.mention}?")
        post = w.forum_post(w.alice, w.forum, "When is it due?", f"{w.mention} When is it due this year?")
        hidden = w.open_thread(w.bruno, w.general, "between us", private=True)
        w.invite(hidden)
        secret = w.say(w.bruno, hidden, f"{w.mention} Who decides?")
        for question in (asked, post, secret):
            answer = await reply(discord, question)
            assert answer.channel == question.channel
        await rest(discord, bot)
        w.archive(thread)
        again = w.say(w.bruno, thread, f"{w.mention} And now?")
        assert (await reply(discord, again)).channel == thread.id
    assert bot.oracle.questions[0].text == "and how much is it?"
    assert w.answers(w.general) == []


async def test_a_mention_without_a_question_is_told_what_to_do(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = w.say(w.alice, w.general, f" {w.mention}  ")
        answer = await reply(discord, question)
        assert read(answer) == EN.ask_me
        assert answer.buttons == []
        assert bot.oracle.questions == []
        question = w.say(w.alice, w.general, "When is it?", reply_to=answer)
        assert "The answer to When is it?" in read(await reply(discord, question))


async def test_nobody_but_people_is_answered(discord, tmp_path):
    w = discord.world
    w.message_content = True
    async with fonte(discord, tmp_path, discord={"message_content": True}) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        answer = await reply(discord, question)
        w.system_message(w.general)
        w.system_message(w.general, 6, w.bruno)
        w.say(w.other_bot, w.general, f"{w.mention} When is it?")
        w.say(w.other_bot, w.general, "When is it?", reply_to=answer)
        w.webhook_says(w.general, f"{w.mention} When is it?")
        w.say(w.other_bot, w.dm(w.other_bot), "When is it?")
        await rest(discord, bot)
        assert len(bot.oracle.questions) == 1
        assert w.answers(w.general) == [answer]


async def test_what_people_say_to_each_other_is_not_read(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        for text in ("When is it?", f"{w.bruno.mention} when is it?", "Fonte, when is it?", "@Fonte when is it?"):
            w.say(w.alice, w.general, text)
        await rest(discord, bot)
        assert bot.oracle.questions == []
        assert discord.calls("POST", "/channels") == []


async def test_mentions_channels_and_emoji_become_words(discord, tmp_path):
    w = discord.world
    role = w.add_role(HELPERS, mentionable=True)
    async with fonte(discord, tmp_path) as bot:
        text = f"May {w.bruno.mention} and {role.mention} write in {w.random.mention} <:ok:123456789012345678>?"
        await reply(discord, w.say(w.alice, w.general, f"{w.mention} {text}"))
        assert [q.text for q in bot.oracle.questions] == ["May @Bruno and @helpers write in #random :ok:?"]


async def test_a_question_that_arrives_as_the_bot_leaves_is_answered_by_the_next(discord, tmp_path, monkeypatch):
    """Discord tells of it once."""
    w = discord.world
    begun = asyncio.Event()
    async with fonte(discord, tmp_path) as bot:
        claim = bot.core.ledger.claim

        async def slow_claim(asked):
            begun.set()
            await asyncio.sleep(0.2)  # longer than it takes to leave
            return await claim(asked)

        monkeypatch.setattr(bot.core.ledger, "claim", slow_claim)
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await begun.wait()
        await bot.end()
        assert w.answers(w.general) == []
    async with fonte(discord, tmp_path) as bot:
        assert "The answer to When is it?" in read(await reply(discord, question))
        await rest(discord, bot)


# ---------------------------------------------------------------- languages


async def test_not_found_is_said_in_the_askers_language_with_the_nearest_passages(discord, tmp_path):
    w = discord.world
    oracle = Oracle()
    near = tuple(citation(f"Il passaggio numero {n}.", line=n, url=None) for n in (3, 5, 7))

    async def ask(question):
        return Reply(Outcome.NOT_FOUND, IT.not_found, None, "it", near, 0.1)

    oracle.ask = ask
    async with fonte(discord, tmp_path, oracle=oracle):
        answer = await reply(discord, w.say(w.bruno, w.general, f"{w.mention} Chi ha perso la chiave?"))
    shown = read(answer)
    assert shown.startswith(f"{IT.not_found}\n{IT.nearest}\n")
    places = [shown.index(f"Il passaggio numero {n}.") for n in (3, 5, 7)]
    assert places == sorted(places)
    assert [button["label"] for button in answer.buttons] == [IT.helpful, IT.not_helpful, IT.delete]


async def test_where_the_words_do_not_tell_the_servers_language_counts(discord, tmp_path):
    w = discord.world
    there = w.add_guild("altrove", locale="it")
    piazza = w.add_channel("piazza", guild=there)
    async with fonte(discord, tmp_path) as bot:
        for channel in (w.general, piazza, w.dm(w.bruno)):
            await reply(discord, w.say(w.bruno, channel, f"{w.mention} GDPR"))
        assert [q.locale for q in bot.oracle.questions] == ["en-US", "it", None]


async def test_an_answer_says_nothing_of_what_nobody_asked(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        questions = [w.say(w.alice, w.general, f"{w.mention} Question {n}?") for n in range(3)]
        await answers(discord, w.general, 3)
        await rest(discord, bot)
        for number, question in enumerate(questions):
            (answer,) = w.replies_to(question)
            assert words(answer).startswith(f"The answer to Question {number}?")
