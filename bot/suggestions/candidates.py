"""Questions that documents might answer, read from a bounded part of them. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from bot.markup import clean
from bot.suggestions.wording import WORDING, Mentions, Wording, abbreviations, amounts, offices, persons, years
from retrieval.types import Document, Language

MAX_LENGTH = 75
"""Characters of a suggestion: beyond that the buttons of chat platforms cut it."""
MAX_DOCUMENTS = 300
MAX_CHARS = 8_000
"""Of one document."""
MAX_TOTAL = 200_000
"""Characters read of all documents; they take about .1 s."""
_HEADINGS = 12
"""Of one document."""
_LANGUAGE_SAMPLE = 3_000
_SHORT_NAME = 4
"""Letters of a single word that is a name one asks about."""

Detect = Callable[[str], Language | None]


class Topic(IntEnum):
    """What a question is about; earlier ones ask for something more definite."""

    OWN = 0
    """A question that stands in the document."""
    AMOUNT = 1
    OFFICE = 2
    PERSON = 3
    NAME = 4
    HEADING = 5
    ABBREVIATION = 6
    PLAN = 7
    """What is to come in a year."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that may be worth suggesting."""

    text: str
    source: str
    """The document it was read from."""
    language: Language
    topic: Topic
    about: str
    """What it asks about: questions that share words of it are alike."""
    proof: str
    """What a reply must hold to answer it; may be empty."""
    weight: float
    """How much the documents make of it; comparable within a topic."""


class _Draft(NamedTuple):
    """A candidate without its place; the fields mean the same."""

    topic: Topic
    text: str
    about: str
    proof: str
    weight: float


# What can be shown and sent anywhere: no markup, mentions, addresses, invisible characters or marks piled on letters.
_SAFE = re.compile(r"(?:[^\W_]|[ '’«»“”\"(),.:;!?%€$£°+&/–—-])+")
_QUESTION_LINE = re.compile(
    r"^[ \t]*(?:[-*•#>]+[ \t]+|\d+[.)][ \t]+|[QD][.:][ \t]*|\*\*)*(\w[^\n?]{6,80}\?)\**[ \t]*\n\s*\S", re.MULTILINE
)
_NUMBERING = re.compile(r"(?:(?:[\d.]+|[IVXLC]+|[A-Za-z])[.)]|\d{1,2}(?:\.\d{1,2})*)\s+(?=[A-ZÀ-Þ])")
_GENERIC = frozenset(
    """
    introduction overview contents summary conclusion conclusions references notes appendix preface foreword abstract
    index changelog license faq background about see also further reading table of contents acknowledgements general
    miscellaneous other external links introduzione indice sommario conclusione conclusioni riferimenti note appendice
    prefazione premessa licenza generale generalità varie altro panoramica descrizione bibliografia contenuti domande
    frequenti ringraziamenti collegamenti esterni
    """.split()
)
_ASKS = re.compile(
    r"(?:what|why|when|where|who|how|which|chi|che cosa|cosa|perch[ée]|quando|dove|quale|quali|quant[oaie]"
    r"|come \w+(?:are|ere|ire))\b",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(
    """
    January February March April May June July August September October November December Monday Tuesday Wednesday
    Thursday Friday Saturday Sunday Gennaio Febbraio Marzo Aprile Maggio Giugno Luglio Agosto Settembre Ottobre Novembre
    Dicembre
    """.split()
)
_DEMONYM = re.compile(r"(?:an|ish|ese|ic|ist|ists|ans|ench|utch)$")
"""English writes these adjectives like names."""


class Reader:
    """Reads documents one by one and keeps what questions can be made of.

    ``detect`` tells a text's language where it can. Years from ``this_year`` on are to come.
    """

    def __init__(self, detect: Detect, this_year: int) -> None:
        self._detect = detect
        self._this_year = this_year
        self._left = MAX_TOTAL
        self._candidates: dict[str, Candidate] = {}
        self._mentions: dict[Language, Mentions] = {}
        self._most: dict[tuple[Language, str], tuple[int, str]] = {}
        """Language and name -> how often the document that brings it up most does so, and its source."""

    def read(self, document: Document) -> None:
        """Read the beginning of a document, until MAX_TOTAL characters have been read of all."""
        text = _body(document)[: self._left]
        self._left -= len(text)
        if not text:
            return
        language = self._detect(text[:_LANGUAGE_SAMPLE]) or "en"
        place = document.source, language
        self._add(_own_questions(text), *place)
        self._add(_headings(document, WORDING[language]), *place)
        self._add(_people(text, language), *place)
        self._add(_facts(text, language, self._this_year), *place)
        for name, count in self._mentions.setdefault(language, Mentions()).add(text).items():
            if count > self._most.get((language, name), (0, ""))[0]:
                self._most[language, name] = count, document.source

    def candidates(self) -> list[Candidate]:
        """All that was found, each question once, safe to show, best first within a topic."""
        for (language, name), (most, source) in self._most.items():
            said = self._mentions[language].with_article(name, language)
            if most > 1 and _is_subject(name, said):
                # What one document keeps coming back to is its subject; a name of several words says more than one.
                weight = most * (2 if " " in name else 1) + self._mentions[language].counts[name] / MAX_TOTAL
                text = WORDING[language].name.format(name=said)
                self._add([_Draft(Topic.NAME, text, name, name, weight)], source, language)
        return sorted(self._candidates.values(), key=lambda candidate: (candidate.topic, -candidate.weight))

    def _add(self, drafts: Iterable[_Draft], source: str, language: Language) -> None:
        for topic, text, about, proof, weight in drafts:
            shown = clean(unicodedata.normalize("NFC", text)).strip()
            if known := self._candidates.get(shown):
                self._candidates[shown] = replace(known, weight=known.weight + weight)
            elif is_safe(shown):
                self._candidates[shown] = Candidate(shown, source, language, topic, about, proof, weight)


def is_safe(text: str) -> bool:
    """Whether a question may be shown as a button and sent as a message."""
    return len(text) <= MAX_LENGTH and _SAFE.fullmatch(text) is not None and "//" not in text


def sample(documents: Sequence[Document]) -> Iterator[Document]:
    """Up to MAX_DOCUMENTS of them, any first few far apart."""
    seen: set[int] = set()
    for step in range(2 * MAX_DOCUMENTS):
        # Multiples of the golden ratio, whole parts dropped, fill [0, 1) evenly however many are taken.
        place = int(step * 0.6180339887498949 % 1 * len(documents))
        if documents and place not in seen and len(seen) < MAX_DOCUMENTS:
            seen.add(place)
            yield documents[place]


def _body(document: Document) -> str:
    """The running text without headings and front matter, MAX_CHARS at most."""
    parts, left = [], MAX_CHARS
    for section in document.sections:
        parts.append(document.text[section.start : min(section.end, section.start + left)])
        left -= len(parts[-1])
        if left <= 0:
            break
    return "\n\n".join(parts)


def _own_questions(text: str) -> Iterator[_Draft]:
    """Lines that are a question with something below it: where an answer stands."""
    for match in _QUESTION_LINE.finditer(text):
        yield _Draft(Topic.OWN, match[1], match[1], "", 1)


def _headings(document: Document, words: Wording) -> Iterator[_Draft]:
    title = _plain(document.title)
    if document.title == document.source or document.text.startswith(document.title.rstrip("…")):
        # Made of the file's name or first words: nobody's idea of a subject.
        title = ""
    found = [(_plain(section.heading[-1]), section) for section in document.sections if section.heading]
    if title and not found:
        yield _Draft(Topic.HEADING, words.heading.format(heading=title), title, "", 1)
    for heading, section in found[:_HEADINGS]:
        if heading.endswith("?") or _ASKS.match(heading):
            question = heading.rstrip("?") + "?"
            if heading.lower().startswith("how to "):
                question = f"How do I {question[7:]}"
            yield _Draft(Topic.OWN, question, heading, "", 2)
        elif any(map(str.islower, heading)) and not set(heading.lower().split()) <= _GENERIC:
            weight = min(section.end - section.start, 1000)
            yield _Draft(Topic.HEADING, words.heading.format(heading=heading), heading, "", weight)


def _plain(heading: str) -> str:
    heading = clean(heading).strip()
    if numbered := _NUMBERING.match(heading):
        heading = heading[numbered.end() :]
    heading = heading.rstrip(" :.")
    return heading.capitalize() if heading.isupper() and " " in heading else heading


def _people(text: str, language: Language) -> Iterator[_Draft]:
    named = list(persons(text, language))
    for question, organisation, person in offices(text, language):
        yield _Draft(Topic.OFFICE, question, f"{organisation} {person}", person, 1)
        named.append(person)
    for name in named:
        yield _Draft(Topic.PERSON, WORDING[language].person.format(name=name), name, name, text.count(name))


def _facts(text: str, language: Language, this_year: int) -> Iterator[_Draft]:
    words = WORDING[language]
    for question, about, amount in amounts(text, language):
        yield _Draft(Topic.AMOUNT, question, about, amount, 1)
    for short, full in abbreviations(text):
        yield _Draft(Topic.ABBREVIATION, words.abbreviation.format(short=short), full, full, text.count(short))
    for year, count in years(text).items():
        if int(year) >= this_year:
            yield _Draft(Topic.PLAN, words.plan.format(year=year), year, year, count)


def _is_subject(name: str, said: str) -> bool:
    """Whether one asks about a name: not about months and nationalities, nor about "the Mongol" of an empire."""
    return " " in name or (
        len(name) >= _SHORT_NAME and name not in _NO_NAMES and not _DEMONYM.search(name) and not said.startswith("the ")
    )
