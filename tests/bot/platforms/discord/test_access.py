"""Who gets answers where, how often, and how the others are told."""

from __future__ import annotations

import pytest

from bot.messages import messages_in
from bot.types import Listed
from tests.bot.platforms.discord.seen import answers, private, read, reply, response, rest
from tests.standin.discord import permissions as may
from tests.standin.fonte import fonte, slow

EN, IT = messages_in("en"), messages_in("it")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that are to go do so soon, but not before a test has seen them."""
    monkeypatch.setattr("bot.platforms.discord.surface.WORD_SECONDS", 0.05)


async def told(discord, question) -> str:
    """The word in reply to a question, once it is gone again."""
    found = await reply(discord, question)
    await discord.wait_for(lambda: found.deleted)
    return read(found)


async def ask(discord, user, channel, **options):
    """What /ask is answered with."""
    return await response(discord, discord.world.slash(user, channel, "ask", {"question": "When is it?"}, **options))


async def test_other_servers_are_told_so(discord, tmp_path):
    w = discord.world
    other = w.add_channel("elsewhere", guild=w.add_guild("other"))
    async with fonte(discord, tmp_path, discord={"guilds": [w.guild.id]}) as bot:
        assert await told(discord, w.say(w.alice, other, f"{w.mention} When is it?")) == EN.not_allowed
        for channel in (w.general, w.dm(w.alice)):
            await reply(discord, w.say(w.alice, channel, f"{w.mention} When is it?"))
        assert "The answer to When is it?" in read(await ask(discord, w.alice, w.general))
        await rest(discord, bot)
        assert len(bot.oracle.questions) == 3
        assert w.answers(other) == []


async def test_other_channels_are_told_so(discord, tmp_path):
    w = discord.world
    chosen = {"allowed_channels": [w.general.id, w.forum.id], "message_content": True}
    w.message_content = True
    async with fonte(discord, tmp_path, discord=chosen) as bot:
        assert await told(discord, w.say(w.bruno, w.random, f"{w.mention} Quando scade?")) == IT.not_allowed
        denied = await ask(discord, w.alice, w.random)
        assert (read(denied), denied.ephemeral_to) == (EN.not_allowed, w.alice.id)
        about = w.context_menu(w.alice, w.random, "Ask about this", w.say(w.bruno, w.random, "When is it?"))
        assert read(await response(discord, about)) == EN.not_allowed
        elsewhere = w.open_thread(w.bruno, w.random)
        assert await told(discord, w.say(w.alice, elsewhere, f"{w.mention} When is it?")) == EN.not_allowed
        assert bot.oracle.questions == []
        # A channel stands for its threads; a direct message is in no channel.
        thread = w.open_thread(w.bruno, w.general)
        post = w.forum_post(w.alice, w.forum, "A post", f"{w.mention} When is it due?")
        places = (thread, w.dm(w.alice))
        questions = [post, *(w.say(w.alice, place, f"{w.mention} When is it?") for place in places)]
        for question in questions:
            assert "The answer to" in read(await reply(discord, question))
        assert "The answer to" in read(await ask(discord, w.alice, thread))
        await rest(discord, bot)
        assert w.answers(w.random) == w.answers(elsewhere) == []


@pytest.mark.parametrize("by", ["user", "role", "either"])
async def test_other_people_are_told_so(discord, tmp_path, by):
    w = discord.world
    role = w.add_role("staff", w.bruno)
    carla = w.add_user("carla")
    chosen = {
        "user": {"allowed_users": [w.bruno.id]},
        "role": {"allowed_roles": [role.id]},
        "either": {"allowed_users": [carla.id], "allowed_roles": [role.id]},
    }[by]
    async with fonte(discord, tmp_path, discord=chosen, documents=[Listed("The guide", "guide.md")]) as bot:
        for language in ("en", "it"):
            bot.offer(language, ["When is it?"])
        assert await told(discord, w.say(w.alice, w.general, f"{w.mention} When is it?")) == EN.not_allowed
        denied = await ask(discord, w.alice, w.general)
        assert (read(denied), denied.ephemeral_to) == (EN.not_allowed, w.alice.id)
        assert read(await response(discord, w.slash(w.alice, w.general, "sources"))) == EN.not_allowed
        for user, count in ((w.alice, 0), (w.bruno, 1)):
            typed = w.autocomplete(user, w.general, "ask", "when")
            await discord.wait_for(lambda typed=typed: typed.choices is not None)
            assert len(typed.choices) == count
        assert bot.oracle.questions == []
        for user in (w.bruno, *([carla] * (by == "either"))):
            assert "The answer to" in read(await reply(discord, w.say(user, w.general, f"{w.mention} When is it?")))
            assert "The answer to" in read(await ask(discord, user, w.general))
        listed = await response(discord, w.slash(w.bruno, w.general, "sources"))
        assert "The guide" in read(listed)
        # Nobody sees what is said to one person in direct messages, so it may stay.
        direct = w.say(w.alice, w.dm(w.alice), "When is it?")
        assert read(await reply(discord, direct)) == EN.not_allowed
        await rest(discord, bot)
        assert [len(w.replies_to(direct))] == [1]


async def test_without_the_right_to_read_the_history_an_answer_is_no_reply_but_an_answer(discord, tmp_path):
    w = discord.world
    w.deny(w.general, may.READ_MESSAGE_HISTORY)
    async with fonte(discord, tmp_path, rate_limit=1) as bot:
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        (answer,) = await answers(discord, w.general)
        await rest(discord, bot)
        w.say(w.alice, w.general, f"{w.mention} Where is it?")
        _, word = await answers(discord, w.general, 2)
        await rest(discord, bot)
    assert "The answer to When is it?" in read(answer)
    assert read(word) == EN.slow_down.format(seconds=60)
    assert answer.reference is word.reference is None


async def test_a_role_that_was_given_later_counts(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, discord={"allowed_roles": [(role := w.add_role("staff")).id]}) as bot:
        assert await told(discord, w.say(w.alice, w.general, f"{w.mention} When is it?")) == EN.not_allowed
        w.guild.members[w.alice.id].roles.add(role.id)
        assert "The answer to" in read(await reply(discord, w.say(w.alice, w.general, f"{w.mention} When is it?")))
        await rest(discord, bot)


async def test_whoever_did_not_ask_the_bot_is_not_told_either(discord, tmp_path):
    w = discord.world
    w.message_content = True
    chosen = {"allowed_users": [w.alice.id], "message_content": True, "threads": True}
    async with fonte(discord, tmp_path, discord=chosen) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        thread = await discord.wait_for(lambda: question.thread and w.channels[question.thread])
        (answer,) = await answers(discord, thread)
        await rest(discord, bot)
        w.say(w.bruno, thread, "And where is it?")
        w.say(w.bruno, w.general, "And where is it?")
        await rest(discord, bot)
        assert w.answers(thread) == [answer]
        assert w.answers(w.general) == []


async def test_an_edit_by_who_is_not_allowed_is_no_way_in(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, discord={"allowed_users": [w.alice.id]}) as bot:
        question = w.say(w.bruno, w.general, f"{w.mention} Wen is it?")
        await told(discord, question)
        w.edit(question, f"{w.mention} When is it?")
        await rest(discord, bot)
        assert bot.oracle.questions == []


async def test_who_asks_too_much_is_told_so(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, rate_limit=2) as bot:
        for _ in range(2):
            await reply(discord, w.say(w.alice, w.general, f"{w.mention} When is it?"))
        await rest(discord, bot)
        slow_down = EN.slow_down.format(seconds=60)
        assert await told(discord, w.say(w.alice, w.general, f"{w.mention} When is it?")) == slow_down
        limited = await ask(discord, w.alice, w.random)
        assert (read(limited), limited.ephemeral_to) == (slow_down, w.alice.id)
        assert "The answer to" in read(await ask(discord, w.bruno, w.random))
        await rest(discord, bot)
        assert len(bot.oracle.questions) == 3
        assert private(discord, w.alice) == [limited]


async def test_beyond_the_queue_people_are_asked_to_come_back(discord, tmp_path):
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, queue_limit=2) as bot:
        for number in range(2):
            w.say(w.alice, w.add_channel(f"room{number}"), f"{w.mention} When is it?")
        await discord.wait_for(lambda: len(oracle.questions) == 2)
        assert await told(discord, w.say(w.alice, w.general, f"{w.mention} When is it?")) == EN.overloaded
        assert read(await ask(discord, w.alice, w.general)) == EN.overloaded
        oracle.hold.set()
        await rest(discord, bot)
    assert len(oracle.questions) == 2


async def test_a_word_that_was_to_go_goes_with_the_bot(discord, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.platforms.discord.surface.WORD_SECONDS", 3600.0)
    w = discord.world
    async with fonte(discord, tmp_path, discord={"allowed_users": [w.alice.id]}):
        word = await reply(discord, w.say(w.bruno, w.general, f"{w.mention} When is it?"))
        assert not word.deleted
    assert word.deleted
