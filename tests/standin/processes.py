"""Bots as processes of their own, to be stopped in every way there is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

from bot.core import Pace
from bot.settings import variables
from tests.standin.fonte import QUICK, Server, platform_settings

ROOT = Path(__file__).parents[2]
_AUDIOOP = "ignore:'audioop' is deprecated:DeprecationWarning"
"""Before Python 3.13, discord.py imports a module that Python 3.13 no longer has."""
PATIENCE = 30.0
"""Seconds after which what does not happen counts as a failure."""
PACE = replace(QUICK, lease=0.4)


class BotProcess:
    """A process that runs; ``log`` is what it wrote to stderr so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())
        self.log = ""

    async def says(self, words: str) -> None:
        """Wait until the log holds these words."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: words in self.log or self._reader.done())
        assert words in self.log, self.log

    async def serves(self) -> None:
        await self.says("Serving ")

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.send(signal.SIGTERM)
        return await self.exit()

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self.exit()

    def send(self, signum: signal.Signals) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signum)

    async def exit(self) -> int:
        """Wait for the end; the exit status."""
        async with asyncio.timeout(PATIENCE):
            await self._reader
            return await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(65536):
            async with self._changed:
                self.log += chunk.decode("utf-8")
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()


def environment(**changes: str) -> dict[str, str]:
    """What a process finds set: nothing of ours but ``changes``."""
    ours = variables()
    rest = {name: value for name, value in os.environ.items() if name not in ours}
    return rest | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "LC_ALL": "en_US.UTF-8"} | changes


def platform_environment(*servers: Server, **changes: str) -> dict[str, str]:
    """Settings for a bot in stand-ins, in Slack over Socket Mode."""
    ours = {"RATE_LIMIT": "0"}
    for platform, group in map(platform_settings, servers):
        ours |= {f"{platform}_{name}".upper(): value for name, value in group.items()}
    return environment(**(ours | changes))


@asynccontextmanager
async def running(*arguments: str, folder: Path, env: dict[str, str]) -> AsyncIterator[BotProcess]:
    """A Python process in a folder, killed at the end if it still runs."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-W", _AUDIOOP),
        *arguments,
        cwd=folder,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=pipe,
    )
    bot = BotProcess(process)
    try:
        yield bot
    finally:
        await bot.kill()


@asynccontextmanager
async def echo(server: Server, data_dir: Path, pace: Pace = PACE, **changes: str) -> AsyncIterator[BotProcess]:
    """``tests.standin.echo`` in a stand-in."""
    env = platform_environment(server, DATA_DIR=str(data_dir), **changes)
    platform, _ = platform_settings(server)
    async with running("-m", "tests.standin.echo", platform, json.dumps(asdict(pace)), folder=ROOT, env=env) as bot:
        yield bot


class Library:
    """A folder of documents whose index is built, shared by processes that each have a ledger of their own."""

    QUESTION = "How much is the deal worth?"
    ANSWER = "The deal between Acme and Globex is worth 38 billion dollars."

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "docs").mkdir()
        (folder / "docs" / "deal.txt").write_text(
            f"{self.ANSWER}\nIt was signed in Rome on 3 May 2024.\n", encoding="utf-8"
        )
        env = environment(**self.settings(folder / "ledger.db"))
        subprocess.run([sys.executable, "-m", "bot", "index"], cwd=folder, env=env, capture_output=True, check=True)

    def settings(self, ledger: Path) -> dict[str, str]:
        """Variables for a process on this folder."""
        return {
            "SEEDS_DIR": str(self.folder / "docs"),
            "DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": f"sqlite:///{ledger}",
            "EMBEDDING_MODEL": "hashing",
            "ANSWER_MIN_SUPPORT": "0",
        }

    def bot(self, *arguments: str, env: dict[str, str]) -> AbstractAsyncContextManager[BotProcess]:
        """``python -m bot`` with these arguments; ``env`` as made by ``environment`` and ``settings``."""
        return running("-m", "bot", *arguments, folder=self.folder, env=env)
