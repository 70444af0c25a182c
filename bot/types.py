"""The values a conversation passes around: frozen, slotted, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from retrieval.types import Language, Span

__all__ = ["Citation", "Language", "Listed", "Outcome", "Question", "Reply"]


class Outcome(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asked."""

    text: str
    locale: str | None = None
    """Locale of the person or the platform (``it_IT``, ``en-GB``): the bot's own words follow it where the language
    of the question cannot be told."""
    scope: frozenset[str] | None = None
    """Sources the person may see; None means all, the empty set none."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quoted passage stands. ``document.text[start:end] == excerpt``."""

    source: str
    """POSIX path relative to the seeds folder."""
    title: str
    heading: tuple[str, ...]
    """Headings from the outermost to the nearest; may be empty."""
    page: int | None
    """1-based page where the format has pages, else None."""
    line: int
    """1-based line of ``start`` in the document's text."""
    start: int
    end: int
    excerpt: str
    score: float
    """Comparable within one reply only."""
    url: str | None = None
    """Where a reader finds the document: its own address, else one made of SOURCE_BASE_URL; http or https."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot says to one question."""

    outcome: Outcome
    text: str
    """Answered: one or more verbatim excerpts. Not found: the bot's own words."""
    short_answer: str | None
    """The words of ``text`` that answer, where they could be told."""
    language: Language
    """Language of the bot's own words in this reply."""
    citations: tuple[Citation, ...]
    """Answered: where the text stands, in the order of the text. Not found: the nearest passages, nearest first."""
    support: float
    """Calibrated probability that the documents answer the question, [0, 1]."""
    highlights: tuple[Span, ...] = ()
    """Half-open spans of ``text`` that answer, ascending and disjoint."""
    seconds: float = 0.0
    """From the question to this reply; set by the assistant."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A document in a list."""

    title: str
    source: str
    """POSIX path relative to the seeds folder."""
    url: str | None = None
    """As in Citation."""
