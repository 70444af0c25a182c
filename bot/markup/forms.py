"""The form that asks why an answer did not help, as a Slack modal, and what comes back from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.claims import Reason
from bot.markup.blocks import Block, plain_text
from bot.markup.frames import MAX_COMMENT, reason_label
from bot.messages import Messages

WHY = "fonte_why"
"""The form's ``callback_id``; its ``private_metadata`` is the key of the turn."""
REASON = "fonte_reason"
"""Block and action of the choice."""
COMMENT = "fonte_comment"


def why_modal(key: str, words: Messages) -> Block:
    """The view for views.open."""
    choice = {
        "type": "radio_buttons",
        "action_id": REASON,
        "options": [{"text": plain_text(reason_label(reason, words)), "value": reason.value} for reason in Reason],
    }
    comment = {"type": "plain_text_input", "action_id": COMMENT, "multiline": True, "max_length": MAX_COMMENT}
    return {
        "type": "modal",
        "callback_id": WHY,
        "private_metadata": key,
        "title": plain_text(words.why_title),
        "submit": plain_text(words.send),
        "close": plain_text(words.cancel),
        "blocks": [
            {"type": "input", "block_id": REASON, "label": plain_text(words.why_reason), "element": choice},
            {
                "type": "input",
                "block_id": COMMENT,
                "label": plain_text(words.why_comment),
                "element": comment,
                "optional": True,
            },
        ],
    }


def read_why(view: Mapping[str, Any]) -> tuple[str, Reason, str]:
    """Key, reason and comment of a form that was sent; untrusted. Slack sends none without a reason."""
    values = view["state"]["values"]
    reason = Reason(values[REASON][REASON]["selected_option"]["value"])
    comment = (values.get(COMMENT) or {}).get(COMMENT, {}).get("value") or ""
    return str(view["private_metadata"]), reason, comment[:MAX_COMMENT]
