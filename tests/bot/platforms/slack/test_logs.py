"""What a process writes to its log, whatever happens: no secret at any level, no traceback unless asked for."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from bot.core import Pace
from tests.standin.echo import THINK, WAIT
from tests.standin.faults import Cut, Status
from tests.standin.processes import BotProcess, echo
from tests.standin.slack.faults import Error, RateLimited
from tests.standin.slack.server import SlackServer

PACE = Pace(lease=0.4, post_interval=0.02, grace=0.0, open_after=0.0, ping_interval=0.2)
PASSWORD = "open-sesame-4711"
ADDRESS = re.compile(r"/response/\w+/\w+/\d+|ticket=ticket|/upload/F\d+")


async def eventful(slack: SlackServer, bot: BotProcess) -> None:
    """A session in which everything happens that leads to words in a log."""
    w = slack.workspace
    questions = []
    for number, fault in enumerate((Status(500, after=True), Cut(after=True), Cut(), RateLimited(0.02), Status(503))):
        channel = w.add_channel(f"c{number}")
        for method in ("chat.postMessage", "chat.startStream", "chat.stopStream", "chat.update", "reactions.add"):
            slack.fail(method, fault, where=lambda arguments, place=channel.id: arguments.get("channel") == place)
        questions.append(w.say(w.alice, channel, f"{w.mention} {THINK}: question {number}?", copies=2))
    slack.fail("response_url", Status(500), times=2)
    slack.fail("response_url", Cut(), times=2)
    for text in ("Private?", f"{THINK}: private?", "", f"{WAIT}?"):
        w.slash(w.alice, w.general, text)
    direct = w.say(w.bruno, w.dm(w.bruno), "Direct?")
    await slack.wait_for(lambda: all(w.answers(m.channel, m.ts) for m in (*questions, direct)), 30)
    await slack.settled()
    w.edit(questions[0], f"{w.mention} Another question?")
    w.delete(questions[1])
    w.unfurl(questions[2])
    w.join(w.bruno, w.general)
    w.bot_says(w.general, "hello")
    (answer,) = w.answers(direct.channel, direct.ts)
    for button in ("fonte_helpful", "fonte_not_helpful"):
        w.click(w.bruno, answer, button)
    await slack.settled()
    slack.fail("apps.connections.open", Error("internal_error"))
    await slack.socket_mode.disconnect("refresh_requested")
    await slack.connected()
    slack.socket_mode.reset()
    await slack.connected()
    last = w.say(w.alice, w.random, f"{w.mention} Last?")
    await slack.wait_for(lambda: w.answers(w.random, last.ts), 30)
    await slack.settled()
    w.emit({"type": "channel_rename", "channel": w.general.id, "event_ts": w.next_ts()}, "app_mention")
    await bot.says("Unhandled request")
    assert await bot.stop() == 0


@pytest.mark.parametrize("level", ["debug", "warning"])
async def test_a_log_holds_no_secret(slack, tmp_path, level):
    slack.socket_mode.retry_delays = (0.05,) * 100
    async with echo(slack, tmp_path, PACE, LOG_LEVEL=level, DRAIN_SECONDS="0.2") as bot:
        await bot.serves()
        await eventful(slack, bot)
    app = slack.workspace.app
    secrets = (app.bot_token, app.app_token, app.signing_secret, app.verification_token)
    tails = ("1111-2222-standin", "3333-standin")
    assert [secret for secret in (*secrets, *tails) if secret in bot.log] == []
    assert ADDRESS.findall(bot.log) == []
    if level == "debug":
        assert "Received message" in bot.log
        assert "Sending a request" in bot.log
        assert "***" in bot.log
    else:
        assert "Traceback" not in bot.log
        assert 'File "' not in bot.log
        assert not [line for line in bot.log.splitlines() if not re.match(r"(WARNING|ERROR) [\w.]+: |Serving", line)]


@pytest.mark.parametrize("level", ["debug", "warning"])
async def test_a_database_that_cannot_be_had_keeps_its_password(slack, tmp_path, level):
    url = f"postgresql://fonte:{PASSWORD}@127.0.0.1:1/fonte"
    async with echo(slack, tmp_path, replace(PACE, lease=1.0), LOG_LEVEL=level, DATABASE_URL=url) as bot:
        assert await asyncio.wait_for(bot.exit(), 30) != 0
    assert "cannot be used now" in bot.log
    assert PASSWORD not in bot.log
