"""What a reader makes of a file: its text, and where in it headings and pages begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


class Unreadable(Exception):
    """Why a file is skipped, as a clause that completes its name to a sentence ("is encrypted")."""

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        """``lasting``: whether the same bytes will be skipped again."""
        super().__init__(reason)
        self.lasting = lasting


@dataclass(frozen=True, slots=True)
class Extracted:
    """A file as text. Offsets count code points of ``text``."""

    text: str
    """No control characters but newlines and tabs, no surrogates."""
    title: str = ""
    """The file's own title in one line; empty where it has none."""
    headings: tuple[tuple[int, int, int], ...] = ()
    """(level from 1 to 9, start, end), in order and without overlap; the heading's words are ``text[start:end]``."""
    pages: tuple[int, ...] = ()
    """Where each page starts, ascending; an empty page starts where the next one does. Empty for formats without."""


# C0 and C1 controls but tab and newline, soft hyphens, and code points that stand for no character.
_UNWANTED = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\xad\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def sanitize(text: str) -> str:
    """Without what cannot be stored, or stands for nothing; form feeds and the like end a line."""
    text = text.replace("\r\n", "\n")
    text = re.sub("[\r\v\f\x85\u2028\u2029]", "\n", text)
    return _SURROGATES.sub("\ufffd", _UNWANTED.sub("", text))


def one_line(text: str) -> str:
    """Sanitized, with every run of white space as one space."""
    return " ".join(sanitize(text).split())


def table_row(cells: Sequence[str]) -> str:
    """Cells as a row of Markdown, which the splitter takes for a sentence of its own; a single cell as it is."""
    return f"| {' | '.join(cells)} |" if len(cells) > 1 else "".join(cells)


class Writer:
    """Puts a text together from paragraphs, lines and headings."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._parts: list[str] = []
        self._length = 0
        self._group: object = None
        self._headings: list[tuple[int, int, int]] = []
        self._pages: list[int] = []
        self._new_pages = 0
        self.first_heading = ""

    def _add(self, text: str, joint: str) -> tuple[int, int]:
        if self._parts:
            text = joint + text
        start = self._length + (len(joint) if self._parts else 0)
        self._length += len(text)
        if self._length > self._max_chars:
            raise too_much_text(self._max_chars)
        self._parts.append(text)
        self._pages += [start] * self._new_pages
        self._new_pages = 0
        return start, self._length

    def paragraph(self, text: str) -> None:
        """Add a block of its own; blank text adds nothing."""
        if text := sanitize(text).strip():
            self._add(text, "\n\n")
            self._group = None

    def continued(self, text: str, *, broken: bool = False) -> None:
        """Go on with the last block: after a space, or, with a word that is ``broken``, in place of its hyphen."""
        if text := sanitize(text).strip():
            broken = broken and self._parts[-1:] != [] and self._parts[-1].endswith("-")
            if broken:
                self._parts[-1] = self._parts[-1][:-1]
                self._length -= 1
            self._add(text, "" if broken else " ")

    def line(self, text: str, group: object) -> None:
        """Add a line that follows at once the line before, if that is of the same ``group`` (any object but None)."""
        if (text := sanitize(text).rstrip()).strip():
            self._add(text, "\n" if self._group == group else "\n\n")
            self._group = group

    def heading(self, level: int, text: str) -> None:
        """Add a heading in a line of its own; ``level`` 1 is the outermost."""
        if text := one_line(text):
            self._headings.append((level, *self._add(text, "\n\n")))
            self._group = None
            self.first_heading = self.first_heading or text

    def page(self) -> None:
        """Say that what comes next is on a new page."""
        self._new_pages += 1

    def finish(self, title: str = "") -> Extracted:
        """All that was added. Raises Unreadable where that is nothing."""
        if not self._parts:
            raise Unreadable("holds no text")
        self._pages += [self._length] * self._new_pages
        self._new_pages = 0
        return Extracted("".join(self._parts), one_line(title), tuple(self._headings), tuple(self._pages))


def too_much_text(max_chars: int) -> Unreadable:
    """For a file whose text would be longer than is allowed."""
    return Unreadable(f"holds more than {max_chars:,} characters of text")
