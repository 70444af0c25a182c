"""Cutting Markdown into messages: not within links, inline code or characters; fences are closed and reopened. Pure.

The Markdown is the little that chat platforms share: paragraphs, fenced code, inline code, ``[text](url)``, and the
``<url>``, ``<url|text>`` and ``<@user>`` of Slack and Discord.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from bot.markup.fences import Fence, Range, find_fences, resembles_fence
from bot.markup.graphemes import is_boundary

Measure = Callable[[str], int]
"""How long a text counts as; at least as long as any beginning of it."""

_GUARD = "\u200b"
"""Stands before backticks that a cut brought to the beginning of a line, where they would open or close a fence."""
_PARAGRAPH, _LINE, _SENTENCE, _WORD = range(4)
_LEAST = 3
"""A part is at least a third full before a better place to cut counts for more than a later one."""

_BLANK = re.compile(r"\n[ \t\r]*+\n\s*+")
_SPACE = re.compile(r"\s++")
_FULL_STOPS = "。！？"
"""Chinese and Japanese put no space after them."""
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]{0,3}\Z")
_LINK = re.compile(
    r"!?\[(?P<text>(?:[^\[\]]|\[[^\[\]]*+\])*+)\]"
    r"\((?:[^()\s]|\([^()\s]*+\))*+(?:[ \t]++\"[^\"\n]*+\")?\)"
    r"|<(?P<angle>[^<>\s][^<>\n]*+)>"
)


def split(text: str, limit: int, measure: Measure = len) -> list[str]:
    """The text in parts that measure at most ``limit``, cut where that disturbs least.

    White space at either end of a part goes. What cannot be kept whole is taken apart: a link longer than the limit
    becomes its text, longer inline code is cut like text, a fence whose marks would fill half of a part loses them.
    ValueError where the limit leaves no room for a single character and an invisible one before it.
    """
    text = _prepare(text, limit, measure)
    cutter = _Cutter(text, limit, measure)
    parts = []
    start = cutter.resume(0)
    while start < len(text):
        part, start = cutter.part(start)
        parts.append(part)
    return parts


def cut(text: str, limit: int, measure: Measure = len) -> int:
    """Where to end a text that is to measure at most ``limit``; fences count as text."""
    if measure(text) <= limit:
        return len(text)
    furthest = _furthest(lambda at: measure(text[:at]) <= limit, 0, len(text), limit)
    protected = bytearray(len(text) + 1)
    # What is not over by then is longer than the limit.
    for first, last in _atoms(text, 0, min(furthest + limit, len(text))):
        if last <= furthest or measure(text[first:last]) <= limit:
            protected[first + 1 : last] = b"\1" * (last - first - 1)
    return _best(text, 0, furthest, lambda at: not protected[at])


def _prepare(text: str, limit: int, measure: Measure) -> str:
    """The text without links and fences that no part could hold."""
    while True:
        fences, _ = find_fences(text)
        edits: list[tuple[int, int, str]] = []
        for fence in fences:
            edits += _lighten(text, fence, limit // 2, measure)
        for first, last in _prose(text, fences):
            for match in _LINK.finditer(text, first, last):
                if measure(match.group()) > limit:
                    shown = match["text"] if match["angle"] is None else match["angle"].rpartition("|")[2]
                    edits.append((*match.span(), shown))
        if not edits:
            return text
        pieces, done = [], 0
        for first, last, new in sorted(edits):
            pieces += [text[done:first], new]
            done = last
        # What is left may form new links and fences: look again.
        text = "".join(pieces) + text[done:]


def _lighten(text: str, fence: Fence, room: int, measure: Measure) -> Iterator[tuple[int, int, str]]:
    """What to change about a fence so that its marks take up at most ``room``."""
    lead = text[fence.start : fence.mark]
    if measure(lead + fence.opening) + measure(fence.run) + 2 <= room:
        return
    if fence.info and measure(fence.run) * 2 + 2 <= room:
        yield fence.start, fence.body, f"{lead}{fence.run}\n{fence.info}\n"
        return
    yield fence.start, fence.body, f"{lead}{fence.info}\n"
    if fence.closed:
        yield fence.close, fence.end, ""


def _prose(text: str, fences: list[Fence]) -> Iterator[Range]:
    """The paragraphs between fences."""
    start = 0
    for stop, resume in [*((fence.start, fence.end) for fence in fences), (len(text), len(text))]:
        for blank in _BLANK.finditer(text, start, stop):
            yield start, blank.start()
            start = blank.end()
        yield start, stop
        start = resume


def _atoms(text: str, first: int, last: int) -> Iterator[Range]:
    """Links and inline code of a paragraph; one may hold the other."""
    masked = list(text[first:last])
    for start, stop in _code_spans(text, first, last):
        masked[start - first : stop - first] = "x" * (stop - start)
        yield start, stop
    for match in _LINK.finditer("".join(masked)):
        yield match.start() + first, match.end() + first


def _code_spans(text: str, first: int, last: int) -> Iterator[Range]:
    """Runs of backticks up to the next run as long."""
    runs = [match.span() for match in re.finditer("`++", text[first:last])]
    later: dict[int, list[int]] = {}
    for number, (start, stop) in enumerate(runs):
        later.setdefault(stop - start, []).append(number)
    number = 0
    while number < len(runs):
        start, stop = runs[number]
        same = later[stop - start]
        after = bisect_right(same, number)
        if after < len(same):
            number = same[after]
            yield first + start, first + runs[number][1]
        number += 1


def _furthest(fits: Callable[[int], bool], low: int, high: int, step: int) -> int:
    """The last place in ``[low, high]`` that fits, ``low`` where none does; what lies before a fitting place fits."""
    step = max(step, 1)
    top = min(low + step, high)
    while top < high and fits(top):
        low, step = top, step * 2
        top = min(low + step, high)
    if fits(top):
        return top
    while top - low > 1:
        middle = (low + top) // 2
        if fits(middle):
            low = middle
        else:
            top = middle
    return low


def _best(text: str, start: int, furthest: int, allowed: Callable[[int], bool], code: Fence | None = None) -> int:
    """The best place to cut in ``(start, furthest]``; ``furthest`` where none is allowed."""
    found: dict[int, int] = {}
    character = 0
    for at in range(furthest, start, -1):
        spaced = at < len(text) and text[at].isspace()
        if spaced and not text[at - 1].isspace():
            rank = _rank(text, at, within=code is not None and code.body < at <= code.close)
        elif text[at - 1] in _FULL_STOPS and not spaced:
            rank = _SENTENCE
        else:
            if not character and not spaced and allowed(at) and is_boundary(text, at):
                character = at
            continue
        if rank not in found and allowed(at):
            found[rank] = at
            if rank == _PARAGRAPH:
                break
    for rank in sorted(found):
        if (found[rank] - start) * _LEAST >= furthest - start:
            return found[rank]
    return max(found.values(), default=character) or furthest


def _rank(text: str, at: int, *, within: bool) -> int:
    """What the white space that begins at ``at`` parts."""
    gap = _SPACE.match(text, at)
    lines = gap.group().count("\n") if gap else 0
    if lines and (within or lines == 1):
        return _LINE
    if lines:
        return _PARAGRAPH
    return _SENTENCE if not within and _SENTENCE_END.search(text, max(at - 4, 0), at) else _WORD


class _Cutter:
    """A text prepared for a limit, and where it may be cut."""

    def __init__(self, text: str, limit: int, measure: Measure) -> None:
        self._text = text
        self._limit = limit
        self._measure = measure
        self._fences, self._risky = find_fences(text)
        self._starts = [fence.start for fence in self._fences]
        self._risky_starts = [first for first, _ in self._risky]
        self._protected = bytearray(len(text) + 1)
        for fence in self._fences:
            self._protect(fence.start, fence.body + 1)
            if fence.closed:
                self._protect(fence.close - 1, fence.end)
        for paragraph in _prose(text, self._fences):
            for first, last in _atoms(text, *paragraph):
                # Before a line that must not be cut there has to be a place to cut.
                risky = bisect_right(self._risky_starts, first) != bisect_left(self._risky_starts, last)
                if measure(text[first:last]) <= limit and not risky:
                    self._protect(first, last)

    def _protect(self, first: int, last: int) -> None:
        if last - first > 1:
            self._protected[first + 1 : last] = b"\1" * (last - first - 1)

    def _fence_at(self, at: int) -> Fence | None:
        """The fenced block that ``at`` is within or at the end of."""
        number = bisect_right(self._starts, at) - 1
        return self._fences[number] if number >= 0 and at <= self._fences[number].end else None

    def resume(self, at: int) -> int:
        """Where the next part begins after a cut at ``at``: past the white space, in code past blank lines alone."""
        fence = self._fence_at(at)
        if fence is None or not fence.body < at <= fence.close:
            return self._skip(at, len(self._text))
        start = self._skip(at, fence.close)
        if start == fence.close:
            return self._skip(fence.end, len(self._text))
        indentation = self._text.rfind("\n", at, start)
        return indentation + 1 if indentation >= 0 else start

    def _skip(self, at: int, end: int) -> int:
        gap = _SPACE.match(self._text, at, end)
        return gap.end() if gap else at

    def part(self, start: int) -> tuple[str, int]:
        """The part that begins at ``start``, and where the next one does."""
        text, prefix = self._text, self._prefix(start)

        def fits(at: int) -> bool:
            return self._measure(prefix + text[start:at]) <= self._limit

        furthest = _furthest(fits, start, len(text), self._limit)
        fence = self._fence_at(furthest)
        suffix = f"\n{fence.run}" if fence and (furthest < fence.end or not fence.closed) else ""
        if fence and suffix:
            low = max(start, fence.start)
            furthest = min(furthest, fence.close)
            furthest = _furthest(
                lambda at: self._measure(prefix + text[start:at] + suffix) <= self._limit, low, furthest, self._limit
            )
        if furthest < len(text):
            furthest = _best(text, start, furthest, lambda at: self._allowed(at, start), fence)
        return self._finish(start, furthest, prefix)

    def _finish(self, start: int, at: int, prefix: str) -> tuple[str, int]:
        if at <= start:
            raise ValueError(f"A limit of {self._limit} is too small for a single character.")
        fence = self._fence_at(at)
        inside = fence is not None and fence.start < at and (at <= fence.close if fence.closed else True)
        suffix = f"\n{fence.run}" if fence and inside else ""
        return prefix + self._text[start:at].rstrip() + suffix, self.resume(at)

    def _prefix(self, start: int) -> str:
        fence = self._fence_at(start)
        if fence and fence.start <= start <= fence.mark:
            return ""
        within = fence if fence and fence.body <= start < fence.close else None
        guard = _GUARD if resembles_fence(self._text, start, within) else ""
        return f"{within.opening}\n{guard}" if within else guard

    def _allowed(self, at: int, start: int) -> bool:
        if self._protected[at]:
            return False
        number = bisect_right(self._risky_starts, at - 1) - 1
        # A line that the part begins with is guarded.
        return number < 0 or at >= self._risky[number][1] or self._risky[number][0] <= start
