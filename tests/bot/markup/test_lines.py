from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.markup import Line, Piece, Role, clean, dump_json, duration, emphasise, layout, plain, shorten, to_json
from bot.messages import messages_in
from bot.types import Citation, Outcome, Reply

HOSTILE = st.text(
    st.one_of(
        st.characters(), st.sampled_from("\x1b\x07\x00\x9b\r\n\t \u202e\u2066\u200b\u200d\ufeff\u2028\ud800[31m")
    ),
    max_size=60,
)
SPANS = st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=5)
EN, IT = messages_in("en"), messages_in("it")


def citation(**changes: object) -> Citation:
    values: dict[str, object] = {
        "source": "a/b.md",
        "title": "The deal",
        "heading": ("Terms", "Price"),
        "page": None,
        "line": 3,
        "start": 10,
        "end": 18,
        "excerpt": "It costs\n38 billion.",
        "score": 0.5,
    }
    return Citation(**(values | changes))  # type: ignore[arg-type]


def reply(**changes: object) -> Reply:
    values: dict[str, object] = {
        "outcome": Outcome.ANSWERED,
        "text": "It costs\n38 billion.",
        "short_answer": "38 billion",
        "language": "en",
        "citations": (citation(),),
        "support": 0.9,
        "highlights": ((9, 19),),
        "seconds": 0.0042,
    }
    return Reply(**(values | changes))  # type: ignore[arg-type]


def harmless(text: str) -> bool:
    return not {unicodedata.category(character)[0] for character in text} & {"C"} and "\u2028" not in text


@given(HOSTILE)
def test_nothing_that_a_terminal_obeys_comes_out(text: str) -> None:
    cleaned = clean(text)
    assert harmless(cleaned)
    assert "  " not in cleaned
    assert clean(cleaned) == cleaned


@given(HOSTILE, SPANS)
def test_cutting_and_cleaning_give_the_same_text_as_cleaning(text: str, spans: list[tuple[int, int]]) -> None:
    pieces = emphasise(text, spans)
    assert "".join(piece.text for piece in pieces) == clean(text).strip()
    assert all(piece.text for piece in pieces)


@given(st.text("ab \n", max_size=40), SPANS)
def test_exactly_the_words_in_the_spans_are_emphasised(text: str, spans: list[tuple[int, int]]) -> None:
    covered = {i for start, end in spans for i in range(max(start, 0), min(end, len(text)))}
    letters = [(letter, i in covered) for i, letter in enumerate(text) if letter in "ab"]
    pieces = emphasise(text, spans)
    assert [(c, p.role is Role.ANSWER) for p in pieces for c in p.text if c in "ab"] == letters


@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from(list(Outcome)), SPANS)
def test_no_part_of_a_reply_reaches_the_terminal_raw(
    text: str, title: str, source: str, outcome: Outcome, spans: list[tuple[int, int]]
) -> None:
    hostile = reply(
        outcome=outcome,
        text=text,
        highlights=tuple(spans),
        citations=(citation(title=title, source=source, heading=(title, text), excerpt=source),),
    )
    assert all(harmless(line) for line in plain(layout(hostile, EN, timed=True)).split("\n"))


def test_what_is_neutralised_stays_visible_where_it_was_a_command() -> None:
    assert clean("a\x1b[31mb\x07") == "a\ufffd[31mb\ufffd"
    assert clean("user\u202etxt.exe\u200b") == "usertxt.exe"
    assert clean("a \r\n\t\u00a0b\u2028c") == "a b c"
    assert clean("caffè “€” 👍🏽 日本") == "caffè “€” 👍🏽 日本"


def test_an_answer_with_its_source() -> None:
    assert plain(layout(reply(), EN)) == (
        "It costs 38 billion.\n\nSource:\n  1. The deal · a/b.md · Terms › Price · line 3"
    )
    [first, *_] = layout(reply(), EN)
    assert first == Line((Piece("It costs "), Piece("38 billion", Role.ANSWER), Piece(".")))


def test_a_page_a_second_source_and_the_time_in_italian() -> None:
    second = citation(title="Altro", source="c.pdf", heading=(), page=7, line=90, excerpt="Something else.")
    assert plain(layout(reply(language="it", citations=(citation(), second)), IT, timed=True)).split("\n")[2:] == [
        "Fonti:",
        "  1. The deal · a/b.md · Terms › Price · riga 3",
        "  2. Altro · c.pdf · pagina 7",
        "     Something else.",
        "",
        "0,004 s",
    ]


def test_nearest_passages_are_shown_as_such_and_shortened() -> None:
    text = plain(
        layout(
            reply(
                outcome=Outcome.NOT_FOUND,
                text=EN.not_found,
                highlights=(),
                citations=(citation(heading=(), excerpt="word " * 200),),
            ),
            EN,
        )
    )
    not_found, _, label, place, excerpt = text.split("\n")
    assert (not_found, label) == (EN.not_found, EN.nearest)
    assert place == "  1. The deal · a/b.md · line 3"
    assert excerpt.startswith("     word word")
    assert excerpt.endswith("word…")
    assert len(excerpt) < 310


def test_a_reply_without_citations_is_its_text_alone() -> None:
    assert plain(layout(reply(citations=(), highlights=()), EN)) == "It costs 38 billion."


@given(HOSTILE, st.integers(2, 30))
def test_a_shortened_text_fits_and_is_clean(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert harmless(short)
    if len(clean(text).strip()) <= limit:
        assert short == clean(text).strip()


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "0.000 s"), (1.23456, "1.235 s")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds, EN) == text
    assert duration(seconds, IT) == text.replace(".", ",")


def test_json_has_exactly_the_promised_keys_and_the_raw_excerpt() -> None:
    value = json.loads(to_json(reply()))
    assert list(value) == ["outcome", "text", "short_answer", "language", "citations", "support", "seconds"]
    assert list(value["citations"][0]) == [
        *("source", "title", "heading", "page", "line", "start", "end", "excerpt", "score", "url")
    ]
    assert value["outcome"] == "answered"
    assert value["citations"][0]["heading"] == ["Terms", "Price"]
    assert value["citations"][0]["excerpt"] == "It costs\n38 billion."


@given(HOSTILE, st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252"]))
def test_json_is_one_harmless_line_that_any_encoding_holds_and_loses_nothing(text: str, encoding: str) -> None:
    line = dump_json({"text": text}, encoding)
    assert harmless(line)
    line.encode(encoding)
    # Two surrogates in a row are one character in JSON; everything else comes back as it was.
    assert json.loads(line)["text"] == json.loads(json.dumps(text))


def test_json_leaves_letters_readable() -> None:
    assert dump_json("l’accordo è già lì") == '"l’accordo è già lì"'
    assert dump_json("è", "ascii") == '"\\u00e8"'
