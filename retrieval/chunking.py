"""Documents as passages: sections, in them paragraphs, in them sentences, put together to what a model reads whole."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from math import ceil

from retrieval.language import detect_language
from retrieval.paragraphs import find_paragraphs
from retrieval.sentences import sentence_spans, trim
from retrieval.types import Chunk, Document, Language, Section, Span

CHUNKING_VERSION = "3"
"""Names what reader and splitter make of a file; bumped whenever the same bytes would give another document or other
chunks."""

SMALL = 200
"""Characters below which a paragraph joins a neighbour: too little to be found by, or to be understood alone."""
_CHARS_PER_TOKEN = 10
"""Characters that weigh a token at least: BERT takes a word of 100,000 letters for a single unknown token."""
_FILL = 0.8
"""Share of the limit that parts of a cut sentence aim at: the next boundary is not where the count says."""
_LANGUAGE_SAMPLE = 20_000
_MARKS = 8
"""Combining characters that a cut inside a word steps over at most."""

_NEWLINE = re.compile(r"\n")
_CLAUSE_END = re.compile(r"[,;:.!?…)\]»”—–]\s")
_SPACE = re.compile(r"\s")

CountTokens = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class _Sentence:
    start: int
    end: int
    weight: int
    """Tokens without the special ones, or more for a very long text of few tokens."""
    paragraph: int
    code: bool


@dataclass(slots=True)
class _Group:
    """Paragraphs on their way to a chunk, or to several where they are too long for one."""

    section: Section
    sentences: list[_Sentence]
    weight: int
    opens: bool
    """Whether the last paragraph introduces what follows."""
    worded: bool
    """Whether it holds a letter or digit; a rule ("* * *") does not."""

    @property
    def is_small(self) -> bool:
        return self.sentences[-1].end - self.sentences[0].start < SMALL


@dataclass(frozen=True, slots=True)
class _Part:
    """What becomes one chunk."""

    section: Section
    sentences: list[_Sentence]

    @property
    def start(self) -> int:
        return self.sentences[0].start

    @property
    def end(self) -> int:
        return self.sentences[-1].end


class _Scale:
    """Weighs stretches of one text against the limit of the model."""

    def __init__(self, text: str, count_tokens: CountTokens, max_tokens: int) -> None:
        self._text = text
        self._count_tokens = count_tokens
        self._special = count_tokens([""])[0]
        self.limit = max_tokens - self._special
        if self.limit < 1:
            raise ValueError(f"max_tokens must exceed the {self._special} special tokens; it is {max_tokens}.")

    def weigh(self, spans: Sequence[Span]) -> list[int]:
        """Tokens of each span without special ones, in one call."""
        if not spans:
            return []
        counts = self._count_tokens([self._text[start:end] for start, end in spans])
        return [
            max(count - self._special, ceil((end - start) / _CHARS_PER_TOKEN))
            for count, (start, end) in zip(counts, spans, strict=True)
        ]


def split(document: Document, count_tokens: CountTokens, max_tokens: int) -> list[Chunk]:
    """Split a document into passages, in order of the text and disjoint; together they hold all its sections' text.

    A chunk lies in one section and holds whole paragraphs, or part of one too long, cut between sentences. No chunk
    and no sentence takes more than ``max_tokens`` tokens, unless a single character does. ``count_tokens`` counts each
    text alone, special tokens included, and is called a few times with many texts. Raises ValueError if
    ``max_tokens`` leaves no room for text.
    """
    text = document.text
    scale = _Scale(text, count_tokens, max_tokens)
    language: Language = detect_language(text[:_LANGUAGE_SAMPLE]) or "en"
    parts = [
        _Part(group.section, sentences)
        for group in _merge(_paragraphs(document, scale, language), scale.limit)
        for sentences in _divide(group.sentences, scale.limit)
    ]
    chunks = []
    for part in _verify(text, parts, scale):
        passage = text[part.start : part.end]
        own = detect_language(passage) or language
        spans = tuple((sentence.start, sentence.end) for sentence in part.sentences)
        chunks.append(Chunk(part.start, part.end, passage, part.section.heading, own, spans))
    return chunks


# ---------------------------------------------------------------- paragraphs and their sentences


def _paragraphs(document: Document, scale: _Scale, language: Language) -> list[_Group]:
    """Each paragraph as a group of its own, in order."""
    text = document.text
    found: list[tuple[Section, bool]] = []
    spans: list[tuple[Span, int, bool]] = []
    for section in document.sections:
        paragraphs = find_paragraphs(text, section.start, section.end)
        for paragraph in paragraphs:
            number = len(found)
            found.append((section, paragraph.opens and paragraph is not paragraphs[-1]))
            start, end = paragraph.start, paragraph.end
            if paragraph.code:
                spans.append(((start, end), number, True))
                continue
            part = text[start:end]
            own = detect_language(part[:_LANGUAGE_SAMPLE]) or language
            spans.extend(((start + a, start + b), number, False) for a, b in sentence_spans(part, own))
    weights = scale.weigh([span for span, _, _ in spans])
    sentences = [
        _Sentence(*span, weight, number, code) for (span, number, code), weight in zip(spans, weights, strict=True)
    ]
    groups = []
    for number, own_sentences in groupby(_shorten(text, sentences, scale), key=lambda sentence: sentence.paragraph):
        section, opens = found[number]
        members = list(own_sentences)
        worded = any(map(str.isalnum, text[members[0].start : members[-1].end]))
        groups.append(_Group(section, members, sum(sentence.weight for sentence in members), opens, worded))
    return groups


def _shorten(text: str, sentences: list[_Sentence], scale: _Scale) -> list[_Sentence]:
    """Cut sentences until each is within the limit or a single character."""
    while True:
        cut = [
            list(_cut(text, sentence, scale.limit))
            if sentence.weight > scale.limit and sentence.end - sentence.start > 1
            else []
            for sentence in sentences
        ]
        if not any(cut):
            return sentences
        weights = iter(scale.weigh([span for spans in cut for span in spans]))
        sentences = [
            piece
            for sentence, spans in zip(sentences, cut, strict=True)
            for piece in (
                [_Sentence(*span, next(weights), sentence.paragraph, sentence.code) for span in spans] or [sentence]
            )
        ]


def _cut(text: str, sentence: _Sentence, limit: int) -> Iterator[Span]:
    """At least two parts of about equal length, each shorter than the whole, trimmed and without blanks."""
    start, end = sentence.start, sentence.end
    parts = min(max(2, ceil(sentence.weight / (_FILL * limit))), end - start)
    step = (end - start) / parts
    begin = start
    for number in range(1, parts + 1):
        stop = end
        if number < parts:
            target = start + int(number * step)
            low, high = max(begin + 1, target - int(step / 3)), min(end - 1, target + int(step / 3))
            stop = _cut_place(text, low, min(max(low, target), end - 1), high, sentence.code)
        a, b = trim(text, begin, stop)
        if a < b:
            yield a, b
        begin = stop


def _cut_place(text: str, low: int, target: int, high: int, code: bool) -> int:
    """The best place in ``[low, high]``: after a line of code or a clause, else at a space, else the target."""
    for pattern in (_NEWLINE,) if code else (_CLAUSE_END, _SPACE):
        ends = [match.end() for match in pattern.finditer(text, low - 1, high)]
        if ends:
            return min(ends, key=lambda place: abs(place - target))
    place = target
    while place < high and place - target < _MARKS and unicodedata.combining(text[place]):
        place += 1
    return place


# ---------------------------------------------------------------- groups of paragraphs, parts of a group


def _merge(paragraphs: Sequence[_Group], limit: int) -> Iterator[_Group]:
    """Join small paragraphs with their neighbours, and titles with what they introduce."""
    group: _Group | None = None
    for paragraph in paragraphs:
        if group and group.section is paragraph.section and _joins(group, paragraph, limit):
            group.sentences += paragraph.sentences
            group.weight += paragraph.weight
            group.opens = paragraph.opens
            group.worded |= paragraph.worded
            continue
        if group:
            yield group
        group = paragraph
    if group:
        yield group


def _joins(group: _Group, paragraph: _Group, limit: int) -> bool:
    if not group.worded or not paragraph.worded:
        return True
    fits = group.weight + paragraph.weight <= limit
    if group.opens:
        # A title stays with its text even if both together must be divided.
        return (group.is_small and (fits or paragraph.weight > limit)) or (fits and paragraph.is_small)
    return fits and not paragraph.opens and (group.is_small or paragraph.is_small)


def _divide(sentences: list[_Sentence], limit: int) -> Iterator[list[_Sentence]]:
    """Few parts within the limit, about equally heavy, cut between sentences."""
    sums = [0, *accumulate(sentence.weight for sentence in sentences)]
    begin = 0
    while begin < len(sentences):
        rest = sums[-1] - sums[begin]
        target = sums[begin] + rest / max(1, ceil(rest / limit))
        last = max(begin + 1, bisect_right(sums, sums[begin] + limit) - 1)
        stop = min(max(begin + 1, bisect_left(sums, target)), last)
        if stop > begin + 1 and target - sums[stop - 1] < sums[stop] - target:
            stop -= 1
        yield sentences[begin:stop]
        begin = stop


def _verify(text: str, parts: list[_Part], scale: _Scale) -> list[_Part]:
    """Count each part as the one text it will be, not as a sum; halve what is too long after all."""
    done = [len(part.sentences) == 1 for part in parts]
    while not all(done):
        unsure = [part for part, sure in zip(parts, done, strict=True) if not sure]
        weights = iter(scale.weigh([(part.start, part.end) for part in unsure]))
        checked: list[tuple[_Part, bool]] = []
        for part, sure in zip(parts, done, strict=True):
            if sure or next(weights) <= scale.limit:
                checked.append((part, True))
            else:
                checked.extend((half, len(half.sentences) == 1) for half in _halve(part))
        parts, done = [part for part, _ in checked], [sure for _, sure in checked]
    return parts


def _halve(part: _Part) -> tuple[_Part, _Part]:
    sums = list(accumulate(sentence.weight for sentence in part.sentences))
    middle = min(max(1, bisect_right(sums, sums[-1] / 2)), len(sums) - 1)
    return _Part(part.section, part.sentences[:middle]), _Part(part.section, part.sentences[middle:])
