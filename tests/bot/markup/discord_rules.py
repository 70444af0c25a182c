"""What Discord documents about messages, for tests: is a payload valid, whom does it call, where does it lead.

https://docs.discord.com/developers/components/reference. A content is the components of a message, or the Markdown of
its ``content`` field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.bot.markup.discord_markdown import Reading, called_in_source, read

Json = dict[str, Any]
Content = str | Sequence[Json]

ROW, BUTTON, SELECT, INPUT, TEXT, FILE, SEPARATOR, CONTAINER, LABEL, RADIO = 1, 2, 3, 4, 10, 13, 14, 17, 18, 21
TEXTS = 4_000
"""Characters of all text displays together."""
BYTES = 10_170
"""Of all text displays, each counted with twelve more: what Discord has been seen to take."""
CONTENT = 2_000
COMPONENTS = 40
_TOP = {ROW, TEXT, FILE, SEPARATOR, CONTAINER}
_WITHIN = {CONTAINER: _TOP - {CONTAINER}, ROW: {BUTTON}}
_INVISIBLE = "\u2060"
_INVITATION = re.compile(r"(?i)discord(?:\.gg|\.new|(?:app)?\.com/(?:invite|template|events))/[\w-]+")


def shown(content: Content) -> str:
    """What a person reads, without formatting; buttons and files aside."""
    return "\n".join(reading.shown for reading in _readings(content)).replace(_INVISIBLE, "")


def mentions(content: Content) -> set[str]:
    """Whom a message calls, by what it would take to: ``@1``, ``&1`` (a role), ``#1`` (a channel), ``everyone``.

    What the client shows as mentions, and what is one in the source, escaped or in code.
    """
    found: set[str] = set()
    for markdown, reading in zip(_texts(content), _readings(content), strict=True):
        found |= reading.mentions | called_in_source(markdown)
    return found


def links(content: Content) -> set[str]:
    """Where a message leads: what can be clicked, and invitations, which unfold unclicked."""
    found: set[str] = set()
    for markdown, reading in zip(_texts(content), _readings(content), strict=True):
        found |= reading.links | {match[0] for match in _INVITATION.finditer(markdown)}
    return found


def bold(content: Content) -> str:
    """The emphasised text."""
    return "".join(text for reading in _readings(content) for kind, text in reading.forms if kind == "bold")


def kinds(content: Content) -> set[str]:
    """The formatting that occurs."""
    return {kind for reading in _readings(content) for kind in reading.kinds}


def faults(components: Sequence[Json]) -> list[str]:
    """What Discord would refuse about a message's components; empty: nothing."""
    parts = list(_walk(components))
    texts = _texts(components)
    found = [] if 1 <= len(parts) <= COMPONENTS else [f"{len(parts)} components"]
    if sum(_units(text) for text in texts) > TEXTS:
        found.append(f"{sum(map(_units, texts))} characters of text")
    if sum(len(text.encode()) + 12 for text in texts) > BYTES - 12 * len(parts) - 100 * len(_of(parts, BUTTON)):
        found.append("too many bytes of text")
    for name in ("id", "custom_id"):
        values = [part[name] for part in parts if name in part]
        if len(values) != len(set(values)):
            found.append(f"{name} twice")
    found += [f"{part['type']} at the top" for part in components if part["type"] not in _TOP]
    return found + [fault for part in parts for fault in _part_faults(part)]


def text_faults(text: str) -> list[str]:
    """What Discord would refuse about a message's ``content``."""
    return [] if text.strip() and _units(text) <= CONTENT else [f"content of {_units(text)} characters"]


def modal_faults(data: Json) -> list[str]:
    """What Discord would refuse about a modal."""
    found = [] if 1 <= len(data["title"]) <= 45 else [f"title {data['title']}"]
    if not 1 <= len(data["custom_id"]) <= 100 or not 1 <= len(data["components"]) <= 5:
        found.append("custom_id or components")
    for label in data["components"]:
        if label["type"] != LABEL or not 1 <= len(label["label"]) <= 45:
            found.append(f"label {label['label']}")
        inner = label["component"]
        if not 1 <= len(inner["custom_id"]) <= 100:
            found.append(f"custom_id {inner['custom_id']}")
        options = inner.get("options", [])
        if inner["type"] in (SELECT, RADIO) and not 2 <= len(options) <= 10:
            found.append(f"{len(options)} options")
        found += [
            f"option {option}"
            for option in options
            if not 1 <= len(option["label"]) <= 100 or not 1 <= len(option["value"]) <= 100
        ]
        if inner["type"] == INPUT and (inner["style"] not in (1, 2) or not 1 <= inner["max_length"] <= 4000):
            found.append("text input")
        if inner["type"] not in (SELECT, INPUT, RADIO):
            found.append(f"{inner['type']} in a label")
    return found


def _part_faults(part: Json) -> Iterator[str]:
    kind = part["type"]
    if kind in _WITHIN:
        yield from (f"{child['type']} in {kind}" for child in part["components"] if child["type"] not in _WITHIN[kind])
        if not part["components"] or (kind == ROW and len(part["components"]) > 5):
            yield f"{len(part['components'])} in {kind}"
    if "id" in part and not 1 <= part["id"] < 2**31:
        yield f"id {part['id']}"
    if kind == TEXT and not part["content"].strip():
        yield "empty text"
    if kind == FILE and not re.fullmatch(r"attachment://[\w.-]+", part["file"]["url"]):
        yield f"file {part['file']}"
    if kind == CONTAINER and not 0 <= part["accent_color"] <= 0xFFFFFF:
        yield "accent_color"
    if kind == BUTTON and (not 1 <= len(part["label"]) <= 80 or not 1 <= len(part["custom_id"]) <= 100):
        yield f"button {part['label']}"
    if kind == BUTTON and part["style"] not in (1, 2, 3, 4):
        yield f"style {part['style']}"


def _readings(content: Content) -> list[Reading]:
    return [read(text) for text in _texts(content)]


def _texts(content: Content) -> list[str]:
    return [content] if isinstance(content, str) else [part["content"] for part in _of(_walk(content), TEXT)]


def _of(parts: Sequence[Json] | Iterator[Json], kind: int) -> list[Json]:
    return [part for part in parts if part["type"] == kind]


def _walk(components: Sequence[Json]) -> Iterator[Json]:
    for component in components:
        yield component
        yield from _walk(component.get("components", []))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
