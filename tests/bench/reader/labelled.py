"""Examples from the labelled question sets: real questions beside the sentences that the search finds for them.

Three fifths of the articles, told by a checksum of their name, are learned from; the others are never seen in training,
and figures about what the reader has learned are drawn from them (``is_seen``). An article that occurs in several sets
is on the same side in all of them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from retrieval.evaluate import contains_answer, read_corpus
from retrieval.sentences import sentence_spans
from retrieval.types import Document, Hit, Language, Span
from tests.bench.fitting import Case
from tests.bench.reader.passages import TITLED, Example

SETS: dict[str, Language] = {
    "squad_it": "it",
    "squad2_en": "en",
    "xquad_en": "en",
    "fairytaleqa": "en",
    "squad_en_to_it": "it",
}
"""Sets learned from, with the language of their documents."""
REPEATED = {"squad2_en": 2}
"""Sets whose questions count more than once: this one alone has questions made to look answerable."""
_SALT, _SHARE = 9, 3
"""Chosen so that both sides hold answerable and unanswerable questions of every set in about the same proportion."""
WRONG = 3
"""Wrong sentences kept for a question, the likeliest first."""
_LIKELIEST = (0, 0, 0, 1, 2)
_LOOKED_AT = 6
_WRONG_TOO = 0.75
"""How often an answerable question is also put beside a wrong sentence."""
_ALONE, _BEFORE = 0.65, 0.9
_WRONG_ALONE = 0.75


def article(case: Case) -> str:
    """The article a question is about; of an unanswerable one, the article that the search led to."""
    document = min(case.question.gold or case.result.sources[:1], default="")
    return re.sub(r"^[a-z0-9]+-", "", document).rpartition("-")[0]


def is_seen(case: Case) -> bool:
    """Whether the reader has learned from the article (far questions, which have none, go by their id)."""
    name = case.question.id if case.question.kind == "far" else article(case)
    return zlib.crc32(f"{_SALT}:{name}".encode()) % 5 < _SHARE


@dataclass(frozen=True, slots=True)
class Material:
    """A question with the places that answer it and the likeliest sentences that do not."""

    question: str
    answers: tuple[str, ...]
    language: Language
    text: str
    """Of the document that answers; empty where none does."""
    title: str
    sentences: tuple[Span, ...]
    span: Span | None
    wrong: tuple[tuple[Hit, int], ...]


def material(folder: Path, cases: dict[str, Sequence[Case]]) -> list[Material]:
    """Of the questions on articles that are learned from; ``folder`` holds the sets."""
    found: list[Material] = []
    for name, own in SETS.items():
        documents = {document.source: document for document in read_corpus(folder / name / "corpus.jsonl")}
        made = [one for case in cases[name] if is_seen(case) for one in _of(case, documents, own)]
        found += made * REPEATED.get(name, 1)
    return found


def _of(case: Case, documents: dict[str, Document], own: Language) -> Iterator[Material]:
    question = case.question
    place = next(
        (
            (document, start, start + len(answer))
            for source in question.gold
            if (document := documents.get(source))
            for answer in sorted(set(question.answers), key=lambda answer: (len(answer), answer))
            if (start := document.text.find(answer)) >= 0
        ),
        None,
    )
    if question.answerable and place is None:
        return
    wrong = []
    ranked = sorted(
        ((sentence.score, hit, row) for hit in case.result.hits for row, sentence in enumerate(hit.sentences)),
        key=lambda found: -found[0],
    )
    for _, hit, row in ranked[:_LOOKED_AT]:
        text = _text(hit, row, row)
        if not any(contains_answer(text, answer, question.language) for answer in question.answers):
            wrong.append((hit, row))
    if place is None:
        yield Material(question.question, (), question.language, "", "", (), None, tuple(wrong[:WRONG]))
        return
    document, start, end = place
    yield Material(
        question.question,
        question.answers,
        question.language,
        document.text,
        document.title,
        tuple(sentence_spans(document.text, own)),
        (start, end),
        tuple(wrong[:WRONG]),
    )


def examples(found: Sequence[Material], random: Random) -> Iterator[Example]:
    """Another draw of stretches and wrong sentences with every call."""
    for one in found:
        if one.span:
            yield _right(one, one.span, random)
            rows = [random.choice(_LIKELIEST)] if random.random() < _WRONG_TOO else []
        else:
            rows = [0, random.choice((1, 2))]
        for row in rows:
            if row < len(one.wrong):
                yield _wrong(one, *one.wrong[row], random)


def _right(one: Material, span: Span, random: Random) -> Example:
    row = next((row for row, (start, end) in enumerate(one.sentences) if start <= span[0] < end), 0)
    draw = random.random()
    low, high = (row, row) if draw < _ALONE else (row - 1, row) if draw < _BEFORE else (row - 1, row + 1)
    start = one.sentences[max(low, 0)][0]
    end = max(one.sentences[min(high, len(one.sentences) - 1)][1], span[1])
    title = f"{one.title}. " if random.random() < TITLED else ""
    shift = len(title) - start
    return Example(one.question, title + one.text[start:end], True, (span[0] + shift, span[1] + shift))


def _wrong(one: Material, hit: Hit, row: int, random: Random) -> Example:
    text = _text(hit, row if random.random() < _WRONG_ALONE else max(row - 1, 0), row)
    if any(contains_answer(text, answer, one.language) for answer in one.answers):
        text = _text(hit, row, row)
    title = f"{hit.title}. " if random.random() < TITLED else ""
    return Example(one.question, title + text, False, None)


def _text(hit: Hit, first: int, last: int) -> str:
    return hit.text[hit.sentences[first].start - hit.start : hit.sentences[last].end - hit.start]
