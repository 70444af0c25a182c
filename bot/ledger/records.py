"""Rows as the values that the bot passes around, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from bot.claims import Asked, Claim, Ending, Feedback, Reason, State, Trigger, Turn, Verdict
from bot.types import Citation, Outcome, Reply

_SURROGATE = re.compile("[\ud800-\udfff]")
_TEXTS = ("key", "platform", "team", "channel", "message", "thread", "user", "text", "version", "origin", "address")


def clean(text: str) -> str:
    """Text that both databases take: without NUL, lone surrogates replaced by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text.replace("\0", ""))


def clean_asked(asked: Asked) -> Asked:
    texts: dict[str, Any] = {name: clean(getattr(asked, name)) for name in _TEXTS}
    return replace(asked, **texts, locale=None if asked.locale is None else clean(asked.locale))


def claim_values(asked: Asked) -> dict[str, Any]:
    """The columns of a claim that a question fills."""
    values = {name: getattr(asked, name) for name in _TEXTS if name != "user"}
    return {
        **values,
        "user_id": asked.user,
        "trigger": asked.trigger.value,
        "asked_at": asked.asked_at,
        "locale": asked.locale,
        "seen": asked.version,
    }


def to_asked(row: Mapping[Any, Any]) -> Asked:
    values = {name: row[name] for name in _TEXTS if name != "user"}
    return Asked(
        **values, user=row["user_id"], trigger=Trigger(row["trigger"]), asked_at=row["asked_at"], locale=row["locale"]
    )


def to_claim(row: Mapping[Any, Any], *, recovered: bool) -> Claim:
    return Claim(to_asked(row), State(row["state"]), row["reply"] or "", row["streaming"], recovered)


def to_turn(row: Mapping[Any, Any]) -> Turn:
    """From a row of claims and one of turns, whose columns are prefixed with ``turn_``."""
    asked = replace(to_asked(row), text=row["turn_text"], version=row["turn_version"], address="")
    return Turn(asked, Ending(row["turn_ending"]), reply_from_json(row["turn_reply"]), row["reply"] or "")


def to_feedback(row: Mapping[Any, Any]) -> Feedback:
    reason = None if row["reason"] is None else Reason(row["reason"])
    return Feedback(row["key"], row["user_id"], Verdict(row["verdict"]), reason, row["comment"])


def reply_to_json(reply: Reply) -> str:
    """JSON that PostgreSQL takes as text: NUL is escaped, a lone surrogate becomes U+FFFD; offsets stay true."""
    return _SURROGATE.sub("\ufffd", json.dumps(asdict(reply), ensure_ascii=False, separators=(",", ":")))


def reply_from_json(text: str) -> Reply:
    """The inverse of ``reply_to_json``. Fields that this version does not know are passed over."""
    values = _known(Reply, json.loads(text))
    values["outcome"] = Outcome(values["outcome"])
    values["citations"] = tuple(_citation(item) for item in values["citations"])
    values["highlights"] = tuple((start, end) for start, end in values.get("highlights", ()))
    return Reply(**values)


def _citation(values: Mapping[str, Any]) -> Citation:
    known = _known(Citation, values)
    return Citation(**{**known, "heading": tuple(known["heading"])})


def _known(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in fields(kind) if field.name in values}
