from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.claims import Asked, Feedback, Reason, Trigger, Verdict
from bot.markup import layout, plain
from bot.markup.discord import MESSAGE_BUDGET, TEXT_BUDGET, Button, DiscordMessage, read_mark, render, render_sources
from bot.markup.markdown import link
from bot.messages import CATALOGUE, messages_in
from bot.surface import Body, Escalated, Forwarded, Notice, Shared
from bot.types import Citation, Outcome, Reply
from retrieval.types import Language
from tests.bot.markup.discord_rules import faults, kinds, links, mentions, shown, text_faults
from tests.bot.markup.samples import answer, cite, turn
from tests.bot.markup.test_discord_markdown import MARKUP

EN = messages_in("en")
ALL = tuple(Button)
PERMALINK = "https://discord.com/channels/1/2/3"

ATTACKS = [
    *MARKUP,
    *("```py\n", "\n```\n", "```\n@here <@1> <#1> discord.gg/a\n```", "> q", "- item\n", "word ", "x" * 25),
    *("\u202eabc", "👍🏽", "שלום", "日本。", "[a](https://evil.org 't')", "](https://evil.org)]", "] ](https://evil.org)"),
    *("[x](<https://evil.org>)", "**a", "a**", "__a__", "~~a~~", "||a||", "`a`", "``a``", "> > a", "\n# a\n"),
    *("\n-# a\n", "\n> a", "\n>>> a", "\n1. a"),
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(ATTACKS), max_size=12).map("".join)
NAMES = st.lists(st.sampled_from(ATTACKS), max_size=4).map("".join)
LONG = st.builds(lambda piece, times: piece * times, st.sampled_from(ATTACKS), st.sampled_from([20, 800]))
LANGUAGES = st.sampled_from(list(CATALOGUE))
SPANS = st.lists(st.tuples(st.integers(-5, 400), st.integers(-5, 400)), max_size=8).map(tuple)
URLS = st.sampled_from(
    [
        None,
        "https://docs.org/a",
        "http://docs.org/b?c=d&e=f",
        "https://docs.org/a_(b)",
        "javascript:alert(1)",
        "https://[",
    ]
)
IDS = st.sampled_from(["1", "123456789012345678", "1> <@&9", "", "ada", "@everyone"])

CITATIONS = st.builds(
    cite,
    title=HOSTILE | st.just("The deal"),
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
    | st.lists(CITATIONS, min_size=1, max_size=1).map(lambda c: tuple(c * 40)),
)
TURNS = st.builds(turn, REPLIES, HOSTILE | LONG, IDS)
FEEDBACK = st.builds(
    Feedback, st.just("key"), IDS, st.sampled_from(Verdict), st.none() | st.sampled_from(Reason), HOSTILE | LONG
)
BODIES = st.one_of(
    REPLIES, st.builds(Notice, HOSTILE | LONG), st.builds(Shared, TURNS), st.builds(Escalated, TURNS, IDS),
    st.builds(Forwarded, TURNS, FEEDBACK),
)  # fmt: skip
QUESTIONS = st.none() | st.builds(
    lambda user, text: Asked("key", "discord", "1", "2", "", "", user, text, Trigger.COMMAND, 1.0), IDS, HOSTILE | LONG
)
MARKS = st.none() | st.lists(st.integers(1, 2**31 - 1), min_size=2, max_size=2, unique=True).map(
    lambda pair: (pair[0], pair[1])
)


def people(body: Body, question: Asked | None) -> Iterator[str]:
    if isinstance(body, Shared | Forwarded):
        yield body.turn.asked.user
    if isinstance(body, Forwarded):
        yield body.feedback.user
    if isinstance(body, Escalated):
        yield body.user
    if question and isinstance(body, Reply | Notice):
        yield question.user


def calls(body: Body, question: Asked | None = None) -> set[str]:
    """Whom the bot calls on purpose, with the role 77; what is no id is called in vain."""
    return {f"@{user}" for user in people(body, question) if user.isdigit()} | (
        {"&77"} if isinstance(body, Escalated) else set()
    )


def leads(body: Body) -> set[str]:
    """Where the bot leads on purpose."""
    if isinstance(body, Notice):
        return set()
    cited = (body if isinstance(body, Reply) else body.turn.reply).citations
    allowed = {target(citation) for citation in cited if link("a", citation.url)}
    return allowed | ({PERMALINK} if isinstance(body, Escalated | Forwarded) else set())


def target(citation: Citation) -> str:
    return str(citation.url).replace("(", "%28").replace(")", "%29")


def check(message: DiscordMessage, called: set[str], led: set[str]) -> None:
    """Discord takes the message, and nobody is called nor led anywhere but on purpose, in either form."""
    assert faults(message.components) == []
    assert text_faults(message.text) == []
    for content in (message.components, message.text):
        assert mentions(content) <= called
        assert links(content) <= led
        assert kinds(content) <= {"quote", "bold", "block", "link", "small"}
    assert mentions(message.components) == called


@settings(max_examples=200, deadline=None)
@given(BODIES, LANGUAGES, st.sampled_from([(), ALL]), st.sampled_from([None, "answer.txt"]), QUESTIONS, MARKS)
def test_no_document_and_no_person_calls_or_leads_anybody_anywhere(
    body: Body,
    language: Language,
    buttons: tuple[Button, ...],
    file: str | None,
    question: Asked | None,
    mark: tuple[int, int] | None,
) -> None:
    message = render(
        body, messages_in(language), key="k" * 80, mark=mark, buttons=buttons, role="77", permalink=PERMALINK,
        file=file, question=question,
    )  # fmt: skip
    check(message, calls(body, question), leads(body))
    assert read_mark(message.components) == mark
    assert message.roles == (("77",) if isinstance(body, Escalated) else ())
    if file is None:
        assert message.overflow is None


@settings(max_examples=150, deadline=None)
@given(REPLIES.filter(lambda reply: len(reply.citations) < 4), LANGUAGES)
def test_discord_says_what_the_terminal_says(reply: Reply, language: Language) -> None:
    def said(text: str) -> list[str]:
        # The lines of fences are not shown, and Discord takes no empty message.
        return [word for word in text.split() if not word.startswith("```")] or ["…"]

    words = messages_in(language)
    message = render(reply, words)
    parts_cut = any(len(citation.title) > 200 or "…" in shown(message.components) for citation in reply.citations)
    if message.overflow is None and not parts_cut:
        assert said(shown(message.components)) == said(plain(layout(reply, words)))


@pytest.mark.parametrize(
    "attack", ["\n", "\n```\na", "<@1>", "\\", "*", "](", "word ", "x", "日", "👍🏽", "`", "**a** ", "".join(ATTACKS)]
)
def test_texts_of_any_length_make_messages(attack: str) -> None:
    text = attack * (100_000 // len(attack))
    reply = answer(text=text, highlights=((5, 99_000),), citations=(cite(excerpt=text, title=text, source=text),) * 3)
    asked = Asked("key", "discord", "1", "2", "", "", "5", text, Trigger.COMMAND, 1.0)
    feedback = Feedback("key", "2", Verdict.HELPFUL, None, text)
    for body in (
        reply,
        Notice(text),
        Escalated(turn(reply, text, "3"), "4"),
        Forwarded(turn(reply, text, "3"), feedback),
    ):
        message = render(body, EN, key="k" * 80, buttons=ALL, role="77", permalink=PERMALINK, question=asked)
        check(message, calls(body, asked), leads(body))


def test_the_budgets_are_used() -> None:
    message = render(answer(text="word " * 10_000), EN)
    assert len(shown(message.components)) > MESSAGE_BUDGET - 100
    assert len(message.text) > TEXT_BUDGET - 100


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, URLS), max_size=300), LANGUAGES)
def test_no_document_in_the_list_means_anything(
    documents: list[tuple[str, str, str | None]], language: Language
) -> None:
    message = render_sources(documents, messages_in(language))
    check(
        message, set(), {str(url).replace("(", "%28").replace(")", "%29") for _, _, url in documents if link("a", url)}
    )
    if message.overflow is None:
        assert shown(message.components).count("\n") == len(documents)
