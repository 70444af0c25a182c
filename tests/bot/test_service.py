"""``python -m bot slack`` from its start to its end, and the commands that read its ledger, as people run them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.types import Outcome
from tests.standin.echo import WAIT
from tests.standin.faults import Hang, Status
from tests.standin.fonte import Oracle, fonte
from tests.standin.processes import PACE, echo, environment, platform_environment
from tests.standin.slack.faults import Error, RateLimited
from tests.standin.slack.server import SlackServer


def ask(slack: SlackServer, channel, text: str):
    w = slack.workspace
    return w.say(w.alice, channel, f"{w.mention} {text}")


def answers(slack: SlackServer) -> list[str]:
    w = slack.workspace
    return [m.shown.strip().splitlines()[0] for channel in w.channels for m in w.answers(channel)]


def files(folder: Path) -> list[Path]:
    return list(folder.glob("ledger.db*"))


# The start.


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is not set"),
        ({"SLACK_APP_TOKEN": "xoxb-1-2"}, "SLACK_APP_TOKEN holds a bot token"),
        ({"SLACK_APP_TOKEN": "", "SLACK_MODE": "http", "SLACK_SIGNING_SECRET": ""}, "SLACK_SIGNING_SECRET"),
    ],
)
async def test_without_its_secrets_nothing_is_begun(slack, tmp_path, library, changes, sentence):
    env = platform_environment(slack, **library.settings(tmp_path / "ledger.db")) | changes
    async with library.bot("slack", env=env) as bot:
        assert await bot.exit() == 2
    assert sentence in bot.log
    assert bot.log.count("\n") == 1
    assert slack.calls() == []
    assert not (tmp_path / "ledger.db").exists()


async def test_a_bot_token_that_slack_refuses_is_one_sentence(slack, tmp_path, library):
    env = platform_environment(slack, **library.settings(tmp_path / "ledger.db"), SLACK_BOT_TOKEN="xoxb-wrong-token")
    async with library.bot("slack", env=env) as bot:
        assert await bot.exit() == 2
    assert bot.log == (
        "Slack refuses SLACK_BOT_TOKEN (invalid_auth): copy the Bot User OAuth Token anew from the app's page, "
        "OAuth & Permissions.\n"
    )
    assert [call.method for call in slack.calls()] == ["auth.test"]


@pytest.mark.parametrize(
    ("method", "error", "sentence"),
    [
        ("auth.test", "account_inactive", "SLACK_BOT_TOKEN (account_inactive)"),
        ("auth.test", "token_revoked", "SLACK_BOT_TOKEN (token_revoked)"),
        ("auth.test", "not_allowed_token_type", "SLACK_BOT_TOKEN (not_allowed_token_type)"),
        ("apps.connections.open", "invalid_auth", "SLACK_APP_TOKEN (invalid_auth)"),
        ("apps.connections.open", "missing_scope", "SLACK_APP_TOKEN (missing_scope)"),
        ("apps.connections.open", "socket_mode_disabled", "Socket Mode (socket_mode_disabled)"),
    ],
)
async def test_what_slack_refuses_at_the_start_is_named(slack, tmp_path, method, error, sentence):
    slack.fail(method, Error(error))
    with pytest.raises(ConfigError) as caught:
        async with fonte(slack, tmp_path):
            pass
    assert sentence in str(caught.value)
    assert len(slack.calls(method)) == 1


@pytest.mark.parametrize("fault", [Status(503), RateLimited(0.01), Error("internal_error")])
async def test_a_slack_that_has_a_bad_moment_at_the_start_is_asked_again(slack, tmp_path, monkeypatch, fault):
    monkeypatch.setattr("bot.platforms.slack.checks.FIRST_RETRY", 0.01)
    slack.fail("auth.test", fault, times=2)
    async with fonte(slack, tmp_path):
        question = ask(slack, slack.workspace.general, "When?")
        await slack.wait_for(lambda: slack.workspace.answers(slack.workspace.general, question.ts))
    assert len(slack.calls("auth.test")) == 3


async def test_too_many_starts_wait_for_as_long_as_slack_says(slack, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.platforms.slack.checks.FIRST_RETRY", 60.0)
    slack.fail("auth.test", RateLimited(0.1))
    async with fonte(slack, tmp_path):
        first, second = slack.calls("auth.test")
    assert second.at - first.at >= 0.1


async def test_missing_scopes_are_named_and_the_rest_is_served(slack, tmp_path, caplog):
    slack.workspace.app.scopes -= {"users:read", "files:write"}
    async with fonte(slack, tmp_path):
        ask(slack, slack.workspace.general, "When?")
        await slack.wait_for(lambda: answers(slack))
    named = [record.message.partition(": ")[0] for record in caplog.records]
    assert named == ["The Slack app lacks the scope files:write", "The Slack app lacks the scope users:read"]


async def test_a_slack_out_of_reach_is_waited_for(slack, tmp_path, library):
    env = platform_environment(slack, **library.settings(tmp_path / "ledger.db"))
    await slack.down()
    async with library.bot("slack", env=env) as waiting, library.bot("slack", env=env) as stopped:
        await asyncio.gather(waiting.says("Slack cannot be reached"), stopped.says("Slack cannot be reached"))
        assert await stopped.stop() == 0
        await slack.up()
        await waiting.serves()
        ask(slack, slack.workspace.general, library.QUESTION)
        await slack.wait_for(lambda: answers(slack))
        assert await waiting.stop() == 0
    assert answers(slack) == [library.ANSWER]
    for bot in (waiting, stopped):
        assert "WARNING bot.platforms.slack.checks: Slack cannot be reached (auth.test: no connection" in bot.log
        assert "Traceback" not in bot.log


# The end.


async def test_sigterm_finishes_five_answers_then_closes_the_socket(slack, tmp_path, library):
    w = slack.workspace
    hang = Hang()
    slack.fail("chat.postMessage", hang, times=5)
    env = platform_environment(slack, **library.settings(tmp_path / "ledger.db"))
    async with library.bot("slack", env=env) as bot:
        await bot.serves()
        for number in range(5):
            ask(slack, w.add_channel(f"c{number}"), library.QUESTION)
        await slack.wait_for(lambda: len(slack.calls("chat.postMessage")) == 5)
        bot.send(signal.SIGTERM)
        ask(slack, w.general, library.QUESTION)  # on its way out it may still be asked
        await slack.settled()
        assert slack.socket_mode.open
        hang.release()
        await slack.wait_for(lambda: not slack.socket_mode.open)
        assert len(answers(slack)) >= 5
        assert await bot.exit() == 0
    assert bot.log == "Serving Slack as @fonte in standin; SIGTERM or Ctrl-C ends it.\n"
    async with fonte(slack, tmp_path, pace=PACE):
        await slack.wait_for(lambda: len(answers(slack)) == 6)
    assert len(slack.calls("chat.postMessage", handled=True)) == 6


async def test_what_does_not_end_in_time_is_for_the_next_process(slack, tmp_path):
    w = slack.workspace
    async with echo(slack, tmp_path, DRAIN_SECONDS="0.1") as bot:
        await bot.serves()
        questions = [ask(slack, w.general, f"{WAIT}, when?"), ask(slack, w.random, f"{WAIT}, where?")]
        await slack.settled()
        assert await bot.stop() == 0
    assert answers(slack) == []
    async with fonte(slack, tmp_path):  # at once: nobody has to wait until a lease ends
        await slack.wait_for(lambda: len(answers(slack)) == 2)
    assert {m.thread_ts for m in w.messages.values() if m.user == w.app.user} == {q.ts for q in questions}
    assert bot.log.count("\n") == 1


async def test_a_second_signal_does_not_wait_for_answers(slack, tmp_path):
    async with echo(slack, tmp_path, DRAIN_SECONDS="3600") as bot:
        await bot.serves()
        ask(slack, slack.workspace.general, f"{WAIT}, when?")
        await slack.settled()
        bot.send(signal.SIGTERM)
        bot.send(signal.SIGINT)
        assert await bot.exit() == 0
    assert bot.log.count("\n") == 1
    async with fonte(slack, tmp_path):
        await slack.wait_for(lambda: answers(slack))
    assert len(answers(slack)) == 1


# A person's wish.


async def test_forget_erases_a_person_from_the_ledger_of_a_running_bot(slack, tmp_path, library):
    w = slack.workspace
    ledger = tmp_path / "ledger.db"
    async with fonte(slack, tmp_path) as bot:
        for user, channel, text in ((w.alice, w.general, "Alice asks?"), (w.bruno, w.random, "Bruno asks?")):
            w.say(user, channel, f"{w.mention} {text}")
        await slack.wait_for(lambda: len(answers(slack)) == 2)
        await bot.idle()
        env = environment(**library.settings(ledger))
        command = [sys.executable, "-m", "bot", "forget", w.alice.id]
        done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, env=env, capture_output=True, check=True)
    assert done.stdout == b"Erased of U0ALICE: 1 questions, 1 answers, 0 ratings, 0 unanswered questions.\n"
    assert done.stderr == b""
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        assert connection.execute("SELECT text, user_id FROM claims ORDER BY text").fetchall() == [
            ("", ""),
            ("Bruno asks?", w.bruno.id),
        ]
        assert connection.execute("SELECT text FROM turns").fetchall() == [("Bruno asks?",)]
    assert not [path for path in files(tmp_path) if b"Alice asks" in path.read_bytes()]


# What is worth writing.


async def test_the_unanswered_questions_are_listed_for_people_and_for_programs(slack, tmp_path, library):
    w = slack.workspace
    async with fonte(slack, tmp_path, oracle=Oracle(outcome=Outcome.NOT_FOUND)) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} Who\x1b[31m pays?")
        await slack.wait_for(lambda: answers(slack))
        await bot.idle()
    env = environment(**library.settings(tmp_path / "ledger.db"))
    printed = []
    for extra in ([], ["--json"]):
        command = [sys.executable, "-m", "bot", "unanswered", *extra]
        done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, env=env, capture_output=True, check=True)
        printed.append(done.stdout.decode())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d  slack  Who[^\x1b]+ pays\?\n", printed[0])
    [found] = json.loads(printed[1])
    assert found["platform"] == "slack"
    assert found["asked_at"] == pytest.approx(float(question.ts))
