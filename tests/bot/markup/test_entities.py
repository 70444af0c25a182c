from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.markup.entities import Mentions, decode

BOT = "U0BOT"
PIECES = [
    *("<@U0BOT>", "<@U0BOT|fonte>", "<@U1>", "<@U1|ada>", "<#C1|general>", "<!here>", "<!subteam^S1|@team>"),
    *(
        "<",
        ">",
        "|",
        "@",
        "!",
        "#",
        "^",
        "&",
        "&lt;",
        "&gt;",
        "&amp;",
        "&amp;lt;",
        "https://x.org",
        "mailto:",
        " ",
        "a",
    ),
]


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        ("<@U0BOT> how much?", "how much?"),
        ("<@U0BOT|fonte>: how much?", "how much?"),
        ("Hey <@U0BOT>, how much?", "Hey, how much?"),
        ("how much, <@U0BOT>?", "how much?"),
        ("how much <@U0BOT> is it", "how much is it"),
        ("<@U0BOT> <@U0BOT>", ""),
        ("one\n<@U0BOT>\ntwo", "one\n\ntwo"),
        ("ask <@U1> or <@U2|ada>", "ask @user or @ada"),
        ("in <#C1|general>, <#C2|> and <#C3>", "in #general, #channel and #channel"),
        ("<!here> <!channel> <!everyone|@everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@grp> <!subteam^S2>", "@grp @group"),
        ("<!date^1392734382^{date}^https://x.org|Feb 18>", "Feb 18"),
        ("see <https://x.org/a?b=1&amp;c=2|the page> or <https://x.org/a?b=1&amp;c=2>", None),
        ("<mailto:a@b.c|a@b.c> <mailto:d@e.f> <tel:+391|+39 1> <tel:+392>", "a@b.c d@e.f +39 1 +392"),
        ("a &lt;b&gt; &amp;lt; &amp;amp; &quot;", "a <b> &lt; &amp; &quot;"),
        ("<https://x.org|a &amp;amp; b>", "a &amp; b"),
        ("&lt;@U1&gt; &lt;!channel&gt;", "<@U1> <!channel>"),
        ("List<int> a <b", "List<int> a <b"),
        ("<> <@> <!> <#>", "<> <@> <!> <#>"),
        ("mail a@b.c", "mail a@b.c"),
    ],
)
def test_a_message_is_read_as_it_was_typed(raw: str, typed: str | None) -> None:
    if typed is None:
        typed = "see the page or https://x.org/a?b=1&c=2"
    assert decode(raw, BOT)[0] == typed


@pytest.mark.parametrize(
    ("raw", "bot", "others"),
    [
        ("a", False, False),
        ("<@U0BOT> a", True, False),
        ("<@U0BOT|fonte> <@U1>", True, True),
        ("<@U0BOTX> a", False, True),
        ("<!subteam^S1> a", False, True),
        ("<!here> a", False, True),
        ("<#C1|general> <https://x.org|x> <!date^1^{date}|x>", False, False),
        ("&lt;@U1&gt;", False, False),
        ("@here", False, False),
    ],
)
def test_whom_a_message_addresses(raw: str, bot: bool, others: bool) -> None:
    assert decode(raw, BOT)[1] == Mentions(bot=bot, others=others)


def test_a_bot_that_does_not_know_its_name_is_never_mentioned() -> None:
    assert decode("<@> a", "") == ("<@> a", Mentions(bot=False, others=False))


@given(st.text(st.characters(exclude_characters=""), max_size=80), st.sampled_from([BOT, ""]))
def test_what_slack_escaped_comes_back(text: str, bot: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert decode(escaped, bot) == (text.strip(), Mentions(bot=False, others=False))


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_malformed_text_is_read_too(text: str) -> None:
    typed, mentions = decode(text, BOT)
    assert mentions.bot == bool(re.search(r"<@U0BOT(\|[^<>]*)?>", text))
    assert len(typed) <= 2 * len(text)


@pytest.mark.parametrize("piece", ["<", "<@", "<a", "&", "&lt;", "<@U0BOT> ", " ", "<!date^", ">", "<a|"])
def test_a_long_hostile_text_is_read(piece: str) -> None:
    assert len(decode(piece * (1_000_000 // len(piece)), BOT)[0]) <= 1_000_000
