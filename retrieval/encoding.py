"""Bytes of text files as text: UTF-8, UTF-16 with a byte order mark, else Windows-1252 where it looks like that."""

from __future__ import annotations

import codecs
import re

from retrieval.formats.extracted import Unreadable

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f\x81\x8d\x8f\x90\x9d]")
"""Bytes that no text in Windows-1252 holds: controls, and five without a meaning."""
_BEYOND = bytes(range(0xC0, 0x100))
_ASCII_LETTERS = bytes((*range(0x41, 0x5B), *range(0x61, 0x7B)))
_MOST_ACCENTED = 0.3
"""Share of letters beyond ASCII above which a text is in no language that is written in Windows-1252."""


def decode_text(raw: bytes) -> str:
    """The text, without its byte order mark. Raises Unreadable for what is no text, or empty."""
    try:
        text = raw.decode("utf-16") if raw.startswith(_UTF16) else raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _windows_1252(raw)
    if "\0" in text:
        raise Unreadable("is not text (it holds NUL characters)")
    if not text.strip():
        raise Unreadable("is empty")
    return text


def _windows_1252(raw: bytes) -> str:
    """Text of before Unicode, Latin-1 included. Raises Unreadable where it does not look like that."""
    if raw.startswith((*_UTF16, codecs.BOM_UTF8)) or CONTROLS.search(raw):
        raise Unreadable("is not text (UTF-8 or Windows-1252)")
    beyond = len(raw) - len(raw.translate(None, _BEYOND))
    letters = beyond + len(raw) - len(raw.translate(None, _ASCII_LETTERS))
    # What is valid UTF-8 of several bytes hardly ever is Windows-1252: a broken file then, not another encoding.
    valid = sum(len(letter.encode()) for letter in re.findall("[^\0-\x7f]", raw.decode("utf-8", "ignore")))
    if beyond > _MOST_ACCENTED * letters or 2 * valid > beyond:
        raise Unreadable("is not text (UTF-8 or Windows-1252)")
    return raw.decode("cp1252")
