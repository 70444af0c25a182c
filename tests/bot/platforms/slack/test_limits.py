"""Who gets answers, how often; and what is said at the start about what the app may not do."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.messages import messages_in
from bot.platforms.slack.scopes import REQUIRED
from tests.bot.platforms.slack.seen import answers, private, rest
from tests.standin.fonte import Oracle, fonte

EN, IT = messages_in("en"), messages_in("it")


async def test_other_channels_and_people_are_told_in_private(slack, tmp_path):
    w = slack.workspace
    chosen = {"allowed_channels": [w.general.id], "allowed_users": [w.alice.id], "auto_answer_channels": [w.random.id]}
    async with fonte(slack, tmp_path, slack=chosen) as bot:
        allowed = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await answers(slack, w.general, allowed.ts)
        w.say(w.alice, w.secret, f"{w.mention} When is it?")
        w.say(w.bruno, w.general, f"{w.mention} Quando scade il bando?")
        w.slash(w.bruno, w.general, "Quando scade il bando?")
        (to_alice,) = await private(slack, w.alice)
        to_bruno = await private(slack, w.bruno, 2)
        # Whoever did not address the bot is not told either.
        await rest(slack, bot)
        w.say(w.bruno, w.general, "Quanto costa?", thread=allowed.ts)
        w.say(w.alice, w.random, "When is it?")
        await rest(slack, bot)
        assert [q.text for q in bot.oracle.questions] == ["When is it?"]
        assert (to_alice.shown, to_alice.channel) == (EN.not_allowed, w.secret.id)
        assert {message.shown for message in to_bruno} == {IT.not_allowed}
        assert len(w.ephemerals) == 3
        assert len(w.answers(w.general)) == 1


async def test_who_asks_too_much_is_told_so_politely_and_in_private(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, rate_limit=2) as bot:
        for _ in range(3):
            w.say(w.alice, w.general, f"{w.mention} When is it?")
            await rest(slack, bot)
        w.slash(w.alice, w.random, "When is it?")
        thread = w.say(w.bruno, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
        w.say(w.alice, w.general, f"{w.mention} And now?", thread=thread.ts)
        told = await private(slack, w.alice, 3)
        await rest(slack, bot)
        assert {message.shown for message in told} == {EN.slow_down.format(seconds=60)}
        assert [(message.channel, message.thread_ts) for message in told] == [
            (w.general.id, ""),
            (w.random.id, ""),
            (w.general.id, thread.ts),
        ]
        assert len(bot.oracle.questions) == 3
        assert len(w.answers(w.general)) == 3


async def test_beyond_the_queue_people_are_asked_to_come_back(slack, tmp_path):
    w = slack.workspace
    oracle = Oracle(hold=asyncio.Event())
    async with fonte(slack, tmp_path, oracle=oracle, queue_limit=2) as bot:
        for number in range(2):
            w.say(w.alice, w.add_channel(f"room{number}"), f"{w.mention} When is it?")
        await slack.wait_for(lambda: len(oracle.questions) == 2)
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        (told,) = await private(slack, w.alice)
        oracle.hold.set()
        await rest(slack, bot)
    assert told.shown == EN.overloaded
    assert len(oracle.questions) == 2
    assert w.answers(w.general) == []


async def test_missing_scopes_are_named_at_the_start(slack, tmp_path, caplog):
    w = slack.workspace
    w.app.scopes -= {"files:write", "reactions:write"}
    with caplog.at_level(logging.WARNING, "bot"):
        async with fonte(slack, tmp_path):
            question = w.say(w.alice, w.general, f"{w.mention} When is it?")
            await answers(slack, w.general, question.ts)
    named = [record.getMessage() for record in caplog.records if "lacks the scope" in record.getMessage()]
    assert len(named) == 2
    assert "files:write: " in named[0]
    assert "reactions:write: " in named[1]


async def test_a_complete_app_is_not_nagged(slack, tmp_path, caplog):
    slack.workspace.app.scopes = set(REQUIRED)
    with caplog.at_level(logging.WARNING):
        async with fonte(slack, tmp_path):
            await slack.connected()
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize("number", [1, 3])
async def test_many_people_are_not_one(slack, tmp_path, number):
    w = slack.workspace
    people = [w.add_user(f"person{n}") for n in range(number)]
    async with fonte(slack, tmp_path, rate_limit=1) as bot:
        for person in people:
            w.say(person, w.general, f"{w.mention} When is it?")
        await answers(slack, w.general, count=number)
        await rest(slack, bot)
    assert w.ephemerals == []
