"""A side of tests.bench.adapter: the whole service, with an assistant that answers at once, so that the rest shows."""

from __future__ import annotations

import asyncio

from bot.core import core
from bot.hosts import slack_host
from bot.service import serve_hosts
from bot.settings import load_settings
from bot.types import Outcome, Question, Reply


async def answer(question: Question) -> Reply:
    return Reply(Outcome.ANSWERED, f"The answer to {question.text}", None, "en", (), 1.0)


async def main() -> None:
    settings = load_settings(env_file=None)
    async with core(settings, answer) as parts:
        await serve_hosts(parts, [slack_host(settings)], asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main())
