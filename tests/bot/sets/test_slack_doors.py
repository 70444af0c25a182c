"""Every door through which words of a document come out in Slack: none of a private one, but where it is given.

Each door is tried where the document is not given, and the same where it is: there its words come.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.claims import Asked, Trigger
from bot.ledger import database_url, open_ledger
from bot.markup.forms import COMMENT, REASON
from bot.markup.slack import Button
from bot.messages import messages_in
from tests.bot.platforms.slack.seen import answers, private, rest
from tests.bot.sets.house import OPENS, PRIVATE, PUBLIC, SUGGESTED, House, holds_canary, house, places
from tests.standin.slack.model import Channel, Message
from tests.standin.slack.server import SlackServer

EN = messages_in("en")


async def mention(slack: SlackServer, bot: House, channel: Channel, text: str = PRIVATE) -> Message:
    w = slack.workspace
    question = w.say(w.alice, channel, f"{w.mention} {text}")
    (answer,) = await answers(slack, question.channel, question.ts)
    await rest(slack, bot.bot)
    return answer


async def follow_up(slack: SlackServer, bot: House, channel: Channel) -> None:
    w, first = slack.workspace, await mention(slack, bot, channel, PUBLIC)
    w.say(w.alice, channel, PRIVATE, thread=first.thread_ts)
    await answers(slack, channel, first.thread_ts, 2)


async def edit(slack: SlackServer, bot: House, channel: Channel) -> None:
    w = slack.workspace
    question = w.say(w.alice, channel, f"{w.mention} {PUBLIC}")
    (answer,) = await answers(slack, channel, question.ts)
    await rest(slack, bot.bot)
    before = answer.shown
    w.edit(question, f"{w.mention} {PRIVATE}")
    await slack.wait_for(lambda: answer.shown != before or len(w.answers(channel, question.ts)) > 1)


async def command(slack: SlackServer, bot: House, channel: Channel) -> Message:
    w = slack.workspace
    w.slash(w.alice, channel, PRIVATE)
    await rest(slack, bot.bot)
    return (await private(slack, w.alice))[-1]


async def shared(slack: SlackServer, bot: House, channel: Channel) -> None:
    w, answer = slack.workspace, await command(slack, bot, channel)
    w.click(w.alice, answer, Button.SHARE)
    await answers(slack, channel)


async def rated(slack: SlackServer, bot: House, channel: Channel) -> None:
    w, answer = slack.workspace, await mention(slack, bot, channel)
    w.click(w.bruno, answer, Button.NOT_HELPFUL)
    await rest(slack, bot.bot)
    w.submit(w.bruno, w.open_view(w.bruno), {REASON: "wrong", COMMENT: "It was more."})
    w.click(w.alice, answer, Button.HELPFUL)


async def escalated(slack: SlackServer, bot: House, channel: Channel) -> None:
    w, answer = slack.workspace, await mention(slack, bot, channel)
    w.click(w.bruno, answer, Button.ASK_PERSON)
    await rest(slack, bot.bot)


async def unasked(slack: SlackServer, bot: House, channel: Channel) -> None:
    w = slack.workspace
    w.say(w.alice, channel, PRIVATE)


DOORS: dict[str, Callable[[SlackServer, House, Channel], Awaitable[Any]]] = {
    "a mention": mention,
    "a follow-up in a thread": follow_up,
    "an edit": edit,
    "a command": command,
    "an answer that is shared": shared,
    "feedback": rated,
    "a question to a person": escalated,
    "an answer without being asked": unasked,
}


@pytest.mark.parametrize("door", DOORS)
async def test_a_private_document_comes_through_no_door_but_where_it_is_given(slack, folder, door):
    w = slack.workspace
    chosen = {
        "sets": {w.secret.id: ["hr", "default"]},
        "auto_answer_channels": (w.general.id, w.secret.id),
        "feedback_channel": w.random.id,
        "escalation": w.random.id,
    }
    async with house(slack, folder, slack=chosen) as bot:
        bot.bot.core.dispatcher._composer._auto_support = 0.0
        await DOORS[door](slack, bot, w.general)
        await rest(slack, bot.bot)
        assert places(slack) == set()
        await DOORS[door](slack, bot, w.secret)
        await rest(slack, bot.bot)
        assert places(slack) == {w.secret.id}


async def test_what_is_private_is_answered_there_and_the_rest_everywhere(slack, folder):
    w = slack.workspace
    async with house(slack, folder, slack={"sets": {w.secret.id: "hr"}}) as bot:
        assert "4,711 zebrafink coins" in (await mention(slack, bot, w.secret)).shown
        assert OPENS in (await mention(slack, bot, w.general, PUBLIC)).shown
        # A place that is given sets is given no others, the default neither.
        assert OPENS not in (await mention(slack, bot, w.secret, PUBLIC)).shown


async def test_conversations_of_a_person_with_the_bot_are_nowhere(slack, folder):
    w = slack.workspace
    async with house(slack, folder, slack={"sets": {w.secret.id: ["hr", "default"]}}) as bot:
        await bot.suggestions()
        direct = w.say(w.alice, w.dm(w.alice), PRIVATE)
        await answers(slack, direct.channel, direct.ts)
        tab = w.open_home(w.alice)
        w.app.agent = False
        panel = w.open_panel(w.bruno, context=w.secret)
        w.look_at(panel, w.secret)
        await rest(slack, bot.bot)
        w.say(w.bruno, panel.channel, PRIVATE, thread=panel.ts)
        await answers(slack, panel.channel, panel.ts, 2)
        await rest(slack, bot.bot)
        assert panel.prompts  # though not of everything
        assert tab.id
        assert places(slack) == set()


async def test_a_desk_that_is_not_given_the_documents_gets_a_link_alone(slack, folder):
    w = slack.workspace
    chosen = {"sets": {w.secret.id: ["hr"]}, "feedback_channel": w.random.id, "escalation": w.random.id}
    async with house(slack, folder, slack=chosen) as bot:
        answer = await mention(slack, bot, w.secret, SUGGESTED)
        assert holds_canary(answer.shown)
        w.click(w.bruno, answer, Button.NOT_HELPFUL)
        await rest(slack, bot.bot)
        w.submit(w.bruno, w.open_view(w.bruno), {REASON: "wrong", COMMENT: "It was 4,712 zebrafink coins."})
        await rest(slack, bot.bot)
        w.click(w.bruno, answer, Button.ASK_PERSON)
        posts = await answers(slack, w.random, count=2)
        await rest(slack, bot.bot)
        for post in posts:
            assert EN.withheld in post.shown
            assert EN.to_answer in post.shown
        assert places(slack) == {w.secret.id}


async def test_a_desk_that_is_given_the_documents_gets_the_answer(slack, folder):
    w = slack.workspace
    given = {w.secret.id: ["hr"], w.random.id: ["hr"]}
    async with house(slack, folder, slack={"sets": given, "feedback_channel": w.random.id}) as bot:
        answer = await mention(slack, bot, w.secret)
        w.click(w.bruno, answer, Button.HELPFUL)
        (post,) = await answers(slack, w.random)
        assert "4,711 zebrafink coins" in post.shown
        assert PRIVATE in post.shown


async def test_the_settings_that_hold_when_a_button_is_pressed_decide(slack, folder):
    w = slack.workspace
    desk = {"feedback_channel": w.general.id, "escalation": "S0HELP"}
    async with house(slack, folder, slack=desk | {"sets": {w.random.id: ["hr"]}}) as bot:
        alone, answer = await command(slack, bot, w.random), await mention(slack, bot, w.random)
    assert places(slack) == {w.random.id}
    slack.api.calls.clear()
    async with house(slack, folder, slack=desk | {"sets": {w.secret.id: ["hr"]}}) as bot:
        w.click(w.alice, alone, Button.SHARE)
        told = await slack.wait_for(lambda: [m for m in w.ephemerals_for(w.alice) if m.text == EN.not_shared])
        assert told[0].channel == w.random.id
        for button in (Button.HELPFUL, Button.NOT_HELPFUL, Button.ASK_PERSON):
            w.click(w.bruno, answer, button)
        await rest(slack, bot.bot)
        assert len(w.answers(w.general)) == 1
        w.edit(w.message(w.random, answer.thread_ts), f"{w.mention} {PRIVATE.replace('large', 'high')}")
        await rest(slack, bot.bot)
        assert [message.deleted for message in w.answers(w.random, answer.thread_ts)] == [False, False]
        assert places(slack) == set()


async def test_what_a_process_left_open_is_answered_by_the_settings_of_the_next(slack, folder):
    w = slack.workspace
    question = w.say(w.alice, w.random, f"{w.mention} {PRIVATE}")
    place = w.team, w.random.id, question.ts, question.ts, w.alice.id
    key = f"slack:{w.team}:{w.random.id}:{question.ts}"
    asked = Asked(key, "slack", *place, PRIVATE, Trigger.MENTION, float(question.ts))
    (folder / "data").mkdir()
    async with open_ledger(database_url(None, folder / "data")) as ledger:
        assert await ledger.claim(asked)
        await ledger.release()
    async with house(slack, folder, slack={"sets": {w.secret.id: ["hr"]}}) as bot:
        await answers(slack, w.random, question.ts)
        await rest(slack, bot.bot)
        assert places(slack) == set()
