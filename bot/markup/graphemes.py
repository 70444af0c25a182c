"""Where a text may be cut without taking a character apart: the rules of UAX #29 that chat texts need. Pure."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"


def is_boundary(text: str, at: int) -> bool:
    """Whether nothing that is read as one character spans ``at``: marks, joined emoji, flags, Hangul, surrogates."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before < "\u0300" and after < "\u0300":
        return not (before == "\r" and after == "\n")
    return not (
        _extends(after)
        or before == _JOINER
        or _hangul(before, after)
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")
        or (_is_flag_letter(before) and _is_flag_letter(after) and _flag_letters_before(text, at) % 2 == 1)
    )


def _extends(character: str) -> bool:
    """Combining marks, joiners, skin tones, tags."""
    return (
        character in "\u200c\u200d"
        or unicodedata.category(character) in ("Mn", "Mc", "Me")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _hangul(before: str, after: str) -> bool:
    """Conjoining jamo: what follows is a vowel or final consonant of the same syllable."""
    return "\u1160" <= after <= "\u11ff" and ("\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3")


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_letters_before(text: str, at: int) -> int:
    """Flags are pairs of letters: an even number before ``at`` leaves none open."""
    first = at
    while first and _is_flag_letter(text[first - 1]):
        first -= 1
    return at - first
