"""Bots that serve Slack while their documents change: by watching, by SIGHUP, by what another process builds."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing

import aiohttp
import pytest

from retrieval.build import current_version
from tests.standin.processes import PATIENCE, Library, environment, platform_environment
from tests.standin.slack.server import SlackServer

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX")

PRICE = "How much does the lighthouse cost?"
NEW = "The lighthouse costs 12 million dollars."
NEWER = "The lighthouse costs 15 million dollars."


def write(own: Library, text: str, name: str = "lighthouse.txt") -> None:
    """As an editor does: beside the file first."""
    beside = own.folder / "docs" / f".{name}.new"
    beside.write_text(text, encoding="utf-8")
    beside.replace(own.folder / "docs" / name)


def served(own: Library) -> str:
    return f"{current_version(own.folder / 'data')} serves"


def bot_environment(slack: SlackServer, own: Library, **changes: str) -> dict[str, str]:
    ours = own.settings(own.folder / "ledger.db")
    return platform_environment(slack, **ours, LOG_LEVEL="info", **changes)


async def answer(slack: SlackServer, text: str) -> str:
    w = slack.workspace
    asked = w.say(w.alice, w.general, f"{w.mention} {text}")
    (post,) = await slack.wait_for(lambda: w.answers(asked.channel, asked.ts))
    return post.shown


async def build(own: Library) -> None:
    """``python -m bot index``, as a person runs it beside the bot."""
    env = environment(**own.settings(own.folder / "ledger.db"))
    command = [sys.executable, "-m", "bot", "index"]
    await asyncio.to_thread(subprocess.run, command, cwd=own.folder, env=env, capture_output=True, check=True)


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


async def health(port: int) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/health") as reply:
        return reply.status, await reply.json()


async def test_documents_that_change_are_answered_from_without_a_restart(slack, own):
    async with own.bot("slack", env=bot_environment(slack, own, SEEDS_WATCH="true")) as bot:
        await bot.serves()
        assert NEW not in await answer(slack, PRICE)
        write(own, NEW)
        await bot.says("serves: 1 added, 0 changed, 0 removed, in ")
        assert NEW in await answer(slack, PRICE)
        write(own, NEWER)
        await bot.says("serves: 0 added, 1 changed, 0 removed, in ")
        assert NEWER in await answer(slack, PRICE)
        (own.folder / "docs" / "lighthouse.txt").unlink()
        await bot.says("serves: 0 added, 0 changed, 1 removed, in ")
        assert "lighthouse" not in await answer(slack, PRICE)
        assert await bot.stop() == 0
    assert "WARNING" not in bot.log


async def test_a_thousand_files_at_once_are_all_there_in_the_end(slack, own):
    port = free_port()
    async with own.bot("slack", env=bot_environment(slack, own, SEEDS_WATCH="true", HTTP_PORT=str(port))) as bot:
        await bot.serves()
        for number in range(1000):
            write(own, f"Parcel {number} weighs {number} grams.", f"parcel{number}.txt")
        async with asyncio.timeout(PATIENCE):
            while sum(map(int, re.findall(r"serves: (\d+) added", bot.log))) < 1000:  # noqa: ASYNC110 - told in parts
                await asyncio.sleep(0.02)
        assert "Parcel 777 weighs 777 grams." in await answer(slack, "How much does parcel 777 weigh?")
        assert (await health(port))[1]["index"]["trouble"] is None
        assert await bot.stop() == 0
    assert "WARNING" not in bot.log


async def test_a_hangup_signal_brings_the_index_up_to_date(slack, own):
    async with own.bot("slack", env=bot_environment(slack, own)) as bot:
        await bot.serves()
        write(own, NEW)
        bot.send(signal.SIGHUP)
        await bot.says("serves: 1 added, 0 changed, 0 removed, in ")
        assert NEW in await answer(slack, PRICE)
        assert await bot.stop() == 0


async def test_what_another_process_publishes_is_served(slack, own):
    port = free_port()
    async with own.bot("slack", env=bot_environment(slack, own, HTTP_PORT=str(port))) as bot:
        await bot.serves()
        before = current_version(own.folder / "data")
        status, told = await health(port)
        assert (status, told["index"]["version"], told["index"]["trouble"]) == (200, before, None)
        write(own, NEW)
        await build(own)
        await bot.says(served(own))
        assert NEW in await answer(slack, PRICE)
        status, told = await health(port)
        assert (status, told["index"]["version"]) == (200, current_version(own.folder / "data"))
        assert told["index"]["version"] != before
        assert await bot.stop() == 0
    assert "WARNING" not in bot.log


async def test_a_full_disk_and_missing_documents_leave_what_serves(slack, own):
    """The disk is full where a build syncs its files; the process is a real one."""
    hooks = own.folder / "hooks"
    hooks.mkdir()
    full = own.folder / "full"
    (hooks / "sitecustomize.py").write_text(
        "import errno, os\n"
        "sync = os.fsync\n"
        "def fsync(descriptor):\n"
        f"    if os.path.exists({str(full)!r}):\n"
        "        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "    sync(descriptor)\n"
        "os.fsync = fsync\n",
        encoding="utf-8",
    )
    port = free_port()
    env = bot_environment(slack, own, HTTP_PORT=str(port))
    env["PYTHONPATH"] = os.pathsep.join([str(hooks), env["PYTHONPATH"]])
    async with own.bot("slack", env=env) as bot:
        await bot.serves()
        before = current_version(own.folder / "data")
        full.touch()
        write(own, NEW)
        bot.send(signal.SIGHUP)
        await bot.says("could not be written (No space left on device)")
        assert own.ANSWER in await answer(slack, own.QUESTION)
        status, told = await health(port)
        assert status == 200
        assert "No space left on device" in told["index"]["trouble"]
        root = own.folder / "data" / "index"
        assert not list(root.glob(".building-*"))
        assert current_version(own.folder / "data") == before
        full.unlink()
        bot.send(signal.SIGHUP)
        await bot.says("serves: 1 added")
        assert (await health(port))[1]["index"]["trouble"] is None
        for path in (own.folder / "docs").iterdir():
            path.unlink()
        bot.send(signal.SIGHUP)
        await bot.says("There are no documents to read in ")
        assert NEW in await answer(slack, PRICE)
        assert await bot.stop() == 0
    assert bot.log.count("WARNING") == 2
    assert "Traceback" not in bot.log
