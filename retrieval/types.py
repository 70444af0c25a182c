"""The values retrieval passes around: frozen, slotted, without behaviour.

Offsets are indices into ``Document.text`` counted in Unicode code points, half-open ``[start, end)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Language = Literal["en", "it"]

Span = tuple[int, int]
"""Half-open ``[start, end)`` offsets into a document's text."""


class QuestionKind(StrEnum):
    """What a question asks for, as far as its wording tells."""

    PERSON = "person"
    PLACE = "place"
    TIME = "time"
    DURATION = "duration"
    SHARE = "share"
    QUANTITY = "quantity"
    MONEY = "money"
    REASON = "reason"
    MANNER = "manner"
    NAME = "name"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document under one heading path."""

    heading: tuple[str, ...]
    """Headings from the outermost to the nearest; empty before the first one."""
    start: int
    """Start of the body: after the heading line itself."""
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """One source file as text."""

    source: str
    """POSIX path relative to the seeds folder (or the row id of an evaluation corpus); unique in an index."""
    title: str
    """The document's own title: front matter, else first heading, else its first sentence shortened."""
    text: str
    """Of text files the decoded content, BOM removed, newlines as ``\\n``, nothing else changed; of other formats the
    text that was found in them, see retrieval.formats."""
    digest: str
    """SHA-256 of the raw bytes, 64 hex digits."""
    sections: tuple[Section, ...]
    """In order of ``start``, without overlap; headings and front matter belong to no section's body."""
    url: str | None = None
    """Where a reader finds the document, as the file itself says; fit to be a link, see retrieval.urls."""
    pages: tuple[int, ...] = ()
    """Offset at which each page starts, ascending; of an empty page where the next one does. Empty for formats without
    pages."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not read, and why."""

    source: str
    reason: str
    """A clause such as ``"is encrypted"`` that completes the file's name to a sentence."""
    digest: str = field(default="", compare=False)
    """SHA-256 of the file's bytes, hex, where it is they that cannot be read; empty where the reason may pass."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: the unit that is ranked. ``document.text[start:end] == text``."""

    start: int
    end: int
    text: str
    heading: tuple[str, ...]
    language: Language
    sentences: tuple[Span, ...]
    """Spans in the document's text, ascending, disjoint, inside ``[start, end)``; at least one.
    Each is embedded on its own and is short enough for the model to read whole."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question to search for."""

    text: str
    scope: frozenset[str] | None = None
    """Sources that may be seen; None means all, the empty set none."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of a question beside a text."""

    answers: float
    """Log odds that the text answers the question, as the reader's training had them; not calibrated."""
    span: Span | None
    """Offsets into the text read of the words that would answer; None where there are no words."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the question, as the search looked for it in the best passage."""

    text: str
    """As the question has it; where a word of the passage's language stands for it, that one's stem."""
    weight: float
    """Inverse document frequency, see retrieval.lexical."""
    in_sentence: bool
    in_passage: bool


@dataclass(frozen=True, slots=True)
class Opposition:
    """What a question has against a sentence."""

    denial: str = ""
    """The question's denial ("not"), where the sentence has none."""
    pair: tuple[str, str] | None = None
    """A word of the question and its opposite in the sentence, as written; neither text has both."""


@dataclass(frozen=True, slots=True)
class SentenceHit:
    """A sentence of a found passage with what speaks for it."""

    start: int
    end: int
    line: int
    """1-based line of ``start`` in the document's text."""
    score: float
    """Combined score; comparable within one search result only."""
    dense: float
    """Cosine similarity with the question, [-1, 1]."""
    lexical: float
    """IDF-weighted share of the question's terms that the sentence holds, [0, 1]."""
    answers: tuple[Span, ...]
    """Spans that may answer, likeliest first: the reader's, then those in the form asked for; may be empty."""
    reading: float | None = None
    """The reader's log odds that the sentence answers; None where it was not read."""
    page: int | None = None
    """1-based page of ``start`` where the format has pages, else None: a passage may go on over several."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A found passage."""

    source: str
    title: str
    heading: tuple[str, ...]
    page: int | None
    """1-based page of ``start`` where the format has pages, else None."""
    start: int
    end: int
    text: str
    language: Language
    score: float
    """Fused score in [0, 1]; comparable within one search result only."""
    dense: float
    """Largest cosine similarity among its sentences, [-1, 1]."""
    lexical: float
    """BM25 score, >= 0."""
    sentences: tuple[SentenceHit, ...]
    """All its sentences, in order of the text."""
    url: str | None = None
    """The document's own."""


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for an answer; all in [0, 1] unless said otherwise. "Best" is the sentence ranked first.

    The defaults are those of a search that found nothing.
    """

    sentence_coverage: float = 0.0
    """IDF-weighted share of the question's terms in the best sentence."""
    passage_coverage: float = 0.0
    """The same for its passage."""
    bm25: float = 0.0
    """BM25 of the best passage over the most the question could reach."""
    similarity: float = 0.0
    """Cosine of question and best sentence, [-1, 1]."""
    top_similarity: float = 0.0
    """Largest cosine among the sentences looked at, [-1, 1]."""
    margin: float = 0.0
    """How far the best sentence is ahead of the best one of any other passage, in sentence score, 0 to ranking.LEAD."""
    form_found: float = 0.0
    """1 if the question asks for a person, place, time or amount and the best sentence holds such a span."""
    form_missing: float = 0.0
    """1 if the question asks for a person, place, time or amount and neither the best sentence nor its neighbours hold
    such a span."""
    names_missing: float = 1.0
    """Share of the question's name-like terms, IDF-weighted, that the best passage lacks."""
    numbers_missing: float = 1.0
    """1 if the best passage lacks a number that the question holds."""
    denied: float = 0.0
    """1 if the question denies something ("which cannot...") and the best sentence denies nothing."""
    opposed: float = 0.0
    """1 if the best sentence holds the opposite of a word of the question instead of the word."""
    reading: float = 0.0
    """The reader's log odds that the best sentence answers, within [-6, 6]; 0 where nothing was read."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What one query found."""

    language: Language | None
    """Language of the question, None where it cannot be told."""
    kind: QuestionKind
    hits: tuple[Hit, ...]
    """Best first."""
    sources: tuple[str, ...]
    """The distinct documents among the candidates, best passage first, up to ten."""
    support: float
    """Calibrated probability that the documents answer the question, [0, 1]; 0 without hits."""
    features: Features = Features()
    """What ``support`` is drawn from."""
    foreign: bool = False
    """Whether the best passage is in another language than the question."""
    read: bool = False
    """Whether the reader had a say in ``support``."""
    several: bool = False
    """Whether the question asks for more than one thing."""
    words: tuple[Word, ...] = ()
    """The question's words beside the best passage, in order of the question."""
    opposition: Opposition = Opposition()
    """What the question has against the best sentence."""
