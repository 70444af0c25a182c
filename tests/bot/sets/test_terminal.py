"""``--set`` in the terminal, where without it everything is shown."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.sets.house import DOCUMENTS, OPENS, PRIVATE, PUBLIC, SETS, holds_canary
from tests.bot.test_cli import Bot
from tests.bot.test_console import PROMPT, Terminal


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    app = Bot(tmp_path_factory.mktemp("built"))
    app.environment |= {"SETS": json.dumps(SETS), "ANSWER_READER": "false"}
    for name, text in DOCUMENTS.items():
        path = app.seeds / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert app.run("index")[0] == 0
    return app


def test_without_it_everything_is_shown_and_with_it_those_sets_alone(built: Bot) -> None:
    assert "4,711 zebrafink coins" in built.run("ask", PRIVATE)[1]
    for arguments in (["--set", "hr"], ["--set", "default", "--set", "hr"]):
        assert "4,711 zebrafink coins" in built.run("ask", PRIVATE, *arguments)[1]
    _, out, _ = built.run("ask", PRIVATE, "--set", "default", "--explain", "--json")
    assert not holds_canary(out)
    assert json.loads(out)["citations"]
    assert OPENS not in built.run("ask", PUBLIC, "--set", "hr")[1]


def test_piped_questions_are_limited_too(built: Bot) -> None:
    questions = f"{PRIVATE}\n{PUBLIC}\n".encode()
    status, out, _ = built.run("--set", "default", stdin=questions)
    assert status == 0
    assert OPENS in out
    assert not holds_canary(out)
    assert holds_canary(built.run("--set", "hr", stdin=questions)[1])


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_a_chat_counts_and_lists_what_it_may_show(built: Bot) -> None:
    with closing(Terminal("-m", "bot", "--set", "hr", env=built.environment)) as chat:
        assert "I have read one document" in chat.expect(PROMPT)
        chat.type("/sources\r")
        listed = chat.expect(PROMPT)
    assert "hr/narwhal.md" in listed
    assert "guide.md" not in listed


@pytest.mark.parametrize("arguments", [("ask", PRIVATE, "--set", "sales"), ("--set", "sales")])
def test_a_set_that_is_not_defined_is_an_error(built: Bot, arguments: tuple[str, ...]) -> None:
    told = '--set names "sales", which SETS does not define: it defines default, hr.\n'
    assert built.run(*arguments) == (2, "", told)


def test_it_is_not_taken_where_it_would_limit_nothing(built: Bot) -> None:
    for command in ("slack", "discord", "serve", "index", "unanswered"):
        status, out, err = built.run("--set", "hr", command)
        assert (status, out) == (2, "")
        assert "--set is for the chat and for ask" in err


def test_a_copy_of_a_private_document_is_found_where_it_is_public(tmp_path: Path) -> None:
    app = Bot(tmp_path)
    app.environment |= {"SETS": '{"hr": ["hr"]}'}
    for folder in ("hr", "pub"):
        (app.seeds / folder).mkdir()
        (app.seeds / folder / "coin.txt").write_text("The bonus is 4,711 coins.\n", encoding="utf-8")
    for name, source in (("hr", "hr/coin.txt"), ("default", "pub/coin.txt")):
        _, out, _ = app.run("ask", "How much is the bonus?", "--json", "--set", name)
        assert json.loads(out)["citations"][0]["source"] == source
