"""What the bot says, as Discord messages. Pure.

A message is a container of components (message flag ``1 << 15``) that says what a terminal says in lines. For a Discord
that refuses it there is ``text``: the same, shorter. Nothing that comes from documents or people stands in either
unescaped; see bot.markup.markdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.claims import Asked
from bot.markup import components as parts_of
from bot.markup.components import (
    BUTTON_ID,
    MAX_KEY,
    Component,
    Mark,
    custom_id,
    message_link,
    read_mark,
)
from bot.markup.discord_forms import WHY, read_why, why_modal
from bot.markup.discord_texts import Texts, compose, numbered, whole_note, within
from bot.markup.frames import Button, has_buttons, is_link, replied, whole
from bot.markup.lines import clean
from bot.markup.markdown import bold, escape, is_id, size
from bot.messages import Messages
from bot.surface import Body, Escalated, Notice, Shared
from bot.types import Outcome, Reply

__all__ = [
    "BUTTON_ID",
    "MAX_KEY",
    "WHY",
    "Button",
    "DiscordMessage",
    "Mark",
    "custom_id",
    "escape",
    "message_link",
    "read_mark",
    "read_why",
    "render",
    "render_sources",
    "why_modal",
]

MESSAGE_BUDGET = 4_000
"""``size`` of all text displays together: github.com/discord/discord-api-docs/pull/8562."""
TEXT_BUDGET = 2_000
"""``size`` of a message's ``content``; Discord takes 2,000 characters."""
FILE = "answer.txt"
ANSWERED, NOT_FOUND, NOTICE = 0x2D7D46, 0xC27C0E, 0x747F8D
"""Colours of the bar beside a message."""


@dataclass(frozen=True, slots=True)
class DiscordMessage:
    """What a message is made of."""

    components: list[Component]
    """At least one."""
    text: str
    """Fallback for ``content``: escaped Markdown of at most TEXT_BUDGET, never empty."""
    overflow: str | None = None
    """Plain text of everything for a file, where the components hold the beginning only; they show the file."""
    roles: tuple[str, ...] = ()
    """Ids of the roles that this message may ping."""


def render(
    body: Body,
    words: Messages,
    *,
    key: str = "",
    mark: Mark | None = None,
    buttons: Sequence[Button] = (),
    role: str | None = None,
    permalink: str | None = None,
    file: str | None = FILE,
    brief: bool = False,
    question: Asked | None = None,
) -> DiscordMessage:
    """The message for a body.

    ``buttons`` stand under answers (Reply, Shared) and carry ``key``. ``mark`` makes the message recognisable: see
    ``read_mark``. ``role`` is called to an Escalated question by its id; other words are shown and call nobody.
    ``permalink`` leads from an Escalated or Forwarded body to the answer. ``file`` is the name of the file that can go
    along, None where none can. ``brief``: an Escalated question stands below its answer, and does not repeat it.
    ``question`` is shown above a Reply or Notice, where nobody else sees what was asked.
    """
    called = role if isinstance(body, Escalated) else None
    leads = None if isinstance(body, Shared) else permalink
    texts, fallback = (
        compose(body, words, budget, role=called, permalink=leads, brief=brief, question=question)
        for budget in (MESSAGE_BUDGET, TEXT_BUDGET)
    )
    overflow = None
    if file is not None and not texts.complete and not isinstance(body, Notice):
        overflow = whole(replied(body), words)
    note = whole_note(words) if overflow is not None else ""
    rows = parts_of.button_rows(buttons, key, words) if has_buttons(body) else []
    parts = _parts(texts, note, file or "", divided=not isinstance(body, Reply | Notice))
    return DiscordMessage(
        [parts_of.container([*parts, *rows], _colour(body), mark)],
        "\n".join(fallback.all(note)),
        overflow,
        (called,) if called and is_id(called) else (),
    )


def render_sources(
    documents: Sequence[tuple[str, str, str | None]], words: Messages, *, file: str | None = FILE
) -> DiscordMessage:
    """The documents in the order given, each a title, source and address; what has no room is in the file."""
    listed = [
        (f"{number}.", clean(title).strip(), clean(f" · {source}").rstrip(), url)
        for number, (title, source, url) in enumerate(documents, 1)
    ]
    label = bold(words.documents)
    room = MESSAGE_BUDGET - size(label) - size("…") - 1
    lines, complete = within((numbered(*entry) for entry in listed), room)
    shown = "\n".join([label, *lines, *([] if complete else ["…"])])
    brief, fits = within(lines, TEXT_BUDGET - size(label) - size("…") - 1)
    text = "\n".join([label, *brief, *([] if complete and fits else ["…"])])
    parts = [parts_of.text_display(shown)]
    overflow = None
    if not complete and file is not None:
        overflow = "\n".join([words.documents, *(_plain(*entry) for entry in listed)]) + "\n"
        parts.append(parts_of.file(file))
    return DiscordMessage([parts_of.container(parts, NOTICE, None)], text, overflow)


def _plain(number: str, title: str, detail: str, url: str | None) -> str:
    return f"{number} {title}{detail}" + (f" · {url}" if is_link(url) else "")


def _parts(texts: Texts, note: str, file: str, *, divided: bool) -> list[Component]:
    """The texts as components; ``divided``: a line sets off what stands above the answer."""
    below = [text for text in (texts.sources, texts.below) if text]
    parts = [parts_of.text_display(text) for text in texts.above]
    if divided and (texts.answer or below):
        parts.append(parts_of.separator())
    if texts.answer:
        parts.append(parts_of.text_display(texts.answer))
    if note:
        parts += [parts_of.text_display(note), parts_of.file(file)]
    return [*parts, *map(parts_of.text_display, below)]


def _colour(body: Body) -> int:
    if isinstance(body, Notice):
        return NOTICE
    return ANSWERED if replied(body).outcome is Outcome.ANSWERED else NOT_FOUND
