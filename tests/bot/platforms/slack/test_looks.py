"""What messages look like in Slack: within its limits, and obeying nobody but the bot."""

from __future__ import annotations

import asyncio

import pytest

from bot.markup.forms import COMMENT, REASON
from bot.markup.slack import MESSAGE_BUDGET, Button
from bot.messages import messages_in
from bot.types import Outcome, Reply
from tests.bot.platforms.books import ADDRESSES, MAIL, Book, is_whole, long_book
from tests.bot.platforms.slack.seen import answers, private, rest, sent
from tests.standin.fonte import OPENING, fonte, slow
from tests.standin.slack.faults import Error

EN, IT = messages_in("en"), messages_in("it")
ATTACKS = (
    "<!channel> <!here|here> <!everyone> <@U0BRUNO> <@U0ALICE|ada> <#C0GENERAL|general> <!subteam^S0HELP|@team>",
    "&lt;!channel&gt; &amp;lt;!here&amp;gt; &#60;@U0BRUNO&#62; &LT;!everyone&GT; &lt;!subteam^S0HELP&gt;",
    "<https://evil.example|your bank> [your bank](https://evil.example) &lt;https://evil.example|x&gt;",
    "<mailto:a@b.example|c@d.example> *bold* _sly_ ~gone~ `code` :skull: ```\nfence",
    "@channel @here @everyone #general",
)


# ---------------------------------------------------------------- obeying nobody


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("outcome", list(Outcome))
async def test_nothing_from_a_document_calls_anybody_or_leads_anywhere(slack, tmp_path, attack, outcome):
    w = slack.workspace
    desk = w.add_channel("desk")
    book = Book(
        attack,
        outcome=outcome,
        title=f"T {attack}",
        heading=(f"H {attack}",),
        source=f"s {attack}",
        url="https://ok.example/a",
    )
    if outcome is Outcome.NOT_FOUND:
        book.reply = Reply(outcome, EN.not_found, None, "en", book.reply.citations, 0.1)
    chosen = {"feedback_channel": desk.id, "escalation": "S0HELP"}
    async with fonte(slack, tmp_path, oracle=book, slack=chosen) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        (answer,) = await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        ours = sent(slack)[-1]
        assert ours.mentions == set()
        assert ours.links == {"https://ok.example/a"}
        # Nor what is shown again elsewhere.
        w.click(w.bruno, answer, Button.HELPFUL)
        w.click(w.bruno, answer, Button.ASK_PERSON)
        w.slash(w.alice, w.random, "When is it?")
        (alone,) = await private(slack, w.alice)
        await rest(slack, bot)
        w.click(w.alice, alone, Button.SHARE)
        await answers(slack, w.random)
        await answers(slack, desk)
        await answers(slack, w.general, question.ts, 2)
        await rest(slack, bot)
    for message in sent(slack):
        assert message.mentions <= {"@U0ALICE", "@U0BRUNO", "!subteam^S0HELP"}
        assert all(url.startswith(("https://ok.example/a", "https://standin.slack.com/")) for url in message.links)
    # The group is called by the bot, once, to the question that it was asked to put before a person.
    assert len([message for message in sent(slack) if "!subteam^S0HELP" in message.mentions]) == 1


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nothing_in_a_question_or_comment_calls_anybody_or_leads_anywhere(slack, tmp_path, attack):
    w = slack.workspace
    desk = w.add_channel("desk")
    async with fonte(slack, tmp_path, slack={"feedback_channel": desk.id}) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} {attack}?")
        (answer,) = await answers(slack, w.general, question.ts)
        dm = w.say(w.alice, w.dm(w.alice), f"{attack}?")
        await answers(slack, dm.channel, dm.ts)
        w.slash(w.alice, w.random, f"{attack}?")
        (alone,) = await private(slack, w.alice)
        await rest(slack, bot)
        assert set().union(*(message.mentions for message in sent(slack))) == set()
        w.click(w.alice, alone, Button.SHARE)
        w.click(w.bruno, answer, Button.NOT_HELPFUL)
        view = await slack.wait_for(lambda: w.views and w.open_view(w.bruno))
        w.submit(w.bruno, view, {REASON: "other", COMMENT: attack})
        await slack.wait_for(lambda: not view.open)
        await rest(slack, bot)
        session = await slack.wait_for(lambda: w.sessions.get((dm.channel, dm.ts)))
    assert set().union(*(message.mentions for message in sent(slack))) == {"@U0ALICE", "@U0BRUNO"}
    links = set().union(*(message.links for message in sent(slack)))
    assert all(url.startswith(("https://docs.example.org/guide", "https://standin.slack.com/")) for url in links)
    assert len(session.title) <= 60


async def test_addresses_stay_whole(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, oracle=Book(ADDRESSES)) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} Is <mailto:{MAIL}|{MAIL}> right?")
        (answer,) = await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        assert bot.oracle.questions[0].text == f"Is {MAIL} right?"
    assert ADDRESSES in answer.shown
    assert MAIL in answer.text
    assert "https://comune.example.it/bandi?a=1&amp;b=2#c" in answer.text
    assert sent(slack)[-1].links == {"https://docs.example.org/guide"}


async def test_a_document_without_an_address_has_no_link(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, oracle=Book("It is due in June.", url=None)):
        question = w.say(w.alice, w.general, f"{w.mention} When is it due?")
        (answer,) = await answers(slack, w.general, question.ts)
    assert "1. The guide · guide.md · Rules · line 7" in answer.shown
    assert sent(slack)[-1].links == set()


# ---------------------------------------------------------------- long answers


def files_in(slack, channel, thread):
    return [m for m in slack.workspace.replies(channel, thread) if m.files]


async def test_a_long_answer_goes_on_in_a_file(slack, tmp_path):
    w = slack.workspace
    book = long_book()
    async with fonte(slack, tmp_path, oracle=book) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What is it?")
        answer, attached = await answers(slack, w.general, question.ts, 2)
        await rest(slack, bot)
        assert sum(map(len, answer.shown.split("\n"))) <= MESSAGE_BUDGET
        assert EN.whole_answer in answer.shown
        assert "Sentence number 0 " in answer.shown
        assert "1. The guide" in answer.shown
        (file,) = w.files.values()
        assert attached.files[0]["name"] == file.name
        assert is_whole(file.content)
        # Both go when the asker says so; other people's files are theirs.
        theirs = w.say(w.bruno, w.general, "<@U0ALICE> see this", thread=question.ts, files=("notes.txt",))
        w.click(w.alice, answer, Button.DELETE)
        await slack.wait_for(lambda: not w.answers(w.general))
        assert file.deleted
        assert w.replies(w.general, question.ts) == [theirs]
        assert [call.arguments["file"] for call in slack.calls("files.delete")] == [file.id]


async def test_a_long_answer_is_deleted_with_its_question(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, oracle=long_book()) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What is it?")
        await answers(slack, w.general, question.ts, 2)
        await rest(slack, bot)
    async with fonte(slack, tmp_path) as bot:
        w.delete(question)
        await slack.wait_for(lambda: not w.thread(w.general, question.ts))
        await rest(slack, bot)
    assert all(file.deleted for file in w.files.values())


@pytest.mark.parametrize("restart", [False, True])
async def test_the_file_follows_the_edits_of_its_question(slack, tmp_path, restart):
    w = slack.workspace
    book = long_book()
    async with fonte(slack, tmp_path, oracle=book) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What is it?")
        answer, _ = await answers(slack, w.general, question.ts, 2)
        await rest(slack, bot)
        if not restart:
            w.edit(question, f"{w.mention} What is it all?")
            await slack.wait_for(lambda: len(w.files) == 2 and answer.edited)
            await rest(slack, bot)
            assert [file.deleted for file in w.files.values()] == [True, False]
            book.reply = Book("It is short.").reply
            w.edit(question, f"{w.mention} What is it, in short?")
            await slack.wait_for(lambda: "It is short." in answer.shown)
            await rest(slack, bot)
    if restart:
        async with fonte(slack, tmp_path, oracle=Book("It is short.")) as bot:
            w.edit(question, f"{w.mention} What is it, in short?")
            await slack.wait_for(lambda: "It is short." in answer.shown)
            await rest(slack, bot)
    assert w.answers(w.general) == [answer]
    assert all(file.deleted for file in w.files.values())


async def test_a_long_private_answer_is_cut(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, oracle=long_book()) as bot:
        w.slash(w.alice, w.general, "What is it?")
        (answer,) = await private(slack, w.alice)
        await rest(slack, bot)
        assert "…" in answer.shown
        assert EN.whole_answer not in answer.shown
        assert w.files == {}
        # In the channel there is room for the rest.
        w.click(w.alice, answer, Button.SHARE)
        shared, attached = await answers(slack, w.general, count=2)
        assert EN.whole_answer in shared.shown
        assert attached.thread_ts == shared.ts


async def test_a_long_answer_in_a_stream(slack, tmp_path):
    w = slack.workspace
    book = long_book()
    book.hold = asyncio.Event()
    async with fonte(slack, tmp_path, oracle=book, pace=OPENING) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What is it?")
        (reply,) = await answers(slack, w.general, question.ts)
        book.hold.set()
        await answers(slack, w.general, question.ts, 2)
        await rest(slack, bot)
    assert reply.streaming == "completed"
    assert "Sentence number 0 " in reply.shown
    assert len(files_in(slack, w.general, question.ts)) == 1


async def test_without_files_the_answer_stands_all_the_same(slack, tmp_path):
    w = slack.workspace
    w.app.scopes.discard("files:write")
    async with fonte(slack, tmp_path, oracle=long_book()) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} What is it?")
        await answers(slack, w.general, question.ts)
        await rest(slack, bot)
        assert len(w.answers(w.general)) == 1
        turn = await bot.core.ledger.turn(f"slack:{w.team}:{w.general.id}:{question.ts}")
        assert turn.ending == "answered"


# ---------------------------------------------------------------- what Slack does not take


@pytest.mark.parametrize("reason", ["msg_blocks_too_long", "invalid_blocks"])
@pytest.mark.parametrize("streams", [False, True])
async def test_a_layout_that_slack_refuses_keeps_no_answer_from_people(slack, tmp_path, reason, streams):
    w = slack.workspace
    for method in ("chat.postMessage", "chat.update", "chat.stopStream"):
        slack.fail(method, Error(reason), times=99, where=lambda arguments: bool(arguments.get("blocks")))
    oracle = slow()
    pace = OPENING if streams else None
    async with fonte(slack, tmp_path, oracle=oracle, pace=pace) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        if streams:
            await answers(slack, w.general, question.ts)
        oracle.hold.set()
        await slack.wait_for(lambda: any("The answer to" in m.shown for m in w.answers(w.general)))
        await rest(slack, bot)
        (answer,) = w.answers(w.general)
    assert answer.shown.startswith("The answer to When is it?")
    assert "1. The guide · guide.md · Rules · line 7" in answer.shown
    assert answer.streaming != "in_progress"
