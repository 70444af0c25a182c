"""What Slack documents about messages, for tests: is a payload valid, whom does it call, where does it lead."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

MESSAGE = 13_200
"""Characters of a whole message; observed, not documented."""
_TEXTS = {
    "section": 3000, "header": 150, "markdown": 12_000, "button": 75, "text": 3000, "link": 3000, "mrkdwn": 3000,
    "plain_text": 3000,
}  # fmt: skip
_RICH = {"rich_text_section", "rich_text_quote", "rich_text_preformatted", "rich_text_list"}
_INLINE = {"text", "link", "user", "usergroup", "channel", "broadcast", "emoji", "date", "color", "team"}
_CALLS = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range", "channel": "channel_id"}
_MENTION = re.compile(r"<([@#!][^<>\s|]+)[^<>]*>")
_LINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]*:[^<>|]+)(?:\|[^<>]*)?>")


def faults(text: str, blocks: list[Json]) -> list[str]:
    """What Slack would refuse about a message, or cut off; empty: nothing."""
    found = []
    if not text.strip() or len(text) > 3000 or len(text.encode()) > 4000:
        found.append(f"text of {len(text)} characters, {len(text.encode())} bytes")
    if not 1 <= len(blocks) <= 50:
        found.append(f"{len(blocks)} blocks")
    if (
        sum(len(item.get(key, "")) for item in _typed(blocks) for key in ("text", "url") if _is_text(item, key))
        > MESSAGE
    ):
        found.append("message too long")
    return found + [fault for block in blocks for fault in _block_faults(block)]


def view_faults(view: Json) -> list[str]:
    """What Slack would refuse about a modal."""
    found = [
        f"{name}: {view[name]['text']}"
        for name in ("title", "submit", "close")
        if view[name]["type"] != "plain_text" or not 1 <= len(view[name]["text"]) <= 24
    ]
    if len(view["private_metadata"]) > 3000 or len(view["callback_id"]) > 255:
        found.append("private_metadata or callback_id")
    for block in view["blocks"]:
        for option in block["element"].get("options", []):
            if not 1 <= len(option["text"]["text"]) <= 75 or not 1 <= len(option["value"]) <= 150:
                found.append(f"option {option}")
    return found + [fault for block in view["blocks"] for fault in _block_faults(block)]


def mentions(text: str, blocks: list[Json]) -> set[str]:
    """Whom a message calls, by what it would take to: ``@U1``, ``!here``, ``!subteam^S1``, ``#C1``.

    Mrkdwn counts as it stands and as it would after its entities were decoded, however often.
    """
    found = {
        match[1] for mrkdwn in _mrkdwn(text, blocks) for layer in _layers(mrkdwn) for match in _MENTION.finditer(layer)
    }
    signs = {"user": "@", "usergroup": "!subteam^", "broadcast": "!", "channel": "#"}
    return found | {
        signs[item["type"]] + item[_CALLS[item["type"]]] for item in _typed(blocks) if item["type"] in _CALLS
    }


def links(text: str, blocks: list[Json]) -> set[str]:
    """Where a message leads; mrkdwn as in ``mentions``."""
    found = {
        html.unescape(match[1])
        for mrkdwn in _mrkdwn(text, blocks)
        for layer in _layers(mrkdwn)
        for match in _LINK.finditer(layer)
    }
    return found | {item["url"] for item in _typed(blocks) if "url" in item}


def shown(blocks: list[Json]) -> str:
    """What a reader sees of the rich text, a line for each element that begins one."""
    lines = []
    for block in blocks:
        for line in block["elements"] if block["type"] == "rich_text" else []:
            lines.append("".join(item.get("text", "") for item in line["elements"]))
    return "\n".join(lines)


def bold(blocks: list[Json]) -> str:
    """The emphasised text."""
    return "".join(item["text"] for item in _typed(blocks) if item.get("style", {}) == {"bold": True})


def _layers(mrkdwn: str) -> Iterator[str]:
    while True:
        yield mrkdwn
        decoded = html.unescape(mrkdwn)
        if decoded == mrkdwn:
            return
        mrkdwn = decoded


def _mrkdwn(text: str, blocks: list[Json]) -> list[str]:
    return [text, *(item["text"] for item in _typed(blocks) if item["type"] in ("mrkdwn", "markdown"))]


def _typed(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if "type" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _typed(item)


def _is_text(item: Json, key: str) -> bool:
    return isinstance(item.get(key), str)


def _block_faults(block: Json) -> Iterator[str]:
    kind = block["type"]
    if kind not in ("rich_text", "actions", "divider", "section", "input", "context", "header"):
        yield f"unknown block {kind}"
    if kind == "rich_text":
        if not block["elements"]:
            yield "empty rich_text"
        for line in block["elements"]:
            if line["type"] not in _RICH or not line["elements"]:
                yield f"{line['type']} of {len(line['elements'])} elements"
            yield from (f"{item['type']} in rich text" for item in line["elements"] if item["type"] not in _INLINE)
    if kind == "actions" and not 1 <= len(block["elements"]) <= 25:
        yield "too many buttons"
    identities = [item["action_id"] for item in _typed(block) if "action_id" in item]
    if len(identities) != len(set(identities)) or any(len(identity) > 255 for identity in identities):
        yield "action_id"
    for item in _typed(block):
        label = item.get("text")
        words = label["text"] if isinstance(label, dict) else label
        if isinstance(words, str) and not 1 <= len(words) <= _TEXTS.get(item["type"], 3000):
            yield f"{item['type']} with a text of {len(words)} characters"
        if len(item.get("value", "")) > 2000 or len(item.get("url", "")) > 3000:
            yield f"value or url of {item['type']}"
        if confirm := item.get("confirm"):
            sizes = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
            yield from (
                f"confirm {name}" for name, most in sizes.items() if not 1 <= len(confirm[name]["text"]) <= most
            )
