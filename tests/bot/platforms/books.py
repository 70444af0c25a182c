"""Assistants for the tests of what messages look like."""

from __future__ import annotations

from typing import Any

from bot.messages import messages_in
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


def scripted() -> tuple[dict[str, Reply], Oracle]:
    """Replies of both outcomes by the question they answer, and who answers so."""
    first, second = "Requests are due by 30 June, <em>in writing</em>.", "Write to help@example.org & wait."
    replies = {
        "answered": Reply(
            Outcome.ANSWERED,
            f"{first} {second}",
            "by 30 June",
            "en",
            (citation(first), citation(second, line=9, url=None, heading=())),
            0.9,
            ((17, 27),),
        ),
        "not found": Reply(
            Outcome.NOT_FOUND,
            messages_in("it").not_found,
            None,
            "it",
            tuple(citation(f"Un passaggio vicino, il numero {n}.", line=n) for n in (3, 5, 7)),
            0.1,
        ),
    }

    class Script(Oracle):
        async def ask(self, question: Question) -> Reply:
            return replies[question.text]

    return replies, Script()
