"""Replies and turns to render, for tests."""

from __future__ import annotations

from typing import Any

from bot.claims import Asked, Ending, Trigger, Turn
from bot.types import Citation, Outcome, Reply

PERMALINK = "https://acme.slack.com/archives/C1/p1?thread_ts=1.2&cid=C1"


def cite(**changes: Any) -> Citation:
    values: dict[str, Any] = {
        "source": "a/b.md",
        "title": "The deal",
        "heading": ("Terms", "Price"),
        "page": 2,
        "line": 3,
        "start": 0,
        "end": 20,
        "excerpt": "It costs\n38 billion.",
        "score": 0.5,
        "url": "https://docs.org/deal",
    }
    return Citation(**(values | changes))


def answer(**changes: Any) -> Reply:
    values: dict[str, Any] = {
        "outcome": Outcome.ANSWERED,
        "text": "It costs\n38 billion.",
        "short_answer": "38 billion",
        "language": "en",
        "citations": (cite(),),
        "support": 0.9,
        "highlights": ((9, 19),),
    }
    return Reply(**(values | changes))


def turn(reply: Reply, question: str = "How much?", user: str = "U1") -> Turn:
    asked = Asked("key", "slack", "T1", "C1", "1.2", "1.2", user, question, Trigger.MENTION, 1.0)
    return Turn(asked, Ending.ANSWERED, reply, "1.3")
