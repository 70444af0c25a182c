"""What goes wrong between the bot and Discord: in the end, what a call was for is there, and once."""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise

import pytest

from bot.messages import messages_in
from tests.bot.platforms.discord.seen import rest, taken
from tests.bot.platforms.discord.trials import (
    CALLBACK,
    CHANGE_ORIGINAL,
    DELETE,
    FAULTS,
    HISTORY,
    LOST,
    PATCH,
    POST,
    THREAD,
    TYPING,
    Instead,
    Trial,
    hurry,
    said,
)
from tests.bot.platforms.trials import DONE, OPENING, SHOWING, SLOWLY, endings, slow
from tests.standin.discord.faults import Banned, Error, RateLimited
from tests.standin.faults import Cut, Hang, Status
from tests.standin.fonte import QUICK, fonte

EN = messages_in("en")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


# Whatever happens to a call, what it was for is there once.


async def test_a_post_is_there_once(discord, tmp_path):
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        trial = Trial(discord, POST)
        trial.ask()
        await rest(discord, bot, hanging=True)
        assert trial.found() == trial.all("The answer to When is it?")
    assert endings(tmp_path) == DONE


async def test_a_post_that_discord_would_make_twice_is_found(discord, tmp_path, monkeypatch):
    """After some minutes a nonce says nothing any more."""
    monkeypatch.setattr("tests.standin.discord.world.NONCE_SECONDS", 0)
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        trial = Trial(discord, POST, LOST)
        for channel in trial.channels.values():
            discord.fail(HISTORY, Cut(), where=lambda call, channel=channel: call.ids[0] == channel.id)
        trial.ask()
        await rest(discord, bot, hanging=True)
        assert trial.found() == trial.all("The answer to When is it?")
        assert len(discord.calls("POST", "/messages")) == len(LOST)
    assert endings(tmp_path) == DONE


async def test_a_post_in_a_thread_of_its_own_is_there_once(discord, tmp_path):
    async with fonte(discord, tmp_path, pace=QUICK, discord={"threads": True}) as bot:
        trial = Trial(discord, THREAD)
        trial.ask()
        await rest(discord, bot, hanging=True)
        assert trial.found() == trial.all("The answer to When is it?")
        assert [name for name, channel in trial.channels.items() if discord.world.answers(channel)] == []
    assert endings(tmp_path) == DONE


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("route", [CALLBACK, CHANGE_ORIGINAL])
async def test_a_command_is_answered_once(discord, tmp_path, route, private):
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        trial = Trial(discord, route)
        trial.command(private=private)
        await rest(discord, bot, hanging=True)
        assert trial.found() == trial.all("The answer to When is it?")
        assert {command.state for command in trial.commands.values()} == {"answered"}
        assert {command.ephemeral for command in trial.commands.values()} == {private}
        assert discord.calls("POST", "/messages") == []
    assert endings(tmp_path) == DONE


@pytest.mark.parametrize("route", [POST, PATCH], ids=["its beginning", "its end"])
async def test_a_reply_that_takes_long_is_there_once(discord, tmp_path, route):
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=OPENING) as bot:
        trial = Trial(discord, route)
        trial.ask()
        await trial.shown()
        oracle.hold.set()
        await rest(discord, bot, hanging=True)
        assert trial.found() == trial.all("The answer to When is it?")
    assert endings(tmp_path) == DONE


async def test_an_edit_changes_the_answer(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        trial = Trial(discord, PATCH)
        trial.ask()
        await rest(discord, bot, hanging=True)
        for question in trial.questions.values():
            w.edit(question, f"{w.mention} Where is it?")
        await rest(discord, bot, hanging=True)
        assert trial.found() == trial.all("The answer to Where is it?")


async def test_a_deleted_question_takes_its_answer_along(discord, tmp_path):
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        trial = Trial(discord, DELETE)
        trial.ask()
        await rest(discord, bot, hanging=True)
        for question in trial.questions.values():
            discord.world.delete(question)
        await rest(discord, bot, hanging=True)
        assert trial.found() == trial.all()
    assert {state for state, _ in endings(tmp_path)} == {"removed"}


async def test_a_sign_of_work_that_fails_keeps_no_answer_away(discord, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.platforms.discord.work.RENEW", 0.02)
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=SHOWING) as bot:
        trial = Trial(discord, TYPING)
        trial.ask()
        await discord.wait_for(
            lambda: {call.ids[0] for call in discord.calls("POST", "typing")} >= {c.id for c in trial.channels.values()}
        )
        oracle.hold.set()
        await rest(discord, bot, hanging=True)
        assert trial.found() == trial.all("The answer to When is it?")
        assert bot.core.dispatcher._platforms["discord"].surface._typing._shown == {}
    assert endings(tmp_path) == DONE


# What else may go wrong with one question.


async def test_a_post_that_fails_again_and_again_is_there_once(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        for fault in (Status(503), RateLimited(0.01), Cut(), Banned(0), Cut(reset=True), Status(503, after=True)):
            discord.fail(POST, fault)
        discord.fail(HISTORY, Status(500), times=2)
        discord.fail(HISTORY, RateLimited(0.01))
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(discord, bot)
    assert said(discord, w.general) == ["The answer to When is it?"]
    assert len(discord.calls("POST", "/messages")) == 6
    assert endings(tmp_path) == DONE


async def test_without_the_right_to_read_an_uncertain_post_is_repeated(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        discord.fail(POST, Cut(after=True))
        discord.fail(HISTORY, Error(50001))
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(discord, bot)
    assert said(discord, w.general) == ["The answer to When is it?"]
    assert len({call.body["nonce"] for call in discord.calls("POST", "/messages")}) == 1


async def test_a_word_to_one_person_is_said_once(discord, tmp_path):
    async with fonte(discord, tmp_path, pace=QUICK, discord={"allowed_channels": (discord.world.general.id,)}) as bot:
        trial = Trial(discord, POST, [name for name in FAULTS if name.endswith("before") or "429" in name])
        trial.ask()
        await rest(discord, bot, hanging=True)
        found = trial.found()
    # What may have been said is not said again.
    certain = {name for name in found if "429" in name or name.startswith("502") or name.startswith("500")}
    assert found == {name: [EN.not_allowed] * (name in certain) for name in found}


@pytest.mark.parametrize("code", [50001, 50013, 50007, 10003])
async def test_what_discord_will_not_take_ends_the_question(discord, tmp_path, caplog, code):
    w = discord.world
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        discord.fail(POST, Error(code))
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(discord, bot)
    assert len(discord.calls("POST", "/messages")) == 1
    assert f"no reply could be shown: {POST.format('{channel_id}')}: status" in caplog.text
    assert endings(tmp_path) == {("done", "undelivered")}


async def test_a_question_deleted_before_its_answer_leaves_nothing_to_complain_about(discord, tmp_path, caplog):
    w, oracle = discord.world, slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=QUICK) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await discord.wait_for(lambda: oracle.questions)
        w.delete(question)
        await taken(discord)
        oracle.hold.set()
        await rest(discord, bot)
    assert said(discord, w.general) == []
    assert {state for state, _ in endings(tmp_path)} == {"removed"}
    assert caplog.text == ""


# Discord's limits, and Discord out of reach.


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
@pytest.mark.parametrize("route", [POST, PATCH, DELETE, CHANGE_ORIGINAL])
async def test_nothing_is_sent_before_the_time_that_discord_says(discord, tmp_path, route, scope):
    """The stand-in holds it against the bot; see its violations, which the fixture looks at."""
    w = discord.world
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        discord.fail(route, RateLimited(0.1, scope), times=2)
        w.slash(w.alice, w.random, "ask", {"question": "Who is it?"})
        await rest(discord, bot)
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(discord, bot)
        w.edit(question, f"{w.mention} Where is it?")
        await rest(discord, bot)
        w.delete(question)
        await rest(discord, bot)
    calls = [call for call in discord.calls() if call.name == route]
    assert [call.handled for call in calls] == [False, False, True]
    assert all(later.at - earlier.at >= 0.1 for earlier, later in pairwise(calls))


async def test_a_sign_of_work_may_end_while_discord_takes_nothing_at_all(discord, tmp_path, monkeypatch):
    """The library sends nothing any more once it was interrupted while it waits for the limit on all requests."""
    monkeypatch.setattr("bot.platforms.discord.work.RENEW", 0.01)
    w, posted = discord.world, Hang(after=True)
    async with fonte(discord, tmp_path, pace=SHOWING) as bot:
        discord.fail(POST, posted)
        limited = discord.fail(TYPING, RateLimited(0.2, "global"), where=lambda call: posted.reached.is_set())
        w.say(w.alice, w.general, f"{w.mention} {SLOWLY}")
        await discord.wait_for(lambda: limited.used_up and limited.hits[0].status == 429)
        posted.release()
        await bot.idle()
        w.say(w.alice, w.random, f"{w.mention} When is it?")
        await discord.wait_for(lambda: said(discord, w.random))
    assert said(discord, w.general, w.random) == [f"The answer to {SLOWLY}", "The answer to When is it?"]


async def test_a_wait_that_is_longer_than_the_library_takes_is_kept_to(discord, tmp_path, monkeypatch):
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    w = discord.world
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        discord.fail(POST, RateLimited(31))
        discord.fail(POST, Banned(3600))
        monkeypatch.setattr("bot.delivery.asyncio", Instead(asyncio, sleep=note))
        monkeypatch.setattr(discord.limits, "block", lambda bucket, seconds: None)
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(discord, bot)
    assert [seconds for seconds in waits if seconds > 1] == [31, 3600]
    assert said(discord, w.general) == ["The answer to When is it?"]


async def test_an_answer_waits_for_a_discord_out_of_reach(discord, tmp_path, caplog):
    w, oracle = discord.world, slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=QUICK) as bot:
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await discord.wait_for(lambda: oracle.questions)
        await discord.down()
        with caplog.at_level(logging.INFO, "bot.delivery"):
            oracle.hold.set()
            await discord.wait_for(lambda: "/messages: no connection (ClientConnectorError)" in caplog.text)
        await discord.up()
        await discord.wait_for(lambda: said(discord, w.general))
        await bot.idle()
    assert said(discord, w.general) == ["The answer to When is it?"]
    assert endings(tmp_path) == DONE


async def test_a_burst_is_answered_and_never_too_fast(discord, tmp_path):
    w = discord.world
    discord.limits.set(POST, 3, 0.2)
    channels = [w.add_channel(f"burst{number}") for number in range(5)]
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        asked = [w.say(w.alice, channels[n % 5], f"{w.mention} Question {n}?") for n in range(30)]
        for question in asked[::2]:
            w.redeliver(question)
        await rest(discord, bot)
    found = [sorted(said(discord, channel)) for channel in channels]
    assert found == [sorted(f"The answer to Question {n}?" for n in range(start, 30, 5)) for start in range(5)]
    assert {call.status for call in discord.calls("POST", "/messages")} == {200}
    assert len(discord.calls("POST", "/messages")) == 30
