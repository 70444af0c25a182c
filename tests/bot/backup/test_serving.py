"""Backups of a bot that serves Slack, whose questions and builds go on meanwhile; and what comes of them elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from retrieval.build import current_version
from tests.standin.processes import PATIENCE, Library, environment, platform_environment
from tests.standin.slack.model import Message
from tests.standin.slack.server import SlackServer

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX")


def settings(own: Library, data: str = "data") -> dict[str, str]:
    folder = own.folder / data
    return own.settings(folder / "ledger.db") | {"DATA_DIR": str(folder)}


async def run(own: Library, *arguments: str, data: str = "data") -> tuple[int, str]:
    """A command beside the bot: its exit status and all that it said."""

    def command() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "bot", *arguments],
            cwd=own.folder,
            env=environment(**settings(own, data)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    done = await asyncio.to_thread(command)
    assert "Traceback" not in done.stdout
    return done.returncode, done.stdout


def claims(file: Path) -> dict[str, str]:
    """State of each claim."""
    with closing(sqlite3.connect(file)) as connection:
        return dict(connection.execute("SELECT key, state FROM claims"))


def check_ledger(file: Path) -> dict[str, str]:
    """The claims of a restored ledger, none of which is there by half."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        answered = {key for (key,) in connection.execute("SELECT key FROM claims WHERE ending = 'answered'")}
        assert answered == {key for (key,) in connection.execute("SELECT key FROM turns")}
    return claims(file)


class Asking:
    """Somebody who asks anew as soon as there is an answer."""

    def __init__(self, slack: SlackServer, own: Library) -> None:
        self.slack, self.own = slack, own
        self.asked: list[Message] = []
        self.answers: list[str] = []
        self._enough = asyncio.Event()
        self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        while not self._enough.is_set():
            message = say(self.slack, self.own)
            self.asked.append(message)
            self.answers.append(await answer(self.slack, message))

    async def stop(self) -> None:
        self._enough.set()
        await self._task


def say(slack: SlackServer, own: Library) -> Message:
    w = slack.workspace
    return w.say(w.alice, w.general, f"{w.mention} {own.QUESTION}")


async def answer(slack: SlackServer, message: Message) -> str:
    (post,) = await slack.wait_for(lambda: slack.workspace.answers(message.channel, message.ts), PATIENCE)
    return post.shown


async def test_backups_of_a_bot_that_answers_are_whole_and_another_bot_goes_on_from_one(slack, own):
    env = platform_environment(slack, **settings(own))
    ledger = own.folder / "data" / "ledger.db"
    taken: list[tuple[str, dict[str, str]]] = []
    async with own.bot("slack", env=env) as bot:
        await bot.serves()
        asking = Asking(slack, own)
        await slack.wait_for(lambda: len(asking.answers) > 3, PATIENCE)
        for number in range(4):
            name = f"{number}.tar" if number % 2 else f"{number}.tar.gz"
            (own.folder / "docs" / f"{number}.txt").write_text(f"Parcel {number} is heavy.", encoding="utf-8")
            committed, before = claims(ledger), len(asking.answers)
            backup, build = await asyncio.gather(run(own, "backup", name), run(own, "index"))
            assert (backup[0], build[0]) == (0, 0), backup[1] + build[1]
            taken.append((name, committed))
            # One question is always open; the bot goes on with it.
            await slack.wait_for(lambda before=before: len(asking.answers) > before, PATIENCE)
        await asking.stop()
        status, said = await run(own, "restore", taken[-1][0], "--force")
        assert status == 2
        assert f"A bot or another command has {ledger} open: stop it, then restore the backup.\n" == said
        last = current_version(own.folder / "data")
        assert await bot.stop() == 0
    assert "WARNING" not in bot.log
    assert all(own.ANSWER in shown for shown in asking.answers)
    for number, (name, committed) in enumerate(taken):
        status, said = await run(own, "restore", name, data=f"restored{number}")
        assert status == 0, said
        found = check_ledger(own.folder / f"restored{number}" / "ledger.db")
        assert committed.keys() <= found.keys()
        assert {key for key, state in committed.items() if state == "done"} <= {
            key for key, state in found.items() if state == "done"
        }
    assert taken[0][1].keys() < taken[-1][1].keys()

    # Elsewhere, from the third: what was answered before is not answered again, and new questions are.
    first, elsewhere = asking.asked[0], settings(own, "restored2")
    assert current_version(own.folder / "restored2") != last
    async with own.bot("slack", env=platform_environment(slack, **elsewhere)) as bot:
        await bot.serves()
        slack.workspace._announce(first, 1, slack.workspace.mention_first)
        assert own.ANSWER in await answer(slack, say(slack, own))
        await slack.settled()
        assert len(slack.workspace.answers(first.channel, first.ts)) == 1
        assert await bot.stop() == 0
    assert "WARNING" not in bot.log


async def test_a_restored_index_serves_without_anything_being_embedded(slack, own):
    assert (await run(own, "backup", "b.tar.gz"))[0] == 0
    assert (await run(own, "restore", "b.tar.gz", data="other"))[0] == 0
    async with own.bot("slack", env=platform_environment(slack, **settings(own, "other"))) as bot:
        await bot.serves()
        assert own.ANSWER in await answer(slack, say(slack, own))
        assert await bot.stop() == 0
    assert "Reading the documents" not in bot.log, "which is said where something is embedded"
    assert current_version(own.folder / "other") == current_version(own.folder / "data")


def test_a_killed_backup_leaves_no_file_and_is_no_hindrance(own):
    folder = own.folder / "backups"
    folder.mkdir()
    made = folder / "b.tar.gz"

    def command(*arguments: str, data: str = "data") -> subprocess.Popen[bytes]:
        code = [sys.executable, "-m", "bot", *arguments, str(made)]
        return subprocess.Popen(code, cwd=own.folder, env=environment(**settings(own, data)), stdout=subprocess.PIPE)

    for number in range(3):
        with command("backup") as process:
            end = time.monotonic() + PATIENCE
            while process.poll() is None and len(list(folder.iterdir())) <= number and time.monotonic() < end:
                time.sleep(0.0005)
            process.kill()
        if made.exists():  # it was quicker
            with command("restore", data=f"other{number}") as process:
                assert process.wait() == 0
            made.unlink()
    for left in folder.iterdir():
        assert left.name.startswith(".b.tar.gz.making-")
        os.utime(left, (1e9, 1e9))
    with command("backup") as process:
        assert process.wait() == 0
    assert list(folder.iterdir()) == [made]
