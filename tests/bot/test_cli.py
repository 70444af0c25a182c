"""The commands as real processes: exit statuses, what goes to stdout and what to stderr."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot
from bot.settings import variables
from retrieval.build import index_folder
from retrieval.lock import writing

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds after which a test that would hang fails instead."""
HEAVY = ("numpy", "faiss", "onnxruntime", "torch", "rich", "prompt_toolkit", "pydantic", "matplotlib", "asyncio")

DEAL = "The deal between Acme and Globex is worth 38 billion dollars.\nIt was signed in Rome on 3 May 2024.\n"


class Bot:
    """``python -m bot`` on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.seeds = folder / "docs"
        self.data = folder / "data"
        self.seeds.mkdir()
        (self.seeds / "deal.txt").write_text(DEAL, encoding="utf-8")
        (self.seeds / "sub").mkdir()
        (self.seeds / "sub" / "città.md").write_text("# Città\n\nLa città più grande è Roma.\n", encoding="utf-8")
        self.environment = {name: value for name, value in os.environ.items() if name not in variables()} | {
            "SEEDS_DIR": str(self.seeds),
            "DATA_DIR": str(self.data),
            "EMBEDDING_MODEL": "hashing",
            "ANSWER_MIN_SUPPORT": "0",
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "LC_ALL": "en_US.UTF-8",
        }
        self.folder = folder

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment | environment,
        )

    def run(self, *arguments: str, stdin: bytes = b"", **environment: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        with self.start(*arguments, **environment) as process:
            try:
                out, err = process.communicate(stdin, PATIENCE)
            finally:
                process.kill()
        assert b"Traceback" not in err
        return process.returncode, out.decode("utf-8"), err.decode("utf-8")


@pytest.fixture
def app(tmp_path: Path) -> Bot:
    return Bot(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    """A folder whose index is current; tests leave it so."""
    app = Bot(tmp_path_factory.mktemp("built"))
    status, _, _ = app.run("index")
    assert status == 0
    return app


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys, bot.cli\ntry: bot.cli.main(['--help'])\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "bot.cli" in loaded
    assert not {name for name in loaded if name.partition(".")[0] in HEAVY}
    for command in ("ask", "index", "eval", "doctor", "backup", "restore"):
        assert f"\n    {command} " in done.stdout


def test_the_version_is_the_projects(built: Bot) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert bot.__version__ == project["version"]
    assert built.run("--version") == (0, f"{project['name']} {project['version']}\n", "")


def test_ask_prints_the_sentence_and_its_source_and_builds_the_index_itself(app: Bot) -> None:
    status, out, err = app.run("ask", "How much is the", "deal worth?")
    assert status == 0
    assert out.startswith("The deal between Acme and Globex is worth 38 billion dollars.")
    assert "Source:\n  1. " in out
    assert "deal.txt · line 1\n" in out
    assert err == "Reading the documents ...\n"
    assert app.run("ask", "How much is the deal worth?") == (0, out, ""), "the second time the index is current"


def test_ask_json_prints_one_object_and_nothing_else(built: Bot) -> None:
    status, out, err = built.run("ask", "--json", "Qual è la città più grande?")
    assert (status, err, out.count("\n")) == (0, "", 1)
    reply = json.loads(out)
    assert reply["outcome"] == "answered"
    assert reply["language"] == "it"
    assert 0 <= reply["support"] <= 1
    assert reply["seconds"] > 0
    [citation] = reply["citations"]
    assert citation["source"] == "sub/città.md"
    assert citation["title"] == "Città"
    assert citation["heading"] == ["Città"]
    text = (built.seeds / citation["source"]).read_text(encoding="utf-8")
    assert text[citation["start"] : citation["end"]] == citation["excerpt"] == "La città più grande è Roma."
    assert text[: citation["start"]].count("\n") + 1 == citation["line"] == 3


def test_a_question_that_is_not_answered_ends_with_3(built: Bot) -> None:
    status, out, err = built.run("ask", "Chi ha vinto la partita?", ANSWER_MIN_SUPPORT="1")
    assert (status, err) == (3, "")
    assert out.startswith("I documenti non lo dicono.\n\nI passaggi più vicini:\n  1. ")
    status, out, _ = built.run("ask", "--json", "Who won the match?", ANSWER_MIN_SUPPORT="1")
    assert (status, json.loads(out)["outcome"]) == (3, "not_found")


def test_piped_questions_are_answered_line_by_line(built: Bot) -> None:
    questions = "How much is the deal worth?\r\n\n   \nQual è la città più grande?\nnot utf-8: \xe9".encode("latin-1")
    status, out, err = built.run(stdin=questions)
    assert (status, err) == (0, "")
    assert out.count("\n\nSource:\n") + out.count("\n\nFonte:\n") == 3
    first, second = out.index("38 billion"), out.index("è Roma")
    assert first < second
    assert "\x1b" not in out
    assert built.run(stdin=b"") == (0, "", "")


def test_each_piped_answer_comes_before_the_next_question_is_asked(built: Bot) -> None:
    with built.start() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(b"How much is the deal worth?\n")
            process.stdin.flush()
            assert b"38 billion" in process.stdout.readline()
            while process.stdout.readline() != b"\n":
                pass
            while process.stdout.readline() != b"\n":
                pass
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_ends_quietly_with_130(built: Bot) -> None:
    with built.start() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"How much is the deal worth?\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr.read() == b""


def test_a_reader_that_stops_ends_the_chat_quietly(built: Bot) -> None:
    with built.start() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"How much is the deal worth?\n" * 3)
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == b""


def test_an_output_that_is_not_utf_8_is_no_reason_to_fail(built: Bot) -> None:
    question = "Qual è la città più grande?"
    for command in (["ask", question], ["ask", "--json", question], ["index"]):
        with built.start(*command, PYTHONIOENCODING="ascii") as process:
            out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, err) == (0, b"")
        decoded = out.decode("ascii")
        if "--json" in command:
            assert json.loads(decoded)["text"] == "La città più grande è Roma."
        elif "ask" in command:
            assert decoded.startswith("La citt? pi? grande ? Roma.")


@pytest.mark.parametrize("arguments", [["ask"], ["ask", "--nonsense", "x"], ["nonsense"], ["index", "extra"]])
def test_wrong_usage_ends_with_2(built: Bot, arguments: list[str]) -> None:
    status, out, err = built.run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage: python -m bot")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"EMBEDDING_THREADS": "many", "LOG_LEVEL": "loud"},
            "EMBEDDING_THREADS must be a whole number from 0 (automatic) to 256, not 'many'.\n"
            "LOG_LEVEL must be debug, info, warning or error, not 'loud'.\n",
        ),
        ({"BOT_LANGUAGE": "\x1b[2J"}, "BOT_LANGUAGE must be auto, en or it, not '\\x1b[2j'.\n"),
    ],
)
def test_wrong_settings_end_with_2_and_a_sentence_each(built: Bot, environment: dict[str, str], sentence: str) -> None:
    for command in (["index"], []):
        assert built.run(*command, stdin=b"", **environment) == (2, "", sentence)


def test_an_unknown_model_ends_with_2_and_one_sentence(built: Bot) -> None:
    status, out, err = built.run("ask", "x", EMBEDDING_MODEL="no such model")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "'no such model'" in err


def test_an_empty_question_is_wrong_usage(built: Bot) -> None:
    assert built.run("ask", " ") == (2, "", "Please ask a question.\n")
    assert built.run("ask", "", LC_ALL="it_IT.UTF-8") == (2, "", "Scrivi una domanda.\n")
    assert built.run("ask", "", BOT_LANGUAGE="it") == (2, "", "Scrivi una domanda.\n")
    status, _, err = built.run("ask", "x" * 2001)
    assert status == 2
    assert "2,000 characters" in err


def test_the_env_file_is_read_from_the_working_folder(built: Bot) -> None:
    path = built.folder / ".env"
    path.write_text("BOT_LANGUAGE=it\n", encoding="utf-8")
    try:
        assert built.run("ask", "") == (2, "", "Scrivi una domanda.\n")
        path.write_text("BOT_LANGUAGE\n", encoding="utf-8")
        assert built.run("ask", "x") == (2, "", ".env, line 1, is not of the form NAME=value.\n")
    finally:
        path.unlink()


@pytest.mark.parametrize(("command", "folder"), [("index", "nowhere"), ("ask x", "empty"), ("", "nowhere")])
def test_missing_or_empty_seeds_are_one_sentence_that_says_what_to_put_where(
    app: Bot, command: str, folder: str
) -> None:
    (app.folder / "empty").mkdir()
    assert app.run(*command.split(), SEEDS_DIR=folder) == (
        2,
        "",
        f"There are no documents to read in {folder}: put your .txt, .md, .html, .pdf or .docx files there and start "
        "again.\n",
    )


def test_when_the_seeds_are_gone_the_last_index_answers_and_says_so(app: Bot) -> None:
    app.run("index")
    for file in (app.seeds / "deal.txt", app.seeds / "sub" / "città.md"):
        file.unlink()
    assert app.run("index")[0] == 2
    status, out, err = app.run("ask", "How much is the deal worth?")
    assert status == 0
    assert "38 billion" in out
    assert err.splitlines() == [
        f"There are no documents to read in {app.seeds}: put your .txt, .md, .html, .pdf or .docx files there and "
        "start again.",
        "I answer from the last index.",
    ]


def test_index_tells_what_changed_and_why_files_were_left_out(app: Bot) -> None:
    (app.seeds / "old.txt").write_text("Old news.", encoding="utf-8")
    (app.seeds / "image.png").write_bytes(b"\x89PNG")
    assert app.run("index")[0] == 0
    (app.seeds / "old.txt").unlink()
    (app.seeds / "deal.txt").write_text(DEAL + "And one more sentence.\n", encoding="utf-8")
    (app.seeds / "[bold]new.txt").write_text("Brand new.", encoding="utf-8")
    status, out, _ = app.run("index")
    assert status == 0
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in out.splitlines() if "│" in line]
    assert [row[:2] for row in rows] == [
        ["[bold]new.txt", "added"],
        ["deal.txt", "changed"],
        ["image.png", "skipped"],
        ["old.txt", "removed"],
    ]
    assert rows[2][2]
    assert "1 added, 1 changed, 1 removed, 1 unchanged, 1 skipped." in out

    status, out, err = app.run("index", "--json")
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert report["unchanged"] == ["[bold]new.txt", "deal.txt", "sub/città.md"]
    assert report["added"] == report["changed"] == report["removed"] == []
    assert [entry["source"] for entry in report["skipped"]] == ["image.png"]
    assert report["published"] is False

    report = json.loads(app.run("index", "--rebuild", "--json")[1])
    assert report["published"] is True
    assert report["embedded"] == report["sentences"] > 0


def test_excluded_files_are_not_read(app: Bot) -> None:
    report = json.loads(app.run("index", "--json", SEEDS_EXCLUDE="sub/*, *.png")[1])
    assert report["added"] == ["deal.txt"]


@pytest.fixture
def locked(app: Bot) -> Iterator[Bot]:
    app.run("index")
    (app.seeds / "new.txt").write_text("Something new was said.", encoding="utf-8")
    with writing(index_folder(app.data)):
        yield app


def test_index_does_not_wait_for_another_writer(locked: Bot) -> None:
    status, out, err = locked.run("index")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "writing the index" in err


def test_ask_waits_for_another_writer_and_says_so(app: Bot) -> None:
    app.run("index")
    (app.seeds / "new.txt").write_text("Something new was said.", encoding="utf-8")
    with writing(index_folder(app.data)):
        process = app.start("ask", "What new thing was said?")
        assert process.stderr is not None
        note = process.stderr.readline().decode("utf-8")
        assert "waiting" in note
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert b"Something new was said." in out


def test_the_unexpected_is_one_sentence_and_the_debug_log_knows_where(app: Bot) -> None:
    app.run("index")
    code = "import sys, bot.app, bot.cli\nbot.app.open_index = lambda _: 1 / 0\nsys.exit(bot.cli.main(['ask', 'x']))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=app.environment, cwd=app.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Something unexpected happened (ZeroDivisionError: division by zero); LOG_LEVEL=debug shows where.\n"
    )
    debug = app.environment | {"LOG_LEVEL": "debug"}
    done = subprocess.run(command, env=debug, cwd=app.folder, capture_output=True, text=True, check=False)
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("shows where.\n")


def test_hostile_documents_cannot_drive_the_terminal(app: Bot) -> None:
    hostile = "The deal \x1b[2J\x1b]0;owned\x07 is worth \u202e12 euro.\n"
    (app.seeds / "deal.txt").write_text(hostile, encoding="utf-8")
    status, out, _ = app.run("ask", "How much is the deal worth?")
    assert status == 0
    assert "is worth 12 euro." in out
    assert not set(out) & set("\x1b\x07\u202e")
    citation = json.loads(app.run("ask", "--json", "How much is the deal worth?")[1])["citations"][0]
    assert citation["excerpt"] == hostile.strip()
