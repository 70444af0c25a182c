"""Sentences of Italian and English text as offsets.

sentencex proposes boundaries; this module bounds what it is given, mends what it is known to miss (abbreviations,
initials, enumerators, references after a full stop, quotations of many sentences) and keeps lines that are units of
their own (list items, headings, table rows) apart.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

import sentencex

from retrieval.abbreviations import (
    ends_in_plain_word,
    goes_on_after_abbreviation,
    may_end_sentence,
    opens_with_function_word,
)
from retrieval.language import is_stop_word
from retrieval.types import Language, Span

_MAX_PIECE = 4_000
"""Characters handed to sentencex at once: its time grows with the square of the length."""
_LONG = 300
"""Characters beyond which a quotation or parenthesis is split at the sentences inside it; sentencex keeps it whole."""
_CONTEXT = 64
"""Characters looked at on either side of a boundary."""

_ROOM = 0.75
"""Share of the usual line length up to which a line that could have gone on was ended on purpose."""

_TERMINAL = ".!?…。！？"
_CLOSERS = "\"'”’»)]*_"
_OPENERS = "\"'“‘«([*_"

_WHITESPACE = re.compile(r"\s")
_OPENING_ELLIPSIS = re.compile(rf"[{re.escape(_OPENERS)}](?:\.\.\.|…)$")
_ENUMERATOR = re.compile(r"\(?(?:\d{1,3}|[^\W\d_])[.)]")
_GLUED_END = re.compile(rf"(?:\w\w[.!?…]+[{re.escape(_CLOSERS)}]*|[。！？])$")
_GLUED_START = re.compile(rf"[{re.escape(_OPENERS)}]*[^\W\d_]{{2}}|[^\x00-\u2fff]")
_UPPER = r"[A-ZÀ-ÖØ-Þ]"
# Ends sentencex passes over: a reference ("[2]", ":35") after the full stop, an ellipsis before a capital.
_MISSED = re.compile(
    rf"(?:(?<=[.!?…])(?:\s?(?:\[[^\[\]]{{1,40}}\])+|(?::[\d,–-]+)+)|…)\s+(?=[{re.escape(_OPENERS)}]*{_UPPER})"
)
_PARENTHESISED = re.compile(r"\([^()]*[.!?…]\)\s+(?=\S)")
_INNER = re.compile(rf"[{_TERMINAL}][{re.escape(_CLOSERS)}]*\s+(?=[{re.escape(_OPENERS)}]*{_UPPER}|\d)")
_PIECE_END = re.compile(rf"[{_TERMINAL}][{re.escape(_CLOSERS)}]*\s")
_FALLBACK = re.compile(rf"[{_TERMINAL}]+[{re.escape(_CLOSERS)}]*\s+")

_BULLET = re.compile(r"\s*[-*+•‣◦▪●]\s+\S")
_DASH_OR_NUMBER = re.compile(r"\s*(?:[–—]|(\d{1,3})[.)]|\(?[a-z]\))\s+\S")
_ALIGNED = re.compile(r"\S(?: {3,}|\t+)\S")
_ATX = re.compile(r"\s{0,3}#{1,6}\s")
_LABEL = re.compile(rf"\s*{_UPPER}[^:;!?]{{0,30}}:\s+\S")


def sentence_spans(text: str, language: Language) -> list[Span]:
    """Sentences as offsets into ``text``: ascending, disjoint, trimmed, covering every non-whitespace character.

    An empty line ends a sentence, and so does the end of a list item, heading or table row; a single newline inside a
    hard-wrapped paragraph does not. Never raises on any text; the time is linear in its length.
    """
    return [span for start, end in _blocks(text, language) for span in _block_sentences(text, start, end, language)]


def trim(text: str, start: int, end: int) -> Span:
    """The span without whitespace at its ends; an empty span where there is nothing else."""
    part = text[start:end]
    end -= len(part) - len(part.rstrip())
    return min(start + len(part) - len(part.lstrip()), end), end


def ends_sentence(line: str) -> bool:
    """Whether a line ends as sentences do, closing quotes and brackets included."""
    return line.rstrip().rstrip(_CLOSERS)[-1:] in tuple(_TERMINAL)


def lines_of(text: str, start: int, end: int) -> Iterator[Span]:
    """Lines of ``text[start:end]`` without their newline."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


def is_unit(line: str, before: str | None) -> bool:
    """Whether a line is a list item, a heading or a table row; ``before``: the line of running text it may go on."""
    if line.lstrip().startswith("|") or _BULLET.match(line) or _ATX.match(line) or _ALIGNED.search(line):
        return True
    item = _DASH_OR_NUMBER.match(line)
    # In a wrapped paragraph a line may happen to start with "5. " or a dash.
    if not item:
        return False
    return before is None or item[1] == "1" or ends_sentence(before) or before.rstrip()[-1:] in (":", ";")


def is_open_ended(line: str, *languages: Language) -> bool:
    """Whether a line cannot be the end of anything: its last word or mark calls for more."""
    last = line.rsplit(maxsplit=1)[-1]
    return last[-1] in ",;(-–—" or any(is_stop_word(last.casefold(), language) for language in languages)


# ---------------------------------------------------------------- blocks: lines that belong together


def _blocks(text: str, language: Language) -> Iterator[Span]:
    group: list[Span] = []
    for start, end in lines_of(text, 0, len(text)):
        if text[start:end].strip():
            group.append((start, end))
        elif group:
            yield from _split_group(text, group, language)
            group = []
    if group:
        yield from _split_group(text, group, language)


def _split_group(text: str, group: list[Span], language: Language) -> Iterator[Span]:
    """Split the lines between two empty ones into units of their own and running text."""
    if len(group) == 1:
        yield group[0]
        return
    lines = [text[start:end] for start, end in group]
    lengths = sorted(map(len, lines))
    # Not the longest line: one long address must not make all others look short.
    width = lengths[3 * len(lengths) // 4]
    labels = sum(bool(_LABEL.match(line)) for line in lines)
    labelled = labels > 1 and 2 * labels >= len(lines)
    begin = group[0][0]
    marker = _marker(lines[0])
    for (before, line), ((_, stop), (start, _)) in zip(pairwise(lines), pairwise(group), strict=True):
        if _is_rule(line):
            continue
        in_list = marker is not None and marker == _marker(line)
        if (
            _closes(before)
            or is_unit(line, None if in_list else before)
            or (labelled and _LABEL.match(line))
            or _is_broken_off(before, line, width, language)
        ):
            yield begin, stop
            begin, marker = start, _marker(line)
    yield begin, group[-1][1]


def _marker(line: str) -> str | None:
    """What kind of list a line looks like an item of, among those whose marker a wrapped line may start with too."""
    item = _DASH_OR_NUMBER.match(line)
    if not item:
        return None
    sign = item[0].lstrip()[0]
    return "1" if item[1] else sign if sign in "–—" else "a"


def _closes(line: str) -> bool:
    """Whether nothing after a line can belong to it."""
    return _is_rule(line) or line.lstrip().startswith("|") or bool(_ATX.match(line))


def _is_rule(line: str) -> bool:
    return not any(map(str.isalnum, line))


def _is_broken_off(before: str, line: str, width: int, language: Language) -> bool:
    """Whether a line ended on purpose: there was room for the next word, which starts something new."""
    word = line.split(maxsplit=1)[0]
    if not word.lstrip('"“«(')[:1].isupper() or is_open_ended(before, language):
        return False
    return len(before.rstrip()) + 1 + len(word) <= _ROOM * width


# ---------------------------------------------------------------- sentences of one block


def _block_sentences(text: str, start: int, end: int, language: Language) -> list[Span]:
    # One space for each whitespace character: offsets hold, wrapped lines read on, and sentencex, which cuts inside
    # a no-break space and panics, never sees one.
    flat = _WHITESPACE.sub(" ", text[start:end])
    cuts: list[int] = []
    parts: list[Span] = []
    for piece_start, piece_end in _pieces(flat):
        if piece_start and not _PIECE_END.fullmatch(flat, *_tail(flat, piece_start)):
            cuts.append(piece_start)
        for a, b in _segment(flat[piece_start:piece_end], language):
            parts.extend(_refine(flat, piece_start + a, piece_start + b, language))
    return [(start + a, start + b) for a, b in _merge(flat, parts, cuts, language)]


def _tail(flat: str, end: int) -> Span:
    """The last terminal mark with its closers before ``end``, as match bounds."""
    begin = end - 1
    while begin > max(0, end - 8) and flat[begin] not in _TERMINAL:
        begin -= 1
    return begin, end


def _pieces(flat: str) -> Iterator[Span]:
    """Stretches of bounded length, cut after a sentence if possible, else at a space, else anywhere."""
    start = 0
    while len(flat) - start > _MAX_PIECE:
        low, high = start + _MAX_PIECE // 2, start + _MAX_PIECE
        cut = 0
        for match in _PIECE_END.finditer(flat, low, high):
            cut = match.end()
        cut = cut or flat.rfind(" ", low, high) + 1 or high
        yield start, cut
        start = cut
    yield start, len(flat)


def _segment(piece: str, language: Language) -> list[Span]:
    try:
        found = sentencex.get_sentence_boundaries(language, piece)
        return [(boundary["start_index"], boundary["end_index"]) for boundary in found]
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # a Rust panic surfaces as pyo3_runtime.PanicException, which is no Exception
        ends = [match.end() for match in _FALLBACK.finditer(piece)]
        return list(pairwise([0, *ends, len(piece)]))


def _refine(flat: str, start: int, end: int, language: Language) -> Iterator[Span]:
    """Split a proposed sentence where sentencex passed over an end; trimmed, without blanks."""
    start, end = trim(flat, start, end)
    cuts = [match.end() for match in _MISSED.finditer(flat, start, end)]
    if flat.startswith("(", start) and (match := _PARENTHESISED.match(flat, start, end)):
        cuts.append(match.end())
    for match in _INNER.finditer(flat, start, end):
        before = flat[max(start, match.start() - _CONTEXT) : match.start() + 1]
        wanted = opens_with_function_word(flat[match.end() : match.end() + _CONTEXT], language)
        if end - start > _LONG:
            # Only a word that starts many sentences tells "the U.S. The" from "the U.S. Government".
            wanted = wanted or not may_end_sentence(before)
        elif wanted or ends_in_plain_word(before, language):
            wanted = _is_balanced(flat[start : match.end()])
        if wanted:
            cuts.append(match.end())
    for part in pairwise([start, *sorted(set(cuts)), end]):
        a, b = trim(flat, *part)
        if a < b:
            yield a, b


def _is_balanced(part: str) -> bool:
    """Whether no quotation or parenthesis is open at the end of the part."""
    return not part.count('"') % 2 and all(part.count(a) <= part.count(b) for a, b in ("()", "[]", "«»", "“”"))


def _merge(flat: str, parts: list[Span], cuts: list[int], language: Language) -> Iterator[Span]:
    """Join neighbours that a boundary should not part; ``cuts`` are bounds that are no sentence ends."""
    if not parts:
        return
    # In text without capitals a small letter says nothing about where a sentence starts.
    small = sum(flat[start].islower() for start, _ in parts)
    has_capitals = 2 * small <= len(parts)
    begin, stop = parts[0]
    worded = any(map(str.isalnum, flat[begin:stop]))
    for start, end in parts[1:]:
        part_worded = any(map(str.isalnum, flat[start:end]))
        at = bisect_left(cuts, stop)
        soft = at < len(cuts) and cuts[at] <= start
        if soft or not (worded and part_worded) or _belongs(flat, (begin, stop), (start, end), language, has_capitals):
            worded = worded or part_worded
        else:
            yield begin, stop
            begin, worded = start, part_worded
        stop = end
    yield begin, stop


def _belongs(flat: str, left: Span, right: Span, language: Language, has_capitals: bool) -> bool:
    """Whether the right side goes on with the sentence on the left."""
    before = flat[max(left[0], left[1] - _CONTEXT) : left[1]]
    after = flat[right[0] : min(right[1], right[0] + _CONTEXT)]
    whole = left[1] - left[0] <= _CONTEXT
    if left[1] == right[0] and not (_GLUED_END.search(before) and _GLUED_START.match(after)):
        return True
    bare = after.lstrip(_OPENERS)
    # A capital in second place is a brand's ("iPhone").
    goes_on = has_capitals and bare[:1].islower() and not bare[1:2].isupper()
    if goes_on or after[0] in ",;:)]»”" or _OPENING_ELLIPSIS.search(before):
        return True
    return (whole and bool(_ENUMERATOR.fullmatch(before))) or goes_on_after_abbreviation(before, after, whole, language)
