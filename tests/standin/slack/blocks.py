"""Slack's documented limits on blocks and modals; what is over one is refused as Slack refuses it."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Any

from tests.standin.calls import Json
from tests.standin.slack.model import Refused, texts

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
BLOCKS_TEXT = 13_200
"""Characters in all blocks of one message; measured, Slack documents none."""
MARKDOWN_TEXT = 12_000
_TYPES = {
    "actions", "context", "context_actions", "divider", "file", "header", "image", "input", "markdown", "rich_text",
    "section", "video", "table", "task_card", "plan",
}  # fmt: skip
_RICH = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
_INLINE = {
    "text", "link", "user", "usergroup", "team", "channel", "emoji", "broadcast", "date", "color",
}  # fmt: skip
_USABLE = {
    "button", "checkboxes", "feedback_buttons", "icon_button", "multi_static_select", "overflow", "plain_text_input",
    "radio_buttons", "static_select",
}  # fmt: skip
_ELEMENT_LIMIT = {"actions": 25, "context": 10, "context_actions": 5}


def check_message(text: str, blocks: list[Json], *, text_limit: int = 40_000) -> None:
    """Raise Refused for content that Slack would not take."""
    if not text and not blocks:
        raise Refused("no_text")
    if len(text) > text_limit:
        raise Refused("msg_too_long")
    check_blocks(blocks)


def check_blocks(blocks: Any, *, limit: int = MESSAGE_BLOCKS) -> None:
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refused("invalid_blocks_format")
    if len(blocks) > limit:
        _refuse(f"no more than {limit} items allowed [json-pointer:/blocks]")
    for number, block in enumerate(blocks):
        _check_block(block, f"/blocks/{number}")
    _check_unique(blocks)
    if sum(len(text) for text in texts(blocks)) > BLOCKS_TEXT:
        raise Refused("msg_blocks_too_long")


def check_view(view: Any) -> None:
    """Raise Refused for a modal that Slack would not open."""
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: type"]})
    if view["type"] == "modal":
        _text(view.get("title"), "/view/title", 24, plain=True)
        for name in ("submit", "close"):
            if name in view:
                _text(view[name], f"/view/{name}", 24, plain=True)
    blocks = view.get("blocks")
    check_blocks(blocks, limit=VIEW_BLOCKS)
    if any(block["type"] == "input" for block in view["blocks"]) and view["type"] == "modal" and "submit" not in view:
        _refuse("missing required field: submit [json-pointer:/view]")
    if len(view.get("private_metadata", "")) > 3000:
        _refuse("must be less than 3001 characters [json-pointer:/view/private_metadata]")


def with_ids(blocks: list[Json], prefix: str) -> list[Json]:
    """A copy in which every block has a block_id and every element that can be used an action_id, as Slack sees to."""
    named = deepcopy(blocks)
    for number, block in enumerate(named):
        block.setdefault("block_id", f"{prefix}.{number}")
        elements = [*block.get("elements", []), block.get("accessory"), block.get("element")]
        for place, element in enumerate(elements):
            if isinstance(element, dict) and element.get("type") in _USABLE:
                element.setdefault("action_id", f"{prefix}.{number}.{place}")
    return named


def _refuse(why: str) -> None:
    raise Refused("invalid_blocks", errors=[why], response_metadata={"messages": [f"[ERROR] {why}"]})


def _check_unique(blocks: list[Json]) -> None:
    ids = Counter(block["block_id"] for block in blocks if block.get("block_id"))
    for name, times in ids.items():
        if times > 1:
            _refuse(f"`block_id` {name} already exists")
    if any(len(name) > 255 for name in ids):
        _refuse("must be less than 256 characters [json-pointer:/block_id]")


def _text(node: Any, where: str, limit: int, *, plain: bool = False) -> None:
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if not isinstance(node, dict) or node.get("type") not in kinds or not isinstance(node.get("text"), str):
        _refuse(f"must be a text object [json-pointer:{where}]")
    if not node["text"]:
        _refuse(f"must be more than 0 characters [json-pointer:{where}/text]")
    if len(node["text"]) > limit:
        _refuse(f"must be less than {limit + 1} characters [json-pointer:{where}/text]")


def _check_block(block: Json, where: str) -> None:
    kind = block.get("type")
    if kind not in _TYPES:
        _refuse(f"unsupported type: {kind} [json-pointer:{where}/type]")
    match kind:
        case "section":
            _check_section(block, where)
        case "header":
            _text(block.get("text"), f"{where}/text", 150, plain=True)
        case "markdown":
            if not 0 < len(block.get("text", "")) <= MARKDOWN_TEXT:
                _refuse(f"must be 1 to {MARKDOWN_TEXT} characters [json-pointer:{where}/text]")
        case "rich_text":
            for number, part in enumerate(_list(block, where, None)):
                _check_rich(part, f"{where}/elements/{number}")
        case "input":
            _text(block.get("label"), f"{where}/label", 2000, plain=True)
            _check_element(block.get("element"), f"{where}/element")
        case "actions" | "context" | "context_actions":
            for number, element in enumerate(_list(block, where, _ELEMENT_LIMIT[kind])):
                _check_listed(kind, element, f"{where}/elements/{number}")


def _check_listed(kind: str, element: Json, where: str) -> None:
    if kind == "context" and element.get("type") != "image":
        _text(element, where, 3000)
    elif kind != "context":
        _check_element(element, where)


def _check_section(block: Json, where: str) -> None:
    if "text" not in block and "fields" not in block:
        _refuse(f"missing required field: text [json-pointer:{where}]")
    if "text" in block:
        _text(block["text"], f"{where}/text", 3000)
    fields = block.get("fields", [])
    if len(fields) > 10:
        _refuse(f"no more than 10 items allowed [json-pointer:{where}/fields]")
    for number, field in enumerate(fields):
        _text(field, f"{where}/fields/{number}", 2000)
    if "accessory" in block:
        _check_element(block["accessory"], f"{where}/accessory")


def _list(block: Json, where: str, limit: int | None) -> list[Json]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        _refuse(f"must be a non-empty array [json-pointer:{where}/elements]")
    assert isinstance(elements, list)
    if limit is not None and len(elements) > limit:
        _refuse(f"no more than {limit} items allowed [json-pointer:{where}/elements]")
    return elements


def _check_rich(part: Json, where: str) -> None:
    if part.get("type") not in _RICH:
        _refuse(f"unsupported type: {part.get('type')} [json-pointer:{where}/type]")
    if not isinstance(part.get("elements"), list):
        _refuse(f"missing required field: elements [json-pointer:{where}]")
    for number, element in enumerate(part["elements"]):
        place = f"{where}/elements/{number}"
        if part["type"] == "rich_text_list":
            _check_rich(element, place)
        elif element.get("type") not in _INLINE:
            _refuse(f"unsupported type: {element.get('type')} [json-pointer:{place}/type]")
        elif element["type"] == "text" and not element.get("text"):
            _refuse(f"must be more than 0 characters [json-pointer:{place}/text]")
        elif element["type"] == "link" and not str(element.get("url", "")).startswith(("http", "mailto:")):
            _refuse(f"invalid url [json-pointer:{place}/url]")


def _check_element(element: Any, where: str) -> None:
    if not isinstance(element, dict) or "type" not in element:
        _refuse(f"must be an element [json-pointer:{where}]")
    if len(element.get("action_id", "")) > 255:
        _refuse(f"must be less than 256 characters [json-pointer:{where}/action_id]")
    match element["type"]:
        case "button":
            _text(element.get("text"), f"{where}/text", 75, plain=True)
            if len(element.get("value", "")) > 2000:
                _refuse(f"must be less than 2001 characters [json-pointer:{where}/value]")
            if len(element.get("url", "")) > 3000:
                _refuse(f"must be less than 3001 characters [json-pointer:{where}/url]")
        case "feedback_buttons":
            for name in ("positive_button", "negative_button"):
                _text(element.get(name, {}).get("text"), f"{where}/{name}/text", 75, plain=True)
                if not 0 < len(element[name].get("value", "")) <= 2000:
                    _refuse(f"must be 1 to 2000 characters [json-pointer:{where}/{name}/value]")
        case "icon_button":
            _text(element.get("text"), f"{where}/text", 75, plain=True)
        case "static_select" | "radio_buttons" | "checkboxes" | "overflow" | "multi_static_select":
            _check_options(element, where)


def _check_options(element: Json, where: str) -> None:
    limit = {"radio_buttons": 10, "checkboxes": 10, "overflow": 5}.get(element["type"], 100)
    options = element.get("options", [])
    if not 0 < len(options) <= limit:
        _refuse(f"must be 1 to {limit} items [json-pointer:{where}/options]")
    for number, option in enumerate(options):
        _text(option.get("text"), f"{where}/options/{number}/text", 75)
        if not 0 < len(option.get("value", "")) <= 150:
            _refuse(f"must be 1 to 150 characters [json-pointer:{where}/options/{number}/value]")
