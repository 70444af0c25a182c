"""Subtitles (SubRip, WebVTT) as running text: what is said, without times and marks."""

from __future__ import annotations

import re

from retrieval.encoding import decode_text
from retrieval.formats.extracted import Extracted, Unreadable, Writer, one_line

_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_TIMES = re.compile(rf"\s*({_TIME})\s*-->\s*({_TIME})")
_MARKS = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*\Z")
_PAUSE = 3.0
"""Seconds without words after which a paragraph begins."""
_PARAGRAPH = 400
"""Characters from which a paragraph ends with the next sentence."""


def extract(raw: bytes, max_chars: int) -> Extracted:
    """What is said. Raises Unreadable for what holds no subtitles."""
    writer = Writer(max_chars)
    spoken: list[str] = []
    length, last_end, last_words = 0, 0.0, ""
    found = False
    for start, end, words in _cues(decode_text(raw).replace("\r\n", "\n").replace("\r", "\n")):
        found = True
        if not words or words == last_words:
            # Rolling captions say the line before once more.
            last_end = end
            continue
        ended = bool(spoken) and bool(_SENTENCE_END.search(spoken[-1]))
        if spoken and (start - last_end > _PAUSE or (ended and length > _PARAGRAPH)):
            writer.paragraph(" ".join(spoken))
            spoken, length = [], 0
        spoken.append(words)
        length += len(words) + 1
        last_end, last_words = end, words
    if not found:
        raise Unreadable("holds no subtitles")
    writer.paragraph(" ".join(spoken))
    return writer.finish()


def _cues(text: str) -> list[tuple[float, float, str]]:
    """(start, end, words) of each, times in seconds."""
    cues = []
    lines = text.split("\n")
    place = 0
    while place < len(lines):
        times = _TIMES.match(lines[place])
        place += 1
        if not times:
            continue
        first = place
        # An empty line ends a cue; a line of times does where that was forgotten.
        while place < len(lines) and lines[place].strip() and not _TIMES.match(lines[place]):
            place += 1
        words = one_line(_MARKS.sub("", " ".join(lines[first:place])))
        cues.append((_seconds(times[1]), _seconds(times[2]), words))
    return cues


def _seconds(time: str) -> float:
    total = 0.0
    for part in time.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total
