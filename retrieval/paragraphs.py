"""Paragraphs of a section: blocks between empty lines, single lines where each is a paragraph, fenced code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from retrieval.language import LANGUAGES
from retrieval.sentences import ends_sentence, is_open_ended, is_unit, lines_of, trim
from retrieval.types import Span

_LONG_LINE = 120
"""Mean characters of a line beyond which nobody wraps: each line is a paragraph."""
_ENDED_LINES = 0.75
"""Share of lines ending a sentence from which each is a paragraph; in wrapped text it is about a tenth."""
_TITLE_LENGTH = 80
"""Characters up to which a line without a full stop is taken for the title of what follows."""

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A trimmed stretch of text that belongs together."""

    start: int
    end: int
    code: bool
    """Whether it is a fenced code block, fences included."""
    opens: bool
    """Whether it introduces what follows: a title line, or it ends in a colon."""


def find_paragraphs(text: str, start: int, end: int) -> list[Paragraph]:
    """Paragraphs of ``text[start:end]`` in order; together they hold every non-whitespace character."""
    paragraphs = []
    for block_start, block_end, code in _blocks(text, start, end):
        spans = [(block_start, block_end)] if code else _split_lines(text, block_start, block_end)
        for span in spans:
            a, b = trim(text, *span)
            if a < b:
                paragraphs.append(Paragraph(a, b, code, not code and _opens(text[a:b])))
    return paragraphs


def _blocks(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Runs of lines as (start, end, code), parted by empty lines and fences."""
    begin: int | None = None
    fence = ""
    for line_start, line_end in lines_of(text, start, end):
        line = text[line_start:line_end]
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                yield begin or start, line_end, True
                begin, fence = None, ""
        elif mark or not line.strip():
            if begin is not None:
                yield begin, line_start, False
            begin, fence = (line_start, mark[1]) if mark else (None, "")
        elif begin is None:
            begin = line_start
    if begin is not None:
        # As Markdown has it, a fence that nothing closes runs to the end.
        yield begin, end, bool(fence)


def _split_lines(text: str, start: int, end: int) -> list[Span]:
    """The block itself, or its lines where the writer's editor wrapped them and each is a paragraph."""
    spans = list(lines_of(text, start, end))
    lines = [text[a:b] for a, b in spans]
    ended = sum(map(ends_sentence, lines))
    if len(lines) == 1 or (sum(map(len, lines)) <= _LONG_LINE * len(lines) and ended < _ENDED_LINES * len(lines)):
        return [(start, end)]
    cuts = [after[0] for (before, line), after in zip(pairwise(lines), spans[1:], strict=True) if _parts(before, line)]
    return list(pairwise([start, *cuts, end]))


def _parts(before: str, line: str) -> bool:
    """Whether two lines that may each be a paragraph are two."""
    if before.lstrip().startswith("|") and line.lstrip().startswith("|"):
        return False
    if line[:1].isspace() and not is_unit(line, before):
        return False
    return ends_sentence(before) or not (line.lstrip()[:1].islower() or is_open_ended(before, *LANGUAGES))


def _opens(paragraph: str) -> bool:
    if paragraph.endswith(":"):
        return True
    return len(paragraph) <= _TITLE_LENGTH and not (
        "\n" in paragraph
        or ends_sentence(paragraph)
        or is_unit(paragraph, None)
        or not any(map(str.isalpha, paragraph))
    )
