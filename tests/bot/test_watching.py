"""Changes in a folder are told, whatever happens to the folder."""

from __future__ import annotations

import errno
import os
import queue
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import watching
from bot.watching import FolderWatch

PATIENCE = 30.0
"""Seconds after which what does not happen counts as a failure."""


class Watched:
    """A folder that is watched, and what was told."""

    def __init__(self, folder: Path, without: Path) -> None:
        self.folder = folder
        self.changes: queue.Queue[str] = queue.Queue()
        self.failures: queue.Queue[str | None] = queue.Queue()
        self.watch = FolderWatch(folder, without, lambda: self.changes.put("changed"), self.failures.put)
        self.watch.start()

    def told(self) -> None:
        """Wait for a change to be told."""
        self.changes.get(timeout=PATIENCE)

    def after(self, change: Callable[[], object]) -> None:
        """A change is told."""
        while not self.changes.empty():
            self.changes.get()
        change()
        self.told()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(watching, "STEP", 10)
    monkeypatch.setattr(watching, "LOOK", 50)
    monkeypatch.setattr(watching, "AGAIN", 0.05)
    folder = tmp_path / "docs"
    folder.mkdir()
    watched = Watched(folder, folder / "data")
    watched.told()  # that it has begun
    yield watched
    watched.watch.stop()
    assert not watched.watch._thread.is_alive()


def test_files_that_come_change_and_go_are_told(watched: Watched) -> None:
    deep = watched.folder / "one" / "two"
    watched.after(lambda: deep.mkdir(parents=True))
    watched.after(lambda: (watched.folder / "a.txt").write_text("a", encoding="utf-8"))
    watched.after(lambda: (watched.folder / "a.txt").write_text("b", encoding="utf-8"))
    watched.after(lambda: (watched.folder / "a.txt").rename(watched.folder / "b.txt"))
    watched.after((watched.folder / "b.txt").unlink)


def test_a_folder_that_goes_and_comes_back_is_watched_again(watched: Watched) -> None:
    shutil.rmtree(watched.folder)
    watched.told()
    watched.folder.mkdir()
    watched.told()
    watched.after(lambda: (watched.folder / "a.txt").write_text("a", encoding="utf-8"))


def test_a_folder_that_takes_the_place_of_another_is_watched(watched: Watched, tmp_path: Path) -> None:
    """As where a link is moved on to the next release."""
    other = tmp_path / "other"
    other.mkdir()
    watched.folder.rename(tmp_path / "old")
    other.rename(watched.folder)
    watched.told()
    watched.after(lambda: (watched.folder / "a.txt").write_text("a", encoding="utf-8"))


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("a.txt", True),
        ("one/two/a.txt", True),
        (".a.txt.swp", False),
        (".git/index", False),
        ("one/.hidden/a.txt", False),
        ("data", False),
        ("data/ledger.db", False),
        ("database.txt", True),
    ],
)
def test_hidden_files_and_the_bots_own_do_not_count(watched: Watched, path: str, counts: bool) -> None:
    root = Path(os.path.realpath(watched.folder))
    assert watched.watch._counts(root, str(root / path)) is counts


def test_a_folder_below_a_hidden_one_is_watched_like_any_other(tmp_path: Path) -> None:
    root = tmp_path / ".docs"
    assert FolderWatch(root, tmp_path / "data", lambda: None, lambda _: None)._counts(root, str(root / "a.txt"))


def test_what_cannot_be_watched_is_named_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "AGAIN", 0.01)
    real, refusals = watching.watch, [OSError(errno.ENOSPC, "OS file watch limit reached"), RuntimeError("odd")]

    def refusing(*arguments: object, **options: object) -> object:
        if refusals:
            raise refusals.pop(0)
        return real(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(watching, "watch", refusing)
    watched = Watched(tmp_path, tmp_path / "data")
    told = [watched.failures.get(timeout=PATIENCE) for _ in range(3)]
    assert told[0] == (
        f"{tmp_path} cannot be watched (OS file watch limit reached): until it can, send a SIGHUP after changes."
    )
    assert "(odd)" in str(told[1])
    assert told[2] is None
    watched.told()
    watched.watch.stop()
