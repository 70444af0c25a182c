"""Documents that come and move while the bot serves, questions that only private documents answer, and the rest."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil

import aiohttp

from bot.app import assistant
from bot.batcher import QueryBatcher
from bot.library import open_library
from bot.messages import messages_in
from bot.suggestions import suggest
from bot.types import Outcome, Question
from retrieval.language import detect_language
from retrieval.sets import Sets
from tests.bot.platforms.discord.seen import read, reply
from tests.bot.platforms.discord.seen import rest as discord_rest
from tests.bot.platforms.slack.seen import answers, rest
from tests.bot.sets.house import LATER, PRIVATE, SETS, holds_canary, house, places, write
from tests.standin.fonte import settings_for

PARKING = "How large is the parking bonus for new colleagues?"


async def test_a_private_file_that_comes_while_the_bot_serves_is_private(slack, folder):
    w = slack.workspace
    async with house(slack, folder, slack={"sets": {w.secret.id: ["hr"]}}) as bot:
        write(folder, {"hr/zebrafink.txt": LATER})
        await bot.update()
        for channel in (w.general, w.secret):
            asked = w.say(w.alice, channel, f"{w.mention} {PARKING}")
            (answer,) = await answers(slack, channel, asked.ts)
            assert ("12 zebrafink coins" in answer.shown) == (channel is w.secret)
        await rest(slack, bot.bot)
        assert places(slack) == {w.secret.id}


async def test_a_file_that_becomes_private_is_suggested_and_shared_no_more(discord, folder):
    w = discord.world
    shutil.move(folder / "docs" / "hr" / "narwhal.md", folder / "docs" / "narwhal.md")
    desk = w.add_channel("desk")
    async with house(discord, folder, discord={"feedback_channel": desk.id}) as bot:
        await bot.suggestions()
        answer = await reply(discord, w.say(w.alice, w.general, f"{w.mention} {PRIVATE}"))
        assert holds_canary(read(answer))
        asked = w.autocomplete(w.alice, w.general, "ask", "axolotl")
        await discord.wait_for(lambda: asked.choices)
        await discord_rest(discord, bot.bot)
        shutil.move(folder / "docs" / "narwhal.md", folder / "docs" / "hr" / "narwhal.md")
        await bot.update()
        discord.rest.calls.clear()
        again = w.autocomplete(w.alice, w.general, "ask", "")
        await discord.wait_for(lambda: again.choices is not None)
        w.click(w.bruno, answer, "fonte_helpful")
        await discord.wait_for(lambda: w.answers(desk))
        listed = w.slash(w.alice, w.general, "sources")
        await discord.wait_for(lambda: listed.state == "answered")
        await discord_rest(discord, bot.bot)
        assert places(discord) == set()


async def test_both_platforms_are_given_their_own(slack, discord, folder):
    w, d = slack.workspace, discord.world
    given = {"slack": {"sets": {w.secret.id: "hr"}}, "discord": {"sets": {d.general.id: "hr"}}}
    async with house([slack, discord], folder, **given):
        for channel in (w.general, w.secret):
            asked = w.say(w.alice, channel, f"{w.mention} {PRIVATE}")
            await answers(slack, channel, asked.ts)
        for channel in (d.general, d.random):
            await reply(discord, d.say(d.alice, channel, f"{d.mention} {PRIVATE}"))
    assert (places(slack), places(discord)) == ({w.secret.id}, {d.general.id})


async def test_what_only_a_private_document_answers_is_refused_as_if_it_were_not_there(data_dir, folder):
    """The real model and the calibrated threshold, beside an index that never had the document."""
    chosen = {"seeds": {"dir": folder / "docs"}, "sets": SETS}
    (data_dir / "models").mkdir(exist_ok=True)
    (folder / "data").mkdir()
    (folder / "data" / "models").symlink_to(data_dir / "models")
    replies = []
    for there in (True, False):
        if not there:
            shutil.rmtree(folder / "docs" / "hr")
        settings = settings_for([], folder / "data", **chosen)
        index = await asyncio.to_thread(open_library, settings, messages_in("en"), str, lambda *_: None)
        sources = [document.source for document in index.documents]
        scope = Sets(SETS).sources(["default"], sources)
        async with QueryBatcher(index) as batcher:
            ask = assistant(settings, batcher).ask
            if there:
                told = await ask(Question(PRIVATE, scope=Sets(SETS).sources(["hr"], sources)))
                assert (told.outcome, holds_canary(told.text)) == (Outcome.ANSWERED, True)
            replies.append(await ask(Question(PRIVATE, scope=scope)))
    for told in replies:
        assert told.outcome is Outcome.NOT_FOUND
        assert not holds_canary(repr(told))
    first, second = ([(one.source, one.excerpt) for one in told.citations] for told in replies)
    assert sorted(first) == sorted(second)


async def test_suggested_questions_come_from_the_documents_of_the_scope_alone(folder):
    settings = settings_for([], folder / "data", seeds={"dir": folder / "docs"}, embedding={"model": "hashing"})
    settings = settings.model_copy(update={"answer": settings.answer.model_copy(update={"min_support": 0.0})})
    index = await asyncio.to_thread(open_library, settings, messages_in("en"), str, lambda *_: None)
    seen: list[Question] = []
    async with QueryBatcher(index) as batcher:

        async def ask(question: Question):
            seen.append(question)
            return await assistant(settings, batcher).ask(question)

        for scope in (frozenset({"guide.md", "travel.md"}), frozenset({"hr/narwhal.md"}), frozenset()):
            seen.clear()
            found = await suggest(ask, index.documents, detect=detect_language, scope=scope, limit=12)
            assert {one.source for one in found} <= scope
            assert all(question.scope == scope for question in seen)
            assert holds_canary([question.text for question in seen]) == ("hr/narwhal.md" in scope)
            assert bool(found) == bool(scope)


async def test_neither_the_log_nor_the_health_page_knows_words_of_documents(slack, folder, caplog, unused_tcp_port):
    w = slack.workspace
    chosen = {"slack": {"sets": {w.secret.id: ["hr"]}}, "http": {"port": unused_tcp_port}}
    with caplog.at_level(logging.INFO):
        async with house(slack, folder, **chosen) as bot:
            for channel in (w.general, w.secret):
                asked = w.say(w.alice, channel, f"{w.mention} {PRIVATE}")
                await answers(slack, channel, asked.ts)
            bot.reloader._say("build", 'The file "hr/narwhal.md" cannot be read.')
            await rest(slack, bot.bot)
            address = f"http://127.0.0.1:{unused_tcp_port}/health"
            async with aiohttp.ClientSession() as session, session.get(address) as page:
                told = await page.json()
    assert told["index"]["trouble"] == "The log says why no newer version serves."
    assert not holds_canary(json.dumps(told))
    ours = [record.getMessage() for record in caplog.records if record.levelno <= logging.INFO]
    assert not holds_canary(ours)
