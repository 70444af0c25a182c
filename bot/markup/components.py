"""The components of a Discord message that the bot uses, and what is read back from them. Pure.

https://docs.discord.com/developers/components/reference
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.markup.frames import Button, labels
from bot.messages import Messages

Component = dict[str, Any]
Mark = tuple[int, int]
"""Two different numbers in [1, MAX_MARK] by which a message is recognised: ids of its container and first text."""

MAX_MARK = 2**31 - 1
MAX_CUSTOM_ID = 100
"""Characters."""
MAX_KEY = MAX_CUSTOM_ID - max(len(button.value) for button in Button) - 1
"""Characters of a claim's key that every button can carry."""

_ROW, _BUTTON, _TEXT, _FILE, _SEPARATOR, _CONTAINER = 1, 2, 10, 13, 14, 17
_SECONDARY = 2
_BUTTONS_IN_ROW = 5

BUTTON_ID = re.compile(
    rf"(?P<action>{'|'.join(re.escape(button.value) for button in Button)}):(?P<key>.{{1,{MAX_CUSTOM_ID}}})", re.DOTALL
)
"""A button's ``custom_id`` as a whole."""


def custom_id(button: Button, key: str) -> str:
    """What a button says when it is pressed; ValueError where the key is empty or too long for it."""
    name = f"{button.value}:{key}"
    if not key or len(name) > MAX_CUSTOM_ID:
        raise ValueError(f"A button's key has 1 to {MAX_KEY} characters, not {len(key)}.")
    return name


def message_link(guild: str, channel: str, message: str) -> str:
    """The address of a message; the guild of a direct message is empty."""
    return f"https://discord.com/channels/{guild or '@me'}/{channel}/{message}"


def text_display(content: str) -> Component:
    """Markdown; all of a message's share 4,000 characters."""
    return {"type": _TEXT, "content": content}


def separator() -> Component:
    return {"type": _SEPARATOR, "divider": True, "spacing": 1}


def file(name: str) -> Component:
    """Shows the attachment of that name: letters, digits, dots, hyphens and underscores, as Discord renames others."""
    return {"type": _FILE, "file": {"url": f"attachment://{name}"}}


def button_rows(buttons: Sequence[Button], key: str, words: Messages) -> list[Component]:
    """The buttons in rows of five at most."""
    said = labels(words)
    built = [
        {
            "type": _BUTTON,
            # None in red: whoever reads the message sees the same buttons.
            "style": _SECONDARY,
            "label": said[button],
            "custom_id": custom_id(button, key),
        }
        for button in buttons
    ]
    return [
        {"type": _ROW, "components": built[start : start + _BUTTONS_IN_ROW]}
        for start in range(0, len(built), _BUTTONS_IN_ROW)
    ]


def container(parts: Sequence[Component], colour: int, mark: Mark | None) -> Component:
    """The frame around a message, with its mark; ValueError where the mark is none."""
    if mark is None:
        return {"type": _CONTAINER, "accent_color": colour, "components": list(parts)}
    if mark[0] == mark[1] or not all(1 <= number <= MAX_MARK for number in mark):
        raise ValueError(f"A mark is two different numbers from 1 to {MAX_MARK}, not {mark}.")
    first = next(number for number, part in enumerate(parts) if part["type"] == _TEXT)
    marked = [part | {"id": mark[1]} if number == first else part for number, part in enumerate(parts)]
    return {"type": _CONTAINER, "id": mark[0], "accent_color": colour, "components": marked}


def read_mark(components: Sequence[Mapping[str, Any]]) -> Mark | None:
    """The numbers where a mark stands, of a message as the API returns it; untrusted.

    Discord numbers what came without an id itself, so that most messages have some: compare.
    """
    outer = _first(components, _CONTAINER)
    inner = _first(outer.get("components"), _TEXT) if outer else None
    mark = (_number(outer), _number(inner))
    return (mark[0], mark[1]) if mark[0] and mark[1] else None


def _first(components: object, kind: int) -> Mapping[str, Any] | None:
    found = components if isinstance(components, list | tuple) else ()
    return next((part for part in found if isinstance(part, Mapping) and part.get("type") == kind), None)


def _number(component: Mapping[str, Any] | None) -> int:
    number = component.get("id") if component else None
    return number if type(number) is int and 1 <= number <= MAX_MARK else 0
