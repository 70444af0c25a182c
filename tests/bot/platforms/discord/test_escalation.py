"""Asking a person: by a role in place, or in a channel for it."""

from __future__ import annotations

from bot.markup.discord import Button
from bot.messages import messages_in
from bot.types import Outcome
from tests.bot.platforms.discord.seen import (
    HELPERS,
    answered,
    answers,
    buttons,
    link,
    pressed,
    read,
    reply,
    response,
    rest,
    sent,
    words,
)
from tests.standin.fonte import Oracle, fonte

EN = messages_in("en")


async def test_a_role_is_called_once_and_for_real(discord, tmp_path):
    w = discord.world
    role = w.add_role(HELPERS, w.bruno, mentionable=True)
    async with fonte(discord, tmp_path, discord={"escalation_role": role.id}) as bot:
        _, answer = await answered(discord, bot, f"Who decides, {w.bruno.mention} or @everyone?")
        told = await pressed(discord, w.bruno, answer, Button.ASK_PERSON)
        again = await pressed(discord, w.alice, answer, Button.ASK_PERSON)
        assert read(told) == read(again) == EN.person_asked
        _, call = await answers(discord, w.general, 2)
        await rest(discord, bot)
        assert w.answers(w.general) == [answer, call]
        assert (call.mentions_called.roles, call.mentions_called.users) == ([role.id], [])
        assert call.reference["message_id"] == answer.id
        assert f"<@&{role.id}> <@{w.bruno.id}> asks for a person's answer to this question" in words(call)
        assert "Who decides, @Bruno or @everyone?" in read(call)
        assert call.buttons == []


async def test_a_role_is_called_in_the_thread_of_the_question(discord, tmp_path):
    w = discord.world
    role = w.add_role(HELPERS, w.bruno, mentionable=True)
    async with fonte(discord, tmp_path, discord={"escalation_role": role.id}) as bot:
        thread = w.open_thread(w.bruno, w.general)
        post = w.channels[w.forum_post(w.alice, w.forum, "A post", "Hello").channel]
        for place in (thread, post):
            _, answer = await answered(discord, bot, channel=place)
            await pressed(discord, w.bruno, answer, Button.ASK_PERSON)
            _, call = await answers(discord, place, 2)
            assert call.mentions_called.roles == [role.id]
        asked = await response(discord, w.slash(w.alice, w.general, "ask", {"question": "Who pays?"}))
        await rest(discord, bot)
        await pressed(discord, w.bruno, asked, Button.ASK_PERSON)
        _, call = await answers(discord, w.general, 2)
        assert call.reference["message_id"] == asked.id


async def test_a_channel_for_escalations_gets_question_answer_and_link(discord, tmp_path):
    w = discord.world
    desk, role = w.add_channel("desk"), w.add_role(HELPERS, mentionable=True)
    chosen = {"escalation_channel": desk.id, "escalation_role": role.id}
    async with fonte(discord, tmp_path, discord=chosen, oracle=Oracle(outcome=Outcome.NOT_FOUND)) as bot:
        _, answer = await answered(discord, bot, "Who decides?")
        await pressed(discord, w.bruno, answer, Button.ASK_PERSON)
        (call,) = await answers(discord, desk)
        assert f"<@{w.bruno.id}> asks for a person's answer to this question" in words(call)
        assert "Who decides?" in read(call)
        assert link(discord, answer) in {url for message in sent(discord) for url in message.links}
        assert call.mentions_called.roles == [role.id]
        # From a private answer as well, which no link leads to.
        alone = await response(discord, w.slash(w.alice, w.random, "ask", {"question": "Who pays?", "private": True}))
        await rest(discord, bot)
        await pressed(discord, w.alice, alone, Button.ASK_PERSON)
        _, second = await answers(discord, desk, 2)
        assert "Who pays?" in read(second)
        assert EN.to_answer not in read(second)


async def test_a_person_can_be_asked_only_where_one_can_come(discord, tmp_path):
    w = discord.world
    role = w.add_role(HELPERS)
    other = w.add_channel("elsewhere", guild=w.add_guild("a server without this role"))
    foreign = w.add_channel("foreign", guild=w.add_guild("foreign", bot=False))
    between = w.private(w.alice, w.bruno)
    async with fonte(discord, tmp_path, discord={"escalation_role": role.id}) as bot:
        direct = await reply(discord, w.say(w.alice, w.dm(w.alice), "Who decides?"))
        alone = await response(discord, w.slash(w.alice, w.general, "ask", {"question": "Who?", "private": True}))
        taken_along = [
            await response(discord, w.slash(w.alice, place, "ask", {"question": "Who?"}, user_install=True))
            for place in (between, foreign)
        ]
        _, there = await answered(discord, bot, channel=other)
        _, old = await answered(discord, bot, "Who was it?")
    async with fonte(discord, tmp_path) as bot:
        _, plain = await answered(discord, bot)
        assert read(await pressed(discord, w.alice, old, Button.ASK_PERSON)) == EN.nobody_to_ask
    for message in (direct, alone, there, plain, *taken_along):
        assert Button.ASK_PERSON not in buttons(message)


async def test_what_people_reply_to_a_call_is_for_those_who_asked(discord, tmp_path):
    w = discord.world
    desk, role = w.add_channel("feedback"), w.add_role(HELPERS, mentionable=True)
    chosen = {"escalation_role": role.id, "feedback_channel": desk.id}
    async with fonte(discord, tmp_path, discord=chosen) as bot:
        _, answer = await answered(discord, bot, "Who decides?")
        await pressed(discord, w.alice, answer, Button.ASK_PERSON)
        await pressed(discord, w.alice, answer, Button.HELPFUL)
        _, call = await answers(discord, w.general, 2)
        (forwarded,) = await answers(discord, desk)
        w.say(w.bruno, w.general, "Carla does, as you can read in the rules.", reply_to=call)
        w.say(w.bruno, desk, "Good to hear.", reply_to=forwarded)
        await rest(discord, bot)
        assert len(bot.oracle.questions) == 1
        named = w.say(w.bruno, w.general, f"{w.mention} who is Carla?", reply_to=call)
        assert "The answer to who is Carla?" in read(await reply(discord, named))
