from __future__ import annotations

from typing import Any

import pytest

from bot.claims import Feedback, Reason, Verdict
from bot.markup import layout, plain
from bot.markup.frames import is_link
from bot.markup.slack import Button, render
from bot.messages import CATALOGUE, messages_in
from bot.surface import Escalated, Forwarded, Notice, Shared
from bot.types import Outcome
from tests.bot.markup.samples import PERMALINK, answer, cite, turn
from tests.bot.markup.slack_rules import bold, faults, links, mentions, shown

EN, IT = messages_in("en"), messages_in("it")
ALL = tuple(Button)


def section(text: str) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}


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
                        {"type": "text", "text": " · a/b.md · Terms › Price · page 2"},
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


@pytest.mark.parametrize(
    ("permalink", "in_blocks", "in_text"),
    [("https://x.org/a|b>c", True, False), ("javascript:alert(1)", False, False), (None, False, False)],
)
def test_a_permalink_that_is_none_leads_nowhere(permalink: str | None, in_blocks: bool, in_text: bool) -> None:
    message = render(Escalated(turn(answer(citations=())), "U3"), EN, permalink=permalink)
    assert links("", message.blocks) == ({permalink} if in_blocks else set())
    assert bool(links(message.text, [])) is in_text


def test_feedback_is_forwarded_with_reason_comment_question_and_answer() -> None:
    feedback = Feedback("key", "U2", Verdict.NOT_HELPFUL, Reason.OUTDATED, "See\n<!here>")
    message = render(Forwarded(turn(answer()), feedback), EN, permalink=PERMALINK)
    assert shown(message.blocks).split("\n") == [
        *(" found this answer not helpful:", "The answer is: out of date", "See", "<!here>", " asked:", "How much?"),
        *("It costs", "38 billion.", "Source:", "1. The deal · a/b.md · Terms › Price · page 2"),
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
    assert message.overflow.endswith("1. The deal · a/b.md · Terms › Price · page 2 · https://docs.org/deal\n\n"
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
