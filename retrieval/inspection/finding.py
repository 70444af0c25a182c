"""What a check found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report."""

    check: str
    """What was looked at, in a word."""
    status: Status
    detail: str
    """What was found."""
    remedy: str = ""
    """What to do, one sentence; empty where all is well."""


_TURN = re.compile(r"(?<=\S): (?=[a-z`])")
"""Where the sentences of errors turn from what is the matter to what to do."""


def ok(check: str, detail: str) -> Finding:
    return Finding(check, Status.OK, detail)


def warning(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, Status.WARNING, detail, remedy)


def wrong(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, Status.WRONG, detail, remedy)


def told(check: str, status: Status, error: object, remedy: str = "") -> Finding:
    """A finding from the sentence of an error, such as "X is damaged: make it anew."

    ``remedy`` is what to do where the sentence does not say so after a colon.
    """
    sentence = str(error).strip()
    # After more than one word: "NAME: it must ..." says what is the matter behind its colon.
    turns = (turn for turn in _TURN.finditer(sentence) if " " in sentence[: turn.start()])
    turn = None if remedy else next(turns, None)
    if turn is None:
        return Finding(check, status, sentence, remedy or "Correct that, then run the doctor again.")
    rest = sentence[turn.end() :]
    rest = f"run {rest}" if rest.startswith("pip ") else rest
    return Finding(check, status, f"{sentence[: turn.start()]}.", rest[0].upper() + rest[1:])


def count(number: int, noun: str) -> str:
    """Such as "1 document" and "2 documents"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
