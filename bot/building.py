"""Builds the index in a process of its own while this one serves.

A process rather than a thread: the model's threads, which take every core, run at a low priority there; what a build
needs of memory is given back at its end, which onnxruntime in this process would keep; Python's lock, which a thread
that prepares documents would hold most of the time, stays free for questions; and a build that is killed for want of
memory takes nobody along. It publishes like any other ``python -m bot index``, and is noticed in the same way.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import cast

from bot.errors import BotError
from bot.settings import Settings, as_variables

GROUPS = ("seeds", "sets", "data_dir", "embedding", "index", "vector_store", "milvus", "bot_language")
"""The settings that shape an index and what is said about it."""
NICENESS = 10
"""Priority of the build: it gets a tenth of a core that questions want too."""
PATIENCE = 5.0
"""Seconds that a build which is told to stop may take to tidy up."""
MAX_LINE = 1 << 20
"""Bytes of a line that a build may say: far beyond any sentence that names a file."""
_BELOW_NORMAL = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)

_log = logging.getLogger(__name__)


class BuildFailed(BotError):
    """The index could not be brought up to date; the one that was there is unharmed."""


async def build(settings: Settings) -> list[str]:
    """Bring the index up to date, after any other process that writes it; what there was to say about it.

    Cancelling it stops the process. Raises BuildFailed.
    """
    if settings.vector_store == "milvus" and settings.milvus.uri.endswith(".db"):
        raise BuildFailed(
            "An index in a file of Milvus Lite, which one process has open at a time, cannot be built while the bot "
            "serves it: stop the bot first, or use a Milvus server."
        )
    process = await _start(settings)
    lines: list[str] = []
    try:
        async for raw in cast("asyncio.StreamReader", process.stderr):
            if line := raw.decode("utf-8", "replace").strip():
                _log.debug("the build says: %s", line)
                lines.append(line)
        status = await process.wait()
    finally:
        if process.returncode is None:
            await _stop(process)
    if status:
        raise BuildFailed(lines[-1] if lines else f"The build of the index ended with status {status}.")
    return [line for line in lines if not line.endswith("...")]  # such lines tell of progress


async def _start(settings: Settings) -> asyncio.subprocess.Process:
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "index", "--wait"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            limit=MAX_LINE,
            env=_environment(settings),
            # Ctrl-C and the end of a terminal are for the bot, which stops its build by itself.
            start_new_session=True,
            creationflags=_BELOW_NORMAL,
        )
    except OSError as error:
        raise BuildFailed(f"A build of the index could not be started ({error.strerror or error}).") from error
    if hasattr(os, "setpriority"):
        with suppress(OSError):  # it may have ended
            os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
    return process


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a build, which removes what it had written but for what it embedded; the next one goes on with that, and
    removes what this one leaves if it is killed."""
    with suppress(ProcessLookupError):
        if os.name == "posix":
            process.send_signal(signal.SIGINT)
        else:
            process.terminate()
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _environment(settings: Settings) -> dict[str, str]:
    """This process's own, with the settings that it began with: files such as .env may have changed since."""
    # The child must find this package however this process did, from an installed copy or beside the current folder.
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    # What is shown where is no business of a build, and may name sets that this process does not know.
    nowhere = {"SLACK_SETS": "{}", "DISCORD_SETS": "{}"}
    return {**os.environ, **as_variables(settings, GROUPS), **nowhere, "LOG_LEVEL": "warning", "PYTHONPATH": path}
