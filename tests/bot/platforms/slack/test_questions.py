"""How questions reach the bot and how its answers look, with the real clients over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from bot.messages import messages_in
from bot.types import Outcome
from tests.standin.fonte import Oracle, fonte

EN, IT = messages_in("en"), messages_in("it")


async def answers(slack, channel, ts, count=1):
    return await slack.wait_for(lambda: (found := slack.workspace.answers(channel, ts)) and len(found) >= count and found)


async def test_a_mention_is_answered_in_its_thread(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?")
        (answer,) = await answers(slack, w.general, question.ts)
        await bot.idle()
    assert answer.thread_ts == question.ts
    assert "The answer to When is it?" in answer.shown
    assert "1. The guide · guide.md · Rules · line 7" in answer.shown.replace("\n", "")
    assert [q.text for q in bot.oracle.questions] == ["When is it?"]
    assert answer.arguments["unfurl_links"] is False
    assert answer.arguments["unfurl_media"] is False
    assert not slack.throttled
