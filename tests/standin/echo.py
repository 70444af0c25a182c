"""The whole service as a process of its own, in a hurry, with an assistant that repeats the question.

    python -m tests.standin.echo slack '{"lease": 0.5}'

Settings come from the environment; the arguments are a platform and a ``Pace``. A question that begins with "Wait" is
never answered, one with "Think" not at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress

from bot.core import Pace, core
from bot.hosts import discord_host, slack_host
from bot.redaction import configure_logging
from bot.service import Signals, serve_hosts
from bot.settings import load_settings, secret_values
from bot.types import Question, Reply
from tests.standin.fonte import Oracle

HOSTS = {"slack": slack_host, "discord": discord_host}

WAIT = "Wait"
THINK = "Think"


async def answer(question: Question) -> Reply:
    if question.text.startswith(WAIT):
        await asyncio.Event().wait()
    if question.text.startswith(THINK):
        await asyncio.sleep(0.05)
    return await Oracle().ask(question)


async def main() -> None:
    settings = load_settings(env_file=None)
    configure_logging(settings.log_level, secret_values(settings))
    host = HOSTS[sys.argv[1]](settings)
    stop = Signals()
    with suppress(asyncio.CancelledError):
        async with core(settings, answer, Pace(**json.loads(sys.argv[2]))) as parts:
            await serve_hosts(parts, [host], stop)


if __name__ == "__main__":
    asyncio.run(main())
