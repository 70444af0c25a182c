from __future__ import annotations

from typing import Any

import pytest

from bot.claims import Asked, Feedback, Reason, Trigger, Verdict
from bot.markup import layout, plain
from bot.markup.discord import (
    ANSWERED,
    NOT_FOUND,
    NOTICE,
    Button,
    message_link,
    read_mark,
    render,
    render_sources,
)
from bot.messages import CATALOGUE, messages_in
from bot.surface import Escalated, Forwarded, Notice, Shared
from bot.types import Outcome
from tests.bot.markup.discord_rules import bold, faults, kinds, links, mentions, shown, text_faults
from tests.bot.markup.samples import answer, cite, turn

EN, IT = messages_in("en"), messages_in("it")
ALL = tuple(Button)
HERE = message_link("1", "2", "3")
SOURCES = "**Source\\:**\n1\\. [The deal](https://docs.org/deal) · a/b.md · Terms › Price · page 2"


def asked(text: str = "How much?", user: str = "5") -> Asked:
    return Asked("key", "discord", "1", "2", "", "", user, text, Trigger.COMMAND, 1.0)


def text(content: str) -> dict[str, Any]:
    return {"type": 10, "content": content}


def parts(message: Any) -> list[dict[str, Any]]:
    [container] = message.components
    assert container["type"] == 17
    return list(container["components"])


@pytest.mark.parametrize("words", CATALOGUE.values())
@pytest.mark.parametrize("outcome", Outcome)
def test_the_same_words_in_the_same_order(words: Any, outcome: Outcome) -> None:
    second = cite(title="Other", page=None, heading=(), excerpt="Something\n\n" + "else " * 100, url=None)
    reply = answer(outcome=outcome, citations=(cite(), second))
    message = render(reply, words)
    assert shown(message.components).split() == plain(layout(reply, words)).split()
    assert shown(message.text).split() == plain(layout(reply, words)).split()


def test_an_answer_is_a_quote_with_the_words_that_answer_in_bold_and_its_source() -> None:
    message = render(answer(text="It costs\n38 billion.\n\nA lot."), EN)
    assert message.components == [
        {
            "type": 17,
            "accent_color": ANSWERED,
            "components": [text("> It costs\n> **38 billion**.\n> \n> A lot."), text(SOURCES)],
        }
    ]
    assert message.text == f"> It costs\n> **38 billion**.\n> \n> A lot.\n{SOURCES}"
    assert message.overflow is None
    assert message.roles == ()


def test_bold_ends_with_the_line_and_leaves_spaces_outside() -> None:
    message = render(answer(text="It costs 38\nbillion now.", highlights=((8, 20),)), EN)
    assert parts(message)[0] == text("> It costs **38**\n> **billion** now.")


def test_code_is_shown_as_code() -> None:
    reply = answer(text="Run:\n```sh\nls  -l '``` x'\n# *\n```\nand\n- wait", highlights=())
    assert parts(render(reply, EN))[0] == text(
        "> Run\\:\n```\nls  -l '`\u2060`` x'\n# *\n```\n> and\n> \\- wait",
    )
    assert kinds(render(reply, EN).components) == {"quote", "block", "bold", "link"}


def test_not_found_is_the_bot_s_own_sentence_and_the_nearest_passages_as_quotes() -> None:
    reply = answer(outcome=Outcome.NOT_FOUND, text=EN.not_found, highlights=(), citations=(cite(url=None), cite()))
    message = render(reply, EN)
    said, nearest = parts(message)
    assert said == text("The documents do not say.")
    assert nearest["content"] == (
        "**The nearest passages\\:**\n"
        "1\\. The deal · a/b.md · Terms › Price · page 2\n> It costs 38 billion.\n"
        "2\\. [The deal](https://docs.org/deal) · a/b.md · Terms › Price · page 2\n> It costs 38 billion."
    )
    assert message.components[0]["accent_color"] == NOT_FOUND
    assert links(message.text) == {"https://docs.org/deal"}


def test_the_number_is_the_link_where_the_title_cannot_be() -> None:
    message = render(answer(citations=(cite(title="a *b* https://evil.org"),)), EN)
    assert "\n[1.](https://docs.org/deal) a \\*b\\* https\\://evil.org · " in parts(message)[1]["content"]
    assert links(message.components) == {"https://docs.org/deal"}
    assert "1. a *b* https://evil.org · a/b.md" in shown(message.components)


def test_buttons_carry_the_key() -> None:
    *_, row = parts(render(answer(), IT, key="discord:1:2:3", buttons=ALL))
    assert row["type"] == 1
    assert [button["custom_id"] for button in row["components"]] == [f"{button.value}:discord:1:2:3" for button in ALL]
    assert [button["label"] for button in row["components"]] == [
        IT.helpful, IT.not_helpful, IT.ask_person, IT.share, IT.delete,
    ]  # fmt: skip
    assert [button["style"] for button in row["components"]] == [2, 2, 2, 2, 2]


@pytest.mark.parametrize("body", [Notice("a"), Escalated(turn(answer()), "3")])
def test_only_answers_have_buttons(body: Any) -> None:
    assert all(part["type"] != 1 for part in parts(render(body, EN, buttons=ALL, key="k")))


def test_what_is_shared_begins_with_who_asked_what() -> None:
    message = render(Shared(turn(answer(), "How\nmuch <@&9>?", "5")), EN, key="k", buttons=(Button.HELPFUL,))
    question, line, *rest = parts(message)
    assert question == text("<@5> asked\\:\n> How\n> much \\<\\@\u2060&9>?")
    assert line["type"] == 14
    assert rest == parts(render(answer(), EN, key="k", buttons=(Button.HELPFUL,)))
    assert message.text.startswith("<@5> asked\\:\n> How\n> much")
    assert mentions(message.components) == mentions(message.text) == {"@5"}


def test_a_question_nobody_else_sees_stands_above_the_answer_in_small_print() -> None:
    for body in (answer(), Notice("Wait.")):
        message = render(body, EN, question=asked("How\nmuch\n# is it?"), mark=(7, 8))
        first, *rest = parts(message)
        assert first == text("-# <@5> asked\\: How much # is it?") | {"id": 8}
        assert rest == parts(render(body, EN))
        assert kinds(first["content"]) == {"small"}
        assert message.text.startswith("-# <@5> asked\\: How much # is it?\n")
    assert len(parts(render(answer(), EN, question=asked("word " * 500)))[0]["content"]) < 330


@pytest.mark.parametrize(
    ("role", "markdown", "roles"),
    [("77", "<@&77> ", ("77",)), ("@support", "@support ", ()), ("@here", "\\@\u2060here ", ()), (None, "", ())],
)
def test_an_escalation_calls_people_and_leads_to_the_answer(
    role: str | None, markdown: str, roles: tuple[str, ...]
) -> None:
    body = Escalated(turn(answer()), "3")
    message = render(body, EN, role=role, permalink=HERE, buttons=ALL, key="k")
    first, _, *_, last = parts(message)
    assert first == text(f"{markdown}<@3> asks for a person's answer to this question\\:\n> How much?")
    assert last == text(f"[Go to the answer]({HERE})")
    assert message.text.startswith(first["content"])
    assert message.text.endswith(last["content"])
    assert message.roles == roles
    assert mentions(message.components) == {"@3", *(f"&{role}" for role in roles)}


def test_an_escalation_below_its_answer_does_not_repeat_it() -> None:
    message = render(Escalated(turn(answer()), "3"), EN, role="77", permalink=HERE, brief=True)
    assert parts(message) == [text(message.text)]
    assert message.text == "<@&77> <@3> asks for a person's answer to this question\\:\n> How much?"
    assert message.roles == ("77",)


def test_nobody_else_calls_a_role() -> None:
    for body in (answer(), Notice("a"), Shared(turn(answer()))):
        assert render(body, EN, role="77").roles == ()
        assert "&77" not in mentions(render(body, EN, role="77").components)


@pytest.mark.parametrize(
    ("permalink", "leads"),
    [("https://x.org/a)b", {"https://x.org/a%29b"}), ("javascript:alert(1)", set()), (None, set())],
)
def test_a_permalink_that_is_none_leads_nowhere(permalink: str | None, leads: set[str]) -> None:
    message = render(Escalated(turn(answer(citations=())), "3"), EN, permalink=permalink)
    assert links(message.components) == links(message.text) == leads


def test_feedback_is_forwarded_with_reason_comment_question_and_answer() -> None:
    feedback = Feedback("key", "2", Verdict.NOT_HELPFUL, Reason.OUTDATED, "See\n@here")
    message = render(Forwarded(turn(answer(), user="5"), feedback), EN, permalink=HERE)
    lines = [
        *(
            "<@2> found this answer not helpful:",
            "The answer is: out of date",
            "See",
            "@here",
            "<@5> asked:",
            "How much?",
        ),
        *("It costs", "38 billion.", "Source:", "1. The deal · a/b.md · Terms › Price · page 2"),
        "Go to the answer",
    ]
    assert shown(message.components).split("\n") == lines
    assert shown(message.text).split("\n") == lines
    assert mentions(message.text) == mentions(message.components) == {"@2", "@5"}
    helpful = render(Forwarded(turn(answer(), user="5"), Feedback("key", "2", Verdict.HELPFUL)), EN)
    assert shown(helpful.components).startswith("<@2> found this answer helpful:\n<@5> asked:\n")


def test_a_long_answer_begins_in_the_message_and_is_whole_in_a_file() -> None:
    said = "".join(f"Sentence number {number} of many.\n\n" for number in range(1000))
    message = render(answer(text=said, highlights=((9, 15), (20_000, 20_010))), EN, buttons=ALL, key="k", file="a.txt")
    quoted, note, file, sources, row = parts(message)
    beginning = shown([quoted])
    assert beginning.endswith("of many.…")
    assert said.startswith(beginning[:-1])
    assert len(beginning) > 3_000
    assert bold([quoted]) == "number"
    assert note == text("-# The whole answer is in the file.")
    assert file == {"type": 13, "file": {"url": "attachment://a.txt"}}
    assert "The deal" in shown([sources])
    assert row["type"] == 1
    assert message.overflow is not None
    assert message.overflow.startswith(said.strip())
    assert message.overflow.endswith("1. The deal · a/b.md · Terms › Price · page 2 · https://docs.org/deal\n\n"
                                     "It costs\n38 billion.\n")  # fmt: skip
    assert message.text.count("Sentence") > 40
    assert EN.whole_answer in message.text
    assert "The deal" in message.text
    assert faults(message.components) == text_faults(message.text) == []


def test_where_no_file_can_go_along_none_is_promised() -> None:
    message = render(answer(text="word " * 10_000), EN, file=None)
    assert message.overflow is None
    assert EN.whole_answer not in shown(message.components) + message.text
    assert all(part["type"] != 13 for part in parts(message))
    assert "word…" in shown(message.components)


def test_an_answer_that_only_the_fallback_cuts_has_no_file() -> None:
    message = render(answer(text="word " * 600), EN)
    assert message.overflow is None
    assert "word…" in message.text
    assert EN.whole_answer not in message.text


def test_code_that_is_cut_is_still_a_block() -> None:
    message = render(answer(text="```\n" + "ls -l\n" * 1000 + "```", highlights=()), EN)
    assert parts(message)[0]["content"].startswith("```\nls -l\n")
    assert parts(message)[0]["content"].endswith("ls -l…\n```")
    assert message.overflow is not None


def test_citations_without_room_are_in_the_file() -> None:
    many = tuple(cite(title=f"Document {number}", excerpt=f"Passage {number}. " + "a " * 300) for number in range(80))
    message = render(answer(text="It costs 38 billion. " * 1000, citations=many), EN)
    assert shown(message.components).count("It costs 38 billion.") > 60
    assert "1. Document 0" in shown(message.components)
    assert "80. Document 79" not in shown(message.components)
    assert message.overflow is not None
    assert "80. Document 79" in message.overflow
    assert faults(message.components) == text_faults(message.text) == []


def test_a_notice_is_literal() -> None:
    message = render(Notice("Wait: <@1> & *co*."), EN)
    assert parts(message) == [text("Wait: \\<\\@\u20601> & \\*co\\*.")]
    assert message.components[0]["accent_color"] == NOTICE
    assert message.text == "Wait: \\<\\@\u20601> & \\*co\\*."
    assert message.overflow is None


@pytest.mark.parametrize("body", [Notice(""), Notice(" \n"), answer(text="", citations=(), highlights=())])
def test_there_is_always_something_to_show(body: Any) -> None:
    message = render(body, EN, mark=(1, 2))
    assert (shown(message.components), message.text) == ("…", "…")
    assert read_mark(message.components) == (1, 2)


# ---------------------------------------------------------------- documents


def test_documents_are_listed_with_their_addresses() -> None:
    message = render_sources([("The deal", "a/b.md", "https://docs.org/deal"), ("*Draft*", "c.txt", None)], EN)
    lines = [
        "**The documents I have read\\:**",
        "1\\. [The deal](https://docs.org/deal) · a/b.md",
        "2\\. \\*Draft\\* · c.txt",
    ]
    assert parts(message) == [text("\n".join(lines))]
    assert message.text == parts(message)[0]["content"]
    assert message.overflow is None


def test_documents_without_room_are_in_the_file() -> None:
    documents = [(f"Document {number}", f"{number}.md", f"https://docs.org/{number}") for number in range(1000)]
    message = render_sources(documents, EN)
    listed, file = parts(message)
    assert listed["content"].endswith("\n…")
    assert file["file"]["url"] == "attachment://answer.txt"
    assert message.overflow is not None
    assert message.overflow.endswith("1000. Document 999 · 999.md · https://docs.org/999\n")
    assert faults(message.components) == text_faults(message.text) == []
    assert render_sources(documents, EN, file=None).overflow is None
