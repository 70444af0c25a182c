"""How questions reach the bot, and who gets an answer where; with the real clients over real sockets."""

from __future__ import annotations

import html

import pytest

from bot.markup import layout, plain
from bot.messages import messages_in
from bot.types import Outcome, Reply
from tests.bot.platforms.books import scripted
from tests.bot.platforms.slack.seen import answers, private, rest
from tests.standin.fonte import Oracle, citation, fonte

EN, IT = messages_in("en"), messages_in("it")


async def test_a_mention_is_answered_in_its_thread(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        (answer,) = await answers(slack, w.general, question.ts)
        await rest(slack, bot)
    assert answer.thread_ts == question.ts
    assert "The answer to When is it?" in answer.shown
    assert "1. The guide · guide.md · Rules · line 7" in answer.shown.replace("\n", "")
    assert [q.text for q in bot.oracle.questions] == ["When is it?"]
    assert answer.arguments["unfurl_links"] is False
    assert answer.arguments["unfurl_media"] is False
    assert w.visible_messages(w.general) == [question, answer]
    assert not slack.throttled


async def test_the_same_words_as_in_the_terminal(slack, tmp_path):
    w = slack.workspace
    replies, oracle = scripted()
    async with fonte(slack, tmp_path, oracle=oracle):
        asked = {text: w.say(w.alice, w.general, f"{w.mention} {text}") for text in replies}
        for text, question in asked.items():
            (answer,) = await answers(slack, w.general, question.ts)
            terminal = plain(layout(replies[text], messages_in(replies[text].language)))
            assert html.unescape(answer.text).replace("\u2060", "") == terminal
            assert answer.shown.split()[: len(terminal.split())] == terminal.split()


@pytest.mark.parametrize("mention_first", [False, True])
@pytest.mark.parametrize("copies", [1, 3])
async def test_all_copies_of_a_question_get_one_answer(slack, tmp_path, mention_first, copies):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When?", mention_first=mention_first, copies=copies)
        await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        assert len(w.answers(w.general)) == 1
        assert len(bot.oracle.questions) == 1
        assert all(delivery.acked for delivery in w.deliveries)


async def test_a_mention_within_a_thread_is_answered_there(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path):
        root = w.say(w.alice, w.secret, "Let us talk about leave.")
        question = w.say(w.bruno, w.secret, f"and how much is it {w.mention}?", thread=root.ts)
        (answer,) = await answers(slack, w.secret, root.ts)
    assert (answer.thread_ts, question.thread_ts) == (root.ts, root.ts)
    assert "The answer to and how much is it?" in answer.shown


async def test_a_thread_the_bot_has_answered_in_needs_no_mention(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
        w.say(w.bruno, w.general, "And where is it?", thread=question.ts)
        _, second = await answers(slack, w.general, question.ts, 2)
        assert "The answer to And where is it?" in second.shown
        asked = len(bot.oracle.questions)
        # To somebody else, or to nobody but polite; and a thread that the bot has no part in.
        w.say(w.alice, w.general, "<@U0BRUNO> do you know where it is?", thread=question.ts)
        w.say(w.alice, w.general, "<!subteam^S0HELP> where is it?", thread=question.ts)
        elsewhere = w.say(w.alice, w.general, "Where is the key?")
        w.say(w.bruno, w.general, "Which one?", thread=elsewhere.ts)
        await rest(slack, bot)
        assert len(bot.oracle.questions) == asked
        w.say(w.alice, w.general, "Thank you", thread=question.ts)
        w.say(w.alice, w.general, "I will be there at nine", thread=question.ts)
        bot.oracle.support = 0.5
        await rest(slack, bot)
        assert len(w.answers(w.general)) == 2


async def test_a_follow_up_that_the_documents_do_not_answer_is_told_so(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
        bot.oracle.outcome = Outcome.NOT_FOUND
        w.say(w.alice, w.general, "Who pays for it?", thread=question.ts)
        _, second = await answers(slack, w.general, question.ts, 2)
        assert EN.not_found in second.shown
        w.say(w.alice, w.general, "Nobody knows", thread=question.ts)
        await rest(slack, bot)
        assert len(w.answers(w.general)) == 2


async def test_direct_messages_need_no_mention(slack, tmp_path):
    w = slack.workspace
    dm = w.dm(w.alice)
    async with fonte(slack, tmp_path) as bot:
        first = w.say(w.alice, dm, "When is it?")
        (answer,) = await answers(slack, dm, first.ts)
        w.say(w.alice, dm, "Where", thread=first.ts)
        w.say(w.alice, dm, f"{w.mention} the key that <@U0BRUNO> has", thread=first.ts)
        await answers(slack, dm, first.ts, 3)
        second = w.say(w.alice, dm, "How?")
        await answers(slack, dm, second.ts)
        await rest(slack, bot)
        asked = [q.text for q in bot.oracle.questions]
        assert sorted(asked) == sorted(["When is it?", "Where", "the key that @user has", "How?"])
        assert answer.thread_ts == first.ts
        thanks = w.say(w.alice, dm, "Thank you!")
        (hint,) = await answers(slack, dm, thanks.ts)
        await rest(slack, bot)
        assert hint.shown == EN.ask_me
        assert len(bot.oracle.questions) == 4
        assert len(w.answers(dm)) == 5


async def test_a_group_conversation_needs_a_mention(slack, tmp_path):
    w = slack.workspace
    group = w.group_dm(w.alice, w.bruno)
    async with fonte(slack, tmp_path) as bot:
        w.say(w.alice, group, "When is it?")
        question = w.say(w.alice, group, f"{w.mention} Where is it?")
        w.say(w.bruno, group, "Who is coming?")
        (answer,) = await answers(slack, group, question.ts)
        await rest(slack, bot)
        w.say(w.bruno, group, "How do I get there?", thread=question.ts)
        await answers(slack, group, question.ts, 2)
        await rest(slack, bot)
    assert "The answer to Where is it?" in answer.shown
    assert [q.text for q in bot.oracle.questions] == ["Where is it?", "How do I get there?"]


async def test_a_mention_without_a_question_is_told_what_to_do(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f" {w.mention}  ")
        (answer,) = await answers(slack, w.general, question.ts)
        assert answer.shown == EN.ask_me
        assert bot.oracle.questions == []


async def test_nobody_but_people_is_answered(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, slack={"auto_answer_channels": [w.general.id]}) as bot:
        w.join(w.bruno, w.general)
        w.bot_says(w.general, f"{w.mention} When is it?")
        w.bot_says(w.general, f"{w.mention} When is it?", classic=True)
        question = w.say(w.alice, w.general, f"{w.mention} Where is it?")
        w.bot_says(w.general, "When is it?", thread=question.ts)
        (answer,) = await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        # The bot has heard its own answer, which asks something, too.
        assert [d.payload["event"].get("bot_id") for d in w.delivered("message")].count(w.app.bot) == 1
        assert answer.shown.startswith("The answer to Where is it?")
        assert w.answers(w.general) == [answer]


# ---------------------------------------------------------------- /ask


async def test_a_command_is_answered_in_private(slack, tmp_path):
    w = slack.workspace
    closed = w.add_channel("closed", kind="group", bot=False)
    async with fonte(slack, tmp_path) as bot:
        for channel in (w.general, closed, w.dm(w.alice)):
            delivery = w.slash(w.alice, channel, "When is it?")
            await slack.wait_for(lambda channel=channel: w.ephemerals_for(w.alice, channel))
            assert delivery.acked
        await rest(slack, bot)
    for channel in (w.general, closed, w.dm(w.alice)):
        (answer,) = w.ephemerals_for(w.alice, channel)
        assert "The answer to When is it?" in answer.shown
        assert w.visible_messages(channel) == []
    assert w.ephemerals_for(w.bruno) == []
    assert len(slack.calls("response_url")) == 3


async def test_an_empty_command_is_told_what_to_do(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        w.slash(w.bruno, w.general, "  ")
        (answer,) = await private(slack, w.bruno)
        assert answer.shown in (EN.ask_me, IT.ask_me)
        assert bot.oracle.questions == []


# ---------------------------------------------------------------- languages


async def test_not_found_is_said_in_the_askers_language_with_the_nearest_passages(slack, tmp_path):
    w = slack.workspace
    oracle = Oracle(outcome=Outcome.NOT_FOUND, language="it")
    near = tuple(citation(f"Il passaggio numero {n}.", line=n, url=None) for n in (3, 5, 7))

    async def ask(question):
        return Reply(Outcome.NOT_FOUND, IT.not_found, None, "it", near, 0.1)

    oracle.ask = ask
    async with fonte(slack, tmp_path, oracle=oracle):
        question = w.say(w.bruno, w.general, f"{w.mention} Chi ha perso la chiave?")
        (answer,) = await answers(slack, w.general, question.ts)
    shown = answer.shown
    assert shown.startswith(f"{IT.not_found}\n{IT.nearest}\n")
    assert [shown.index(f"Il passaggio numero {n}.") for n in (3, 5, 7)] == sorted(
        shown.index(f"Il passaggio numero {n}.") for n in (3, 5, 7)
    )
    assert IT.helpful in shown


async def test_where_the_words_do_not_tell_the_persons_language_counts(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        for person in (w.alice, w.bruno):
            question = w.say(person, w.general, f"{w.mention} GDPR")
            await answers(slack, w.general, question.ts)
        assert [q.locale for q in bot.oracle.questions] == ["en-US", "it-IT"]
        question = w.say(w.bruno, w.general, f"{w.mention} GDPR?")
        await answers(slack, w.general, question.ts)
        assert len(slack.calls("users.info")) == 2


# ---------------------------------------------------------------- without being asked


async def test_an_automatic_channel_is_answered_where_that_is_sure_to_help(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, slack={"auto_answer_channels": [w.random.id]}) as bot:
        sure = w.say(w.alice, w.random, "When is it?")
        (answer,) = await answers(slack, w.random, sure.ts)
        assert "The answer to When is it?" in answer.shown
        bot.oracle.support = 0.79
        unsure = w.say(w.alice, w.random, "Where is it?")
        await slack.wait_for(lambda: len(bot.oracle.questions) == 2)
        bot.oracle.support, bot.oracle.outcome = 0.95, Outcome.NOT_FOUND
        unknown = w.say(w.alice, w.random, "Who is it?")
        await slack.wait_for(lambda: len(bot.oracle.questions) == 3)
        # Addressed to somebody, or no question; or in a channel where the bot was not asked to.
        statement = w.say(w.alice, w.random, "It is at nine.")
        w.say(w.alice, w.random, "<@U0BRUNO> when is it?")
        w.say(w.alice, w.general, "When is it?")
        await rest(slack, bot)
        assert len(bot.oracle.questions) == 3
        assert w.answers(w.random) == [answer]
        assert w.answers(w.general) == []
        assert slack.calls("chat.postEphemeral") == []
        known = [await bot.core.ledger.known(f"slack:{w.team}:{m.channel}:{m.ts}") for m in (sure, unsure, statement)]
        assert known == [True, True, False]
        assert not unknown.reactions
