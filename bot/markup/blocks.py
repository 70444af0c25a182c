"""The elements of Slack's Block Kit that the bot uses, and text that Slack shows and does not obey. Pure.

Untrusted text goes into ``rich_text`` elements, whose text is literal, and as fallback into a message's ``text``, which
is mrkdwn: https://docs.slack.dev/reference/block-kit and https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from bot.markup.lines import Piece, Role, shorten
from bot.markup.quote import Passage
from bot.markup.split import cut

Block = dict[str, Any]

MAX_TEXT = 3000
"""Characters of one text: documented for sections, kept for every element."""
ELEMENT_COST = 50
"""Characters that a block or element counts as beside its text. Slack takes 13,297 characters in one block and refused
11,341 in 45 blocks (github.com/slackapi/bolt-js/issues/2509 and 2867)."""

_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
_GROUP = re.compile(r"S[A-Z0-9]{1,30}")
_RANGES = frozenset({"here", "channel", "everyone"})
_CONTROL = re.compile(r"(<|&(?:amp;)*+(?:lt|#0*+60|#x0*+3c);?+)(?=[@!#]|[a-z][a-z0-9+.-]*+:)", re.IGNORECASE)
_JOINER = "\u2060"


def escape(text: str) -> str:
    """Cleaned text for a mrkdwn field: no mention and no link in it comes to life.

    Entities do for Slack itself. An invisible word joiner after the bracket (or its entity, as documents spell it) is
    for what reads messages after Slack: exports, bridges and clients that decode entities once more than they should
    and would then find ``<!channel>``.
    """
    inert = _CONTROL.sub(rf"\1{_JOINER}", text)
    return inert.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def size(mrkdwn: str) -> int:
    """Bytes in UTF-8: chat.update has been seen to count its ``text`` so. At least as many as characters."""
    return len(mrkdwn.encode("utf-8", "surrogatepass"))


def escape_within(text: str, limit: int) -> str:
    """The beginning of cleaned text, escaped, in at most ``limit`` bytes; an ellipsis stands for the rest."""
    escaped = escape(text)
    if size(escaped) <= limit:
        return escaped
    at = cut(text, max(limit - size("…"), 0), lambda head: size(escape(head)))
    return escape(text[:at].rstrip()) + "…" if at else ""


def weigh(element: object) -> int:
    """What blocks count as against the limit of a message, in characters."""
    if isinstance(element, dict):
        shown = sum(len(element[key]) for key in ("text", "url") if isinstance(element.get(key), str))
        return shown + sum(map(weigh, element.values())) + (ELEMENT_COST if "type" in element else 0)
    return sum(map(weigh, element)) if isinstance(element, list | tuple) else 0


# ---------------------------------------------------------------- elements


def plain_text(text: str) -> Block:
    """A label; ``emoji`` would turn ``:name:`` into a picture."""
    return {"type": "plain_text", "text": text, "emoji": False}


def texts(text: str, *, bold: bool = False) -> list[Block]:
    """Literal text, in as many elements as its length takes: none where it is empty."""
    elements = []
    while text:
        at = cut(text, MAX_TEXT)
        elements.append({"type": "text", "text": text[:at], **({"style": {"bold": True}} if bold else {})})
        text = text[at:]
    return elements


def link(url: str, text: str) -> Block:
    return {"type": "link", "url": url, "text": text}


def mention(user: str) -> tuple[list[Block], str]:
    """A mention of a person by id, for rich_text and for mrkdwn; what is no id stays inert."""
    if _USER.fullmatch(user):
        return [{"type": "user", "user_id": user}], f"<@{user}>"
    name = shorten("@" + user.removeprefix("@"), 40)
    return texts(name), escape(name)


def group_mention(name: str) -> tuple[list[Block], str]:
    """A mention of a user group by id, or of ``here``, ``channel`` or ``everyone``; anything else stays inert."""
    if _GROUP.fullmatch(name):
        return [{"type": "usergroup", "usergroup_id": name}], f"<!subteam^{name}>"
    if name in _RANGES:
        return [{"type": "broadcast", "range": name}], f"<!{name}>"
    return mention(name)


def section(elements: Sequence[Block]) -> Block:
    """One line of rich text."""
    return {"type": "rich_text_section", "elements": list(elements)}


def rich_text(elements: Sequence[Block]) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def emphasised(pieces: Iterable[Piece]) -> list[Block]:
    """Pieces as text, the words that answer in bold."""
    return [element for piece in pieces for element in texts(piece.text, bold=piece.role is Role.ANSWER)]


def quotation(quoted: Sequence[Passage], room: int, *, kind: str = "rich_text_quote") -> tuple[list[Block], bool]:
    """Passages as rich_text elements that weigh at most ``room``; whether that is all of them.

    Where it is not, the last text ends at a good place to cut, with an ellipsis.
    """
    containers: list[Block] = []
    for passage in quoted:
        room -= ELEMENT_COST
        elements: list[Block] = []
        for piece in passage.pieces:
            # Elements end between words or paragraphs, but are a third full at least.
            cost = len(piece.text) + ELEMENT_COST * (1 + len(piece.text) * 3 // MAX_TEXT)
            if cost > room:
                head = cut(piece.text, max(room - ELEMENT_COST * (1 + room * 3 // MAX_TEXT) - 1, 0))
                elements += emphasised([Piece(piece.text[:head].rstrip() + "…", piece.role)])
                containers.append(_container(passage, elements, kind))
                return containers, False
            room -= cost
            elements += emphasised([piece])
        containers.append(_container(passage, elements, kind))
    return containers, True


def _container(passage: Passage, elements: list[Block], kind: str) -> Block:
    return {"type": "rich_text_preformatted" if passage.code else kind, "elements": elements}
