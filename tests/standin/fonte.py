"""The whole service in this process, with an assistant that answers what the test says; for the platforms' tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from bot.core import Core, Pace, core
from bot.hosts import discord_host, slack_host
from bot.service import serve_hosts
from bot.settings import Settings
from bot.suggestions import Suggestion
from bot.types import Citation, Language, Listed, Outcome, Question, Reply
from tests.standin.discord.server import DiscordServer
from tests.standin.slack.server import SlackServer

Server = SlackServer | DiscordServer
INTERVAL = 0.02
"""Seconds that stand for the second between two posts in a channel."""
QUICK = Pace(post_interval=INTERVAL, grace=60.0, open_after=60.0, guild_wait=0.02, identify_interval=0.0)
"""A bot in a hurry that shows no sign of work and no reply in the making."""
SHOWING = replace(QUICK, grace=0.0)
"""One that shows at once that it is at work."""
OPENING = replace(QUICK, open_after=0.0)
"""One that opens a reply before its text is known."""
_HOSTS = {"slack": slack_host, "discord": discord_host}


def citation(excerpt: str, **changes: Any) -> Citation:
    fields = {
        "source": "guide.md",
        "title": "The guide",
        "heading": ("Rules",),
        "page": None,
        "line": 7,
        "start": 100,
        "end": 100 + len(excerpt),
        "excerpt": excerpt,
        "score": 1.0,
        "url": "https://docs.example.org/guide",
    }
    return Citation(**(fields | changes))


@dataclass
class Oracle:
    """Answers every question with "The answer to QUESTION"; what it does otherwise is set by the test."""

    support: float = 0.95
    outcome: Outcome = Outcome.ANSWERED
    language: str = "en"
    text: str = "The answer to {question}"
    error: Exception | None = None
    hold: asyncio.Event | None = None
    """Where set, nothing is answered before this event."""
    questions: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Reply:
        self.questions.append(question)
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        text = self.text.replace("{question}", question.text)
        if self.outcome is Outcome.NOT_FOUND:
            return Reply(self.outcome, "The documents do not say.", None, self.language, (citation(text),), 0.1)  # type: ignore[arg-type]
        return Reply(self.outcome, text, None, self.language, (citation(text),), self.support)  # type: ignore[arg-type]


def slow() -> Oracle:
    """Answers when ``hold`` is set."""
    return Oracle(hold=asyncio.Event())


@dataclass
class Fonte:
    """A service that runs."""

    core: Core
    oracle: Oracle
    stop: asyncio.Event
    task: asyncio.Task[None]

    def offer(self, language: Language, questions: Iterable[str]) -> None:
        """Suggest these from now on, where no knowledge sets are defined."""
        self.core.shelf.offer(None, language, [Suggestion(question, "", language) for question in questions])

    async def end(self) -> None:
        """Stop as SIGTERM does."""
        self.stop.set()
        await self.task

    async def idle(self) -> None:
        """Wait until no question is at work."""
        while tasks := list(self.core.dispatcher._tasks.values()):
            await asyncio.wait(tasks)
            await asyncio.sleep(0)


def platform_settings(server: Server) -> tuple[str, dict[str, str]]:
    """A platform's name, and what must be set for a bot in a stand-in of it."""
    if isinstance(server, DiscordServer):
        return "discord", {"bot_token": server.token, "api_base_url": server.base_url}
    return "slack", {
        "bot_token": server.bot_token,
        "app_token": server.app_token,
        "signing_secret": server.signing_secret,
        "api_base_url": server.base_url,
    }


def settings_for(servers: Sequence[Server], data_dir: Path, /, **changes: Any) -> Settings:
    own: dict[str, Any] = {}
    for platform, group in map(platform_settings, servers):
        own[platform] = group | changes.pop(platform, {})
    return Settings(**{"data_dir": data_dir, "rate_limit": 0, "drain_seconds": 5} | own | changes)


@asynccontextmanager
async def fonte(
    server: Server | Sequence[Server],
    data_dir: Path,
    /,
    *,
    oracle: Oracle | None = None,
    pace: Pace | None = None,
    prompts: tuple[str, ...] = (),
    documents: Sequence[Listed] = (),
    **changes: Any,
) -> AsyncIterator[Fonte]:
    """A service over stand-ins, listening; stopped at the end, if it was not before."""
    oracle = oracle or Oracle()
    servers = [server] if isinstance(server, Server) else list(server)
    settings = settings_for(servers, data_dir, **changes)
    stop, ready = asyncio.Event(), asyncio.Semaphore(0)
    makers = [_HOSTS[platform](settings) for platform, _ in map(platform_settings, servers)]
    async with core(settings, oracle.ask, pace or replace(QUICK, grace=5.0, open_after=5.0)) as parts:
        parts.shelf.put(documents)
        task = asyncio.create_task(serve_hosts(parts, makers, stop, ready=lambda sentence: ready.release()))
        for _ in servers:
            waiting = asyncio.create_task(ready.acquire())
            await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        if task.done():
            task.result()
        bot = Fonte(parts, oracle, stop, task)
        for language in get_args(Language):
            bot.offer(language, prompts)
        try:
            yield bot
        finally:
            stop.set()
            await task
