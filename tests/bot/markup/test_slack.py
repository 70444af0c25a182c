from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.claims import Asked, Ending, Feedback, Reason, Trigger, Turn, Verdict
from bot.markup import layout, plain
from bot.markup.blocks import ELEMENT_COST, is_link, size, weigh
from bot.markup.slack import MESSAGE_BUDGET, TEXT_BUDGET, WHY, Button, read_why, render, why_modal
from bot.messages import CATALOGUE, messages_in
from bot.surface import Body, Escalated, Forwarded, Notice, Shared
from bot.types import Citation, Outcome, Reply
from retrieval.types import Language
from tests.bot.markup.slack_rules import bold, faults, links, mentions, shown, view_faults

EN, IT = messages_in("en"), messages_in("it")
ALL = tuple(Button)
PERMALINK = "https://acme.slack.com/archives/C1/p1?thread_ts=1.2&cid=C1"

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


def cite(**changes: Any) -> Citation:
    values: dict[str, Any] = {
        "source": "a/b.md",
        "title": "The deal",
        "heading": ("Terms", "Price"),
        "page": 2,
        "line": 3,
        "start": 0,
        "end": 20,
        "excerpt": "It costs\n38 billion.",
        "score": 0.5,
        "url": "https://docs.org/deal",
    }
    return Citation(**(values | changes))


def answer(**changes: Any) -> Reply:
    values: dict[str, Any] = {
        "outcome": Outcome.ANSWERED,
        "text": "It costs\n38 billion.",
        "short_answer": "38 billion",
        "language": "en",
        "citations": (cite(),),
        "support": 0.9,
        "highlights": ((9, 19),),
    }
    return Reply(**(values | changes))


def turn(reply: Reply, question: str = "How much?", user: str = "U1") -> Turn:
    asked = Asked("key", "slack", "T1", "C1", "1.2", "1.2", user, question, Trigger.MENTION, 1.0)
    return Turn(asked, Ending.ANSWERED, reply, "1.3")


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


def section(text: str) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}


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


@pytest.mark.parametrize("words", CATALOGUE.values())
@pytest.mark.parametrize("outcome", Outcome)
def test_the_same_words_in_the_same_order(words: Any, outcome: Outcome) -> None:
    second = cite(title="Other", page=None, heading=(), excerpt="Something\n\n" + "else " * 100, url=None)
    reply = answer(outcome=outcome, citations=(cite(), second))
    assert shown(render(reply, words).blocks).split() == plain(layout(reply, words)).split()


def test_an_answer_is_a_quote_with_the_words_that_answer_in_bold_and_its_source() -> None:
    message = render(answer(text="It costs\n38 billion.\n\nA lot."), EN)
    assert message.blocks == [
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_quote",
                    "elements": [
                        {"type": "text", "text": "It costs\n"},
                        {"type": "text", "text": "38 billion", "style": {"bold": True}},
                        {"type": "text", "text": ".\n\nA lot."},
                    ],
                }
            ],
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "Source:", "style": {"bold": True}}],
                },
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "1. "},
                        {"type": "link", "url": "https://docs.org/deal", "text": "The deal"},
                        {"type": "text", "text": " · a/b.md · Terms › Price · page 2 · line 3"},
                    ],
                },
            ],
        },
    ]
    assert message.text.startswith("It costs 38 billion. A lot.\n\nSource:\n  1. The deal · a/b.md")
    assert message.overflow is None


def test_code_is_shown_as_code() -> None:
    [block, _] = render(answer(text="Run:\n```sh\nls  -l\n```", highlights=()), EN).blocks
    assert [element["type"] for element in block["elements"]] == ["rich_text_quote", "rich_text_preformatted"]
    assert block["elements"][1]["elements"] == [{"type": "text", "text": "ls  -l"}]


def test_not_found_is_the_bot_s_own_sentence_and_the_nearest_passages_as_quotes() -> None:
    reply = answer(outcome=Outcome.NOT_FOUND, text=EN.not_found, highlights=(), citations=(cite(url=None), cite()))
    said, nearest = render(reply, EN).blocks
    assert said["elements"] == [section(EN.not_found)]
    kinds = [element["type"] for element in nearest["elements"]]
    assert kinds == ["rich_text_section", *["rich_text_section", "rich_text_quote"] * 2]
    assert nearest["elements"][2]["elements"] == [{"type": "text", "text": "It costs 38 billion."}]
    assert links("", [nearest]) == {"https://docs.org/deal"}


def test_buttons_carry_the_key_and_deleting_is_confirmed() -> None:
    *_, actions = render(answer(), IT, key="slack:T1:C1:1.2", buttons=ALL).blocks
    assert [element["action_id"] for element in actions["elements"]] == [button.value for button in ALL]
    assert {element["value"] for element in actions["elements"]} == {"slack:T1:C1:1.2"}
    assert [element["text"]["text"] for element in actions["elements"]] == [
        IT.helpful, IT.not_helpful, IT.ask_person, IT.share, IT.delete,
    ]  # fmt: skip
    assert all("style" not in element for element in actions["elements"])
    assert [element["action_id"] for element in actions["elements"] if "confirm" in element] == ["fonte_delete"]
    assert actions["elements"][-1]["confirm"]["text"]["text"] == IT.delete_question


def test_what_is_shared_begins_with_who_asked_what() -> None:
    message = render(Shared(turn(answer(), "How\nmuch <!here>?")), EN, key="k", buttons=(Button.HELPFUL,))
    question, divider, *rest = message.blocks
    assert question["elements"] == [
        {
            "type": "rich_text_section",
            "elements": [{"type": "user", "user_id": "U1"}, {"type": "text", "text": " asked:"}],
        },
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "How\nmuch <!here>?"}]},
    ]
    assert divider == {"type": "divider"}
    assert rest == render(answer(), EN, key="k", buttons=(Button.HELPFUL,)).blocks
    assert message.text.startswith("<@U1> asked:\nHow much &lt;\u2060!here&gt;?\nIt costs 38 billion.")


@pytest.mark.parametrize(
    ("group", "element", "mrkdwn"),
    [
        ("S1", {"type": "usergroup", "usergroup_id": "S1"}, "<!subteam^S1>"),
        ("here", {"type": "broadcast", "range": "here"}, "<!here>"),
        ("U2", {"type": "user", "user_id": "U2"}, "<@U2>"),
        ("@support", {"type": "text", "text": "@support"}, "@support"),
    ],
)
def test_an_escalation_calls_people_and_leads_to_the_answer(group: str, element: dict[str, Any], mrkdwn: str) -> None:
    body = Escalated(turn(answer()), "U3")
    message = render(body, EN, group=group, permalink=PERMALINK, buttons=ALL, key="k")
    assert message.blocks[0]["elements"][0]["elements"] == [
        element,
        {"type": "text", "text": " "},
        {"type": "user", "user_id": "U3"},
        {"type": "text", "text": " asks for a person's answer to this question:"},
    ]
    assert message.text.startswith(f"{mrkdwn} <@U3> asks")
    assert message.text.endswith(f"\n<{PERMALINK.replace('&', '&amp;')}|Go to the answer>")
    assert message.blocks[-1]["elements"][0]["elements"] == [
        {"type": "link", "url": PERMALINK, "text": "Go to the answer"}
    ]
    assert mentions("", render(body, EN).blocks) == {"@U3"}


def test_feedback_is_forwarded_with_reason_comment_question_and_answer() -> None:
    feedback = Feedback("key", "U2", Verdict.NOT_HELPFUL, Reason.OUTDATED, "See\n<!here>")
    message = render(Forwarded(turn(answer()), feedback), EN, permalink=PERMALINK)
    assert shown(message.blocks).split("\n") == [
        *(" found this answer not helpful:", "The answer is: out of date", "See", "<!here>", " asked:", "How much?"),
        *("It costs", "38 billion.", "Source:", "1. The deal · a/b.md · Terms › Price · page 2 · line 3"),
        "Go to the answer",
    ]
    assert mentions(message.text, message.blocks) == {"@U1", "@U2"}
    helpful = render(Forwarded(turn(answer()), Feedback("key", "U2", Verdict.HELPFUL)), EN)
    assert shown(helpful.blocks).startswith(" found this answer helpful:\n asked:\n")


def test_a_long_answer_begins_in_the_message_and_is_whole_in_a_file() -> None:
    text = "".join(f"Sentence number {number} of many.\n\n" for number in range(1000))
    message = render(answer(text=text, highlights=((9, 15), (20_000, 20_010))), EN, buttons=ALL, key="k")
    quoted, note, sources, actions = message.blocks
    beginning = shown([quoted])
    assert beginning.endswith("of many.…")
    assert text.startswith(beginning[:-1])
    assert len(beginning) > 8_000
    assert bold([quoted]) == "number"
    assert note["elements"] == [section(EN.whole_answer)]
    assert "The deal" in shown([sources])
    assert actions["type"] == "actions"
    assert message.overflow is not None
    assert message.overflow.startswith(text.strip())
    assert message.overflow.endswith("1. The deal · a/b.md · Terms › Price · page 2 · line 3 · https://docs.org/deal\n\n"
                                     "It costs\n38 billion.\n")  # fmt: skip
    assert faults(message.text, message.blocks) == []


def test_where_no_file_can_go_along_none_is_promised() -> None:
    message = render(answer(text="word " * 10_000), EN, file=False)
    assert message.overflow is None
    assert EN.whole_answer not in shown(message.blocks)
    assert "word…" in shown(message.blocks)


def test_citations_without_room_are_in_the_file() -> None:
    many = tuple(cite(title=f"Document {number}", excerpt=f"Passage {number}. " + "a " * 300) for number in range(80))
    message = render(answer(text="It costs 38 billion. " * 1000, citations=many), EN)
    assert shown(message.blocks).count("It costs 38 billion.") > 200
    assert "1. Document 0" in shown(message.blocks)
    assert "80. Document 79" not in shown(message.blocks)
    assert message.overflow is not None
    assert "80. Document 79" in message.overflow
    assert faults(message.text, message.blocks) == []


def test_a_notice_is_literal() -> None:
    message = render(Notice("Wait: <!here> & co."), EN)
    assert message.blocks == [{"type": "rich_text", "elements": [section("Wait: <!here> & co.")]}]
    assert message.text == "Wait: &lt;\u2060!here&gt; &amp; co."
    assert message.overflow is None


def test_e_mail_addresses_stay_whole() -> None:
    text = "Write to ada@x.org, <bob@y.org> or mailto:c@z.org."
    message = render(answer(text=text, highlights=()), EN)
    assert text in shown(message.blocks)
    assert message.text.startswith("Write to ada@x.org, &lt;bob@y.org&gt; or mailto:c@z.org.")


def test_what_is_decoded_twice_still_calls_nobody() -> None:
    for open_, who, close in product(
        ("<", "&lt;", "&amp;lt;", "&#60"), ("!channel", "@U1", "#C1"), (">", "&gt;", "&#62;")
    ):
        message = render(Notice(open_ + who + close), EN)
        assert mentions(message.text, message.blocks) == set()
        assert shown(message.blocks) == open_ + who + close


@pytest.mark.parametrize("words", CATALOGUE.values())
def test_the_form_asks_for_a_reason_and_may_take_a_comment(words: Any) -> None:
    view = why_modal("slack:T1:C1:1.2", words)
    assert view_faults(view) == []
    assert (view["callback_id"], view["private_metadata"]) == (WHY, "slack:T1:C1:1.2")
    choice, comment = view["blocks"]
    assert [option["value"] for option in choice["element"]["options"]] == [reason.value for reason in Reason]
    assert not choice.get("optional")
    assert comment["optional"]
    assert comment["element"]["max_length"] == 1000


@pytest.mark.parametrize(("typed", "comment"), [(None, ""), ("Look\nthere", "Look\nthere"), ("a" * 2000, "a" * 1000)])
def test_what_was_filled_in_is_read(typed: str | None, comment: str) -> None:
    view = why_modal("key", EN)
    choice, free = view["blocks"]
    values = {
        choice["block_id"]: {choice["element"]["action_id"]: {"selected_option": choice["element"]["options"][2]}},
        free["block_id"]: {free["element"]["action_id"]: {"type": "plain_text_input", "value": typed}},
    }
    assert read_why(view | {"state": {"values": values}}) == ("key", Reason.OUTDATED, comment)


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://docs.org/a?b=c#d", True),
        ("http://docs.org", True),
        ("HTTPS://docs.org", True),
        ("https://ex.org/caffè", True),
        (None, False),
        ("", False),
        ("javascript:alert(1)", False),
        ("ftp://docs.org", False),
        ("https:///a", False),
        ("https://[", False),
        ("https://a b.org", False),
        ("https://a.org/\u202eb", False),
        ("https://a.org/\nb", False),
        ("https://a.org/" + "b" * 3000, False),
    ],
)
def test_only_web_addresses_become_links(url: str | None, accepted: bool) -> None:
    assert is_link(url) is accepted
    assert links("", render(answer(citations=(cite(url=url),)), EN).blocks) == ({url} if accepted else set())
