"""Versions that somebody reads stay, in whichever process; those that nobody reads any more go."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrieval
from retrieval import sharing, tidying
from retrieval.build import build_index, check_index, current_version, index_folder, open_index
from retrieval.documents import make_document
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.errors import IndexCorrupt, IndexLocked
from retrieval.index import Index
from retrieval.lock import GLANCE, writing
from retrieval.publish import publish
from retrieval.sharing import Busy, held, share
from retrieval.storage import current, hold, load_current, load_manifest, load_version, verify_checksums, versions
from retrieval.tidying import tidy
from retrieval.types import Query

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs flock")

READER = """
import sys
from pathlib import Path
from retrieval.build import index_folder, open_index
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.storage import load_version, verify_checksums
from retrieval.types import Query

data = Path(sys.argv[1])
index = open_index(data, HashingEmbedder())
folder = index_folder(data) / index.version
print(index.version, flush=True)
for line in sys.stdin:  # one question a line, until the index is to be let go of
    if line == "let go\\n":
        index = None
        print("gone", flush=True)
        continue
    [found] = index.search_many([Query("Who painted the harbour?")])
    verify_checksums(folder, load_version(folder))
    print(found.hits[0].text, folder.is_dir(), flush=True)
"""


class Reader:
    """A process that has the index open."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.version = self._line()

    def ask(self) -> str:
        return self._say("ask")

    def let_go(self) -> None:
        assert self._say("let go") == "gone"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _say(self, word: str) -> str:
        assert self.process.stdin
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().removesuffix("\n")


@contextmanager
def reading(data: Path) -> Iterator[Reader]:
    env = {**os.environ, "PYTHONPATH": str(Path(retrieval.__file__).parents[1])}
    pipe = subprocess.PIPE
    code = [sys.executable, "-c", READER, str(data)]
    with subprocess.Popen(code, stdin=pipe, stdout=pipe, env=env, text=True) as process:
        try:
            yield Reader(process)
        finally:
            process.kill()


def build(data: Path, number: int) -> str:
    documents = [make_document("sea.txt", f"The harbour was painted by crew{number}.", markdown=False)]
    build_index(documents, data, HashingEmbedder(), where="seeds")
    return current_version(data)


def names(data: Path) -> list[str]:
    return [folder.name for folder in versions(index_folder(data))]


# --- processes ---------------------------------------------------------------------------------------------------


def test_a_reader_answers_during_twenty_publishes_and_its_files_stay_until_it_lets_go(tmp_path: Path) -> None:
    build(tmp_path, 0)
    with reading(tmp_path) as reader:
        for number in range(1, 21):
            build(tmp_path, number)
            assert reader.ask() == "The harbour was painted by crew0. True"
            assert len(names(tmp_path)) == min(number + 1, 3)
        reader.let_go()
        tidy(tmp_path)
        assert len(names(tmp_path)) == 2
        assert reader.version not in names(tmp_path)


def test_of_two_readers_each_keeps_its_own_and_a_killed_one_keeps_nothing(tmp_path: Path) -> None:
    build(tmp_path, 0)
    with reading(tmp_path) as first, reading(tmp_path) as twin:
        build(tmp_path, 1)
        with reading(tmp_path) as second:
            for number in (2, 3, 4):
                build(tmp_path, number)
            assert {first.version, second.version} < set(names(tmp_path))
            first.kill()
            build(tmp_path, 5)
            assert twin.ask().endswith("True"), "the other reader of the same version keeps it"
            twin.kill()
            build(tmp_path, 6)
            assert first.version not in names(tmp_path)
            assert second.ask() == "The harbour was painted by crew1. True"
    build(tmp_path, 7)
    assert len(names(tmp_path)) == 2


def test_the_last_good_version_is_kept_for_its_reader_too(tmp_path: Path) -> None:
    build(tmp_path, 0)
    damaged = build(tmp_path, 1)
    (index_folder(tmp_path) / damaged / "documents.json").write_text("[]")
    with reading(tmp_path) as reader:
        assert reader.version < damaged
        for number in (2, 3, 4):
            build(tmp_path, number)
            assert reader.ask() == "The harbour was painted by crew0. True"
        assert damaged not in names(tmp_path)


def test_a_reader_needs_no_right_to_write(tmp_path: Path) -> None:
    build(tmp_path, 0)
    root = index_folder(tmp_path)
    for path in (*root.rglob("*"), root):
        path.chmod(stat.S_IRUSR | (stat.S_IXUSR if path.is_dir() else 0))
    index = open_index(tmp_path, HashingEmbedder())
    assert held(root / index.version / "manifest.json")
    tidy(tmp_path)
    for path in (root, *root.rglob("*")):
        path.chmod(stat.S_IRWXU)


# --- in one process ------------------------------------------------------------------------------------------------


def put(data: Path, mark: str) -> Path:
    """A version whose one file holds a mark."""
    _, manifest = load_manifest(index_folder(data))
    with writing(index_folder(data)):
        return publish(index_folder(data), lambda folder: (folder / "mark").write_text(mark) and None, manifest)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["open", "publish", "tidy", "let go first", "let go last", "damage"]), max_size=30),
)
def test_whatever_comes_after_what_who_reads_keeps_its_version(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    data = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        build(data, 0)
        go_through(data, steps)


def go_through(data: Path, steps: list[str]) -> None:
    root = index_folder(data)
    readers: list[tuple[Path, object]] = []
    damaged: set[Path] = set()
    for number, step in enumerate(steps):
        newest, read = current(root), {folder for folder, _ in readers}
        if step == "open" and newest not in damaged:
            readers.append(load_current(root, lambda folder, _: (folder, hold(folder))))
        elif step.startswith("let go") and readers:
            readers.pop(0 if step.endswith("first") else -1)
        elif step == "damage" and newest not in read:
            damaged.add(newest)
            next(path for path in sorted(newest.iterdir()) if path.name != "manifest.json").write_bytes(b"")
        elif step == "publish" and newest not in damaged:
            put(data, str(number))
        elif step == "tidy":
            tidy(data)
        read = {folder for folder, _ in readers}
        for folder in read:
            verify_checksums(folder, load_version(folder))
        assert current(root) in versions(root)
        if step == "tidy":
            assert len(set(versions(root)) - read - {current(root)}) <= 1


def test_an_index_holds_its_version_as_long_as_it_or_a_copy_lives(tmp_path: Path) -> None:
    version = build(tmp_path, 0)
    manifest = index_folder(tmp_path) / version / "manifest.json"
    index: Index | None = open_index(tmp_path, HashingEmbedder())
    assert index is not None
    copy: Index | None = index.read_by(None)
    index = None
    assert held(manifest)
    assert copy is not None
    assert copy.search_many([Query("harbour")])[0].hits
    copy = None
    assert not held(manifest)


def test_a_version_removed_between_its_choice_and_its_lock_gives_way_to_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(tmp_path, 0)
    genuine, publishing = sharing._lock, [True]

    def late(descriptor: int, *, alone: bool) -> None:
        """The file is open, and not held yet."""
        if publishing.pop() if publishing else False:
            put(tmp_path, "one")
            put(tmp_path, "two")
            assert first not in names(tmp_path)
        genuine(descriptor, alone=alone)

    monkeypatch.setattr(sharing, "_lock", late)
    assert load_current(index_folder(tmp_path), lambda folder, _: (folder / "mark").read_text()) == "two"


def test_a_version_that_is_being_removed_is_gone_for_a_reader(tmp_path: Path) -> None:
    first = index_folder(tmp_path) / build(tmp_path, 0)
    put(tmp_path, "one")
    seen: list[str] = []

    def removing(doomed: Path) -> None:
        with pytest.raises(IndexCorrupt, match="is missing"):
            hold(first)
        with pytest.raises(Busy):
            share(doomed / "manifest.json")
        seen.append(load_current(index_folder(tmp_path), lambda folder, _: (folder / "mark").read_text()))

    _, manifest = load_manifest(index_folder(tmp_path))
    with writing(index_folder(tmp_path)):
        publish(
            index_folder(tmp_path), lambda folder: (folder / "mark").write_text("2") and None, manifest,
            removing=removing,
        )  # fmt: skip
    assert seen == ["2"]


def test_a_folder_that_is_written_is_not_tidied(tmp_path: Path) -> None:
    build(tmp_path, 0)
    left = index_folder(tmp_path) / ".building-1"
    left.mkdir()
    beside = index_folder(tmp_path) / ".COLLECTION.77"
    beside.touch()
    draft = index_folder(tmp_path) / ".vectors"
    draft.touch()
    spool = index_folder(tmp_path) / ".embedded"
    spool.touch()
    with writing(index_folder(tmp_path)):
        tidy(tmp_path)
        assert left.exists()
        assert draft.exists()
    tidy(tmp_path)
    assert not left.exists()
    assert not beside.exists()
    assert not draft.exists()
    assert spool.exists()  # the next build needs it
    check_index(tmp_path)
    tidy(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_build_waits_for_who_clears_up_and_not_the_other_way_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path, 0)
    reader: Index | None = open_index(tmp_path, HashingEmbedder())
    build(tmp_path, 1)
    build(tmp_path, 2)
    assert reader is not None
    reader = None
    genuine, builds = tidying.remove_old, []

    def meanwhile(*arguments: Any) -> None:
        other = threading.Thread(target=lambda: builds.append(build(tmp_path, 3)))
        other.start()
        other.join(2 * GLANCE)
        assert other.is_alive()
        assert builds == []
        genuine(*arguments)
        waiting.append(other)

    waiting: list[threading.Thread] = []
    monkeypatch.setattr(tidying, "remove_old", meanwhile)
    tidy(tmp_path)
    waiting[0].join()
    assert builds == [current_version(tmp_path)]
    assert len(names(tmp_path)) == 2
    (index_folder(tmp_path) / ".building-1").mkdir()
    with writing(index_folder(tmp_path)):
        tidy(tmp_path)
        with pytest.raises(IndexLocked), writing(index_folder(tmp_path)):
            pytest.fail("two writers")
