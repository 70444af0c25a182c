"""Untrusted text of several lines, as passages to quote: lists keep their lines and code its columns. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.markup.fences import Fence, find_fences
from bot.markup.lines import Piece, Role, clean, emphasise, visible
from retrieval.types import Span

WRAPPED = 50
"""Characters from which on a line that goes on in lower case counts as wrapped, not ended, by its author."""

_LINE = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]*+(?:\r\n|[\n\r\v\f\x85\u2028\u2029]|\Z)")


@dataclass(frozen=True, slots=True)
class Passage:
    """Pieces that are never empty; line ends are ``\\n``, all else is visible characters and spaces."""

    pieces: tuple[Piece, ...]
    code: bool = False
    """A fenced block, without its fences; its pieces are all TEXT."""

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def passages(text: str, highlights: Iterable[Span] = ()) -> list[Passage]:
    """The text cleaned as ``clean`` does, line by line, with the highlighted spans as ANSWER pieces.

    An empty line or more stays one, lines that were wrapped become one. Apart from fences and their language, the words
    are those of ``clean(text)``.
    """
    spans = _disjoint(highlights)
    found: list[Passage] = []
    start = 0
    for fence in find_fences(text)[0]:
        # In a list or quotation the code's lines are marked too; without a closing line nobody knows what is code.
        if fence.closed and not text[fence.start : fence.mark].strip():
            found += _prose(text, start, fence.start, spans)
            found += _code(text, fence)
            start = fence.end
    return found + list(_prose(text, start, len(text), spans))


def _disjoint(highlights: Iterable[Span]) -> list[Span]:
    spans: list[Span] = []
    for start, end in sorted(highlights):
        begin = max(start, spans[-1][1]) if spans else max(start, 0)
        if begin < end:
            spans.append((begin, end))
    return spans


def _prose(text: str, start: int, stop: int, spans: list[Span]) -> Iterator[Passage]:
    starts, ends = [span[0] for span in spans], [span[1] for span in spans]
    # Runs of one role, each as the texts that make it up.
    runs: list[tuple[Role, list[str]]] = []
    length, blank = 0, False
    while start < stop:
        line = _LINE.match(text, start, stop)
        end = line.end() if line else stop
        touching = spans[bisect_right(ends, start) : bisect_left(starts, end)]
        new = emphasise(text[start:end], ((first - start, last - start) for first, last in touching))
        start = end
        if not new:
            blank = True
            continue
        if runs:
            wrapped = length >= WRAPPED and new[0].text[0].islower()
            runs[-1][1].append("\n\n" if blank else " " if wrapped else "\n")
        for piece in new:
            if not runs or runs[-1][0] is not piece.role:
                runs.append((piece.role, []))
            runs[-1][1].append(piece.text)
        length, blank = sum(len(piece.text) for piece in new), False
    if runs:
        yield Passage(tuple(Piece("".join(texts), role) for role, texts in runs))


def _code(text: str, fence: Fence) -> Iterator[Passage]:
    lines = text[fence.body : fence.close].expandtabs(4).split("\n")
    if len(fence.info.split()) > 1:  # more than a language: code that began on the fence's own line
        lines.insert(0, fence.info)
    code = "\n".join("".join(map(visible, line)).rstrip() for line in lines).strip("\n")
    if clean(code).strip():
        yield Passage((Piece(code, Role.TEXT),), code=True)
