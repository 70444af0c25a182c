"""A side of tests.bench.adapter: the whole service, with an assistant that answers at once, so that the rest shows.

python -m tests.bench.echo_fonte slack
"""

from __future__ import annotations

import asyncio
import sys

from bot.core import core
from bot.hosts import discord_host, slack_host
from bot.service import serve_hosts
from bot.settings import load_settings
from bot.types import Outcome, Question, Reply

HOSTS = {"slack": slack_host, "discord": discord_host}


async def answer(question: Question) -> Reply:
    return Reply(Outcome.ANSWERED, f"The answer to {question.text}", None, "en", (), 1.0)


async def main() -> None:
    settings = load_settings(env_file=None)
    host = HOSTS[sys.argv[1]](settings)
    async with core(settings, answer) as parts:
        await serve_hosts(parts, [host], asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main())
