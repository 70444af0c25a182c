"""``python -m bot serve``: all platforms in one process over one core; and ``python -m bot discord``."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing

import pytest

from tests.standin.discord.server import DiscordServer
from tests.standin.faults import Hang
from tests.standin.processes import environment, platform_environment

SLACK = "Serving Slack as @fonte in standin; SIGTERM or Ctrl-C ends it.\n"
DISCORD = "Serving Discord as "


@pytest.fixture
async def discord():
    async with DiscordServer() as server:
        yield server
        assert server.violations == []


def ask_in_slack(slack, text):
    w = slack.workspace
    return w.say(w.alice, w.general, f"{w.mention} {text}")


def ask_in_discord(discord, text):
    w = discord.world
    return w.say(w.alice, w.general, f"{w.mention} {text}")


async def test_both_platforms_are_served_over_one_ledger(slack, discord, tmp_path, library):
    env = platform_environment(slack, discord, **library.settings(tmp_path / "ledger.db"))
    async with library.bot("serve", env=env) as bot:
        await bot.says(SLACK)
        await bot.says(DISCORD)
        asked = ask_in_slack(slack, library.QUESTION), ask_in_discord(discord, library.QUESTION)
        (post,) = await slack.wait_for(lambda: slack.workspace.answers(asked[0].channel, asked[0].ts))
        (reply,) = await discord.wait_for(lambda: discord.world.replies_to(asked[1]))
        assert await bot.stop() == 0
    assert library.ANSWER in post.shown
    assert library.ANSWER in reply.shown
    assert bot.log.count("\n") == 2
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        found = db.execute("SELECT platform, state, ending FROM claims ORDER BY platform").fetchall()
    assert found == [("discord", "done", "answered"), ("slack", "done", "answered")]


async def test_a_platform_that_refuses_the_bot_does_not_take_the_other_along(slack, discord, tmp_path, library):
    wrong = {"DISCORD_BOT_TOKEN": "MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbcDe.a1_-a1_-a1_-a1_-a1_-a1_-a1_"}
    env = platform_environment(slack, discord, **library.settings(tmp_path / "ledger.db"), **wrong)
    async with library.bot("serve", env=env) as bot:
        await bot.says(SLACK)
        await bot.says("Discord is not served, and is tried again in 1 s: Discord refuses DISCORD_BOT_TOKEN")
        asked = ask_in_slack(slack, library.QUESTION)
        await slack.wait_for(lambda: slack.workspace.answers(asked.channel, asked.ts))
        assert await bot.stop() == 0
    assert wrong["DISCORD_BOT_TOKEN"] not in bot.log
    assert "Traceback" not in bot.log


async def test_a_platform_out_of_reach_is_waited_for_while_the_other_serves(slack, discord, tmp_path, library):
    await discord.down()
    env = platform_environment(slack, discord, **library.settings(tmp_path / "ledger.db"))
    async with library.bot("serve", env=env) as bot:
        await bot.says(SLACK)
        await bot.says("Discord cannot be reached")
        asked = ask_in_slack(slack, library.QUESTION)
        await slack.wait_for(lambda: slack.workspace.answers(asked.channel, asked.ts))
        await discord.up()
        await bot.says(DISCORD)
        question = ask_in_discord(discord, library.QUESTION)
        await discord.wait_for(lambda: discord.world.replies_to(question))
        assert await bot.stop() == 0


async def test_where_every_platform_refuses_it_says_so_and_ends(slack, discord, tmp_path, library):
    wrong = {
        "DISCORD_BOT_TOKEN": "MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbcDe.a1_-a1_-a1_-a1_-a1_-a1_-a1_",
        "SLACK_BOT_TOKEN": "xoxb-wrong-token",
    }
    env = platform_environment(slack, discord, **library.settings(tmp_path / "ledger.db"), **wrong)
    async with library.bot("serve", env=env) as bot:
        assert await bot.exit() == 2
    assert {line.partition(":")[0] for line in bot.log.splitlines()[-2:]} == {
        "Slack refuses SLACK_BOT_TOKEN (invalid_auth)",
        "Discord refuses DISCORD_BOT_TOKEN",
    }


async def test_both_finish_what_they_are_at(slack, discord, tmp_path, library):
    hangs = Hang(), Hang()
    slack.fail("chat.postMessage", hangs[0])
    discord.fail("POST /channels/{}/messages", hangs[1])
    env = platform_environment(slack, discord, **library.settings(tmp_path / "ledger.db"))
    async with library.bot("serve", env=env) as bot:
        await bot.says(SLACK)
        await bot.says(DISCORD)
        post, message = ask_in_slack(slack, library.QUESTION), ask_in_discord(discord, library.QUESTION)
        await hangs[0].reached.wait()
        await hangs[1].reached.wait()
        bot.send(signal.SIGTERM)
        for hang in hangs:
            hang.release()
        assert await bot.exit() == 0
    assert len(slack.workspace.answers(post.channel, post.ts)) == 1
    assert len(discord.world.replies_to(message)) == 1


async def test_one_platform_alone_is_served_too(discord, tmp_path, library):
    env = platform_environment(discord, **library.settings(tmp_path / "ledger.db"))
    async with library.bot("serve", env=env) as bot:
        await bot.says(DISCORD)
        assert await bot.stop() == 0
    assert bot.log.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "changes", "sentence"),
    [
        ("serve", {}, "There is nothing to serve: set SLACK_BOT_TOKEN or DISCORD_BOT_TOKEN"),
        ("serve", {"SLACK_BOT_TOKEN": "xoxb-1-a"}, "SLACK_APP_TOKEN is not set"),
        ("serve", {"DISCORD_BOT_TOKEN": "secret"}, "DISCORD_BOT_TOKEN must be the token"),
        ("discord", {}, "DISCORD_BOT_TOKEN is not set"),
        ("discord", {"SLACK_BOT_TOKEN": "xoxb-1-a"}, "DISCORD_BOT_TOKEN is not set"),
    ],
)
async def test_without_its_secrets_nothing_is_begun(tmp_path, library, command, changes, sentence):
    env = environment(**library.settings(tmp_path / "ledger.db"), **changes)
    async with library.bot(command, env=env) as bot:
        assert await bot.exit() == 2
    assert bot.log.startswith(sentence)
    assert bot.log.count("\n") == 1
    assert not (tmp_path / "ledger.db").exists()
