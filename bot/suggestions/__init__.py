"""Questions to suggest: taken from the documents, and only those that the bot answers."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date

from bot.errors import BotError
from bot.suggestions.candidates import Candidate, Detect, Reader, Topic, sample
from bot.types import Outcome, Question, Reply
from retrieval.types import Document, Language

__all__ = ["MAX_ASKED", "Suggestion", "suggest"]

MAX_ASKED = 40
"""Questions that are tried at most, however many documents there are."""
_EARLY = 20
"""Characters before a name in a sentence that is about it: an article or the like."""
_EARLY_LONG = 40
"""The same before names of several words: an office, the rest of an enumeration."""
_STEM = 6
"""Letters by which words are compared: "Mongol" and "Mongols" are one."""

# Whole sentences, no fragments of lists, tables and code.
_PROSE = re.compile(r"[\"“«‘(]?[A-ZÀ-Þ0-9][^`|<>\[\]{}*_\\]{30,}[.!…][\"”»’)]?")

Ask = Callable[[Question], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question that the documents answer: one line of at most 75 characters, without markup."""

    text: str
    source: str
    """The document it was taken from."""
    language: Language


async def suggest(
    ask: Ask,
    documents: Sequence[Document],
    *,
    detect: Detect,
    limit: int = 4,
    language: Language | None = None,
    scope: frozenset[str] | None = None,
    this_year: int | None = None,
) -> tuple[Suggestion, ...]:
    """Up to ``limit`` questions that ``ask`` answers from the documents, best first, no two alike.

    They come from different documents and ask for different things as far as possible, in ``language`` first where it
    is given. Reads a bounded part of the documents, gives way to other tasks in between, and asks MAX_ASKED questions
    at most, one after the other; those that fail are passed over. Only the documents of the ``scope`` are read
    and asked, all where it is None. ``this_year`` is the year's number, today's if None.
    """
    if scope is not None:
        documents = [document for document in documents if document.source in scope]
    reader = Reader(detect, this_year or date.today().year)
    for document in sample(documents):
        reader.read(document)
        await asyncio.sleep(0)
    left = reader.candidates()
    chosen: list[tuple[Candidate, Reply]] = []
    topics: Counter[Topic] = Counter()
    sources: Counter[str] = Counter()
    for _ in range(MAX_ASKED):
        if not left or len(chosen) == limit:
            break
        candidate = min(left, key=lambda one: _order(one, language, topics, sources))
        left.remove(candidate)
        topics[candidate.topic] += 1
        reply = await _reply(ask, candidate, scope)
        if reply is not None and not any(_same_place(reply, other) for _, other in chosen):
            chosen.append((candidate, reply))
            sources[candidate.source] += 1
            left = [other for other in left if not _alike(candidate, other)]
    return tuple(Suggestion(candidate.text, candidate.source, candidate.language) for candidate, _ in chosen)


def _order(
    candidate: Candidate, language: Language | None, topics: Counter[Topic], sources: Counter[str]
) -> tuple[bool, int, int, int, float]:
    """The smallest is tried next: another document and another sort of question than before."""
    turn = 0 if candidate.topic is Topic.OWN else topics[candidate.topic]
    return (
        language not in (None, candidate.language),
        sources[candidate.source],
        turn,
        candidate.topic,
        -candidate.weight,
    )


async def _reply(ask: Ask, candidate: Candidate, scope: frozenset[str] | None) -> Reply | None:
    """The reply if it is an answer to what the candidate asks, and one worth reading."""
    try:
        reply = await ask(Question(candidate.text, scope=scope))
    except BotError:
        return None
    if reply.outcome is not Outcome.ANSWERED or not reply.citations or not _PROSE.fullmatch(reply.text):
        return None
    if candidate.proof:
        proof = re.search(rf"(?<![\w–-]){re.escape(candidate.proof)}(?![\w–-])", reply.text)
        limit = len(reply.text)
        if candidate.topic in (Topic.NAME, Topic.PERSON):
            limit = _EARLY_LONG if " " in candidate.proof else _EARLY
        return reply if proof and proof.start() <= limit else None
    # Without words that prove it, the place has to; and the question read back is no answer.
    repeated = _words(candidate.text) >= _words(reply.text)
    return reply if reply.citations[0].source == candidate.source and not repeated else None


def _alike(one: Candidate, other: Candidate) -> bool:
    ours, theirs = _words(one.about), _words(other.about)
    return 2 * len(ours & theirs) >= min(len(ours), len(theirs))


def _same_place(one: Reply, other: Reply) -> bool:
    places = ((reply.citations[0].source, reply.citations[0].start) for reply in (one, other))
    return len(set(places)) == 1


def _words(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in re.findall(r"\w{3,}", text.casefold())) or frozenset((text,))
