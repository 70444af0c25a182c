from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.markup import Piece, Role, clean
from bot.markup.quote import Passage, passages

PIECES = [
    *"ab .\n\r\t\x1b\u202e\u2028",
    "\n\n",
    "```",
    "\n```\n",
    "```py\n",
    "~~~",
    "- ",
    "    ",
    "è",
    "word word word word ",
]
TEXT = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
SPANS = st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=5)


def one(text: str) -> str:
    [passage] = passages(text)
    return passage.text


@given(TEXT, SPANS)
def test_only_visible_characters_spaces_and_line_ends_come_out(text: str, spans: list[tuple[int, int]]) -> None:
    for passage in passages(text, spans):
        assert passage.text.strip()
        assert passage.text.replace("\n", "").isprintable()
        assert all(piece.text for piece in passage.pieces)
        assert "\n\n\n" not in passage.text or passage.code


@given(TEXT, SPANS)
def test_the_words_are_those_of_a_terminal(text: str, spans: list[tuple[int, int]]) -> None:
    quoted = " ".join(passage.text for passage in passages(text, spans)).split()
    letters = iter("".join(clean(text).split()))
    # Nothing is added, and nothing but fences and their languages goes.
    assert all(letter in letters for letter in "".join(quoted))
    if "```" not in text and "~~~" not in text:
        assert quoted == clean(text).split()


@given(st.text("ab \n", max_size=40), SPANS)
def test_exactly_the_words_in_the_spans_are_emphasised(text: str, spans: list[tuple[int, int]]) -> None:
    covered = {i for start, end in spans for i in range(max(start, 0), min(end, len(text)))}
    letters = [(letter, i in covered) for i, letter in enumerate(text) if letter in "ab"]
    pieces = [piece for passage in passages(text, spans) for piece in passage.pieces]
    assert [(c, p.role is Role.ANSWER) for p in pieces for c in p.text if c in "ab"] == letters


def test_lists_and_paragraphs_keep_their_lines_and_wrapped_ones_are_joined() -> None:
    assert one("It costs:\n- a\n- b\n\n\n\nNext\r\nline\u2028end") == "It costs:\n- a\n- b\n\nNext\nline\nend"
    wrapped = "A line of prose that its author broke at some column\nwhere the next"
    assert one(wrapped) == wrapped.replace("\n", " ")
    assert one("Roses are red\nviolets are blue") == "Roses are red\nviolets are blue"


def test_code_keeps_its_columns_and_loses_its_fences() -> None:
    text = "Run:\n```py\nif a:\n\tb  # \x1b\n\n    c\n```\nDone."
    assert passages(text, [(0, 3), (13, 15)]) == [
        Passage((Piece("Run", Role.ANSWER), Piece(":"))),
        Passage((Piece("if a:\n    b  # \ufffd\n\n    c"),), code=True),
        Passage((Piece("Done."),)),
    ]


def test_code_on_the_line_of_its_fence_is_not_lost() -> None:
    assert passages("```SELECT 1\nFROM b\n```") == [Passage((Piece("SELECT 1\nFROM b"),), code=True)]


def test_what_may_not_be_code_stays_text() -> None:
    assert one("a\n```\nb") == "a\n```\nb"
    assert one("- ```\n  a\n  ```") == "- ```\na\n```"
    assert passages("```\n \n```") == passages(" \n\x0b") == []


def test_a_long_text_is_read() -> None:
    assert len(passages("é a\n" * 50_000)[0].text) == 200_000 - 1
    assert len(passages("```\na\n" * 25_000)) == 25_000
