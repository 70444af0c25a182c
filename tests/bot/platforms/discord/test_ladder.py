"""The ways to deliver a reply: a placeholder that is changed, else a new message; with a layout and a file, or not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.messages import messages_in
from tests.bot.platforms.discord.seen import private, read, rest, taken
from tests.bot.platforms.discord.trials import CHANGE_ORIGINAL, DELETE, PATCH, POST, first, hurry, said
from tests.bot.platforms.trials import DONE, NEVER, OPENING, endings, slow
from tests.standin.discord import permissions as may
from tests.standin.discord.errors import INVALID_FORM
from tests.standin.discord.faults import Error, RateLimited
from tests.standin.discord.model import Message
from tests.standin.discord.server import DiscordServer
from tests.standin.faults import Cut, Status
from tests.standin.fonte import QUICK, Oracle, fonte

EN = messages_in("en")
ANSWER = "The answer to When is it?"
LONG = Oracle(text="\n".join(f"Line {number}: " + "and so on " * 20 for number in range(60)))
"""More than a message holds."""


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def writing(discord: DiscordServer) -> list[str]:
    """The writing calls that took effect, in order."""
    return [call.name for call in discord.calls(path="/messages", handled=True) if call.method != "GET"]


async def reply_in_the_making(
    discord: DiscordServer, tmp_path, prepare: Callable[[], object], then: Callable[[], object] = lambda: None
) -> tuple[Message, Message]:
    """What stood there while a slow question was thought about, and its one answer; ``prepare`` is called before it is
    asked, ``then`` before it is answered."""
    w, oracle = discord.world, slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=OPENING) as bot:
        prepare()
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        (opened,) = await discord.wait_for(lambda: w.answers(w.general))
        assert first(opened) == EN.searching
        then()
        oracle.hold.set()
        await rest(discord, bot, hanging=True)
    (answer,) = w.answers(w.general)
    assert first(answer) == ANSWER
    assert endings(tmp_path) == DONE
    return opened, answer


# A reply in the making.


async def test_a_placeholder_is_changed(discord, tmp_path):
    opened, answer = await reply_in_the_making(discord, tmp_path, lambda: None)
    assert opened is answer
    assert writing(discord) == [POST, PATCH]


@pytest.mark.parametrize("code", [50005, 50021, 50068, 50080, 50001, 10008, INVALID_FORM])
@pytest.mark.parametrize("deletion", [None, RateLimited(0.01), Status(503), Status(503, after=True), Cut()])
async def test_what_cannot_be_changed_is_posted_anew_and_the_old_one_goes(discord, tmp_path, code, deletion):
    def prepare() -> None:
        discord.fail(PATCH, Error(code))
        if deletion is not None:
            discord.fail(DELETE, deletion)

    opened, answer = await reply_in_the_making(discord, tmp_path, prepare)
    assert opened is not answer
    assert opened.deleted
    assert writing(discord)[-1] == POST


async def test_what_was_changed_too_often_is_posted_anew(discord, tmp_path):
    def prepare() -> None:
        discord.fail(PATCH, RateLimited(0.01, code=30046), times=5)

    opened, answer = await reply_in_the_making(discord, tmp_path, prepare)
    assert opened is not answer
    assert len(discord.calls("PATCH")) == 5  # the library does not take the first no for an answer


async def test_a_reply_that_somebody_deleted_is_posted_anew(discord, tmp_path):
    w = discord.world
    opened, answer = await reply_in_the_making(
        discord, tmp_path, lambda: None, lambda: w.delete(w.answers(w.general)[0])
    )
    assert opened is not answer


async def test_a_reply_that_can_be_neither_changed_nor_deleted_does_not_keep_the_answer_away(discord, tmp_path):
    w, oracle = discord.world, slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=OPENING) as bot:
        discord.fail(PATCH, Error(50005))
        discord.fail(DELETE, Error(50013))
        discord.fail(POST, Cut(), skip=1)
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await discord.wait_for(lambda: w.answers(w.general))
        oracle.hold.set()
        await rest(discord, bot)
    assert said(discord, w.general) == [EN.searching, ANSWER]


@pytest.mark.parametrize("locked", [False, True])
async def test_a_thread_that_was_closed_meanwhile_is_opened_for_the_answer(discord, tmp_path, locked):
    w, oracle = discord.world, slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=OPENING) as bot:
        thread = w.open_thread(w.alice, w.general, "leave")
        w.allow(w.general, may.MANAGE_THREADS)
        w.say(w.alice, thread, f"{w.mention} When is it?")
        (opened,) = await discord.wait_for(lambda: w.answers(thread))
        w.archive(thread, locked=locked)
        oracle.hold.set()
        await rest(discord, bot)
        assert w.answers(thread) == [opened]
    assert first(opened) == ANSWER
    assert not thread.archived


async def test_a_question_deleted_while_its_answer_is_in_the_making_takes_it_along(discord, tmp_path, caplog):
    w, oracle = discord.world, slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=OPENING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await discord.wait_for(lambda: w.answers(w.general))
        w.delete(question)
        await taken(discord)
        oracle.hold.set()
        await rest(discord, bot)
    assert w.answers(w.general) == []
    assert {state for state, _ in endings(tmp_path)} == {"removed"}
    assert caplog.text == ""


# Layout and file.


async def test_a_layout_that_discord_refuses_does_not_keep_the_words_away(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        for route in (POST, CHANGE_ORIGINAL):
            discord.fail(route, Error(INVALID_FORM))
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        command = w.slash(w.alice, w.random, "ask", {"question": "When is it?"})
        await rest(discord, bot)
    (answer,) = w.replies_to(question)
    for message in (answer, command.response):
        assert message.components == []
        assert ANSWER in message.content
    assert command.state == "answered"
    assert endings(tmp_path) == DONE


async def test_a_plain_answer_is_known_again(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, pace=QUICK) as bot:
        discord.fail(POST, Error(INVALID_FORM))
        discord.fail(POST, Status(503, after=True))
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(discord, bot)
    assert said(discord, w.general) == [ANSWER]
    assert len(discord.calls("POST", "/messages")) == 2


@pytest.mark.parametrize("fault", [None, Status(503, after=True), Cut(), Cut(partial=True)])
async def test_what_has_no_room_goes_along_as_a_file(discord, tmp_path, fault):
    w = discord.world
    async with fonte(discord, tmp_path, oracle=LONG, pace=QUICK) as bot:
        if fault is not None:
            discord.fail(POST, fault)
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(discord, bot)
    (answer,) = w.answers(w.general)
    (file,) = answer.files
    assert "Line 59: " in file.content.decode()
    assert endings(tmp_path) == DONE


async def test_where_files_are_not_allowed_as_much_is_said_as_has_room(discord, tmp_path):
    w = discord.world
    w.deny(w.general, may.ATTACH_FILES)
    async with fonte(discord, tmp_path, oracle=LONG, pace=QUICK) as bot:
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(discord, bot)
    (answer,) = w.answers(w.general)
    assert answer.files == []
    assert "Line 0: " in read(answer)
    assert endings(tmp_path) == DONE


# Commands whose time is over.


@pytest.mark.parametrize("fault", [None, Status(503, after=True), Cut(), RateLimited(0.01)])
async def test_a_command_that_took_too_long_is_answered_in_the_channel(discord, tmp_path, fault):
    w, oracle = discord.world, slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=QUICK) as bot:
        command = w.slash(w.alice, w.general, "ask", {"question": "When is it?"})
        await discord.wait_for(lambda: command.state == "deferred")
        if fault is not None:
            discord.fail(POST, fault)
        w.expire(command)
        oracle.hold.set()
        await rest(discord, bot)
    (answer,) = [m for m in w.answers(w.general) if m is not command.response]
    assert read(answer).startswith(f"{w.alice.mention} asked: When is it?\n")
    assert first(answer) == ANSWER
    assert endings(tmp_path) == DONE


@pytest.mark.parametrize("fault", [None, Status(503, after=True), Cut(), RateLimited(0.01)])
async def test_a_private_command_that_took_too_long_is_answered_in_a_direct_message(discord, tmp_path, fault):
    w, oracle = discord.world, slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=QUICK) as bot:
        command = w.slash(w.alice, w.general, "ask", {"question": "When is it?", "private": True})
        await discord.wait_for(lambda: command.state == "deferred")
        if fault is not None:
            discord.fail(POST, fault)
            discord.fail("POST /users/@me/channels", type(fault)(**vars(fault)))
        w.expire(command)
        oracle.hold.set()
        await rest(discord, bot)
    (answer,) = w.answers(w.dm(w.alice))
    assert "When is it?" in read(answer).partition("\n")[0]
    assert first(answer) == ANSWER
    assert w.answers(w.general) == private(discord, w.alice) == []
    assert endings(tmp_path) == DONE


async def test_who_takes_no_direct_messages_gets_none(discord, tmp_path, caplog):
    w, oracle = discord.world, slow()
    w.close_dms(w.alice)
    async with fonte(discord, tmp_path, oracle=oracle, pace=QUICK) as bot:
        command = w.slash(w.alice, w.general, "ask", {"question": NEVER, "private": True})
        await discord.wait_for(lambda: command.state == "deferred")
        w.expire(command)
        oracle.hold.set()
        await rest(discord, bot)
    assert "no reply could be shown: POST /channels/{channel_id}/messages: status 403" in caplog.text
    assert w.answers(w.general) == w.answers(w.dm(w.alice)) == []
    assert endings(tmp_path) == {("done", "undelivered")}
