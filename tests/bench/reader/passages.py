"""The training passages (data/*.txt) and the examples that are made of them: a question beside a stretch of a passage.

A file is a series of blocks: ``T`` the title, ``P`` the passage, ``Q`` a question that the passage answers with the
words after the bar, ``N`` one that it does not answer, with the words that a careless reader would take for the answer.
``QX`` and ``NX`` are asked in the other of the two languages. The file's name starts with the language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from retrieval.language import terms
from retrieval.sentences import sentence_spans
from retrieval.types import Language, Span

DATA = Path(__file__).parent / "data"
SEPARATOR = " | "


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a passage."""

    question: str
    words: str
    """As they stand in the passage: the answer, or what looks like one."""
    answered: bool
    language: Language


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage with its questions."""

    language: Language
    title: str
    text: str
    sentences: tuple[Span, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A question beside a text."""

    question: str
    text: str
    answered: bool
    span: Span | None
    """The answer in ``text``; None where there is none."""


def read_passages(folder: Path = DATA) -> list[Passage]:
    """All passages, in order of files. Raises ValueError naming file and line where one is not in the form above."""
    return [passage for path in sorted(folder.glob("*.txt")) for passage in _read(path)]


def _read(path: Path) -> Iterator[Passage]:
    own: Language = "it" if path.name.startswith("it_") else "en"
    other: Language = "en" if own == "it" else "it"
    for number, block in enumerate(path.read_text("utf-8").split("\n\n"), 1):
        rows = [line.partition(" ")[::2] for line in block.splitlines() if line.strip()]
        if not rows:
            continue
        title, text = (next((rest for tag, rest in rows if tag == wanted), "") for wanted in ("T", "P"))
        asked = []
        for tag, rest in rows:
            question, _, words = rest.rpartition(SEPARATOR)
            if tag in ("Q", "N", "QX", "NX"):
                if not question or words not in text:
                    raise ValueError(f"{path}, block {number}: {rest!r} has no words of the passage after the bar.")
                asked.append(Asked(question.strip(), words, tag[0] == "Q", other if tag.endswith("X") else own))
        if not (title and text and asked):
            raise ValueError(f"{path}, block {number}: a title, a passage and questions belong into each block.")
        yield Passage(own, title, text, tuple(sentence_spans(text, own)), tuple(asked))


def examples(passages: Sequence[Passage], random: Random) -> Iterator[Example]:
    """Another draw of stretches and of sentences that do not answer, with every call."""
    for passage in passages:
        held = [frozenset(terms(passage.text[start:end], passage.language)) for start, end in passage.sentences]
        for asked in passage.asked:
            yield from _of(passage, asked, held, random)


def _of(passage: Passage, asked: Asked, held: Sequence[frozenset[str]], random: Random) -> Iterator[Example]:
    wanted = frozenset(terms(asked.question, passage.language))
    met = [len(wanted & words) for words in held]
    # The words may occur more than once: then they answer where the question's other words are.
    place, row = max(
        ((place, _row(passage, place)) for place in _places(passage.text, asked.words)),
        key=lambda found: (met[found[1]], -found[0]),
    )
    start, end = _stretch(passage, row, random, without=None)
    title = f"{passage.title}. " if random.random() < TITLED else ""
    shift = len(title) - start
    span = (place + shift, place + len(asked.words) + shift) if asked.answered else None
    yield Example(asked.question, title + passage.text[start:end], asked.answered, span)
    others = [
        other
        for other, (low, high) in enumerate(passage.sentences)
        if other != row and asked.words not in passage.text[low:high]
    ]
    if others and random.random() < (WRONG_SENTENCE if asked.answered else WRONG_SENTENCE_UNANSWERED):
        likely = max(others, key=lambda other: met[other] + random.random())
        chosen = likely if random.random() < LIKELY else random.choice(others)
        start, end = _stretch(passage, chosen, random, without=row if asked.answered else None)
        yield Example(asked.question, title + passage.text[start:end], False, None)


TITLED = 0.12
"""How often the title stands before the text."""
WRONG_SENTENCE = 0.7
"""How often a question is also put beside a sentence that does not answer it."""
WRONG_SENTENCE_UNANSWERED = 0.3
LIKELY = 0.7
"""How often that is the one that shares most words with the question."""
_ALONE, _BEFORE, _AROUND = 0.6, 0.85, 0.97
"""Up to where a draw in [0, 1) means: the sentence alone, with the one before, with both neighbours; else all."""


def _stretch(passage: Passage, row: int, random: Random, *, without: int | None) -> Span:
    """A stretch around a sentence that leaves the sentence ``without`` outside."""
    last = len(passage.sentences) - 1
    draw = random.random()
    low, high = (
        (row, row)
        if draw < _ALONE
        else (row - 1, row)
        if draw < _BEFORE
        else (row - 1, row + 1)
        if draw < _AROUND
        else (0, last)
    )
    low, high = max(low, 0), min(high, last)
    if without is not None and low <= without < row:
        low = without + 1
    if without is not None and row < without <= high:
        high = without - 1
    return passage.sentences[low][0], passage.sentences[high][1]


def _places(text: str, words: str) -> Iterator[int]:
    place = text.find(words)
    while place >= 0:
        yield place
        place = text.find(words, place + 1)


def _row(passage: Passage, place: int) -> int:
    return next((row for row, (start, end) in enumerate(passage.sentences) if start <= place < end), 0)
