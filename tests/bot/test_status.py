from __future__ import annotations

import sys

import pytest

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
