"""The commands: what they answer, where, to whom, and how Discord comes to know them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.claims import Trigger
from bot.errors import LedgerUnavailable
from bot.messages import messages_in
from bot.types import Listed
from tests.bot.platforms.discord.seen import ABOUT, answers, buttons, private, read, response, rest, sent, words
from tests.standin.discord import permissions as may
from tests.standin.discord.faults import Error
from tests.standin.fonte import Oracle, fonte

EN, IT = messages_in("en"), messages_in("it")


# ---------------------------------------------------------------- /ask


async def test_ask_is_answered_in_the_place_that_was_kept_for_it(discord, tmp_path):
    w = discord.world
    oracle = Oracle(hold=asyncio.Event())
    async with fonte(discord, tmp_path, oracle=oracle) as bot:
        asked = w.slash(w.alice, w.general, "ask", {"question": "When is it?"})
        await discord.wait_for(lambda: asked.state == "deferred")
        assert not asked.ephemeral
        oracle.hold.set()
        answer = await response(discord, asked)
        await rest(discord, bot)
        # Nothing else shows to others what was asked.
        assert f"<@{w.alice.id}> asked: When is it?" in words(answer)
        assert "The answer to When is it?" in words(answer)
        assert buttons(answer) == ["fonte_helpful", "fonte_not_helpful", "fonte_delete"]
        assert w.visible(w.general) == [answer]
        assert [call.name for call in discord.calls("", "webhooks")] == ["PATCH /webhooks/{}/{}/messages/{}"]
        turn = await bot.core.ledger.turn(f"discord:interaction:{asked.id}")
        assert (turn.asked.text, turn.asked.trigger) == ("When is it?", Trigger.OPEN_COMMAND)


async def test_ask_in_private_is_seen_by_the_asker_alone(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        asked = w.slash(w.alice, w.general, "ask", {"question": "When is it?", "private": True})
        answer = await response(discord, asked)
        await rest(discord, bot)
        assert asked.ephemeral
        assert private(discord, w.alice) == [answer]
        assert words(answer).startswith("The answer to When is it?")
        assert buttons(answer) == ["fonte_helpful", "fonte_not_helpful", "fonte_share"]
        assert w.visible(w.general) == []


async def test_ask_works_wherever_the_app_is_offered(discord, tmp_path):
    w = discord.world
    foreign = w.add_channel("foreign", guild=w.add_guild("foreign", bot=False))
    async with fonte(discord, tmp_path) as bot:
        thread = w.open_thread(w.bruno, w.general)
        post = w.channels[w.forum_post(w.alice, w.forum, "A post", "Hello").channel]
        w.deny(w.random, may.VIEW_CHANNEL)  # a channel that the bot does not see
        places = dict.fromkeys([place.id for place in (w.general, thread, post, w.random, w.dm(w.alice))], False)
        places |= {w.private(w.alice, w.bruno).id: True, foreign.id: True}
        for place, own in places.items():
            channel = w.channels[place]
            asked = w.slash(w.alice, channel, "ask", {"question": "When is it?"}, user_install=own)
            answer = await response(discord, asked)
            assert "The answer to When is it?" in words(answer)
            assert answer.channel == channel.id
            assert not asked.ephemeral
        await rest(discord, bot)


async def test_in_direct_messages_an_answer_is_private_as_it_is(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path):
        asked = w.slash(w.alice, w.dm(w.alice), "ask", {"question": "When is it?", "private": True})
        answer = await response(discord, asked)
    assert not asked.ephemeral
    assert buttons(answer) == ["fonte_helpful", "fonte_not_helpful", "fonte_delete"]


async def test_where_people_may_not_have_their_own_apps_speak_only_they_see_the_answer(discord, tmp_path):
    w = discord.world
    there = w.add_guild("strict", bot=False)
    channel = w.add_channel("strict", guild=there)
    there.roles[there.id].permissions &= ~may.USE_EXTERNAL_APPS
    async with fonte(discord, tmp_path) as bot:
        asked = w.slash(w.alice, channel, "ask", {"question": "When is it?"}, user_install=True)
        answer = await response(discord, asked)
        await rest(discord, bot)
    assert private(discord, w.alice) == [answer]
    assert "The answer to When is it?" in words(answer)


async def test_a_command_that_is_delivered_again_gets_one_answer(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        asked = w.slash(w.alice, w.general, "ask", {"question": "When is it?"})
        await response(discord, asked)
        w.redeliver(asked)
        await rest(discord, bot)
        assert len(bot.oracle.questions) == 1
        assert len(w.visible(w.general)) == 1


async def test_an_empty_question_is_told_what_to_do(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        for text in ("  ", "thanks!"):
            asked = w.slash(w.alice, w.general, "ask", {"question": text})
            assert read(await response(discord, asked)) == EN.ask_me
        assert bot.oracle.questions == []
        with pytest.raises(LookupError):
            w.slash(w.alice, w.general, "ask", {"question": ""})


async def test_what_cannot_be_told_from_the_words_the_readers_locale_tells(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        for locale in ("en-GB", "it"):
            await response(discord, w.slash(w.alice, w.general, "ask", {"question": "GDPR"}, locale=locale))
        assert [q.locale for q in bot.oracle.questions] == ["en-GB", "it"]


async def test_with_the_ledger_down_a_command_is_told_so_in_private(discord, tmp_path, monkeypatch):
    w = discord.world

    async def unavailable(*arguments, **named):
        raise LedgerUnavailable("The ledger cannot be used now.")

    async with fonte(discord, tmp_path) as bot:
        monkeypatch.setattr(bot.core.ledger, "claim", unavailable)
        asked = w.slash(w.bruno, w.general, "ask", {"question": "Quando?"})
        told = await response(discord, asked)
        assert read(told) == IT.feedback_lost
        assert private(discord, w.bruno) == [told]
        monkeypatch.undo()
        answer = await response(discord, w.slash(w.bruno, w.general, "ask", {"question": "Quando?"}))
        assert "The answer to Quando?" in read(answer)


async def test_a_command_whose_time_was_over_is_answered_where_the_asker_sees_it(discord, tmp_path):
    w = discord.world
    oracle = Oracle(hold=asyncio.Event())
    async with fonte(discord, tmp_path, oracle=oracle) as bot:
        asked = [w.slash(w.alice, w.general, "ask", {"question": "When is it?", "private": p}) for p in (False, True)]
        await discord.wait_for(lambda: all(one.state == "deferred" for one in asked))
        for one in asked:
            w.expire(one)
        oracle.hold.set()
        (answer,) = await answers(discord, w.general)
        (alone,) = await answers(discord, w.dm(w.alice))
        await rest(discord, bot)
    for message in (answer, alone):
        assert f"<@{w.alice.id}> asked: When is it?" in words(message)
        assert "The answer to When is it?" in words(message)


async def test_discord_may_not_know_a_command_any_more_when_it_is_acknowledged(discord, tmp_path):
    w = discord.world
    discord.fail("POST /interactions/{}/{}/callback", Error(10062))
    async with fonte(discord, tmp_path) as bot:
        asked = w.slash(w.alice, w.general, "ask", {"question": "When is it?"})
        (answer,) = await answers(discord, w.general)
        await rest(discord, bot)
        assert "The answer to When is it?" in words(answer)
        again = await response(discord, w.slash(w.alice, w.general, "ask", {"question": "Where is it?"}))
        assert "The answer to Where is it?" in words(again)
    assert asked.response is None


# ---------------------------------------------------------------- the menu of a message


async def test_a_message_can_be_asked_about_in_private(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        said = w.say(w.bruno, w.general, f"Does anybody know when {w.bruno.mention} leaves?")
        asked = w.context_menu(w.alice, w.general, ABOUT, said)
        answer = await response(discord, asked)
        await rest(discord, bot)
        assert private(discord, w.alice) == [answer]
        assert [q.text for q in bot.oracle.questions] == ["Does anybody know when @Bruno leaves?"]
        assert buttons(answer) == ["fonte_helpful", "fonte_not_helpful", "fonte_share"]
        picture = w.say(w.bruno, w.general, "", attachments=["plan.png"])
        told = await response(discord, w.context_menu(w.alice, w.general, ABOUT, picture))
        assert read(told) == EN.ask_me


async def test_a_message_can_be_asked_about_where_the_bot_is_no_member(discord, tmp_path):
    w = discord.world
    place = w.private(w.alice, w.bruno)
    async with fonte(discord, tmp_path) as bot:
        said = w.say(w.bruno, place, "When is it?")
        asked = w.context_menu(w.alice, place, ABOUT, said, user_install=True)
        answer = await response(discord, asked)
        await rest(discord, bot)
        assert private(discord, w.alice) == [answer]
        assert "The answer to When is it?" in words(answer)


# ---------------------------------------------------------------- /sources


async def test_sources_lists_the_documents_in_private(discord, tmp_path):
    w = discord.world
    listed = [
        Listed("The guide", "guide.md", "https://docs.example.org/guide"),
        Listed("<@1> **Rules**", "r/rules.txt"),
    ]
    async with fonte(discord, tmp_path, documents=listed) as bot:
        for user, said in ((w.alice, EN), (w.bruno, IT)):
            shown = await response(discord, w.slash(user, w.general, "sources"))
            assert read(shown).splitlines() == [
                said.documents,
                "1. The guide · guide.md",
                "2. <@1> **Rules** · r/rules.txt",
            ]
            assert private(discord, user) == [shown]
        assert sent(discord)[-1].links == {"https://docs.example.org/guide"}
        await rest(discord, bot)


async def test_many_documents_are_listed_in_a_file(discord, tmp_path):
    w = discord.world
    listed = [Listed(f"Document {n} of the archive", f"archive/{n}.md") for n in range(400)]
    async with fonte(discord, tmp_path, documents=listed):
        shown = await response(discord, w.slash(w.alice, w.general, "sources"))
    (file,) = shown.files
    text = file.content.decode()
    assert file.name == "sources.txt"
    assert all(f"Document {n} of the archive · archive/{n}.md" in text for n in range(400))
    assert "1. Document 0 of the archive" in read(shown)


# ---------------------------------------------------------------- suggestions


async def test_questions_from_the_documents_are_suggested(discord, tmp_path):
    w = discord.world
    prompts = [f"When is number {n} due?" for n in range(40)] + ["Who decides on leave?", "Why " + "x" * 100 + "?"]
    async with fonte(discord, tmp_path) as bot:
        bot.offer("en", prompts)
        bot.offer("it", ("Quando scade il bando?", "Who decides on leave?"))

        async def suggested(typed, locale="en-US"):
            asked = w.autocomplete(w.alice, w.general, "ask", typed, locale=locale)
            await discord.wait_for(lambda: asked.choices is not None)
            assert all(choice["name"] == choice["value"] for choice in asked.choices)
            return [choice["value"] for choice in asked.choices]

        assert await suggested("") == prompts[:25]
        assert await suggested("LEAVE who") == ["Who decides on leave?"]
        assert await suggested("scade") == ["Quando scade il bando?"]
        assert (await suggested("", "it"))[:3] == ["Quando scade il bando?", "Who decides on leave?", prompts[0]]
        assert await suggested("xxx") == []
        assert await suggested("nothing like it") == []
        # A suggestion is a question like any other.
        answer = await response(discord, w.slash(w.alice, w.general, "ask", {"question": "Who decides on leave?"}))
        assert "The answer to Who decides on leave?" in words(answer)


async def test_suggestions_that_come_too_late_are_no_fault(discord, tmp_path, caplog):
    w = discord.world
    async with fonte(discord, tmp_path, prompts=("When is it?",)) as bot:
        discord.fail("POST /interactions/{}/{}/callback", Error(10062))
        with caplog.at_level(logging.WARNING):
            typed = w.autocomplete(w.alice, w.general, "ask", "when")
            await discord.wait_for(lambda: discord.calls("POST", "callback"))
            await rest(discord, bot)
        assert typed.choices is None
        assert [record.getMessage() for record in caplog.records] == []


# ---------------------------------------------------------------- others


async def test_a_command_from_an_earlier_version_is_told_apart(discord, tmp_path, caplog):
    """Discord shows old commands for a while."""
    w = discord.world
    async with fonte(discord, tmp_path) as bot:
        old = next(iter(w.commands[""].values()))
        w.commands[""]["1"] = old | {"id": "1", "name": "search", "options": []}
        with caplog.at_level(logging.ERROR):
            asked = w.slash(w.alice, w.general, "search")
            told = await response(discord, asked)
        assert read(told) == EN.failed
        await rest(discord, bot)
