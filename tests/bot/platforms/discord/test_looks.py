"""What messages look like in Discord: within its limits, and obeying nobody but the bot."""

from __future__ import annotations

import asyncio

import pytest

from bot.markup.discord import Button
from bot.markup.discord_forms import COMMENT, REASON
from bot.messages import messages_in
from bot.types import Outcome, Reply
from tests.bot.platforms.books import ADDRESSES, Book, is_whole, long_book
from tests.bot.platforms.discord.seen import HELPERS, answers, private, read, reply, response, rest, sent, words
from tests.standin.discord import permissions as may
from tests.standin.discord.faults import Error
from tests.standin.fonte import OPENING, fonte, slow

EN, IT = messages_in("en"), messages_in("it")
ATTACKS = (
    "@everyone @here <@BRUNO> <@!ALICE> <@&HELPERS> <#GENERAL> </ask:1> <id:customize> `<@BRUNO>`",
    "[your bank](https://evil.example) <https://evil.example> https://evil.example [x](<https://evil.example>)",
    "discord.gg/evil https://discord.com/invite/evil [a [b](c) ](https://evil.example) <a@evil.example> <+12345678>",
    "# Heading\n-# small\n> quote\n>>> more\n- list **bold** __under__ ~~gone~~ ||spoiler|| :skull: <t:0> <:a:1>",
    "```\nfence\n@everyone ``` \\@everyone \\<@BRUNO> \\\\<@BRUNO> <@\\&HELPERS> \\[x](https://evil.example)",
    "<!channel> &lt;@BRUNO&gt; &#60;@BRUNO&#62; <https://evil.example|x>",
)


def aimed(w, attack: str, role) -> str:
    """An attack on those who are there."""
    names = {"BRUNO": w.bruno.id, "ALICE": w.alice.id, "GENERAL": w.general.id, "HELPERS": role.id}
    for name, identity in names.items():
        attack = attack.replace(name, identity)
    return attack


# ---------------------------------------------------------------- obeying nobody


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("outcome", list(Outcome))
async def test_nothing_from_a_document_calls_anybody_or_leads_anywhere(discord, tmp_path, attack, outcome):
    w = discord.world
    w.permit(w.bot_role, may.ALL)
    desk, role = w.add_channel("desk"), w.add_role(HELPERS, w.bruno)
    attack = aimed(w, attack, role)
    url = "https://ok.example/a"
    book = Book(attack, outcome=outcome, title=f"T {attack}", heading=(f"H {attack}",), source=f"s {attack}", url=url)
    if outcome is Outcome.NOT_FOUND:
        book.reply = Reply(outcome, EN.not_found, None, "en", book.reply.citations, 0.1)
    chosen = {"feedback_channel": desk.id, "escalation_role": role.id}
    async with fonte(discord, tmp_path, oracle=book, discord=chosen) as bot:
        answer = await reply(discord, w.say(w.alice, w.general, f"{w.mention} When is it?"))
        await rest(discord, bot)
        ours = sent(discord)[-1]
        assert ours.mentions == set()
        assert ours.links == {url}
        # Nor what is shown again elsewhere.
        w.click(w.bruno, answer, Button.HELPFUL)
        w.click(w.bruno, answer, Button.ASK_PERSON)
        asked = w.slash(w.alice, w.random, "ask", {"question": "When is it?", "private": True})
        alone = await response(discord, asked)
        await rest(discord, bot)
        w.click(w.alice, alone, Button.SHARE)
        await answers(discord, w.random)
        await answers(discord, desk)
        await answers(discord, w.general, 2)
        await rest(discord, bot)
    for message in sent(discord):
        assert message.mentions <= {f"@{w.alice.id}", f"@{w.bruno.id}", f"&{role.id}"}
        assert all(link.startswith((url, "https://discord.com/channels/")) for link in message.links)
    # The role is called by the bot, once, to the question that it was asked to put before a person.
    assert [message.mentions_called.roles for message in w.answers(w.general)] == [[], [role.id]]
    assert len([message for message in sent(discord) if f"&{role.id}" in message.mentions]) == 1


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nothing_in_a_question_or_comment_calls_anybody_or_leads_anywhere(discord, tmp_path, attack):
    w = discord.world
    w.permit(w.bot_role, may.ALL)
    desk, role = w.add_channel("desk"), w.add_role(HELPERS, w.bruno)
    attack = aimed(w, attack, role)
    chosen = {"feedback_channel": desk.id, "escalation_channel": desk.id, "threads": True}
    async with fonte(discord, tmp_path, discord=chosen) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} {attack}?")
        thread = await discord.wait_for(lambda: question.thread and w.channels[question.thread])
        (answer,) = await answers(discord, thread)
        await reply(discord, w.say(w.alice, w.dm(w.alice), f"{attack}?"))
        asked = [w.slash(w.alice, w.random, "ask", {"question": f"{attack}?", "private": p}) for p in (True, False)]
        alone, _ = [await response(discord, one) for one in asked]
        await rest(discord, bot)
        w.click(w.alice, alone, Button.SHARE)
        w.click(w.bruno, answer, Button.ASK_PERSON)
        opened = w.click(w.bruno, answer, Button.NOT_HELPFUL)
        await discord.wait_for(lambda: opened.modal)
        await response(discord, w.submit(w.bruno, opened, {REASON: "other", COMMENT: attack}))
        await rest(discord, bot)
        assert len(w.answers(desk)) == 2
    mentions = set().union(*(message.mentions for message in sent(discord)))
    assert mentions == {f"@{w.alice.id}", f"@{w.bruno.id}"}
    links = set().union(*(message.links for message in sent(discord)))
    assert all(link.startswith(("https://docs.example.org/guide", "https://discord.com/channels/")) for link in links)
    assert 1 <= len(thread.name) <= 100


async def test_what_a_document_says_is_shown_as_it_is(discord, tmp_path):
    w = discord.world
    role = w.add_role(HELPERS)
    for attack in ATTACKS:
        text = aimed(w, attack, role).partition("```")[0] or "Without code."
        async with fonte(discord, tmp_path, oracle=Book(text)):
            answer = await reply(discord, w.say(w.alice, w.general, f"{w.mention} What does it say?"))
        assert words(answer).startswith(text.replace("\n", " "))


async def test_addresses_stay_whole(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, oracle=Book(ADDRESSES)) as bot:
        answer = await reply(discord, w.say(w.alice, w.general, f"{w.mention} Is a.b+c@example.org right?"))
        await rest(discord, bot)
        assert bot.oracle.questions[0].text == "Is a.b+c@example.org right?"
    assert ADDRESSES in read(answer)
    assert sent(discord)[-1].links == {"https://docs.example.org/guide"}


async def test_a_document_without_an_address_has_no_link(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, oracle=Book("It is due in June.", url=None)):
        answer = await reply(discord, w.say(w.alice, w.general, f"{w.mention} When is it due?"))
    assert "1. The guide · guide.md · Rules · line 7" in read(answer)
    assert sent(discord)[-1].links == set()


# ---------------------------------------------------------------- long answers


async def test_a_long_answer_goes_on_in_a_file_of_the_same_message(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, oracle=long_book()) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
        (file,) = answer.files
        assert is_whole(file.content)
        for part in (EN.whole_answer, "Sentence number 0 ", "1. The guide"):
            assert part in read(answer)
        assert w.answers(w.general) == [answer]
        w.click(w.alice, answer, Button.DELETE)
        await discord.wait_for(lambda: answer.deleted)


async def test_the_file_follows_the_edits_of_its_question(discord, tmp_path):
    w = discord.world
    book = long_book()
    async with fonte(discord, tmp_path, oracle=book) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What is it?")
        answer = await reply(discord, question)
        await rest(discord, bot)
        (first,) = answer.files
        w.edit(question, f"{w.mention} What is it all?")
        await discord.wait_for(lambda: answer.history)
        (second,) = answer.files
        assert first.id != second.id
        assert is_whole(second.content)
        await rest(discord, bot)
        book.reply = Book("It is short.").reply
        w.edit(question, f"{w.mention} What is it, in short?")
        await discord.wait_for(lambda: "It is short." in read(answer))
        assert answer.files == []
        await rest(discord, bot)
        book.reply = long_book().reply
        w.edit(question, f"{w.mention} And at length?")
        await discord.wait_for(lambda: answer.files)
        await rest(discord, bot)
        assert w.answers(w.general) == [answer]


@pytest.mark.parametrize("alone", [True, False])
async def test_a_long_answer_to_a_command_has_its_file(discord, tmp_path, alone):
    w = discord.world
    async with fonte(discord, tmp_path, oracle=long_book()) as bot:
        asked = w.slash(w.alice, w.general, "ask", {"question": "What is it?", "private": alone})
        answer = await response(discord, asked)
        await rest(discord, bot)
        assert [is_whole(file.content) for file in answer.files] == [True]
        assert EN.whole_answer in read(answer)
        if alone:
            w.click(w.alice, answer, Button.SHARE)
            (shared,) = await answers(discord, w.general)
            assert [is_whole(file.content) for file in shared.files] == [True]


async def test_a_long_answer_takes_the_place_of_the_words_before_it(discord, tmp_path):
    w = discord.world
    book = long_book()
    book.hold = asyncio.Event()
    async with fonte(discord, tmp_path, oracle=book, pace=OPENING) as bot:
        answer = await reply(discord, w.say(w.alice, w.general, f"{w.mention} What is it?"))
        assert read(answer) == EN.searching
        book.hold.set()
        await discord.wait_for(lambda: answer.files)
        await rest(discord, bot)
        assert w.answers(w.general) == [answer]


@pytest.mark.parametrize("pace", [None, OPENING])
async def test_where_files_are_not_allowed_the_answer_stands_without(discord, tmp_path, pace):
    w = discord.world
    w.deny(w.general, may.ATTACH_FILES)
    book = long_book()
    book.hold = asyncio.Event()
    async with fonte(discord, tmp_path, oracle=book, pace=pace) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What is it?")
        if pace:
            await reply(discord, question)
        book.hold.set()
        await discord.wait_for(lambda: any("Sentence" in message.shown for message in w.answers(w.general)))
        await rest(discord, bot)
        (answer,) = w.answers(w.general)
        assert answer.files == []
        assert EN.whole_answer not in read(answer)
        assert "Sentence number 0 " in read(answer)
        assert "…" in read(answer)
        turn = await bot.core.ledger.turn(f"discord:message:{question.id}")
        assert turn.ending == "answered"


# ---------------------------------------------------------------- what Discord does not take


def laid_out(call) -> bool:
    """Whether a call is about a message with a layout."""
    return bool(call.body and (call.body.get("components") or call.body.get("data", {}).get("components")))


@pytest.mark.parametrize("pace", [None, OPENING])
async def test_a_layout_that_discord_refuses_keeps_no_answer_from_people(discord, tmp_path, pace):
    w = discord.world
    oracle = slow()
    async with fonte(discord, tmp_path, oracle=oracle, pace=pace) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is <@{w.bruno.id}> there?")
        if pace:
            await reply(discord, question)
        discord.fail("*", Error(50035), times=99, where=laid_out)
        oracle.hold.set()
        await discord.wait_for(lambda: any(message.content for message in w.answers(w.general)))
        await rest(discord, bot)
        (answer,) = w.answers(w.general)
        assert answer.reference["message_id"] == question.id
        assert words(answer).startswith("The answer to When is @Bruno there?")
        assert "1. The guide · guide.md · Rules · line 7" in words(answer)
        # An edit is still followed.
        w.edit(question, f"{w.mention} When is it?")
        await discord.wait_for(lambda: "The answer to When is it?" in "".join(map(read, w.answers(w.general))))
        await rest(discord, bot)
        assert len(w.answers(w.general)) == 1


@pytest.mark.parametrize("alone", [True, False])
async def test_a_layout_that_discord_refuses_in_answer_to_a_command(discord, tmp_path, alone):
    w = discord.world
    discord.fail("PATCH /webhooks/{}/{}/messages/{}", Error(50035), times=99, where=laid_out)
    async with fonte(discord, tmp_path, oracle=long_book()) as bot:
        asked = w.slash(w.alice, w.general, "ask", {"question": "What is it?", "private": alone})
        answer = await response(discord, asked)
        await rest(discord, bot)
    assert "Sentence number 0 " in answer.content
    assert (private(discord, w.alice) == [answer]) is alone
