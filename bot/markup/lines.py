"""A reply as lines of marked pieces of text, safe to show on a terminal. Pure.

Documents are untrusted: nothing in them may move the cursor, recolour the screen, turn the reading direction or hide.
Every piece of every line that leaves this module is made of visible characters and single spaces.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum, auto

from bot.messages import Messages
from bot.types import Citation, Outcome, Reply
from retrieval.types import Span

MAX_EXCERPT = 300
"""Characters of a nearest passage that are shown; a reader judges by the first lines whether it is of use."""

_SPACES = re.compile(r"\s+")


class Role(Enum):
    """What a piece of text is, for the surface to style."""

    TEXT = auto()
    ANSWER = auto()
    """The words that answer."""
    LABEL = auto()
    TITLE = auto()
    DETAIL = auto()


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one line in one role."""

    text: str
    role: Role = Role.TEXT


@dataclass(frozen=True, slots=True)
class Line:
    """One line; ``indent`` counts the spaces to its left."""

    pieces: tuple[Piece, ...] = ()
    indent: int = 0


def clean(text: str) -> str:
    """The text as one line that a terminal shows and does not obey.

    White space, line ends included, becomes single spaces; control characters (C0, C1, escape) and lone surrogates
    become U+FFFD; invisible formatting characters (bidirectional overrides, zero-width characters, tags) go.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(visible(character) for character in text)
    return _SPACES.sub(" ", text)


def visible(character: str) -> str:
    """What ``clean`` makes of one character, before spaces are joined."""
    if character.isprintable():
        return character
    # \x1c to \x1f count as white space in Unicode; a document has no business with them.
    if character.isspace() and character not in "\x1c\x1d\x1e\x1f":
        return " "
    return "" if unicodedata.category(character) == "Cf" else "\ufffd"


def emphasise(text: str, highlights: Iterable[Span]) -> tuple[Piece, ...]:
    """The cleaned text, cut where the highlighted spans of the original begin and end.

    Spans may reach outside the text or overlap; what they cover counts once.
    """
    cuts: list[tuple[str, Role]] = []
    position = 0
    for start, end in sorted(highlights):
        begin, stop = max(start, position), min(end, len(text))
        if begin < stop:
            cuts += [(text[position:begin], Role.TEXT), (text[begin:stop], Role.ANSWER)]
            position = stop
    cuts.append((text[position:], Role.TEXT))
    return _joined(cuts)


def _joined(cuts: Iterable[tuple[str, Role]]) -> tuple[Piece, ...]:
    """Clean each cut and drop the spaces that would double across them or stand at either end."""
    pieces: list[Piece] = []
    spaced = True
    for raw, role in cuts:
        text = clean(raw)
        if spaced:
            text = text.lstrip(" ")
        if text:
            pieces.append(Piece(text, role))
            spaced = text.endswith(" ")
    if pieces and spaced:
        last = pieces.pop()
        # An empty remainder means the last cut was a lone space, and the one before it does not end in one.
        if stripped := last.text.rstrip(" "):
            pieces.append(Piece(stripped, last.role))
    return tuple(pieces)


def shorten(text: str, limit: int = MAX_EXCERPT) -> str:
    """The cleaned text, cut between words to at most ``limit`` characters, an ellipsis included."""
    text = clean(text).strip()
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head.rpartition(" ")[0] or head).rstrip(" ,;:") + "…"


def layout(reply: Reply, words: Messages, *, timed: bool = False) -> list[Line]:
    """The reply as lines: its text, then where it stands or what comes nearest; ``timed`` adds how long it took."""
    lines = [Line(emphasise(reply.text, reply.highlights))]
    if reply.citations:
        lines += [Line(), Line((Piece(sources_label(reply, words), Role.LABEL),))]
    for number, (citation, excerpt) in enumerate(zip(reply.citations, excerpts(reply), strict=True), 1):
        lines.append(Line(reference(number, citation, words), 2))
        if excerpt:
            lines.append(Line((Piece(excerpt, Role.TEXT),), 5))
    if timed:
        lines += [Line(), Line((Piece(duration(reply.seconds, words), Role.DETAIL),))]
    return lines


def sources_label(reply: Reply, words: Messages) -> str:
    """What stands above the citations."""
    if reply.outcome is not Outcome.ANSWERED:
        return words.nearest
    return words.cited if len(reply.citations) == 1 else words.cited_many


def excerpts(reply: Reply) -> list[str]:
    """For every citation, the beginning of its passage, or nothing where the reply's text quotes it already."""
    answered = reply.outcome is Outcome.ANSWERED
    shown = clean(reply.text)
    return [
        "" if answered and clean(citation.excerpt).strip() in shown else shorten(citation.excerpt)
        for citation in reply.citations
    ]


def reference(number: int, citation: Citation, words: Messages) -> tuple[Piece, ...]:
    """A citation's number, its document's title, and where in the document it stands."""
    place = [citation.source]
    if citation.heading:
        place.append(" › ".join(citation.heading))
    if citation.page is None:
        place.append(words.line.format(number=citation.line))
    else:
        # Lines are those of the text that was found in the file: nobody who opens it sees them.
        place.append(words.page.format(number=citation.page))
    return _joined(
        [(f"{number}. ", Role.LABEL), (citation.title, Role.TITLE), (" · " + " · ".join(place), Role.DETAIL)]
    )


def duration(seconds: float, words: Messages) -> str:
    """``0.004 s``, with the decimal mark of the language."""
    return words.seconds.format(number=f"{seconds:.3f}".replace(".", words.decimal_mark))


def plain(lines: Sequence[Line]) -> str:
    """The lines as plain text, without a final newline."""
    return "\n".join((" " * line.indent + "".join(piece.text for piece in line.pieces)).rstrip() for line in lines)


def to_json(reply: Reply, encoding: str = "utf-8", **extra: object) -> str:
    """The reply as one JSON object on one line; excerpts exactly as they stand in the document.

    ``extra`` fields follow those of the reply. Characters that are not printable, or that ``encoding`` lacks, are
    written as JSON escapes.
    """
    fields = asdict(reply)
    del fields["highlights"]
    return dump_json(fields | extra, encoding)


def dump_json(value: object, encoding: str = "utf-8") -> str:
    """JSON on one line that any terminal can show and ``encoding`` can hold."""

    def escape(match: re.Match[str]) -> str:
        character = match.group()
        if character.isprintable() and _encodable(character, encoding):
            return character
        return json.dumps(character)[1:-1]

    return re.sub(r"[^ -~]", escape, json.dumps(value, ensure_ascii=False, allow_nan=False))


def _encodable(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeError:
        return False
    return True
