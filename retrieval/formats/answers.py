"""What the child answered, believed only as far as it is checked: a parser that was taken over may write anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from retrieval.formats.extracted import Extracted, Unreadable, one_line, too_much_text

_MAX_REASON = 200
_MAX_LEVEL = 9


class NonsenseError(Exception):
    """The answer is none that the child's own program gives."""


def decode(payload: bytes) -> dict[str, Any]:
    """One JSON object. Raises NonsenseError."""
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        raise NonsenseError from None
    if not isinstance(answer, dict):
        raise NonsenseError
    return answer


def understand(answer: dict[str, Any], max_chars: int) -> Extracted:
    """The text that was found. Raises Unreadable with the reason given, NonsenseError for what does not fit together.

    ``max_chars`` is what the child was told.
    """
    if "reason" in answer:
        reason = answer["reason"]
        if not isinstance(reason, str) or not reason or len(reason) > _MAX_REASON:
            raise NonsenseError
        raise Unreadable(one_line(reason))
    text, title = answer.get("text"), answer.get("title")
    if not isinstance(text, str) or not isinstance(title, str):
        raise NonsenseError
    if len(text) > max_chars:
        raise too_much_text(max_chars)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NonsenseError from None
    if "\0" in text or "\r" in text:
        raise NonsenseError
    return Extracted(text, one_line(title), _headings(answer, len(text)), _pages(answer, len(text)))


def _headings(answer: dict[str, Any], length: int) -> tuple[tuple[int, int, int], ...]:
    before = 0
    headings = []
    for entry in _numbers(answer, "headings", of=3):
        level, start, end = entry
        if not (1 <= level <= _MAX_LEVEL and before <= start <= end <= length):
            raise NonsenseError
        headings.append((level, start, end))
        before = end
    return tuple(headings)


def _pages(answer: dict[str, Any], length: int) -> tuple[int, ...]:
    pages = tuple(page for (page,) in _numbers(answer, "pages", of=1))
    if any(page < 0 or page > length for page in pages) or list(pages) != sorted(pages):
        raise NonsenseError
    return pages


def _numbers(answer: dict[str, Any], field: str, of: int) -> Sequence[Sequence[int]]:
    """A list of ``of`` integers each, or of integers where that is 1."""
    rows = answer.get(field)
    if not isinstance(rows, list):
        raise NonsenseError
    rows = [[row] for row in rows] if of == 1 else rows
    if not all(isinstance(row, list) and len(row) == of and all(type(one) is int for one in row) for row in rows):
        raise NonsenseError
    return rows
