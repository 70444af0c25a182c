from __future__ import annotations

import re
import sys

import pytest

from bot.messages import messages_in
from bot.platforms.status import Status
from retrieval.progress import Step


def run(status: Status) -> None:
    for stage, done, total in (("read", 1, 0), ("split", 1, 1), ("embed", 0, 2), ("embed", 2, 2), ("write", 1, 1)):
        status.progress(Step(stage, done, total))


def test_without_a_terminal_there_is_one_line_and_only_when_there_is_work(capsys: pytest.CaptureFixture[str]) -> None:
    with Status("Reading") as status:
        status.progress(Step("read", 3, 0))
        status.progress(Step("embed", 0, 0))
        assert capsys.readouterr().err == ""
        run(status)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Reading ...\n")


def test_on_a_terminal_the_bar_says_what_how_much_and_of_how_much(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Status("Reading [1]") as status:
        run(status)
        status.note("A note \x1b[2J.")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Reading [1]" in captured.err
    assert "2/2" in captured.err
    assert captured.err.endswith("A note \ufffd[2J.\n")


def test_a_bar_is_taken_down_when_the_build_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    def fail() -> None:
        with Status("Reading") as status:
            status.progress(Step("embed", 0, 2))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert "\x1b[?25h" in capsys.readouterr().err, "the cursor is shown again"


# --- long work ---------------------------------------------------------------------------------------------------


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def long_build(status: Status, clock: Clock, seconds: float = 300) -> None:
    """Files are read in ``seconds`` / 5, split at once, embedded in ``seconds``."""
    for row in range(101):
        status.progress(Step("read", row, 100))
        clock.now += seconds / 500
    for row in range(101):
        status.progress(Step("split", row, 100, 100, 3 * row, 10 * row))
    for done in range(0, 1001, 10):
        status.progress(Step("embed", done, 1000, 100, 300, 1200))
        clock.now += seconds / 100
    status.progress(Step("write", 0, 1, 100, 300, 1200))
    status.progress(Step("write", 1, 1, 100, 300, 1200))


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Status("Reading", clock=clock) as status:
        long_build(status, clock)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Reading: reading files, 50/100 files, about 40 s left, 2 a second ..."
    assert lines[1] == "Reading ..."
    assert "Reading: embedding, 420/1000 sentences, about 3 min left, 3 a second, 100 files, 300 passages ..." in lines
    assert 5 <= len(lines) <= 13
    assert all(line.endswith(" ...") for line in lines), "what starts builds can tell them from other notes"
    assert not [line for line in lines if "\x1b" in line or "\r" in line]


def test_a_log_gets_one_line_of_a_short_build_and_few_of_a_very_long_one(capsys: pytest.CaptureFixture[str]) -> None:
    for seconds, least, most in ((20, 1, 1), (36000, 10, 140)):
        clock = Clock()
        with Status("Reading", clock=clock) as status:
            long_build(status, clock, seconds)
        assert least <= len(capsys.readouterr().err.splitlines()) <= most


def test_the_line_is_in_the_language_of_the_bot(capsys: pytest.CaptureFixture[str]) -> None:
    clock, words = Clock(), messages_in("it")
    with Status(words.reading, words, clock=clock) as status:
        long_build(status, clock)
    assert "Leggo i documenti: calcolo dei vettori, 420/1000 frasi, circa 3 min alla fine" in capsys.readouterr().err


@pytest.mark.parametrize("width", [40, 80, 160])
def test_on_a_terminal_there_is_one_line_that_fits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    clock = Clock()
    with Status("Reading the documents", clock=clock) as status:
        long_build(status, clock)
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", drawn) if line.strip()]
    assert max(map(len, lines)) <= width
    embedding = [line for line in lines if "500/1000 sentences" in line]
    assert embedding
    assert [line for line in lines if "50/100 files" in line], "reading takes long too"
    assert ("about 3 min left" in embedding[0]) == (width >= 60)
    assert ("3 a second · 100 files, 300 passages" in embedding[0]) == (width >= 160)
    assert [line for line in lines if "writing the index" in line]
    assert not [line for line in lines if "0/1 " in line.split()]


def test_a_terminal_shows_nothing_of_stages_that_are_over_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Status("Reading", clock=Clock()) as status:
        for stage in ("read", "split"):
            for row in range(101):
                status.progress(Step(stage, row, 100))
        status.progress(Step("write", 0, 1))
        status.progress(Step("write", 1, 1))
    assert capsys.readouterr().err == ""
