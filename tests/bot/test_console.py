from __future__ import annotations

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bot.errors import AnswerFailed
from bot.platforms import console
from bot.types import Citation, Outcome, Question, Reply
from tests.standin.processes import Library, environment

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
"""Seconds after which a test that would hang fails instead."""


def reply(text: str = "It costs [bold]38[/bold] billion.", highlights: tuple[tuple[int, int], ...] = ()) -> Reply:
    citation = Citation("deal.txt", "The [red]deal", (), None, 2, 0, len(text), text, 1.0)
    return Reply(Outcome.ANSWERED, text, None, "en", (citation,), 0.9, highlights, 0.1)


async def each(*lines: str) -> AsyncIterator[str]:
    for line in lines:
        yield line


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


async def test_lines_come_as_they_are_written(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    lines = console.read_lines(reader)
    os.write(writer, b"one\r\ntwo\nthr")
    assert [await anext(lines), await anext(lines)] == ["one", "two"]
    third = asyncio.ensure_future(anext(lines))
    for _ in range(100):  # a blocking read would never return from here
        await asyncio.sleep(0)
    assert not third.done()
    os.write(writer, "ee città \xff".encode("latin-1") + b"\n\nlast")
    assert [await third, await anext(lines)] == ["three citt\ufffd \ufffd", ""]
    os.close(writer)
    assert [line async for line in lines] == ["last"]


async def test_reading_can_be_cancelled(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    task = asyncio.ensure_future(anext(console.read_lines(reader)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)
    assert not asyncio.get_running_loop().remove_reader(reader), "nobody watches the pipe any more"
    os.write(writer, b"x")


async def test_a_regular_file_and_the_null_device_are_read_to_their_end(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text("a\nb" + "\n" * 3 + "c")
    for name, expected in ((path, ["a", "b", "", "", "c"]), (Path(os.devnull), [])):
        descriptor = os.open(name, os.O_RDONLY)
        try:
            assert [line async for line in console.read_lines(descriptor)] == expected
        finally:
            os.close(descriptor)


async def test_an_endless_line_does_not_fill_the_memory(pipe: tuple[int, int]) -> None:
    reader, writer = pipe

    def write() -> None:
        for _ in range(64):
            os.write(writer, b"x" * console.MAX_LINE)
        os.write(writer, b"\nnext\n")
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    lines = [line async for line in console.read_lines(reader)]
    thread.join()
    assert lines[1:] == ["next"]
    assert len(lines[0]) <= 2 * console.MAX_LINE


async def test_every_line_gets_its_answer_and_blank_ones_none(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Question] = []

    async def ask(question: Question) -> Reply:
        asked.append(question)
        if question.text == "bad":
            raise AnswerFailed("Something\x1b went wrong.")
        return reply(f"Answer to {question.text}.")

    await console.answer_lines(ask, each("one", "", "  ", "bad", "two"), locale="it")
    assert asked == [Question("one", "it"), Question("bad", "it"), Question("two", "it")]
    captured = capsys.readouterr()
    assert captured.out == "".join(
        f"Answer to {name}.\n\nSource:\n  1. The [red]deal · deal.txt · line 2\n\n" for name in ("one", "two")
    )
    assert captured.err == "Something\ufffd went wrong.\n"


def test_on_a_terminal_the_answering_words_stand_out_and_documents_cannot_style(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    text = "It costs [bold]38[/bold] :smile: \x1b[31mbillion."
    console.show(reply(text, ((9, 24),)), timed=True)
    shown = capsys.readouterr().out
    assert "\x1b[1;32m[bold]38[/bold]\x1b[0m :smile: \ufffd[31mbillion.\n\n" in shown
    assert "The [red]deal" in shown
    assert "0.100 s" in shown

    monkeypatch.setenv("NO_COLOR", "1")
    console.show(reply(text, ((9, 24),)))
    plain = capsys.readouterr().out
    assert "\x1b[1m[bold]38[/bold]\x1b[0m" in plain
    assert "32m" not in plain


# ``chat`` as a person meets it: a real terminal, with an assistant that only repeats the question.
CHAT = """
import asyncio, sys
from pathlib import Path
from bot.errors import AnswerFailed
from bot.platforms import console
from bot.types import Outcome, Reply

async def ask(question):
    if question.text == "fail":
        raise AnswerFailed("It went wrong.")
    return Reply(Outcome.NOT_FOUND, f"<{question.text}>", None, "en", (), 0.0, (), 0.25)

documents = [("The deal", "deal.txt"), ("Other", "b.md")]
asyncio.run(console.chat(ask, documents, Path(sys.argv[1]), locale=sys.argv[2]))
print("status 0")
"""

PROMPT = "(prompt)"


class Terminal:
    """A program under a pseudo-terminal."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        import pty
        import termios

        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, 120))
        self.master = master
        self.seen = ""
        environment = (env or os.environ) | {
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(slave)

    def expect(self, text: str) -> str:
        """Read until ``text`` has appeared and return everything up to its end, without escape sequences."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{text!r} did not appear in {self.seen!r}"
            block = os.read(self.master, 65536).decode("utf-8", "replace")
            block = block.replace("\x1b[?2004h", PROMPT)  # bracketed paste goes on where typing begins
            self.seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen + block)
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def hang_up(self) -> None:
        """Close the terminal's window."""
        os.close(self.master)
        self.master = -1
        self.process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.master >= 0:
            os.close(self.master)


@pytest.fixture
def start() -> Iterator[Callable[..., Terminal]]:
    terminals: list[Terminal] = []

    def start(*arguments: str, env: dict[str, str] | None = None) -> Terminal:
        terminals.append(Terminal(*arguments, env=env))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_a_chat_in_a_terminal(start: Callable[..., Terminal], tmp_path: Path) -> None:
    history = str(tmp_path / "history")
    chat = start("-c", CHAT, history, "en")
    assert "I have read 2 documents" in chat.expect(PROMPT)
    chat.type("first question\r")
    assert "<first question>" in chat.expect("0.250 s")
    chat.expect(PROMPT)
    chat.type("dropped\x03")  # Ctrl-C
    chat.expect(PROMPT)
    chat.type("\x1b[A\r")  # the up arrow
    chat.expect("<first question>")
    chat.expect(PROMPT)
    chat.type("fail\r")
    chat.expect("It went wrong.")
    chat.expect(PROMPT)
    chat.type("/sources\r")
    chat.expect("The deal · deal.txt")
    chat.expect(PROMPT)
    chat.type("/nonsense\r")
    chat.expect("I don't know /nonsense")
    chat.expect(PROMPT)
    chat.type("/help\r")
    chat.expect("Ctrl-D")
    chat.expect(PROMPT)
    chat.type("/quit\r")
    chat.expect("Goodbye.")
    chat.expect("status 0")
    assert chat.wait() == 0

    again = start("-c", CHAT, history, "it_IT.UTF-8")
    assert "Ho letto 2 documenti" in again.expect(PROMPT)
    again.type("\x1b[A" * 6 + "\r")
    again.expect("<first question>")
    again.expect(PROMPT)
    again.type("\x04")  # Ctrl-D
    again.expect("A presto.")
    assert again.wait() == 0


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX")
def test_a_chat_follows_its_documents_and_ends_with_its_terminal(
    start: Callable[..., Terminal], tmp_path: Path
) -> None:
    own = Library(tmp_path)
    env = environment(**own.settings(tmp_path / "ledger.db"), LOG_LEVEL="info", LC_ALL="en_US.UTF-8")
    chat = start("-m", "bot", env=env)
    assert "I have read one document" in chat.expect(PROMPT)
    (tmp_path / "docs" / "lighthouse.txt").write_text("The lighthouse costs 12 million dollars.", encoding="utf-8")
    chat.process.send_signal(signal.SIGHUP)
    chat.expect("serves: 1 added, 0 changed, 0 removed")
    chat.type("/sources\r")
    chat.expect("lighthouse.txt")
    chat.expect(PROMPT)
    chat.type("How much does the lighthouse cost?\r")
    chat.expect("12 million dollars")
    chat.expect(PROMPT)
    chat.hang_up()
    chat.wait()


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_history_that_cannot_be_written_stays_in_memory(tmp_path: Path, place: str) -> None:
    blocker = tmp_path / "data"
    if place == "file":
        blocker.write_text("not a folder")
    else:
        (blocker / "history").mkdir(parents=True)
    history = console._history(blocker / "history")
    history.append_string("a question")
    assert history.get_strings() == ["a question"]


def test_the_history_is_kept_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history"
    console._history(path).append_string("perché?")
    assert list(console._history(path).load_history_strings()) == ["perché?"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_does_not_lose_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history"
    history = console._history(path)
    path.unlink()
    path.mkdir()
    history.append_string("perché?")
    assert history.get_strings() == ["perché?"]
    assert str(path) in capsys.readouterr().err
