"""Lines on pages as running text: paragraphs, words broken at line ends, running heads and page numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from statistics import median

_NEW_SIZE = 1.15
"""Ratio of font sizes from which two lines are of different kinds."""
_GAP = 1.3
"""Distance between baselines, in usual distances, from which a new paragraph begins."""
_WIDE_GAP = 2.5
"""The same in font sizes, for pages of a few lines far apart."""
_SHORT = 0.85
"""Share of the widest line below which a line that ends a sentence ends its paragraph."""
_ITEM = re.compile(r"(?:[•◦▪‣●○·–—-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
_SENTENCE_END = re.compile(r"[.!?:;…][\"'”’»)\]]*\Z")
_DIGITS = re.compile(r"\d+")
_EDGE_LENGTH = 100
"""Characters beyond which a line with the number of its page is no running head."""
_NUMBER_LENGTH = 5
"""Digits of a page's number at most."""
_RUNNING_PAGES = 3
"""Pages from which on a line at the edge of most of them is a running head."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; places in points, from the lower left corner."""

    text: str
    """Not empty, without white space around it."""
    hyphen: bool = False
    """Whether a hyphen, which is not in ``text``, breaks its last word."""
    left: float = 0.0
    right: float = 0.0
    """Where the last character begins."""
    base: float = 0.0
    size: float = 0.0
    """Font size, the larger of its first and last characters': a bullet or the mark of a note is small."""
    placed: bool = False
    """Whether the places are known."""


def paragraphs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines that belong together, in order."""
    drops = [a.base - b.base for a, b in pairwise(lines) if a.placed and b.placed and a.base - b.base > 1]
    pitch = median(drops) if drops else 0.0
    widest = max((line.right - line.left for line in lines if line.placed), default=0.0)
    group: list[Line] = []
    for line in lines:
        if group and _begins(group[-1], line, pitch, widest):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _begins(before: Line, line: Line, pitch: float, widest: float) -> bool:
    """Whether a paragraph begins with a line."""
    ended = bool(_SENTENCE_END.search(before.text))
    if before.hyphen or _ITEM.match(line.text):
        return not before.hyphen
    if not (before.placed and line.placed):
        return ended
    drop = before.base - line.base
    if drop < 0:  # the next column
        return ended or not line.text[0].islower()
    small, large = sorted((before.size, line.size))
    if large > small * _NEW_SIZE > 0 or drop > min(max(_GAP * pitch, pitch + 1), max(_WIDE_GAP * large, 1)):
        return True
    indented = line.left - before.left > max(line.size, 1)
    return ended and (indented or before.right - before.left < _SHORT * widest)


def join_lines(lines: Sequence[Line], known: str) -> str:
    """One line of text. A word broken in two keeps its hyphen where ``known``, the whole text, has it so elsewhere, or
    where its second half begins with a capital or a digit."""
    text = ""
    for before, line in pairwise([None, *lines]):
        if line is None:
            continue
        if before is None:
            text = line.text
        elif before.hyphen:
            text += _joint(before.text, line.text, known) + line.text
        else:
            text += " " + line.text
    return text + "-" if lines and lines[-1].hyphen else text


def _joint(before: str, after: str, known: str) -> str:
    first = re.search(r"\w*\Z", before)
    second = re.match(r"\w*", after)
    head, tail = first[0] if first else "", second[0] if second else ""
    if not head or not tail or not tail[0].islower():
        return "-"
    return "-" if f"{head}-{tail}" in known else ""


def find_edges(pages: Sequence[Sequence[Line]]) -> list[set[int]]:
    """For each page, the places of its lines that are running heads or page numbers.

    That is the first or the last, where it says the same on most pages, numbers aside, or where a number in it goes up
    by one from page to page on most of them. Of the former the first is kept: it may be the title.
    """
    found: list[set[int]] = [set() for _ in pages]
    # A page of one line is left alone: that may be all it says.
    filled = [number for number, page in enumerate(pages) if page[1:]]
    if len(filled) < _RUNNING_PAGES:
        return found
    for edge in (0, -1):
        words = {number: _DIGITS.sub("0", pages[number][edge].text) for number in filled}
        firsts = {number: _firsts(pages[number][edge].text, number) for number in filled}
        same = Counter(words.values())
        [(first, agreeing)] = Counter(chain.from_iterable(firsts.values())).most_common(1) or [(0, 0)]
        kept: set[str] = set()
        for number in filled:
            numbered = agreeing > len(filled) / 2 and first in firsts[number]
            if numbered or (same[words[number]] > len(filled) / 2 and words[number] in kept):
                found[number].add(edge % len(pages[number]))
            kept.add(words[number])
    return found


def _firsts(text: str, page: int) -> set[int]:
    """What number the first page would have, for each number that may be that of ``page``, counted from 0."""
    if len(text) > _EDGE_LENGTH:
        return set()
    return {int(digits) - page for digits in _DIGITS.findall(text) if len(digits) <= _NUMBER_LENGTH}
