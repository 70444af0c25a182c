from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.markup.graphemes import is_boundary
from bot.markup.split import cut, split

PIECES = [*"ab .\n`~[]()<>|!-1é", "```", "~~~", "\n```", "```\n", "](", "\u0301", "\u200d", "👍🏽", "- ", "> "]
MARKED = st.lists(st.sampled_from(PIECES), max_size=80).map("".join)
ANY = st.text(max_size=60)
WORDS = st.text(st.sampled_from("abc èù.,!?\n"), max_size=300)
LINK = st.builds("[{}](https://x.org/{})".format, st.text("ab c", min_size=1, max_size=12), st.text("ab", max_size=9))
ANGLE = st.builds("<https://x.org/{}|{}>".format, st.text("ab", max_size=9), st.text("ab c", min_size=1, max_size=12))
CODE = st.builds("`{}`".format, st.text("ab <[", min_size=1, max_size=20))
RUN = st.builds("``{}``".format, st.text("ab c", min_size=1, max_size=20))
ATOMS = st.lists(st.tuples(st.one_of(LINK, ANGLE, CODE, RUN), st.text("ab .\n", min_size=1, max_size=20)), max_size=12)
FENCED = st.builds(
    "```{}\n{}\n```".format, st.sampled_from(["", "py", "sql"]), st.text("ab c\n  ", max_size=120).map(str.strip)
)
BLOCKS = st.lists(st.one_of(FENCED, st.text("ab c.\n", min_size=1, max_size=120)), max_size=5).map("\n\n".join)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def letters(text: str) -> str:
    return "".join(text.split()).replace("\u200b", "")


def balanced(part: str) -> bool:
    """Whether every fence is closed, read line by line."""
    opened = ""
    for line in part.split("\n"):
        if opened:
            bare = line.lstrip(" \t>").rstrip()
            if bare and set(bare) == {opened[0]} and len(bare) >= len(opened):
                opened = ""
        else:
            match = re.match(r"[ \t]*(?:>[ \t]*|(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})(.*)", line)
            if match and not (match[1][0] == "`" and "`" in match[2]):
                opened = match[1]
    return not opened


@given(st.one_of(MARKED, ANY, BLOCKS), st.integers(2, 50))
@example("```\na\n``` x\nb b b b b b b b b b b b\n```", 16)
@example("aaaa ```b`cccccccccccccccccccccc", 9)
@example("```" + "a" * 30 + "\nb\n```", 20)
@example("[```a](" + "u" * 40 + ")\nb", 20)
@example("a```\n```a`", 8)
@example("- ```\n  a a a a a a a a a a\n  ```\nb", 20)
def test_parts_fit_and_their_fences_are_closed(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(0 < len(part) <= limit for part in parts)
    assert all(balanced(part) for part in parts)
    assert all(part.strip() for part in parts)


@given(st.one_of(WORDS, st.text(st.characters(exclude_characters="`~<[\u200b"), max_size=200)), st.integers(1, 50))
def test_no_character_is_lost(text: str, limit: int) -> None:
    assert letters("".join(split(text, limit))) == letters(text)


@given(BLOCKS, st.integers(24, 60))
def test_no_character_is_lost_in_code(text: str, limit: int) -> None:
    def without_fences(markdown: str) -> str:
        return letters("".join(line for line in markdown.split("\n") if not line.startswith("```")))

    assert without_fences("\n".join(split(text, limit))) == without_fences(text)


@given(ATOMS, st.integers(50, 90))
def test_links_and_inline_code_stay_whole(pieces: list[tuple[str, str]], limit: int) -> None:
    parts = split("".join(atom + gap for atom, gap in pieces), limit)
    left = "\n".join(parts)
    for atom, _ in pieces:
        assert atom in left
        left = left.replace(atom, "", 1)


@given(st.one_of(MARKED, ANY), st.integers(4, 40))
def test_another_measure_is_obeyed(text: str, limit: int) -> None:
    assert all(utf16(part) <= limit for part in split(text, limit, utf16))


@given(
    st.lists(st.sampled_from(["e\u0301", "👩‍👩‍👧", "🇮🇹", "👍🏽", "\ud83d\ude00", "한", "a", "x\ufe0f"]), max_size=40)
)
def test_characters_stay_whole(characters: list[str]) -> None:
    text = "".join(characters)
    borders = {0}
    for character in characters:
        borders.add(max(borders) + len(character))
    done = 0
    for part in split(text, 11):
        done += len(part)
        assert done in borders


@given(st.text(st.sampled_from("abc `[](<>|\n."), max_size=100), st.integers(1, 40))
def test_a_cut_is_a_beginning_that_fits(text: str, limit: int) -> None:
    at = cut(text, limit)
    assert 0 <= at <= len(text)
    assert len(text[:at]) <= limit
    assert (at == len(text)) == (len(text) <= limit)
    assert at > 0 or not text


def test_paragraphs_then_lines_then_sentences_then_words() -> None:
    assert split("One two.\n\nThree four. Five\nsix", 24) == ["One two.", "Three four. Five\nsix"]
    assert split("One two. Three\nfour five. six", 24) == ["One two. Three", "four five. six"]
    assert split("One two three. Four five six", 24) == ["One two three.", "Four five six"]
    assert split("One two three four five six", 24) == ["One two three four five", "six"]
    assert split("a" * 30, 24) == ["a" * 24, "a" * 6]
    assert split("これは文です。これも文です。", 10) == ["これは文です。", "これも文です。"]


def test_a_better_place_near_the_beginning_leaves_no_stub() -> None:
    assert split("Hi.\n\n" + "word " * 20, 60)[0] != "Hi."


def test_what_fits_stays_as_it_is_but_for_its_ends() -> None:
    text = "A  [b](c)\n\n```py\n  d\n```\ne"
    assert split(f"\n {text}  \n", 100) == [text]
    assert split(" \n ", 5) == []


def test_code_is_closed_and_opened_again_with_its_language() -> None:
    lines = [f"    line {number}" for number in range(6)]
    parts = split("Before:\n\n```py\n" + "\n".join(lines) + "\n```\n\nAfter.", 50)
    assert parts == [
        "Before:\n\n```py\n" + "\n".join(lines[:2]) + "\n```",
        "```py\n" + "\n".join(lines[2:5]) + "\n```",
        "```py\n" + lines[5] + "\n```\n\nAfter.",
    ]
    assert all(len(part) <= 50 for part in parts)


def test_a_link_too_long_becomes_its_text() -> None:
    url = "https://x.org/" + "a" * 50
    assert split(f"See [the page]({url}) now", 40) == ["See the page now"]
    assert split(f"See <{url}|the page> now", 40) == ["See the page now"]
    assert "".join(split(f"<{url}>", 40)) == url


def test_backticks_that_a_cut_brings_to_a_line_s_beginning_open_no_fence() -> None:
    parts = split("word word word ```code here", 16)
    assert parts == ["word word word", "\u200b```code here"]


@pytest.mark.parametrize("text", ["```" * 40_000, "[" * 120_000, "[a](" * 30_000, "<a " * 40_000, "`a``b" * 24_000])
def test_a_long_hostile_text_is_split_in_reasonable_time(text: str) -> None:
    assert all(len(part) <= 2000 for part in split(text, 2000))
    assert cut(text, 2000) <= 2000


def test_a_limit_that_holds_no_character_is_an_error() -> None:
    with pytest.raises(ValueError, match="too small"):
        split("a", 0)
    with pytest.raises(ValueError, match="too small"):
        split("👍", 1, utf16)


@given(st.text(st.one_of(st.characters(), st.sampled_from("\u0301\u200d🇮🇹👍")), max_size=20), st.integers(-1, 21))
def test_no_mark_is_parted_from_its_letter(text: str, at: int) -> None:
    if 0 < at < len(text) and is_boundary(text, at):
        assert unicodedata.category(text[at]) not in ("Mn", "Me", "Mc")
        assert "\u200d" not in (text[at - 1], text[at])
