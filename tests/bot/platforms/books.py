"""Assistants for the tests of what messages look like."""

from __future__ import annotations

from typing import Any

from bot.types import Outcome, Question, Reply
from tests.standin.fonte import Oracle, citation

MAIL = "bandi.2026+info@comune.example.it"
ADDRESSES = f"Write to {MAIL}, or see https://comune.example.it/bandi?a=1&b=2#c."


class Book(Oracle):
    """Answers with what a document says, whatever the question."""

    def __init__(self, *texts: str, outcome: Outcome = Outcome.ANSWERED, **changes: Any) -> None:
        super().__init__()
        self.reply = Reply(outcome, " ".join(texts), None, "en", tuple(citation(t, **changes) for t in texts), 0.9)

    async def ask(self, question: Question) -> Reply:
        self.questions.append(question)
        if self.hold is not None:
            await self.hold.wait()
        return self.reply


SENTENCES = 285
"""More than a message has room for."""


def long_book() -> Book:
    """Answers with that many sentences."""
    sentence = "Sentence number {} of the whole long answer stands here, and says what it says.\n\n"
    return Book("".join(map(sentence.format, range(SENTENCES))))


def is_whole(content: bytes) -> bool:
    """Whether a file holds all that a long book says."""
    text = content.decode()
    return all(f"Sentence number {n} of" in text for n in range(SENTENCES))
