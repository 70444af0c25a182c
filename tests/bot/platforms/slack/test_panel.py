"""What greets people who open a conversation with the bot: in the messages tab, or in the older assistant panel."""

from __future__ import annotations

import pytest

from bot.messages import messages_in
from bot.platforms.slack.scopes import EVENTS, FORMER_EVENTS
from tests.bot.platforms.slack.seen import answers, rest
from tests.standin.faults import Status
from tests.standin.fonte import fonte
from tests.standin.slack.faults import Error

EN, IT = messages_in("en"), messages_in("it")
PROMPTS = ("When is it?", "Where is it?", "Who pays?", "How much?", "Why?")
SUGGEST = "assistant.threads.setSuggestedPrompts"


def shown(prompts) -> list[dict[str, str]]:
    return [{"title": prompt, "message": prompt} for prompt in prompts]


@pytest.fixture(params=["messages tab", "panel"])
def opened(request, slack):
    """Opens a conversation; where that is, and the thread it is in, if any."""
    w = slack.workspace
    w.app.agent = request.param == "messages tab"

    def open_one(user):
        if w.app.agent:
            return w.open_home(user).id, ""
        thread = w.open_panel(user, context=w.general)
        return thread.channel, thread.ts

    return open_one


async def test_a_conversation_opens_with_a_greeting_and_questions(slack, tmp_path, opened):
    w = slack.workspace
    async with fonte(slack, tmp_path, prompts=PROMPTS) as bot:
        for number, (user, words) in enumerate(((w.alice, EN), (w.bruno, IT)), 1):
            channel, thread = opened(user)
            (greeting,) = await answers(slack, channel, thread)
            assert (greeting.shown, greeting.thread_ts) == (words.ask_me, thread)
            await slack.wait_for_calls(SUGGEST, number)
            panel = w.assistant_threads.get((channel, thread))
            if panel is None:
                given = (w.prompts[channel].title, w.prompts[channel].prompts)
            else:
                given = (panel.prompts_title, panel.prompts)
            assert given == (words.panel_prompts, shown(PROMPTS[:4]))
        assert bot.oracle.questions == []


async def test_the_messages_tab_greets_once(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, prompts=PROMPTS[:1]) as bot:
        tab = w.open_home(w.alice)
        w.open_home(w.alice)
        w.open_home(w.alice, tab="home")
        await slack.wait_for_calls(SUGGEST, 2)
        await rest(slack, bot)
        assert len(w.answers(tab)) == 1
    # Nor again after a restart, when the documents may offer other questions.
    async with fonte(slack, tmp_path, prompts=PROMPTS[1:2]) as bot:
        w.open_home(w.alice)
        await slack.wait_for_calls(SUGGEST, 3)
        await rest(slack, bot)
        assert len(w.answers(tab)) == 1
        assert w.prompts[tab.id].prompts == shown(PROMPTS[1:2])


async def test_every_thread_of_the_panel_is_greeted(slack, tmp_path):
    w = slack.workspace
    w.app.agent = False
    async with fonte(slack, tmp_path) as bot:
        first, second = w.open_panel(w.alice), w.open_panel(w.alice)
        await answers(slack, first.channel, first.ts)
        await answers(slack, second.channel, second.ts)
        await rest(slack, bot)
        assert len(w.answers(first.channel)) == 2


async def test_without_questions_to_suggest_there_is_a_greeting_all_the_same(slack, tmp_path, opened):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        channel, thread = opened(w.alice)
        await answers(slack, channel, thread)
        await rest(slack, bot)
        assert slack.calls(SUGGEST) == []


@pytest.mark.parametrize(
    "fault", [Error("not_agent_app"), Error("missing_scope"), Error("internal_error"), Status(500)]
)
async def test_where_no_questions_can_be_suggested_the_rest_works(slack, tmp_path, fault):
    w = slack.workspace
    slack.fail(SUGGEST, fault, times=99)
    async with fonte(slack, tmp_path, prompts=PROMPTS) as bot:
        tab = w.open_home(w.alice)
        (greeting,) = await answers(slack, tab)
        question = w.say(w.alice, tab, "When is it?")
        (answer,) = await answers(slack, tab, question.ts)
        await rest(slack, bot)
    assert greeting.shown == EN.ask_me
    assert "The answer to When is it?" in answer.shown


async def test_questions_are_suggested_even_if_the_greeting_fails(slack, tmp_path):
    w = slack.workspace
    slack.fail("chat.postMessage", Error("fatal_error"))
    async with fonte(slack, tmp_path, prompts=PROMPTS):
        tab = w.open_home(w.alice)
        await slack.wait_for(lambda: w.prompts.get(tab.id))


async def test_a_conversation_is_titled_by_its_first_question(slack, tmp_path):
    w = slack.workspace
    dm = w.dm(w.alice)
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, dm, "Leave: when is it &lt;due&gt;?")
        session = await slack.wait_for(lambda: w.sessions.get((dm.id, question.ts)))
        await slack.wait_for(lambda: session.title == "Leave: when is it <due>?")
        await rest(slack, bot)
        w.say(w.alice, dm, "And where?", thread=question.ts)
        await answers(slack, dm, question.ts, 2)
        long = w.say(w.alice, dm, "What about " + "everything and " * 20 + "the rest?")
        other = await slack.wait_for(lambda: w.sessions.get((dm.id, long.ts)))
        await slack.wait_for(lambda: other.title.endswith("…"))
        await rest(slack, bot)
    assert session.title == "Leave: when is it <due>?"
    assert (session.initiator, session.status) == (w.alice.id, "active")
    assert len(other.title) <= 60
    assert slack.calls("assistant.threads.setTitle") == []


async def test_a_thread_of_the_panel_is_titled_by_its_first_question(slack, tmp_path):
    w = slack.workspace
    w.app.agent = False
    async with fonte(slack, tmp_path) as bot:
        panel = w.open_panel(w.alice)
        await answers(slack, panel.channel, panel.ts)
        w.say(w.alice, panel.channel, "When is it?", thread=panel.ts)
        await slack.wait_for(lambda: panel.title == "When is it?")
        await answers(slack, panel.channel, panel.ts, 2)
        await rest(slack, bot)
        w.say(w.alice, panel.channel, "Where is it?", thread=panel.ts)
        await answers(slack, panel.channel, panel.ts, 3)
        await rest(slack, bot)
        assert panel.title == "When is it?"
        # What does not work is tried once.
        another = w.open_panel(w.alice)
        w.say(w.alice, another.channel, "Who pays?", thread=another.ts)
        await slack.wait_for(lambda: another.title == "Who pays?")
        assert len(slack.calls("agents.sessions.setStatus")) == 1


async def test_where_there_are_no_titles_direct_messages_are_answered(slack, tmp_path):
    w = slack.workspace
    for method in ("agents.sessions.setStatus", "agents.sessions.rename", "assistant.threads.setTitle", SUGGEST):
        slack.fail(method, Error("unknown_method"), times=99)
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.dm(w.alice), "When is it?")
        (answer,) = await answers(slack, question.channel, question.ts)
        await slack.wait_for(lambda: slack.calls("assistant.threads.setTitle"))
        await rest(slack, bot)
    assert "The answer to When is it?" in answer.shown


async def test_what_slack_sends_is_acknowledged(slack, tmp_path):
    """Everything that the manifest subscribes to, and what apps made for the older panel get in its place."""
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        w.open_home(w.alice)
        for channel in (w.general, w.secret, w.dm(w.alice), w.group_dm(w.alice, w.bruno)):
            w.say(w.alice, channel, f"{w.mention} When is it?")
        w.app.agent = False
        panel = w.open_panel(w.alice)
        w.look_at(panel, w.general)
        await rest(slack, bot)
        sent = {
            f"message.{delivery.payload['event']['channel_type']}" if delivery.name == "message" else delivery.name
            for delivery in w.deliveries
        }
        kinds = {"message.channel": "message.channels", "message.group": "message.groups"}
        assert {kinds.get(name, name) for name in sent} == {*EVENTS, *FORMER_EVENTS}
        assert all(delivery.acked and len(delivery.attempts) == 1 for delivery in w.deliveries)
