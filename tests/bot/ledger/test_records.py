from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.claims import Asked, Trigger
from bot.ledger.records import clean, clean_asked, reply_from_json, reply_to_json
from bot.types import Citation, Outcome, Reply

_text = st.text(st.characters(exclude_categories=("Cs",)))
_any_text = st.text()
_number = st.floats(allow_nan=False)
_offset = st.integers(0, 10**9)
_citation = st.builds(
    Citation,
    source=_text,
    title=_text,
    heading=st.lists(_text, max_size=3).map(tuple),
    page=st.none() | _offset,
    line=_offset,
    start=_offset,
    end=_offset,
    excerpt=_text,
    score=_number,
    url=st.none() | _text,
)
_reply = st.builds(
    Reply,
    outcome=st.sampled_from(Outcome),
    text=_text,
    short_answer=st.none() | _text,
    language=st.sampled_from(["en", "it"]),
    citations=st.lists(_citation, max_size=3).map(tuple),
    support=_number,
    highlights=st.lists(st.tuples(_offset, _offset), max_size=3).map(tuple),
    seconds=_number,
)


@given(_reply)
def test_replies_come_back_as_they_were(reply: Reply) -> None:
    assert reply_from_json(reply_to_json(reply)) == reply


@given(_reply, _any_text)
def test_what_is_stored_of_a_reply_is_text_to_postgres(reply: Reply, text: str) -> None:
    stored = reply_to_json(replace(reply, text=text))
    assert "\0" not in stored
    stored.encode()
    back = reply_from_json(stored).text
    # As long as it was: the offsets of the highlights stay true.
    assert len(back) == len(text)
    assert all(b in (a, "\ufffd") for a, b in zip(text, back, strict=True))


def test_what_an_older_or_newer_version_has_stored_can_be_read(reply: Reply) -> None:
    assert reply_from_json(reply_to_json(reply).replace('"seconds":', '"future":1,"seconds":')) == reply
    bare = '{"outcome":"not_found","text":"x","short_answer":null,"language":"it","citations":[],"support":0.5}'
    assert reply_from_json(bare) == Reply(Outcome.NOT_FOUND, "x", None, "it", (), 0.5)


@given(_any_text)
def test_clean_text_is_text_to_postgres(text: str) -> None:
    cleaned = clean(text)
    assert "\0" not in cleaned
    cleaned.encode()
    assert clean(cleaned) == cleaned


def test_everything_a_question_holds_is_cleaned() -> None:
    names = ("key", "platform", "team", "channel", "message", "thread", "user", "text", "locale", "version", "origin")
    dirty: dict[str, Any] = dict.fromkeys((*names, "address"), "a\0b\ud800")
    cleaned = clean_asked(Asked(**dirty, trigger=Trigger.DIRECT, asked_at=1.0))
    assert {getattr(cleaned, name) for name in (*names, "address")} == {"ab\ufffd"}
    assert (cleaned.trigger, cleaned.asked_at) == (Trigger.DIRECT, 1.0)
