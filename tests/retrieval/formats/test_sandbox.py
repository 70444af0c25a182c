from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.documents import read_documents
from retrieval.formats.extracted import Extracted, Unreadable
from retrieval.formats.sandbox import Limits, Sandbox
from retrieval.types import Document, Skipped
from tests.retrieval.formats.samples import write

READERS = {".x": "faulty"}
LIMITS = Limits(seconds=30, memory=512 << 20, characters=100_000)
"""Time enough for a busy machine: what is to run out of it gets less."""
CRASHED = "made its reader crash"


def sandbox_of(limits: Limits = LIMITS) -> Sandbox:
    return Sandbox(limits, readers=READERS, path=str(Path(__file__).parent))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with sandbox_of() as sandbox:
        yield sandbox


def order(sandbox: Sandbox, words: str) -> str:
    """The text that comes back, or the reason why none does."""
    try:
        return sandbox.extract(words.encode(), ".x").text
    except Unreadable as error:
        return str(error)


def test_one_child_reads_many_files(sandbox: Sandbox) -> None:
    child = order(sandbox, "pid")
    assert int(child) != os.getpid()
    assert [order(sandbox, f"say {number}") for number in range(100)] == [str(number) for number in range(100)]
    assert order(sandbox, "pid") == child


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("abort", CRASHED),
        ("exit", CRASHED),
        ("surrogate", CRASHED),
        ("headings [[1, 2, 1]]", CRASHED),
        ("headings [[1, 0, 4]]", CRASHED),
        ("headings [[0, 0, 1]]", CRASHED),
        ("headings [[1, 0, 2], [1, 1, 3]]", CRASHED),
        ("headings [[1, 0]]", CRASHED),
        ("pages [0, 4]", CRASHED),
        ("pages [2, 1]", CRASHED),
        ("pages [-1]", CRASHED),
        ("pages [true]", CRASHED),
        ("eat", "needs more memory to read than is allowed"),
        ("memory", "needs more memory to read than is allowed"),
    ],
)
def test_after_a_failure_another_child_reads_on(words: str, reason: str, sandbox: Sandbox) -> None:
    child = order(sandbox, "pid")
    assert order(sandbox, words) == reason
    assert order(sandbox, "say ancora") == "ancora"
    assert order(sandbox, "pid") != child


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("raise x", "cannot be made sense of by its reader (ValueError)"),
        ("recurse", "cannot be made sense of by its reader (RecursionError)"),
        ("nonsense", "cannot be made sense of by its reader (KeyError)"),
        ("long", "holds more than 100,000 characters of text"),
        ("print rumore", "printed"),
    ],
)
def test_after_a_mere_error_the_child_is_kept(words: str, reason: str, sandbox: Sandbox) -> None:
    child = order(sandbox, "pid")
    assert order(sandbox, words) == reason
    assert order(sandbox, "pid") == child


def test_a_file_that_fails_after_others_is_tried_in_a_new_child(sandbox: Sandbox) -> None:
    child = order(sandbox, "pid")
    assert [order(sandbox, f"spoiled {number}") for number in range(3)] == ["0", "1", "2"]
    assert order(sandbox, "pid") != child


@pytest.mark.parametrize("words", ["hang", "spin"])
def test_a_file_that_takes_too_long_is_given_up(words: str) -> None:
    with sandbox_of(replace(LIMITS, seconds=0.3)) as sandbox:
        assert order(sandbox, words) == "takes longer than 0.3 seconds to read"
        sandbox._limits = LIMITS
        assert order(sandbox, "say ancora") == "ancora"


@pytest.mark.parametrize(
    "answer",
    [
        "x",
        "",
        struct.pack(">Q", 1 << 60).decode("latin-1"),
        struct.pack(">Q", 10).decode("latin-1") + "short",
        struct.pack(">Q", 2).decode("latin-1") + "[]",
        struct.pack(">Q", 2).decode("latin-1") + "{}",
        struct.pack(">Q", 50_000).decode("latin-1") + "[" * 50_000,
        struct.pack(">Q", 15).decode("latin-1") + '{"reason":true}',
        struct.pack(">Q", 13).decode("latin-1") + '{"reason":""}',
        struct.pack(">Q", 12).decode("latin-1") + '{"text":"a"}',
    ],
)
def test_a_child_that_was_taken_over_is_not_believed(answer: str, sandbox: Sandbox) -> None:
    # Written to whatever is open, the parent's pipe among it; then the child is gone.
    reason = order(sandbox, f"write {answer}")
    assert reason in (CRASHED, "holds more than 100,000 characters of text")
    assert order(sandbox, "say ancora") == "ancora"


def test_the_child_is_told_no_secret(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "DISCORD_BOT_TOKEN", "DATABASE_URL", "HOME", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "xoxb-secret")
    told = json.loads(order(sandbox, "environment"))
    assert "xoxb-secret" not in json.dumps(told)
    known = {"PATH", "PYTHONPATH", "PYTHONIOENCODING", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "LC_CTYPE"}
    assert told.keys() <= known | {"SYSTEMROOT", "DYLD_LIBRARY_PATH", "PYTHONHOME"}


def test_the_child_writes_no_files(sandbox: Sandbox, tmp_path: Path) -> None:
    assert order(sandbox, f"leave {tmp_path / 'trace'}") == "could not write (OSError)"
    assert not (tmp_path / "trace").exists() or (tmp_path / "trace").stat().st_size == 0


def test_the_child_holds_parsers_and_nothing_of_the_program(sandbox: Sandbox) -> None:
    modules = set(json.loads(order(sandbox, "modules")))
    assert not modules & {"numpy", "yaml", "bot", "retrieval.documents", "asyncio", "docx", "selectolax", "pypdfium2"}


def test_the_parent_imports_no_parser() -> None:
    code = "import sys, retrieval.documents; print({'docx', 'lxml', 'selectolax', 'pypdfium2'} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_a_reader_that_is_not_installed_is_named() -> None:
    with Sandbox(LIMITS, readers={".x": "faulty", ".y": "missing_reader"}, path=str(Path(__file__).parent)) as sandbox:
        with pytest.raises(Unreadable, match=r"^needs a reader that is not installed \(missing_reader\)$"):
            sandbox.extract(b"say x", ".y")
        assert order(sandbox, "say x") == "x"


def test_a_python_that_cannot_be_started_is_a_reason(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    reason = "cannot be read, as no process can be started (no such file or directory)"
    assert order(sandbox, "say x") == reason
    monkeypatch.undo()
    # Not tried for each of many files.
    assert order(sandbox, "say x") == reason
    with sandbox_of() as another:
        assert order(another, "say x") == "x"


def test_the_child_ends_with_the_sandbox() -> None:
    with sandbox_of() as sandbox:
        child = int(order(sandbox, "pid"))
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert order(sandbox, "say x") == "x"
    sandbox.close()
    sandbox.close()


def test_ctrl_c_while_a_file_is_read_leaves_no_child_behind(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    child = int(order(sandbox, "pid"))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("retrieval.formats.sandbox.read_frame", interrupted)
        with pytest.raises(KeyboardInterrupt):
            order(sandbox, "say x")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert order(sandbox, "say y") == "y"


def test_failures_among_files_leave_the_others_read(tmp_path: Path) -> None:
    for number, words in enumerate(("say uno.", "abort", "say due.", "hang", "hang", "exit", "memory", "say tre.")):
        write(tmp_path, f"{number}.x", words)
    write(tmp_path, "z.txt", "quattro.")
    items = list(read_documents(tmp_path, sandbox=sandbox_of(replace(LIMITS, seconds=2))))
    assert {item.source: item.text for item in items if isinstance(item, Document)} == {
        "0.x": "uno.",
        "2.x": "due.",
        "7.x": "tre.",
        "z.txt": "quattro.",
    }
    assert {item.source: item.reason for item in items if isinstance(item, Skipped)} == {
        "1.x": CRASHED,
        "3.x": "takes longer than 2 seconds to read",
        # Known to take too long: not tried again.
        "4.x": "takes longer than 2 seconds to read",
        "5.x": CRASHED,
        "6.x": "needs more memory to read than is allowed",
    }


def test_what_was_read_before_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path, "a.x", "pid")
    write(tmp_path, "b.x", "say b")
    first = {item.source: item for item in read_documents(tmp_path, sandbox=sandbox_of()) if isinstance(item, Document)}
    write(tmp_path, "b.x", "say c")
    again = {
        item.source: item
        for item in read_documents(tmp_path, known=first, sandbox=sandbox_of())
        if isinstance(item, Document)
    }
    assert again["a.x"] is first["a.x"]
    assert again["b.x"].text == "c"


def test_what_could_not_be_read_before_is_not_tried_again(tmp_path: Path) -> None:
    write(tmp_path, "a.x", "exit")
    write(tmp_path, "b.x", "abort")
    before = list(read_documents(tmp_path, sandbox=sandbox_of()))
    assert [item.digest for item in before if isinstance(item, Skipped)] == [
        hashlib.sha256(words).hexdigest() for words in (b"exit", b"abort")
    ]
    known = {item.source: replace(item, reason="is known") for item in before if isinstance(item, Skipped)}
    write(tmp_path, "b.x", "say b")
    write(tmp_path, "c.x", "say c")
    a, *others = read_documents(tmp_path, known=known, sandbox=sandbox_of())
    assert a == Skipped("a.x", "is known")
    assert [item.text for item in others if isinstance(item, Document)] == ["b", "c"]


def test_a_reader_that_could_not_be_loaded_is_no_fault_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, "a.x", "x")
    (item,) = read_documents(tmp_path, sandbox=Sandbox(LIMITS, readers={".x": "missing_reader"}))
    assert isinstance(item, Skipped)
    assert item.reason == "needs a reader that is not installed (missing_reader)"
    assert item.digest == ""


def test_what_a_reader_finds_is_passed_on_unchanged(sandbox: Sandbox) -> None:
    assert sandbox.extract(b"pages [0, 1, 1, 3]", ".x") == Extracted("abc", pages=(0, 1, 1, 3))
    assert sandbox.extract(b"headings [[2, 0, 1], [9, 1, 3]]", ".x") == Extracted(
        "abc", headings=((2, 0, 1), (9, 1, 3))
    )
    text = 'perché "€" \U0001f600\t\n\u2028\x7f'
    assert order(sandbox, f"say {text}") == text
