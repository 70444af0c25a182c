"""Text that Discord shows and does not obey; and that the model of Discord used for it is one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.markup.lines import clean, visible
from bot.markup.markdown import bold, code_block, escape, link, mention, quotation, role_mention, size, units
from bot.markup.quote import passages
from tests.bot.markup.discord_markdown import read
from tests.bot.markup.discord_rules import kinds, links, mentions, shown

MARKUP = [
    *("*", "**", "***", "_", "__", "~", "~~", "`", "``", "```", "|", "||", "\\", "\\\\", "#", "# ", "## ", "-# ", "- "),
    *("* ", "+ ", "1. ", "12. ", "> ", ">>> ", ">", "[", "]", "(", ")", "](", "[a](https://evil.org)"),
    *("](https://evil.org)", "https://evil.org", "http://evil.org)", "steam://run", "discord://x", "<https://evil.org>"),
    *("<a@b.org>", "a@b.org", "<mailto:a@b.org>", "<tel:+39 02>", "<+39123>", "<@1>", "<@!1>", "<@&1>", "<#1>"),
    *("</ask:1>", "<id:guide>", "<t:1>", "<t:1:R>", "<:a:1>", "<a:a:1>", "<sound:1:2>", ":smile:", "::", ":"),
    *("@everyone", "@here", "@", "<", "<@", "discord.gg/abc", "discord.com/invite/abc", "¯\\_(ツ)_/¯", "&lt;@1&gt;"),
    *("a", "b c", "1", ".", " ", "\n", "\n\n", "👍", "é", "日", "ℹ️", "…", "\t", "\r\n", "\u200b", "\u2060", "\x1b"),
    *("\ud800", "'", '"', "!", "/"),
]  # fmt: skip
TEXT = st.one_of(
    st.lists(st.sampled_from(MARKUP), max_size=14).map("".join),
    st.text("*_~`|\\<>@#&!:[]()-+.=/ \n1a", max_size=30),
    st.text(max_size=40),
)


def cleaned(text: str) -> str:
    """What ``escape`` says that it shows."""
    return "".join(character if character == "\n" else visible(character) for character in text)


# ---------------------------------------------------------------- the model


@pytest.mark.parametrize(
    ("markdown", "kind", "text"),
    [
        ("**a**", "bold", "a"),
        ("*a*", "italic", "a"),
        ("_a_", "italic", "a"),
        ("__a__", "underline", "a"),
        ("~~a~~", "struck", "a"),
        ("||a||", "spoiler", "a"),
        ("`a`", "code", "a"),
        ("``a`b``", "code", "a`b"),
        ("```py\na\n```", "block", "a"),
        ("```a```", "block", "a"),
        ("# a", "heading", "a"),
        ("b\n## a", "heading", "a"),
        ("-# a", "small", "a"),
        ("- a", "list", "a"),
        ("b\n1. a", "list", "a"),
        ("> a", "quote", "a"),
        ("b\n>>> a\nc", "quote", "a\nc"),
        ("> # a", "heading", "a"),
        (":smile:", "emoji", ":smile:"),
        ("<t:1:R>", "time", "<t:1:R>"),
        ("[a](https://x.org)", "link", "a"),
        (r"\[a](https://x.org)", None, "[a](https://x.org)"),
        (r"\**a*", "italic", "a"),
        ("#a", None, "#a"),
        (">a", None, ">a"),
        ("a # b", None, "a # b"),
        ("a_b_c", None, "a_b_c"),
        ("[a\\_b](https://x.org)", "link", "a\\_b"),
        ("[https://y.org](https://x.org)", "broken link", "[https://y.org](https://x.org)"),
        ("[<@1>](https://x.org)", "broken link", "[<@1>](https://x.org)"),
        ("[👍](https://x.org)", "broken link", "[👍](https://x.org)"),
        ("[a](javascript:x)", "broken link", "[a](javascript:x)"),
    ],
)
def test_the_model_knows_discord_s_markdown(markdown: str, kind: str | None, text: str) -> None:
    reading = read(markdown)
    assert (kind, text) in reading.forms if kind else not reading.kinds and reading.shown == text


@pytest.mark.parametrize(
    ("markdown", "called", "leads"),
    [
        ("<@1> <@!2> <@&3> <#4> @everyone @here", {"@1", "@2", "&3", "#4", "everyone", "here"}, set()),
        ("</ask:5> <id:guide>", {"/ask:5", "id:guide"}, set()),
        (r"\<@1>", {"@1"}, set()),
        ("`@here`", {"here"}, set()),
        ("see https://x.org/a). <mailto:a@b.org>", set(), {"https://x.org/a)", "mailto:a@b.org"}),
        ("[a](https://x.org) discord.gg/abc", set(), {"https://x.org", "discord.gg/abc"}),
        ("[a](https://x.org) b\\](https\\://evil.org)", set(), set()),
    ],
)
def test_the_model_finds_whom_and_where(markdown: str, called: set[str], leads: set[str]) -> None:
    assert mentions(markdown) == called
    assert links(markdown) == leads


# ---------------------------------------------------------------- literal text


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("plain text, 3-4 (five) > 2; a#b + c = 50%", "plain text, 3-4 (five) > 2; a#b + c = 50%"),
        ("a | b ~5 km", "a | b ~5 km"),
        ("*a* _b_ `c`", r"\*a\* \_b\_ \`c\`"),
        ("~~a~~ ||b||", r"\~\~a\~\~ \|\|b\|\|"),
        ("# a\n  - b\n+ c\n1. d\n> e", "\\# a\n  \\- b\n\\+ c\n1\\. d\n\\> e"),
        ("Note: at 9:30:", r"Note: at 9\:30\:"),
        ("https://x.org", r"https\://x.org"),
        ("[a](b)", r"\[a]\(b)"),
        ("<@1>", "\\<\\@\u20601>"),
        ("@here, ada@x.org", "\\@\u2060here, ada@x.org"),
        ("a\\", "a\\\\"),
        ("join discord.gg/abc", r"join discord.gg\/abc"),
        ("a\tb\x1b\u200bc", "a b\ufffdc"),
    ],
)
def test_what_would_mean_something_is_escaped_and_no_more(text: str, markdown: str) -> None:
    assert escape(text) == markdown


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_text_is_shown_as_it_is(text: str) -> None:
    markdown = escape(text)
    assert kinds(markdown) == mentions(markdown) == links(markdown) == set()
    # Spaces before a line end are not shown.
    assert re.sub(r" +\n", "\n", shown(markdown)) == re.sub(r" +\n", "\n", cleaned(text))


@settings(max_examples=300, deadline=None)
@given(TEXT, st.sampled_from(["> ", "-# ", "a ", "**a** ", "**a**\n", "1\\. [a](https://docs.org/a) · "]))
def test_text_means_nothing_wherever_it_stands(text: str, before: str) -> None:
    whole = before + escape(text).replace("\n", "\n> " if before == "> " else "\n")
    assert mentions(whole) == set()
    assert links(whole) == links(before)
    assert kinds(whole) <= kinds(before + "a")


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_bold_text_is_bold_and_literal(text: str) -> None:
    text = clean(text)
    reading = read(f"a{bold(text)}b")
    assert reading.shown.replace("\u2060", "") == f"a{text}b"
    assert [kind for kind, _ in reading.forms] == (["bold"] if text.strip() else [])


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_code_is_shown_as_it_is_and_does_not_end_early(text: str) -> None:
    code = cleaned(text).strip("\n")
    if code.strip():
        reading = read(f"{code_block(code)}\n**b**")
        assert [kind for kind, _ in reading.forms] == ["block", "bold"]
        assert reading.forms[0][1].replace("\u2060", "") == code
        assert mentions(code_block(code)) == set()


@pytest.mark.parametrize(
    "title",
    [
        "The deal",
        "Guide: setup (2nd edition), 'new' & improved!",
        "user_guide_v2",
        "caffè 日本 עברית हिन्दी",
        "v1.2 - 50%",
    ],
)
def test_titles_without_markup_are_the_links(title: str) -> None:
    masked = link(title, "https://docs.org/a")
    assert masked == f"[{title}](https://docs.org/a)"
    assert read(masked).forms == [("link", title)]


@pytest.mark.parametrize(
    "title",
    ["", "*a*", "_a_", "a\\b", "https://x.org", "a:b:c", "<@1>", "@here", "👍", "1️⃣", "a]b", "[a]", "1. a", "- a",
     "a `b`", "discord.gg/abc", "\u3164"],
)  # fmt: skip
def test_titles_with_markup_are_no_links(title: str) -> None:
    assert link(title, "https://docs.org/a") is None


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_no_link_is_broken_by_its_text(text: str) -> None:
    title = clean(text).strip()
    if masked := link(title, "https://docs.org/a"):
        reading = read(masked + escape(" · " + clean(text)))
        assert reading.links == {"https://docs.org/a"}
        assert reading.forms == [("link", title)]


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://x.org/a(b)<c>[d]\"e'\\`", "https://x.org/a%28b%29%3Cc%3E%5Bd%5D%22e%27%5C%60"),
        ("https://x.org/caffè?a=b&c=d#e", "https://x.org/caffè?a=b&c=d#e"),
        ("https://x.org/a*_b_*~~c~~||d||", "https://x.org/a*_b_*~~c~~||d||"),
    ],
)
def test_addresses_do_not_end_early(url: str, target: str) -> None:
    assert link("a", url) == f"[a]({target})"
    assert links(f"[a]({target}) b") == {target}


@pytest.mark.parametrize(
    "url",
    [None, "", "javascript:alert(1)", "https://", "https://[", "https:///a", "https://a%2eb.org/", "https://a(b.org/",
     "https://a.org/" + "b" * 600, "https:/a.org", "https://a b.org", "ftp://a.org"],
)  # fmt: skip
def test_what_discord_would_not_link_is_none(url: str | None) -> None:
    assert link("a", url) is None


@pytest.mark.parametrize("user", ["", "ada", "@everyone", "1> <@2", "<@1>", "U1", "１２", "1" * 30])
def test_only_ids_are_called(user: str) -> None:
    assert mentions(mention(user)) == set()
    assert mentions(role_mention(user)) == set()
    assert kinds(mention(user)) == set()


def test_ids_are_called() -> None:
    assert (mention("12"), role_mention("34")) == ("<@12>", "<@&34>")
    assert role_mention("@everyone") == "\\@\u2060everyone"


# ---------------------------------------------------------------- length


@pytest.mark.parametrize(("text", "counted"), [("", 0), ("abc", 3), ("é", 1), ("日", 2), ("日本", 3), ("👍", 2)])
def test_characters_count_as_discord_might(text: str, counted: int) -> None:
    assert size(text) == counted
    assert units(text) <= counted


@settings(max_examples=200, deadline=None)
@given(TEXT, st.integers(-5, 120), st.sampled_from(["> ", ""]), st.tuples(st.integers(0, 30), st.integers(0, 60)))
def test_a_quotation_keeps_to_its_room(text: str, room: int, mark: str, span: tuple[int, int]) -> None:
    quoted = passages(text, [span])
    markdown, complete = quotation(quoted, room, mark=mark)
    assert size(markdown) <= max(room, 0)
    assert mentions(markdown) == links(markdown) == set()
    assert kinds(markdown) <= {"quote", "bold", "block"}
    whole = "\n".join(passage.text for passage in quoted)
    seen = shown(markdown)
    if complete:
        assert seen.split() == whole.split()
    elif seen:
        assert seen.endswith("…")
        assert "".join(whole.split()).startswith("".join(seen[:-1].split()))
