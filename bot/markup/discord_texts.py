"""The texts of a Discord message from top to bottom, within a budget. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.claims import Asked
from bot.markup.frames import Header, headers, replied, short_reference
from bot.markup.lines import Piece, Role, excerpts, shorten, sources_label
from bot.markup.markdown import QUOTE, SMALL, bold, escape, link, mention, quotation, role_mention, size
from bot.markup.quote import passages
from bot.messages import Messages
from bot.surface import Body, Escalated, Notice
from bot.types import Outcome, Reply

_ASKED = 300
"""Characters of a question in small print."""
_QUOTED_PART = 4
"""A question or comment above an answer takes up a quarter of the budget at most."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Markdown; what there is not is empty, but never everything."""

    above: tuple[str, ...]
    answer: str
    sources: str
    below: str
    complete: bool
    """Nothing had to be left out for lack of room."""

    def all(self, note: str) -> list[str]:
        """What there is, in order, with ``note`` below the answer."""
        return [text for text in (*self.above, self.answer, note, self.sources, self.below) if text]


def compose(
    body: Body,
    words: Messages,
    budget: int,
    *,
    role: str | None,
    permalink: str | None,
    brief: bool,
    question: Asked | None,
) -> Texts:
    """The texts of a body, joined by line ends of ``size`` at most ``budget``, with room left for the note."""
    above = [_header(header, role, budget // _QUOTED_PART) for header in headers(body, words)]
    if isinstance(body, Escalated) and brief:
        return Texts(tuple(above), "", "", "", complete=True)
    if question is not None and isinstance(body, Reply | Notice):
        asker = _sentence(Header(words.shared, question.user, ""))
        above.append(f"{SMALL}{asker} {escape(shorten(question.text, _ASKED))}")
    below = "" if isinstance(body, Reply | Notice) else link(words.to_answer, permalink) or ""
    room = budget - sum(size(text) + 1 for text in (*above, below, whole_note(words))) - 2
    if isinstance(body, Notice):
        (answer, complete), sources = quotation(passages(body.text), room, mark=""), ""
    else:
        answer, sources, complete = _answer(replied(body), words, room)
    return Texts(tuple(above), answer or ("" if sources else "…"), sources, below, complete)


def whole_note(words: Messages) -> str:
    """Says that the whole answer is in the file."""
    return SMALL + escape(words.whole_answer)


def within(lines: Iterable[str], room: int) -> tuple[list[str], bool]:
    """The first lines that with their line ends have at most ``room``; whether that is all of them."""
    fitting: list[str] = []
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            return fitting, False
        fitting.append(line)
    return fitting, True


def numbered(number: str, title: str, detail: str, url: str | None) -> str:
    """One line of a list of documents; the title is the link, or where Discord could not show that, the number."""
    if linked := link(title, url):
        return f"{escape(number)} {linked}{escape(detail)}"
    return f"{link(number, url) or escape(number)} {escape(title)}{escape(detail)}"


def _answer(reply: Reply, words: Messages, room: int) -> tuple[str, str, bool]:
    sources, all_cited = _sources(reply, words, room // 2)
    mark = QUOTE if reply.outcome is Outcome.ANSWERED else ""
    answer, all_said = quotation(passages(reply.text, reply.highlights), room - size(sources), mark=mark)
    return answer, sources, all_cited and all_said


def _sources(reply: Reply, words: Messages, room: int) -> tuple[str, bool]:
    """First all references, then the excerpts that there is room for below them; whether that is all of them."""
    if not reply.citations:
        return "", True
    label = bold(sources_label(reply, words))
    room -= size(label)
    lines, complete = within(
        (
            _reference(short_reference(number, citation, words), citation.url)
            for number, citation in enumerate(reply.citations, 1)
        ),
        room,
    )
    room -= sum(size(line) + 1 for line in lines)
    cited = [label]
    for line, excerpt in zip(lines, excerpts(reply), strict=False):
        cited.append(line)
        if excerpt:
            quoted, fits = within([QUOTE + escape(excerpt)], room)
            room -= sum(size(text) + 1 for text in quoted)
            cited += quoted
            complete = complete and fits
    return "\n".join(cited) if lines else "", complete


def _reference(pieces: Sequence[Piece], url: str | None) -> str:
    text = {piece.role: piece.text for piece in pieces}
    return numbered(text[Role.LABEL].strip(), text.get(Role.TITLE, ""), text.get(Role.DETAIL, ""), url)


def _sentence(header: Header) -> str:
    before, after = header.around()
    return escape(before) + mention(header.user) + escape(after)


def _header(header: Header, role: str | None, room: int) -> str:
    called = f"{role_mention(role)} " if role else ""
    lines = [called + _sentence(header), escape(header.note)]
    lines.append(quotation(passages(header.quoted), room)[0])
    return "\n".join(line for line in lines if line)
