"""What the bot says, as Slack messages. Pure.

A message says in ``blocks`` what a terminal says in lines, and again in ``text``, which notifications, screen readers
and old clients show. Nothing that comes from documents or people stands where Slack looks for mentions and links; see
bot.markup.blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.markup.blocks import (
    ELEMENT_COST,
    Block,
    escape,
    escape_within,
    group_mention,
    link,
    mention,
    plain_text,
    quotation,
    rich_text,
    section,
    size,
    texts,
    weigh,
)
from bot.markup.forms import WHY, read_why, why_modal
from bot.markup.frames import (
    BRIEF,
    Button,
    Header,
    has_buttons,
    headers,
    is_link,
    labels,
    replied,
    short_reference,
    whole,
)
from bot.markup.lines import Role, excerpts, layout, plain, shorten, sources_label
from bot.markup.quote import passages
from bot.messages import Messages
from bot.surface import Body, Escalated, Forwarded, Notice
from bot.types import Citation, Outcome, Reply

__all__ = ["WHY", "Button", "SlackMessage", "read_why", "render", "why_modal"]

MESSAGE_BUDGET = 12_000
"""What the blocks of a message may weigh: Slack takes about 13,200, by a count it does not publish."""
TEXT_BUDGET = 3_000
"""Bytes of the fallback text; chat.update takes 4,000."""
QUOTE_BUDGET = 1_500
"""What a question or comment above an answer may weigh."""


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """Arguments of chat.postMessage and its kin."""

    text: str
    """Fallback: escaped mrkdwn of at most TEXT_BUDGET bytes, never empty."""
    blocks: list[Block]
    """At least one."""
    overflow: str | None = None
    """Plain text of the whole answer for a file, where the message holds its beginning only."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """What stands around an answer, in blocks and as fallback."""

    above: tuple[Block, ...] = ()
    above_text: str = ""
    below: tuple[Block, ...] = ()
    below_text: str = ""


def render(
    body: Body,
    words: Messages,
    *,
    key: str = "",
    buttons: Sequence[Button] = (),
    group: str | None = None,
    permalink: str | None = None,
    file: bool = True,
    brief: bool = False,
) -> SlackMessage:
    """The message for a body.

    ``buttons`` stand under answers (Reply, Shared) and carry ``key``. ``group`` is called to an Escalated question: the
    id of a user group or person, ``here``, ``channel`` or ``everyone``; other words are shown and call nobody.
    ``permalink`` leads from an Escalated or Forwarded body to the answer. ``file``: whether a file can go along.
    ``brief``: an Escalated question stands below its answer, and does not repeat it.
    """
    if isinstance(body, Notice):
        return _notice(body.text)
    frame = _frame(headers(body, words), group if isinstance(body, Escalated) else None)
    if brief and isinstance(body, Escalated):
        return SlackMessage(frame.above_text, list(frame.above[:1]))
    if isinstance(body, Escalated | Forwarded):
        frame = _linked(frame, permalink, words)
    actions = _actions(buttons if has_buttons(body) else (), key, words)
    return _message(frame, replied(body), words, actions, file=file)


def _notice(text: str) -> SlackMessage:
    said = passages(text)
    blocks, _ = quotation(said, MESSAGE_BUDGET, kind="rich_text_section")
    return SlackMessage(
        escape_within("\n".join(passage.text for passage in said), TEXT_BUDGET) or "…",
        [rich_text(blocks or [section(texts("…"))])],
    )


def _message(frame: _Frame, reply: Reply, words: Messages, actions: list[Block], *, file: bool) -> SlackMessage:
    note = [rich_text([section(texts(words.whole_answer))])] if file else []
    around = [*frame.above, *note, *frame.below, *actions]
    room = MESSAGE_BUDGET - weigh(around) - 2 * ELEMENT_COST
    sources, all_cited = _sources(reply, words, room // 2)
    said = passages(reply.text, reply.highlights)
    kind = "rich_text_quote" if reply.outcome is Outcome.ANSWERED else "rich_text_section"
    answer, all_said = quotation(said, room - weigh(sources), kind=kind)
    complete = all_cited and all_said
    blocks = [
        *frame.above,
        *([rich_text(answer)] if answer else []),
        *([] if complete else note),
        *([rich_text(sources)] if sources else []),
        *frame.below,
        *actions,
    ]
    return SlackMessage(
        _fallback(frame, plain(layout(reply, words))),
        blocks or [rich_text([section(texts("…"))])],
        None if complete or not file else whole(reply, words),
    )


def _fallback(frame: _Frame, answer: str) -> str:
    room = TEXT_BUDGET - size(frame.above_text) - size(frame.below_text) - 2
    parts = (frame.above_text, escape_within(answer, room), frame.below_text)
    return "\n".join(part for part in parts if part) or "…"


# ---------------------------------------------------------------- parts of a message


def _sources(reply: Reply, words: Messages, room: int) -> tuple[list[Block], bool]:
    """Citations that weigh at most ``room``, first all references, then the excerpts; whether that is all of them."""
    if not reply.citations:
        return [], True
    label = section(texts(sources_label(reply, words), bold=True))
    room -= weigh(label)
    cited: list[list[Block]] = []
    for number, citation in enumerate(reply.citations, 1):
        place = _reference(number, citation, words)
        room -= weigh(place)
        if room < 0:
            break
        cited.append([place])
    complete = len(cited) == len(reply.citations)
    for elements, excerpt in zip(cited, excerpts(reply), strict=False):
        if excerpt:
            quoted = {"type": "rich_text_quote", "elements": texts(excerpt)}
            if weigh(quoted) <= room:
                room -= weigh(quoted)
                elements.append(quoted)
            else:
                complete = False
    return [label, *(element for elements in cited for element in elements)], complete


def _reference(number: int, citation: Citation, words: Messages) -> Block:
    elements: list[Block] = []
    for piece in short_reference(number, citation, words):
        if piece.role is Role.TITLE and citation.url is not None and is_link(citation.url):
            elements.append(link(citation.url, piece.text))
        else:
            elements += texts(piece.text)
    return section(elements)


def _said(header: Header) -> tuple[list[Block], str]:
    """A sentence of the bot about a person."""
    before, after = header.around()
    elements, mrkdwn = mention(header.user)
    return [*texts(before), *elements, *texts(after)], escape(before) + mrkdwn + escape(after)


def _frame(above: Sequence[Header], group: str | None) -> _Frame:
    blocks: list[Block] = []
    lines: list[str] = []
    for header in above:
        elements, text = _said(header)
        if group:
            called, called_text = group_mention(group)
            elements, text = [*called, *texts(" "), *elements], f"{called_text} {text}"
        lines.append(text)
        parts = [section(elements)]
        if header.note:
            parts.append(section(texts(header.note)))
            lines.append(escape(header.note))
        if header.quoted.strip():
            parts += quotation(passages(header.quoted), QUOTE_BUDGET)[0]
            lines.append(escape(shorten(header.quoted, BRIEF)))
        blocks.append(rich_text(parts))
    return _Frame((*blocks, {"type": "divider"}), "\n".join(lines)) if blocks else _Frame()


def _linked(frame: _Frame, permalink: str | None, words: Messages) -> _Frame:
    if permalink is None or not is_link(permalink):
        return frame
    below = (rich_text([section([link(permalink, words.to_answer)])]),)
    # Brackets and bars would end the link early.
    fits = len(permalink) <= BRIEF * 3 and not set(permalink) & set("<>|")
    text = f"<{permalink.replace('&', '&amp;')}|{escape(words.to_answer)}>" if fits else ""
    return _Frame(frame.above, frame.above_text, below, text)


def _actions(buttons: Sequence[Button], key: str, words: Messages) -> list[Block]:
    said = labels(words)
    # No style: whoever reads the message sees the same buttons.
    elements: list[Block] = [
        {"type": "button", "action_id": button.value, "text": plain_text(said[button]), "value": key}
        for button in buttons
    ]
    for element in elements:
        if element["action_id"] == Button.DELETE.value:
            element["confirm"] = {
                "title": plain_text(words.delete),
                "text": plain_text(words.delete_question),
                "confirm": plain_text(words.delete),
                "deny": plain_text(words.cancel),
                "style": "danger",
            }
    return [{"type": "actions", "elements": elements}] if elements else []
