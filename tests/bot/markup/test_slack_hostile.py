from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.claims import Feedback, Reason, Verdict
from bot.markup import layout, plain
from bot.markup.blocks import ELEMENT_COST, size, weigh
from bot.markup.frames import is_link
from bot.markup.slack import MESSAGE_BUDGET, TEXT_BUDGET, Button, render
from bot.messages import CATALOGUE, messages_in
from bot.surface import Body, Escalated, Forwarded, Notice, Shared
from bot.types import Outcome, Reply
from retrieval.types import Language
from tests.bot.markup.samples import PERMALINK, answer, cite, turn
from tests.bot.markup.slack_rules import faults, links, mentions, shown

EN = messages_in("en")
ALL = tuple(Button)

ATTACKS = [
    *("<!channel>", "<!here|here>", "<@U1>", "<@W9|ada>", "<#C1|general>", "<!subteam^S1|@team>", "<!date^1^{date}|x>"),
    *("&lt;!channel&gt;", "&amp;lt;!here&amp;gt;", "&#60;@U1&#62;", "&#x3C;@U1>", "&LT;!here&GT;", "&lt;#C1&gt;"),
    *("<https://evil.org|bank>", "[bank](https://evil.org)", "&lt;https://evil.org|x&gt;", "<mailto:a@b.c|d@e.f>"),
    *("ada@x.org", "<ada@x.org>", "@channel", "@here", "*b*", "```", "```py", "\n```\n", "`<!here>`", "> q", ":smile:"),
    *(
        "\n",
        "\n\n",
        " ",
        "\u202eabc",
        "<\u200b!channel>",
        "\u2066",
        "\x1b[31m",
        "\ud800",
        "👍🏽",
        "שלום",
        "日本。",
        "&",
        "<",
    ),
    *("word ", "x" * 25, "- item\n"),
]
HOSTILE = st.lists(st.sampled_from(ATTACKS), max_size=12).map("".join)
NAMES = st.lists(st.sampled_from(ATTACKS), max_size=4).map("".join)
LONG = st.builds(lambda piece, times: piece * times, st.sampled_from(ATTACKS), st.sampled_from([20, 800]))
LANGUAGES = st.sampled_from(list(CATALOGUE))
SPANS = st.lists(st.tuples(st.integers(-5, 400), st.integers(-5, 400)), max_size=8).map(tuple)
URLS = st.sampled_from(
    [None, "https://docs.org/a", "http://docs.org/b?c=d&e=f", "javascript:alert(1)", "https://[", "//x"]
)
IDS = st.sampled_from(["U1", "W0ABC", "U1> <!channel", "", "ada"])


CITATIONS = st.builds(
    cite,
    title=HOSTILE,
    source=HOSTILE,
    heading=st.lists(HOSTILE, max_size=2).map(tuple),
    page=st.none() | st.integers(1, 10**9),
    excerpt=HOSTILE,
    url=URLS,
)
REPLIES = st.builds(
    answer,
    outcome=st.sampled_from(Outcome),
    text=HOSTILE | LONG,
    highlights=SPANS,
    citations=st.lists(CITATIONS, max_size=3).map(tuple)
    | st.lists(CITATIONS, min_size=1, max_size=1).map(lambda c: c * 40),
)
TURNS = st.builds(turn, REPLIES, HOSTILE | LONG, IDS)
FEEDBACK = st.builds(
    Feedback, st.just("key"), IDS, st.sampled_from(Verdict), st.none() | st.sampled_from(Reason), HOSTILE | LONG
)
BODIES = st.one_of(
    REPLIES, st.builds(Notice, HOSTILE | LONG), st.builds(Shared, TURNS), st.builds(Escalated, TURNS, IDS),
    st.builds(Forwarded, TURNS, FEEDBACK),
)  # fmt: skip


def calls(body: Body) -> Iterator[str]:
    """Whom the bot calls on purpose, with ``group`` S1; what is no id is called in vain."""
    people = []
    if isinstance(body, Shared | Forwarded):
        people.append(body.turn.asked.user)
    if isinstance(body, Forwarded):
        people.append(body.feedback.user)
    if isinstance(body, Escalated):
        people.append(body.user)
        yield "!subteam^S1"
    yield from (f"@{user}" for user in people if user in ("U1", "U2", "W0ABC"))


def replied(body: Body) -> Reply | None:
    return body if isinstance(body, Reply) else None if isinstance(body, Notice) else body.turn.reply


@settings(max_examples=150, deadline=None)
@given(BODIES, LANGUAGES, st.sampled_from([(), ALL]), st.booleans())
def test_no_document_and_no_person_calls_or_leads_anybody_anywhere(
    body: Body, language: Language, buttons: tuple[Button, ...], file: bool
) -> None:
    words = messages_in(language)
    message = render(body, words, key="k" * 255, buttons=buttons, group="S1", permalink=PERMALINK, file=file)
    assert faults(message.text, message.blocks) == []
    assert weigh(message.blocks) <= MESSAGE_BUDGET + 2 * ELEMENT_COST
    assert size(message.text) <= TEXT_BUDGET
    assert mentions(message.text, message.blocks) == set(calls(body))
    reply = replied(body)
    sources = {citation.url for citation in reply.citations if is_link(citation.url)} if reply else set()
    allowed = sources | ({PERMALINK} if isinstance(body, Escalated | Forwarded) else set())
    assert links(message.text, message.blocks) <= allowed
    for block in message.blocks:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()


@settings(deadline=None)
@given(
    REPLIES.flatmap(
        lambda reply: st.builds(
            replace,
            st.just(reply),
            citations=st.lists(
                st.builds(cite, title=NAMES, source=NAMES, heading=st.tuples(NAMES), excerpt=HOSTILE, url=URLS),
                max_size=3,
            ).map(tuple),
        )
    ),
    LANGUAGES,
)
def test_slack_says_what_the_terminal_says(reply: Reply, language: Language) -> None:
    def said(text: str) -> list[str]:
        # The lines of fences are not shown, and Slack takes no empty message.
        return [word for word in text.split() if not word.startswith("```")] or ["…"]

    message = render(reply, messages_in(language))
    if message.overflow is None:
        assert said(shown(message.blocks)) == said(plain(layout(reply, messages_in(language))))


@pytest.mark.parametrize(
    "attack", ["\n", "\n```\na", "<!channel>", "&lt;@U1&gt;", "word ", "x", "日", "".join(ATTACKS)]
)
def test_texts_of_any_length_make_messages(attack: str) -> None:
    text = attack * (100_000 // len(attack))
    reply = answer(text=text, highlights=((5, 99_000),), citations=(cite(excerpt=text, title=text, source=text),) * 3)
    for body in (reply, Notice(text), Forwarded(turn(reply, text), Feedback("key", "U2", Verdict.HELPFUL, None, text))):
        message = render(body, EN)
        assert faults(message.text, message.blocks) == []
        assert mentions(message.text, message.blocks) == set(calls(body))
        assert weigh(message.blocks) <= MESSAGE_BUDGET + 2 * ELEMENT_COST
        assert size(message.text) <= TEXT_BUDGET


def test_what_is_decoded_twice_still_calls_nobody() -> None:
    for open_, who, close in product(
        ("<", "&lt;", "&amp;lt;", "&#60"), ("!channel", "@U1", "#C1"), (">", "&gt;", "&#62;")
    ):
        message = render(Notice(open_ + who + close), EN)
        assert mentions(message.text, message.blocks) == set()
        assert shown(message.blocks) == open_ + who + close
