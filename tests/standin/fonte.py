"""The whole service in this process, with an assistant that answers what the test says; for the platforms' tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.service import Core, Pace, core, serve_slack
from bot.settings import Settings, slack_credentials
from bot.types import Citation, Outcome, Question, Reply
from tests.standin.slack.server import SlackServer

INTERVAL = 0.02
"""Seconds that stand for Slack's one second between two posts in a channel."""


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


@dataclass
class Fonte:
    """A service that runs."""

    core: Core
    oracle: Oracle
    stop: asyncio.Event
    task: asyncio.Task[None]

    async def end(self) -> None:
        """Stop as SIGTERM does."""
        self.stop.set()
        await self.task

    async def idle(self) -> None:
        """Wait until no question is at work."""
        while tasks := list(self.core.dispatcher._tasks.values()):
            await asyncio.wait(tasks)
            await asyncio.sleep(0)


def settings_for(slack: SlackServer, data_dir: Path, /, **changes: Any) -> Settings:
    own = {
        "bot_token": slack.bot_token,
        "app_token": slack.app_token,
        "signing_secret": slack.signing_secret,
        "api_base_url": slack.base_url,
    } | changes.pop("slack", {})
    fields: dict[str, Any] = {"data_dir": data_dir, "slack": own, "rate_limit": 0, "drain_seconds": 5} | changes
    return Settings(**fields)


@asynccontextmanager
async def fonte(
    slack: SlackServer,
    data_dir: Path,
    /,
    *,
    oracle: Oracle | None = None,
    pace: Pace | None = None,
    prompts: tuple[str, ...] = (),
    **changes: Any,
) -> AsyncIterator[Fonte]:
    """A service over the stand-in, listening; stopped at the end, if it was not before."""
    oracle = oracle or Oracle()
    settings = settings_for(slack, data_dir, **changes)
    pace = pace or Pace(lease=15.0, post_interval=INTERVAL, grace=5.0, open_after=5.0)
    stop, ready = asyncio.Event(), asyncio.Event()
    async with core(settings, oracle.ask, pace) as parts:
        parts.suggestions["en"] = parts.suggestions["it"] = prompts
        task = asyncio.create_task(
            serve_slack(parts, slack_credentials(settings), stop, ready=lambda sentence: ready.set())
        )
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()
        try:
            yield Fonte(parts, oracle, stop, task)
        finally:
            stop.set()
            await task
