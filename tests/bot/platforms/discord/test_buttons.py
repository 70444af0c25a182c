"""What people do with an answer by its buttons, and who hears of it."""

from __future__ import annotations

import pytest

from bot.claims import Feedback, Reason, Verdict
from bot.errors import LedgerUnavailable
from bot.markup.discord import Button
from bot.markup.discord_forms import COMMENT, REASON
from bot.messages import messages_in
from tests.bot.platforms.discord.seen import (
    HELPERS,
    answered,
    answers,
    form,
    key,
    link,
    pressed,
    private,
    read,
    response,
    rest,
    sent,
    words,
)
from tests.standin.discord import permissions as may
from tests.standin.faults import Cut
from tests.standin.fonte import Oracle, fonte

EN, IT = messages_in("en"), messages_in("it")


# ---------------------------------------------------------------- helpful, not helpful


async def test_an_opinion_is_thanked_for_in_private(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question, answer = await answered(discord, bot)
        thanks = await pressed(discord, w.bruno, answer, Button.HELPFUL)
        assert read(thanks) == EN.thanks
        assert private(discord, w.bruno) == [thanks]
        given = await bot.core.ledger.feedback(key(question), w.bruno.id)
        assert given == Feedback(key(question), w.bruno.id, Verdict.HELPFUL)
        assert w.answers(w.general) == [answer]
        assert read(answer).startswith("The answer to When is it?")


async def test_an_opinion_can_be_changed(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question, answer = await answered(discord, bot)
        await pressed(discord, w.bruno, answer, Button.HELPFUL)
        opened = await form(discord, w.bruno, answer)
        filled = w.submit(w.bruno, opened, {REASON: "outdated", COMMENT: "That was last year.\n@everyone"})
        assert read(await response(discord, filled)) == EN.thanks
        given = await bot.core.ledger.feedback(key(question), w.bruno.id)
        assert (given.verdict, given.reason) == (Verdict.NOT_HELPFUL, Reason.OUTDATED)
        assert given.comment == "That was last year.\n@everyone"
        await pressed(discord, w.bruno, answer, Button.HELPFUL)
        given = await bot.core.ledger.feedback(key(question), w.bruno.id)
        assert (given.verdict, given.reason, given.comment) == (Verdict.HELPFUL, None, "")


async def test_not_helpful_counts_even_if_the_form_is_not_filled_in(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, oracle=Oracle(language="it")) as bot:
        question, answer = await answered(discord, bot, "Quando scade?", user=w.bruno)
        opened = await form(discord, w.bruno, answer)
        assert opened.modal["title"] == IT.why_title
        given = await bot.core.ledger.feedback(key(question), w.bruno.id)
        assert (given.verdict, given.reason) == (Verdict.NOT_HELPFUL, None)
        with pytest.raises(LookupError):  # a reason is asked for
            w.submit(w.bruno, opened, {COMMENT: "Non so."})


async def test_a_form_of_an_earlier_process_is_taken(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question, answer = await answered(discord, bot)
        opened = await form(discord, w.bruno, answer)
    async with fonte(discord, tmp_path) as bot:
        filled = w.submit(w.bruno, opened, {REASON: "wrong"})
        assert read(await response(discord, filled)) == EN.thanks
        assert (await bot.core.ledger.feedback(key(question), w.bruno.id)).reason is Reason.WRONG


async def test_opinions_are_forwarded_with_a_link_and_kept_up_to_date(discord, tmp_path):
    w = discord.world
    desk = w.add_channel("feedback")
    async with fonte(discord, tmp_path, discord={"feedback_channel": desk.id}) as bot:
        _, answer = await answered(discord, bot, "When is it due?")
        opened = await form(discord, w.bruno, answer)
        (forwarded,) = await answers(discord, desk)
        for part in (f"<@{w.bruno.id}> found this answer not helpful", "When is it due?", "The answer to When is it"):
            assert part in words(forwarded)
        await rest(discord, bot)
        assert link(discord, answer) in sent(discord)[-1].links | sent(discord)[-2].links
        w.submit(w.bruno, opened, {REASON: "wrong", COMMENT: "It is due in May."})
        await discord.wait_for(lambda: "It is due in May." in read(forwarded))
        assert f"{EN.why_reason}: {EN.reason_wrong}" in read(forwarded)
        await rest(discord, bot)
        await pressed(discord, w.bruno, answer, Button.HELPFUL)
        await discord.wait_for(lambda: "found this answer helpful" in read(forwarded))
        assert "It is due in May." not in read(forwarded)
        await rest(discord, bot)
        assert w.answers(desk) == [forwarded]
        await pressed(discord, w.alice, answer, Button.HELPFUL)
        await answers(discord, desk, 2)
        assert forwarded.buttons == []
    # Also by the next process.
    async with fonte(discord, tmp_path, discord={"feedback_channel": desk.id}) as bot:
        await form(discord, w.bruno, answer)
        await discord.wait_for(lambda: "found this answer not helpful" in read(forwarded))
        await rest(discord, bot)
        assert len(w.answers(desk)) == 2


# ---------------------------------------------------------------- share


async def test_a_private_answer_is_shared_once(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        asked = w.slash(w.alice, w.general, "ask", {"question": "When is it?", "private": True})
        answer = await response(discord, asked)
        await rest(discord, bot)
        w.click(w.alice, answer, Button.SHARE)
        (shared,) = await answers(discord, w.general)
        w.click(w.alice, answer, Button.SHARE)
        await rest(discord, bot)
        assert w.answers(w.general) == [shared]
        assert f"<@{w.alice.id}> asked: When is it?" in words(shared)
        assert "The answer to When is it?" in read(shared)
        # Everybody has the buttons now.
        assert read(await pressed(discord, w.bruno, shared, Button.HELPFUL)) == EN.thanks
        assert read(await pressed(discord, w.bruno, shared, Button.DELETE)) == EN.only_asker
        w.click(w.alice, shared, Button.DELETE)
        await discord.wait_for(lambda: shared.deleted)
        await rest(discord, bot)
        assert not answer.deleted


@pytest.mark.parametrize("place", ["thread", "post"])
async def test_a_private_answer_is_shared_in_its_thread(discord, tmp_path, place):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        thread = w.open_thread(w.bruno, w.general)
        post = w.channels[w.forum_post(w.alice, w.forum, "A post", "Hello").channel]
        channel = thread if place == "thread" else post
        asked = w.slash(w.alice, channel, "ask", {"question": "When is it?", "private": True})
        answer = await response(discord, asked)
        await rest(discord, bot)
        w.click(w.alice, answer, Button.SHARE)
        (shared,) = await answers(discord, channel)
        assert "The answer to When is it?" in read(shared)


@pytest.mark.parametrize("place", ["foreign", "private", "silent"])
async def test_a_private_answer_is_shared_where_the_bot_may_not_write(discord, tmp_path, place):
    w = discord.world
    foreign = w.add_channel("foreign", guild=w.add_guild("foreign", bot=False))
    channel = {"foreign": foreign, "private": w.private(w.alice, w.bruno), "silent": w.random}[place]
    w.deny(w.random, may.SEND_MESSAGES)
    async with fonte(discord, tmp_path) as bot:
        question = {"question": "When is it?", "private": True}
        asked = w.slash(w.alice, channel, "ask", question, user_install=place != "silent")
        answer = await response(discord, asked)
        await rest(discord, bot)
        w.click(w.alice, answer, Button.SHARE)
        (shared,) = await answers(discord, channel)
        await rest(discord, bot)
        assert not shared.ephemeral_to
        assert f"<@{w.alice.id}> asked: When is it?" in words(shared)
        assert read(await pressed(discord, w.bruno, shared, Button.HELPFUL)) == EN.thanks
        assert read(await pressed(discord, w.bruno, shared, Button.DELETE)) == EN.only_asker
        w.click(w.alice, shared, Button.DELETE)
        await discord.wait_for(lambda: shared.deleted)
        await rest(discord, bot)
        assert not answer.deleted


@pytest.mark.parametrize("after", [False, True])
async def test_what_may_have_been_shared_where_nobody_can_look_is_not_shared_again(discord, tmp_path, after):
    w = discord.world
    channel = w.private(w.alice, w.bruno)
    discord.fail("POST /webhooks/{}/{}", Cut(after=after))
    async with fonte(discord, tmp_path) as bot:
        asked = w.slash(w.alice, channel, "ask", {"question": "When is it?", "private": True}, user_install=True)
        answer = await response(discord, asked)
        await rest(discord, bot)
        w.click(w.alice, answer, Button.SHARE)
        await discord.wait_for(lambda: discord.calls("POST", "POST /webhooks"))
        await rest(discord, bot)
    assert len(discord.calls("POST", "POST /webhooks")) == 1
    assert len(w.answers(channel)) == after


# ---------------------------------------------------------------- delete


async def test_only_the_asker_can_delete_an_answer(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question, answer = await answered(discord, bot)
        assert read(await pressed(discord, w.bruno, answer, Button.DELETE)) == EN.only_asker
        assert not answer.deleted
        w.click(w.alice, answer, Button.DELETE)
        await discord.wait_for(lambda: answer.deleted)
        await rest(discord, bot)
        # It does not come back by itself.
        w.edit(question, f"{w.mention} When was it?")
        await rest(discord, bot)
        assert w.answers(w.general) == []


@pytest.mark.parametrize("place", ["here", "direct", "foreign", "between people"])
async def test_the_answer_to_a_command_can_be_deleted(discord, tmp_path, place):
    w = discord.world
    foreign = w.add_channel("foreign", guild=w.add_guild("foreign", bot=False))
    places = {
        "here": w.general,
        "direct": w.dm(w.alice),
        "foreign": foreign,
        "between people": w.private(w.alice, w.bruno),
    }
    async with fonte(discord, tmp_path) as bot:
        own = place in ("foreign", "between people")
        asked = w.slash(w.alice, places[place], "ask", {"question": "When is it?"}, user_install=own)
        answer = await response(discord, asked)
        await rest(discord, bot)
    w.advance(3600)  # the command's own token is over
    async with fonte(discord, tmp_path) as bot:
        w.click(w.alice, answer, Button.DELETE)
        await discord.wait_for(lambda: answer.deleted)
        await rest(discord, bot)


# ---------------------------------------------------------------- later


async def test_buttons_work_after_a_restart(discord, tmp_path):
    w = discord.world
    role = w.add_role(HELPERS, mentionable=True)
    chosen = {"discord": {"escalation_role": role.id}}
    async with fonte(discord, tmp_path, **chosen) as bot:
        question, answer = await answered(discord, bot)
        asked = w.slash(w.alice, w.random, "ask", {"question": "Where is it?", "private": True})
        alone = await response(discord, asked)
        await rest(discord, bot)
    w.advance(3600)
    async with fonte(discord, tmp_path, **chosen) as bot:
        assert read(await pressed(discord, w.bruno, answer, Button.HELPFUL)) == EN.thanks
        assert (await bot.core.ledger.feedback(key(question), w.bruno.id)).verdict is Verdict.HELPFUL
        await form(discord, w.bruno, answer)
        await pressed(discord, w.bruno, answer, Button.ASK_PERSON)
        await answers(discord, w.general, 2)
        w.click(w.alice, alone, Button.SHARE)
        (shared,) = await answers(discord, w.random)
        assert "The answer to Where is it?" in read(shared)
        w.click(w.alice, answer, Button.DELETE)
        await discord.wait_for(lambda: answer.deleted)
        await rest(discord, bot)


async def test_buttons_under_an_answer_that_is_not_kept_say_so(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        _, answer = await answered(discord, bot)
        opened = await form(discord, w.bruno, answer)
        await bot.core.ledger.forget(w.alice.id)
        for button in (Button.HELPFUL, Button.NOT_HELPFUL, Button.DELETE):
            told = await pressed(discord, w.bruno, answer, button)
            assert (read(told), told.ephemeral_to) == (IT.not_kept, w.bruno.id)
        assert read(await response(discord, w.submit(w.bruno, opened, {REASON: "wrong"}))) == IT.not_kept
        assert not answer.deleted


async def test_with_the_ledger_down_a_button_says_that_nothing_was_noted(discord, tmp_path, monkeypatch):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question, answer = await answered(discord, bot)
        opened = await form(discord, w.alice, answer)

        async def unavailable(*arguments, **named):
            raise LedgerUnavailable("The ledger cannot be used now.")

        for method in ("turn", "rate"):
            with monkeypatch.context() as patch:
                patch.setattr(bot.core.ledger, method, unavailable)
                told = await pressed(discord, w.bruno, answer, Button.HELPFUL)
                assert (read(told), told.ephemeral_to) == (IT.feedback_lost, w.bruno.id)
        assert await bot.core.ledger.feedback(key(question), w.bruno.id) is None
        monkeypatch.setattr(bot.core.ledger, "rate", unavailable)
        lost = w.submit(w.alice, opened, {REASON: "wrong"})
        assert read(await response(discord, lost)) == EN.feedback_lost


async def test_what_fails_after_the_button_was_answered_is_said_all_the_same(discord, tmp_path, monkeypatch):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        question = {"question": "When is it?", "private": True}
        alone = await response(discord, w.slash(w.alice, w.general, "ask", question))
        await rest(discord, bot)

        async def unavailable(*arguments, **named):
            raise LedgerUnavailable("The ledger cannot be used now.")

        monkeypatch.setattr(bot.core.ledger, "claim", unavailable)
        clicked = w.click(w.alice, alone, Button.SHARE)
        (told,) = await discord.wait_for(lambda: clicked.followups)
        await rest(discord, bot)
        assert (read(told), told.ephemeral_to) == (EN.feedback_lost, w.alice.id)
        assert w.answers(w.general) == []


async def test_buttons_that_are_not_the_bots_own_do_nothing(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        _, answer = await answered(discord, bot)
        for custom_id in ("elsewhere", "fonte_helpful", "fonte_delete:discord:message:1"):
            row = {"type": 1, "id": 98, "components": [{"type": 2, "id": 99, "custom_id": custom_id, "label": "x"}]}
            answer.components[0]["components"].append(row)
            clicked = w.click(w.alice, answer, custom_id)
            await rest(discord, bot)
            answer.components[0]["components"].remove(row)
            assert clicked.shown in ("", EN.not_kept)
        assert not answer.deleted
        assert bot.core.dispatcher._tasks == {}
