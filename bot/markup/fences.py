"""Fenced code in Markdown as chat platforms take it: at any depth, after list and quotation marks too. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

Range = tuple[int, int]

_OPENING = re.compile(
    r"[ \t]*+(?:>[ \t]*+|(?:[-*+]|\d{1,9}[.)])[ \t]++)*+(?P<run>`{3,}+|~{3,}+)[ \t]*+(?P<info>[^\n]*+)"
)
_CLOSING = re.compile(r"[ \t>]*+(?P<run>`{3,}+|~{3,}+)[ \t\r]*+(?P<rest>[^\n]*+)")


@dataclass(frozen=True, slots=True)
class Fence:
    """Offsets into a text: a fenced block reaches from ``start`` to ``end``, its code from ``body`` to ``close``."""

    start: int
    mark: int
    """Where the opening backticks or tildes begin, after indentation and marks of lists and quotations."""
    body: int
    close: int
    """The closing line; where there is none, the end of the text."""
    end: int
    run: str
    """The opening backticks or tildes."""
    info: str
    closed: bool

    @property
    def opening(self) -> str:
        """The line that opens the block again in another message."""
        return self.run + self.info


def find_fences(text: str) -> tuple[list[Fence], list[Range]]:
    """The fenced blocks, and the lines that would open or close one if they were cut, both in order."""
    fences: list[Fence] = []
    risky: list[Range] = []
    opened: tuple[int, re.Match[str]] | None = None
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if opened is None:
            match = _OPENING.match(text, start, end)
            if match and match["run"][0] == "`" and "`" in match["info"]:
                risky.append((start, end))
            elif match:
                opened = start, match
        elif (match := _closes(text, start, end, opened[1]["run"])) and match["rest"]:
            risky.append((start, end))
        elif match:
            fences.append(_fence(text, *opened, start, end, closed=True))
            opened = None
        start = end + 1
    if opened is not None:
        fences.append(_fence(text, *opened, len(text), len(text), closed=False))
    return fences, risky


def resembles_fence(text: str, at: int, inside: Fence | None) -> bool:
    """Whether a line that began at ``at`` could open a block or, ``inside`` of one, close it."""
    return (_closes(text, at, len(text), inside.run) if inside else _OPENING.match(text, at)) is not None


def _closes(text: str, start: int, end: int, run: str) -> re.Match[str] | None:
    match = _CLOSING.match(text, start, end)
    return match if match and match["run"].startswith(run) else None


def _fence(text: str, start: int, opening: re.Match[str], close: int, end: int, *, closed: bool) -> Fence:
    body = min(opening.end() + 1, len(text))
    return Fence(start, opening.start("run"), body, close, end, opening["run"], opening["info"].rstrip(), closed)
