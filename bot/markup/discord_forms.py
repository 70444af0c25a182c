"""The form that asks why an answer did not help, as a Discord modal, and what comes back from it. Pure.

https://docs.discord.com/developers/components/reference, Label, Radio Group and Text Input.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.claims import Reason
from bot.markup.components import MAX_CUSTOM_ID
from bot.markup.frames import MAX_COMMENT, reason_label
from bot.messages import Messages

WHY = "fonte_why"
"""The form's ``custom_id`` is this, a colon and the key of the turn."""
REASON = "fonte_reason"
COMMENT = "fonte_comment"

_TEXT_INPUT, _LABEL, _RADIO_GROUP = 4, 18, 21
_PARAGRAPH = 2


def why_modal(key: str, words: Messages) -> dict[str, Any]:
    """The data of an interaction response of type 9; ValueError where the key is too long."""
    name = f"{WHY}:{key}"
    if not key or len(name) > MAX_CUSTOM_ID:
        raise ValueError(f"The form takes no key of {len(key)} characters.")
    choice = {
        "type": _RADIO_GROUP,
        "custom_id": REASON,
        "options": [{"label": reason_label(reason, words), "value": reason.value} for reason in Reason],
        "required": True,
    }
    comment = {
        "type": _TEXT_INPUT,
        "custom_id": COMMENT,
        "style": _PARAGRAPH,
        "max_length": MAX_COMMENT,
        "required": False,
    }
    return {
        "custom_id": name,
        "title": words.why_title,
        "components": [
            {"type": _LABEL, "label": words.why_reason, "component": choice},
            {"type": _LABEL, "label": words.why_comment, "component": comment},
        ],
    }


def read_why(data: Mapping[str, Any]) -> tuple[str, Reason, str]:
    """Key, reason and comment of a form that was sent; untrusted. ValueError where it is not this form."""
    name, _, key = _text(data.get("custom_id")).partition(":")
    if name != WHY or not key:
        raise ValueError("Not the form that asks why.")
    given = _given(data.get("components"))
    return key, Reason(given.get(REASON, "")), given.get(COMMENT, "")[:MAX_COMMENT]


def _given(labels: object) -> dict[str, str]:
    """What was chosen or typed, by the components' names."""
    found = {}
    for label in labels if isinstance(labels, list | tuple) else ():
        component = label.get("component") if isinstance(label, Mapping) else None
        if isinstance(component, Mapping):
            values = component.get("values")
            value = values[0] if isinstance(values, list | tuple) and values else component.get("value")
            found[_text(component.get("custom_id"))] = _text(value)
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
