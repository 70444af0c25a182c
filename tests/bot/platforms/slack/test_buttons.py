"""What people do with an answer by its buttons, and who hears of it."""

from __future__ import annotations

import asyncio

import pytest

from bot.claims import Feedback, Reason, Verdict
from bot.errors import LedgerUnavailable
from bot.markup.forms import COMMENT, REASON
from bot.markup.slack import Button
from bot.messages import messages_in
from bot.types import Outcome
from tests.bot.platforms.slack.seen import answers, private, rest, sent
from tests.standin.fonte import Oracle, fonte
from tests.standin.slack.model import Message
from tests.standin.slack.server import SlackServer

EN, IT = messages_in("en"), messages_in("it")
GROUP = "S0HELP"


def key(slack: SlackServer, question: Message) -> str:
    return f"slack:{slack.workspace.team}:{question.channel}:{question.ts}"


async def answered(slack, bot, text="When is it?", *, user=None, channel=None):
    """A question and its answer."""
    w = slack.workspace
    question = w.say(user or w.alice, channel or w.general, f"{w.mention} {text}")
    (answer,) = await answers(slack, question.channel, question.ts)
    await rest(slack, bot)
    return question, answer


def buttons(message: Message) -> list[str]:
    return [
        element["action_id"] for block in message.blocks if block["type"] == "actions" for element in block["elements"]
    ]


def words(message: Message) -> str:
    return message.shown.replace("\n", " ")


# ---------------------------------------------------------------- helpful, not helpful


async def test_an_opinion_is_thanked_for_in_private_where_the_answer_is(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question, answer = await answered(slack, bot)
        w.click(w.bruno, answer, Button.HELPFUL)
        (thanks,) = await private(slack, w.bruno)
        assert (thanks.text, thanks.channel, thanks.thread_ts) == (EN.thanks, w.general.id, question.ts)
        given = await bot.core.ledger.feedback(key(slack, question), w.bruno.id)
        assert given == Feedback(key(slack, question), w.bruno.id, Verdict.HELPFUL)
        assert w.answers(w.general) == [answer]


async def test_an_opinion_can_be_changed(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question, answer = await answered(slack, bot)
        w.click(w.bruno, answer, Button.HELPFUL)
        await private(slack, w.bruno)
        w.click(w.bruno, answer, Button.NOT_HELPFUL)
        view = await slack.wait_for(lambda: w.views and w.open_view(w.bruno))
        w.submit(w.bruno, view, {REASON: "outdated", COMMENT: "That was last year.\n<!channel>"})
        await slack.wait_for(lambda: not view.open)
        given = await bot.core.ledger.feedback(key(slack, question), w.bruno.id)
        assert (given.verdict, given.reason) == (Verdict.NOT_HELPFUL, Reason.OUTDATED)
        assert given.comment == "That was last year.\n<!channel>"
        w.click(w.bruno, answer, Button.HELPFUL)
        await private(slack, w.bruno, 2)
        given = await bot.core.ledger.feedback(key(slack, question), w.bruno.id)
        assert (given.verdict, given.reason, given.comment) == (Verdict.HELPFUL, None, "")


async def test_not_helpful_counts_even_if_the_form_is_not_filled_in(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, oracle=Oracle(language="it")) as bot:
        question, answer = await answered(slack, bot, "Quando scade?", user=w.bruno)
        w.click(w.bruno, answer, Button.NOT_HELPFUL)
        view = await slack.wait_for(lambda: w.views and w.open_view(w.bruno))
        assert view.view["title"]["text"] == IT.why_title
        with pytest.raises(LookupError):  # a reason is asked for
            w.submit(w.bruno, view, {COMMENT: "Non so."})
        w.close(w.bruno, view)
        await rest(slack, bot)
        given = await bot.core.ledger.feedback(key(slack, question), w.bruno.id)
        assert (given.verdict, given.reason) == (Verdict.NOT_HELPFUL, None)


async def test_opinions_are_forwarded_with_a_link_and_kept_up_to_date(slack, tmp_path):
    w = slack.workspace
    desk = w.add_channel("feedback")
    async with fonte(slack, tmp_path, slack={"feedback_channel": desk.id}) as bot:
        question, answer = await answered(slack, bot, "When is it due?")
        w.click(w.bruno, answer, Button.NOT_HELPFUL)
        (forwarded,) = await answers(slack, desk)
        view = await slack.wait_for(lambda: w.views and w.open_view(w.bruno))
        for part in ("<@U0BRUNO> found this answer not helpful", "When is it due?", "The answer to When is it due?"):
            assert part in forwarded.shown
        link = f"https://standin.slack.com/archives/{w.general.id}/p{answer.ts.replace('.', '')}"
        link += f"?thread_ts={question.ts}&cid={w.general.id}"
        assert link in sent(slack)[-1].links
        await rest(slack, bot)
        w.submit(w.bruno, view, {REASON: "wrong", COMMENT: "It is due in May."})
        await slack.wait_for(lambda: "It is due in May." in forwarded.shown)
        assert f"{EN.why_reason}: {EN.reason_wrong}" in forwarded.shown
        await rest(slack, bot)
        w.click(w.bruno, answer, Button.HELPFUL)
        await slack.wait_for(lambda: "found this answer helpful" in forwarded.shown)
        assert "It is due in May." not in forwarded.shown
        await rest(slack, bot)
        w.click(w.bruno, answer, Button.HELPFUL)
        await rest(slack, bot)
        assert w.answers(desk) == [forwarded]
        w.click(w.alice, answer, Button.HELPFUL)
        await answers(slack, desk, count=2)
        await rest(slack, bot)
        assert buttons(forwarded) == []


async def test_what_was_forwarded_is_changed_after_a_restart_too(slack, tmp_path):
    w = slack.workspace
    desk = w.add_channel("feedback")
    chosen = {"slack": {"feedback_channel": desk.id}}
    async with fonte(slack, tmp_path, **chosen) as bot:
        _, answer = await answered(slack, bot)
        w.click(w.bruno, answer, Button.NOT_HELPFUL)
        (forwarded,) = await answers(slack, desk)
        await rest(slack, bot)
    async with fonte(slack, tmp_path, **chosen) as bot:
        w.click(w.bruno, answer, Button.HELPFUL)
        await slack.wait_for(lambda: "found this answer helpful" in forwarded.shown)
        await rest(slack, bot)
        assert w.answers(desk) == [forwarded]


# ---------------------------------------------------------------- ask a person


async def test_a_group_is_called_once_and_for_real(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, slack={"escalation": GROUP}) as bot:
        question, answer = await answered(slack, bot, "Who decides <!channel>?")
        w.click(w.bruno, answer, Button.ASK_PERSON)
        w.click(w.alice, answer, Button.ASK_PERSON)
        _, call = await answers(slack, w.general, question.ts, 2)
        await private(slack, w.bruno)
        await private(slack, w.alice)
        await rest(slack, bot)
        assert len(w.answers(w.general)) == 2
        (message,) = [message for message in sent(slack) if GROUP in str(message.blocks)]
        assert message.mentions in ({f"!subteam^{GROUP}", "@U0BRUNO"}, {f"!subteam^{GROUP}", "@U0ALICE"})
        assert {m.text for m in w.ephemerals} == {EN.person_asked}
        assert "Who decides @channel?" in call.shown
        assert buttons(call) == []


async def test_a_channel_for_escalations_gets_question_answer_and_link(slack, tmp_path):
    w = slack.workspace
    desk = w.add_channel("desk")
    async with fonte(slack, tmp_path, slack={"escalation": desk.id}, oracle=Oracle(outcome=Outcome.NOT_FOUND)) as bot:
        _, answer = await answered(slack, bot, "Who decides?")
        w.click(w.bruno, answer, Button.ASK_PERSON)
        (call,) = await answers(slack, desk)
        await rest(slack, bot)
        assert "<@U0BRUNO> asks for a person's answer to this question" in words(call)
        assert "Who decides?" in call.shown
        link = f"https://standin.slack.com/archives/{w.general.id}/p{answer.ts.replace('.', '')}"
        assert any(url.startswith(link) for url in sent(slack)[-2].links | sent(slack)[-1].links)
        # From a private answer as well, which no link leads to.
        w.slash(w.alice, w.random, "Who pays?")
        (alone,) = await private(slack, w.alice)
        await rest(slack, bot)
        w.click(w.alice, alone, Button.ASK_PERSON)
        _, second = await answers(slack, desk, count=2)
        assert "Who pays?" in second.shown
        assert EN.to_answer not in second.shown


async def test_a_person_can_be_asked_only_where_one_can_come(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, slack={"escalation": GROUP}) as bot:
        dm = w.say(w.alice, w.dm(w.alice), "Who decides?")
        (direct,) = await answers(slack, dm.channel, dm.ts)
        w.slash(w.alice, w.general, "Who decides?")
        (alone,) = await private(slack, w.alice)
        await rest(slack, bot)
    async with fonte(slack, tmp_path) as bot:
        _, plain = await answered(slack, bot)
    for message in (direct, alone, plain):
        assert Button.ASK_PERSON not in buttons(message)


# ---------------------------------------------------------------- share


async def test_a_private_answer_is_shared_once(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        w.slash(w.alice, w.general, "When is it?")
        (answer,) = await private(slack, w.alice)
        await rest(slack, bot)
        assert buttons(answer) == [Button.HELPFUL, Button.NOT_HELPFUL, Button.SHARE]
        w.click(w.alice, answer, Button.SHARE)
        (shared,) = await answers(slack, w.general)
        w.click(w.alice, answer, Button.SHARE)
        await rest(slack, bot)
        assert w.answers(w.general) == [shared]
        assert "<@U0ALICE> asked: When is it?" in words(shared)
        assert "The answer to When is it?" in shared.shown
        assert shared.arguments["unfurl_links"] is False
        assert sent(slack)[-1].mentions == {"@U0ALICE"}
        # Everybody has the buttons now, and a thread to go on in.
        w.click(w.bruno, shared, Button.HELPFUL)
        (thanks,) = await private(slack, w.bruno)
        assert thanks.text == EN.thanks
        w.click(w.alice, shared, Button.DELETE)
        await slack.wait_for(lambda: shared.deleted)
        await rest(slack, bot)


async def test_a_private_answer_is_shared_where_the_bot_is_no_member(slack, tmp_path):
    w = slack.workspace
    closed = w.add_channel("closed", kind="group", bot=False)
    async with fonte(slack, tmp_path) as bot:
        w.slash(w.alice, closed, "When is it?")
        (answer,) = await private(slack, w.alice)
        await rest(slack, bot)
        w.click(w.alice, answer, Button.SHARE)
        (shared,) = await answers(slack, closed)
        await rest(slack, bot)
        assert not shared.ephemeral_to
        assert "<@U0ALICE> asked: When is it?" in words(shared)
        assert shared.arguments["unfurl_links"] is False
        # Of what was shared, people have opinions there, too; and its asker can take it back.
        w.click(w.bruno, shared, Button.HELPFUL)
        (thanks,) = await private(slack, w.bruno)
        assert thanks.text == EN.thanks
        w.click(w.alice, shared, Button.DELETE)
        await slack.wait_for(lambda: shared.deleted)
        assert not answer.deleted


# ---------------------------------------------------------------- delete


async def test_only_the_asker_can_delete_an_answer(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question, answer = await answered(slack, bot)
        confirm = [b["confirm"] for b in answer.blocks[-1]["elements"] if b["action_id"] == Button.DELETE]
        assert confirm[0]["text"]["text"] == EN.delete_question
        w.click(w.bruno, answer, Button.DELETE)
        (told,) = await private(slack, w.bruno)
        assert told.text == EN.only_asker
        assert not answer.deleted
        w.click(w.alice, answer, Button.DELETE)
        await slack.wait_for(lambda: answer.deleted)
        await rest(slack, bot)
        # It does not come back by itself, nor is the thread the bot's any more.
        w.edit(question, f"{w.mention} When was it?")
        w.say(w.alice, w.general, "And where is it?", thread=question.ts)
        await rest(slack, bot)
        assert w.answers(w.general) == []


async def test_a_private_answer_in_direct_messages_can_be_deleted(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        w.slash(w.alice, w.dm(w.alice), "When is it?")
        (answer,) = await private(slack, w.alice)
        await rest(slack, bot)
        assert Button.SHARE not in buttons(answer)
        w.click(w.alice, answer, Button.DELETE)
        await slack.wait_for(lambda: answer.deleted)


# ---------------------------------------------------------------- later


async def test_buttons_work_after_a_restart(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question, answer = await answered(slack, bot)
        w.slash(w.alice, w.random, "Where is it?")
        (alone,) = await private(slack, w.alice)
        await rest(slack, bot)
    async with fonte(slack, tmp_path, slack={"escalation": GROUP}) as bot:
        w.click(w.bruno, answer, Button.HELPFUL)
        await private(slack, w.bruno)
        assert (await bot.core.ledger.feedback(key(slack, question), w.bruno.id)).verdict is Verdict.HELPFUL
        w.click(w.alice, alone, Button.SHARE)
        (shared,) = await answers(slack, w.random)
        assert "The answer to Where is it?" in shared.shown
        await rest(slack, bot)
        w.click(w.alice, answer, Button.DELETE)
        await slack.wait_for(lambda: answer.deleted)


async def test_buttons_under_an_answer_that_is_not_kept_say_so(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question, answer = await answered(slack, bot)
        await bot.core.ledger.forget(w.alice.id)
        for number, button in enumerate((Button.HELPFUL, Button.NOT_HELPFUL, Button.DELETE), 1):
            delivery = w.click(w.bruno, answer, button)
            told = await private(slack, w.bruno, number)
            assert (told[-1].text, told[-1].thread_ts) == (EN.not_kept, question.ts)
            await slack.settled()
            assert delivery.acked
        assert w.views == []
        assert not answer.deleted


async def test_with_the_ledger_down_a_button_says_that_nothing_was_noted(slack, tmp_path, monkeypatch):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question, answer = await answered(slack, bot)

        async def unavailable(*arguments, **named):
            raise LedgerUnavailable("The ledger cannot be used now.")

        for method in ("turn", "rate"):
            with monkeypatch.context() as patch:
                patch.setattr(bot.core.ledger, method, unavailable)
                before = len(w.ephemerals_for(w.bruno))
                delivery = w.click(w.bruno, answer, Button.HELPFUL)
                told = await private(slack, w.bruno, before + 1)
                assert told[-1].text == EN.feedback_lost
                await slack.settled()
                assert delivery.acked
        assert await bot.core.ledger.feedback(key(slack, question), w.bruno.id) is None
        # The form stays open, with what was written.
        w.click(w.bruno, answer, Button.NOT_HELPFUL)
        view = await slack.wait_for(lambda: w.views and w.open_view(w.bruno))
        with monkeypatch.context() as patch:
            patch.setattr(bot.core.ledger, "rate", unavailable)
            slack.socket_mode.ack_timeout = 0.1
            lost = w.submit(w.bruno, view, {REASON: "wrong"})
            await slack.settled()
        assert lost.state == "lost"
        assert view.open
        slack.socket_mode.ack_timeout = 3.0
        w.submit(w.bruno, view, {REASON: "wrong"})
        await slack.wait_for(lambda: not view.open)
        given = await bot.core.ledger.feedback(key(slack, question), w.bruno.id)
        assert given.reason is Reason.WRONG


async def test_many_opinions_at_once_are_all_kept(slack, tmp_path):
    w = slack.workspace
    people = [w.add_user(f"person{number}") for number in range(8)]
    async with fonte(slack, tmp_path) as bot:
        question, answer = await answered(slack, bot)
        for person in people:
            w.click(person, answer, Button.HELPFUL)
        await asyncio.gather(*(private(slack, person) for person in people))
        kept = [await bot.core.ledger.feedback(key(slack, question), person.id) for person in people]
        assert all(kept)


async def test_other_peoples_buttons_and_links_are_acknowledged(slack, tmp_path):
    """Slack reports a press on any button of the app's messages, those that are links included."""
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        _, answer = await answered(slack, bot)
        link = {"type": "button", "action_id": "elsewhere", "text": {"type": "plain_text", "text": "Go"}, "url": "x"}
        answer.blocks.append({"type": "actions", "block_id": "old", "elements": [link]})
        delivery = w.click(w.alice, answer, "elsewhere")
        await rest(slack, bot)
        assert delivery.acked
        assert w.ephemerals == []
