"""A build that is broken off, wherever, loses no vector of a batch that was finished."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import retrieval
from retrieval import embedding, spool
from retrieval.build import build_index, index_folder, open_index
from retrieval.documents import make_document
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.embedding import DRAFT
from retrieval.errors import ModelError, RetrievalError
from retrieval.manifest import EmbedderSpec
from retrieval.outcome import BuildReport
from retrieval.protocols import Floats
from retrieval.spool import SPOOL
from retrieval.storage import current
from retrieval.types import Document, Query

BATCH = 4
WORDS = "fog harbour keeper lamp tide rope anchor mast gull reef".split()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "BATCH", BATCH)
    monkeypatch.setattr(os, "fsync", lambda fd: None)


def documents(count: int, first: int = 0) -> list[Document]:
    """Each with two sentences of its own and one that all share."""
    rows = range(first, first + count)
    texts = {row: f"The {WORDS[row % 10]} has the number {row}. All is well. It is {row}." for row in rows}
    return [make_document(f"{row:03}.txt", text, markdown=False) for row, text in texts.items()]


class Counting(HashingEmbedder):
    """Remembers the texts of each batch; before batch ``fail_at`` it calls ``fail``."""

    def __init__(self, fail_at: int = -1, fail: Callable[[], None] = lambda: None, model: str = "hashing") -> None:
        self.batches: list[list[str]] = []
        self._fail_at, self._fail, self._model = fail_at, fail, model

    @property
    def spec(self) -> EmbedderSpec:
        return replace(super().spec, model=self._model)

    @property
    def texts(self) -> list[str]:
        return [text for batch in self.batches for text in batch]

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        if len(self.batches) == self._fail_at:
            self._fail()
        self.batches.append(list(texts))
        return super().embed_documents(texts)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return HashingEmbedder().embed_documents(texts)


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def build(data: Path, read: list[Document], embedder: HashingEmbedder, **options: bool) -> BuildReport:
    return build_index(read, data, embedder, where="seeds", **options)


def content(data: Path) -> Iterator[tuple[str, bytes]]:
    """The files of the current version but for its manifest, which tells the time."""
    for path in sorted(current(index_folder(data)).iterdir()):
        if path.name != "manifest.json":
            yield path.name, path.read_bytes()


def leftovers(data: Path) -> set[str]:
    return {path.name for path in index_folder(data).iterdir() if path.name.startswith(".")} - {".lock", ".lock.pid"}


@pytest.fixture(params=["first", "update"])
def prepared(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A data folder without an index, or with one of some of the documents."""
    data = tmp_path / "data"
    if request.param == "update":
        build(data, documents(7), HashingEmbedder())
    return data


@pytest.mark.parametrize("error", [ModelError("The model failed."), KeyboardInterrupt(), MemoryError()])
def test_wherever_embedding_ends_the_rest_is_embedded_by_the_next_build(
    prepared: Path, tmp_path: Path, error: BaseException
) -> None:
    read = documents(20)
    whole = Counting()
    shutil.copytree(prepared, tmp_path / "whole") if prepared.exists() else None
    build(tmp_path / "whole", read, whole)
    assert len(set(whole.texts)) == len(whole.texts) > 5 * BATCH
    for fail_at in range(len(whole.batches)):
        data = tmp_path / f"{fail_at}"
        shutil.copytree(prepared, data) if prepared.exists() else None
        broken = Counting(fail_at, raising(error))
        with pytest.raises(type(error)):
            build(data, read, broken)
        assert leftovers(data) == {SPOOL}
        rest = Counting()
        report = build(data, read, rest)
        assert sorted(broken.texts + rest.texts) == sorted(whole.texts)
        assert (report.embedded, report.resumed) == (len(rest.texts), len(broken.texts))
        assert report.embedded + report.reused == report.sentences
        assert dict(content(data)) == dict(content(tmp_path / "whole"))
        assert leftovers(data) == set()


@pytest.mark.parametrize(
    "step",
    [
        "retrieval.assemble.drafted_store",
        "retrieval.assemble.store_for",
        "retrieval.build.tell_shortfall",
        "retrieval.build.publish",
        "retrieval.index.Index.save",
        "retrieval.publish.verify_checksums",
        "retrieval.publish._replace",
    ],
)
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_whatever_fails_after_embedding_nothing_is_embedded_again(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    read = documents(20)
    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises((RetrievalError, OSError, KeyboardInterrupt)):
            build(prepared, read, HashingEmbedder())
    assert leftovers(prepared) == {SPOOL}
    embedder = Counting()
    report = build(prepared, read, embedder)
    assert (embedder.batches, report.embedded) == ([], 0)
    assert report.resumed > 0
    assert open_index(prepared, embedder).search_many([Query("number 13")])[0].hits[0].source == "013.txt"
    assert leftovers(prepared) == set()


def test_a_full_disk_is_one_sentence_and_costs_one_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, left = spool._write, [3]

    def until_full(file, piece: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            write(file, piece[:5])
            raise OSError(errno.ENOSPC, "No space left on device")
        write(file, piece)

    read, broken, rest = documents(20), Counting(), Counting()
    with monkeypatch.context() as patch:
        patch.setattr(spool, "_write", until_full)
        with pytest.raises(RetrievalError, match=r"could not be written \(No space left on device\): make room"):
            build(tmp_path, read, broken)
    build(tmp_path, read, rest)
    assert broken.texts[-BATCH:] == rest.texts[:BATCH], "the batch that found no room"
    assert len(broken.texts) + len(rest.texts) == len(set(broken.texts + rest.texts)) + BATCH


def test_documents_may_change_in_between(tmp_path: Path) -> None:
    broken, rest = Counting(4, raising(KeyboardInterrupt())), Counting()
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, documents(20), broken)
    report = build(tmp_path, documents(20, first=5), rest)
    assert not set(broken.texts) & set(rest.texts)
    assert 0 < report.resumed < len(broken.texts)
    assert report.resumed + report.embedded == len(set(rest.texts) | set(broken.texts)) - 10


def test_another_model_and_a_rebuild_take_nothing(tmp_path: Path) -> None:
    read = documents(20)
    for options, model in (({}, "another"), ({"rebuild": True}, "hashing")):
        data, broken, rest = tmp_path / model, Counting(3, raising(KeyboardInterrupt())), Counting(model=model)
        with pytest.raises(KeyboardInterrupt):
            build(data, read, broken)
        report = build(data, read, rest, **options)
        assert (report.resumed, report.embedded) == (0, len(rest.texts))
        assert set(broken.texts) < set(rest.texts)
        assert leftovers(data) == set()


def test_few_sentences_need_no_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "Spool", raising(AssertionError()))
    read = documents(1)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, read, Counting(0, raising(KeyboardInterrupt())))
    assert leftovers(tmp_path) == set()
    assert build(tmp_path, read, Counting()).embedded == 3


@pytest.mark.parametrize("why", ["a folder", "no room"])
def test_without_a_spool_the_index_is_built_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    root = index_folder(tmp_path)
    if why == "a folder":
        (root / SPOOL / "inside").mkdir(parents=True)
    else:
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    report = build(tmp_path, documents(20), Counting())
    assert (report.published, report.embedded, report.resumed) == (True, 41, 0)
    build(tmp_path / "other", documents(20), Counting())
    assert dict(content(tmp_path)) == dict(content(tmp_path / "other"))


def test_a_spool_that_outlived_its_build_goes_with_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("retrieval.build.forget", lambda root: None)
        build(tmp_path, documents(20), Counting())
    assert leftovers(tmp_path) == {SPOOL}
    assert not build(tmp_path, documents(20), Counting()).published
    assert leftovers(tmp_path) == set()


def test_vectors_of_a_killed_build_are_never_written_over_those_of_a_version(tmp_path: Path) -> None:
    build(tmp_path, documents(3), Counting())
    before = dict(content(tmp_path))
    vectors = current(index_folder(tmp_path)) / "vectors.faiss"
    os.link(vectors, index_folder(tmp_path) / DRAFT)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, documents(20), Counting(1, raising(KeyboardInterrupt())))
    build(tmp_path, documents(20), Counting())
    assert vectors.read_bytes() == before["vectors.faiss"]


# --- kill -9 -----------------------------------------------------------------------------------------------------


class Mortal(HashingEmbedder):
    """Writes down every text it embeds, and kills its process in or after the batch with this number."""

    def __init__(self, log: Path, die_at: int, *, before: bool) -> None:
        self._log, self._left, self._before = log, die_at, before

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        if self._left == 0 and self._before:
            os.kill(os.getpid(), signal.SIGKILL)
        with self._log.open("a", encoding="utf-8") as file:
            file.writelines(f"{text}\n" for text in texts)
        vectors = super().embed_documents(texts)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
        return vectors


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("seed", range(3))
def test_a_build_that_is_killed_again_and_again_embeds_nothing_twice(tmp_path: Path, seed: int) -> None:
    """Each process is killed somewhere, at random; what is lost is at most the batch that was in the model."""
    points, log, lost = random.Random(seed), tmp_path / "log", 0
    environment = {**os.environ, "PYTHONPATH": str(Path(retrieval.__file__).parents[1])}
    for _ in range(3):
        before = points.random() < 0.5
        command = [sys.executable, __file__, str(tmp_path), str(points.randint(0, 3)), str(int(before))]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == -signal.SIGKILL, done.stderr
        lost += 0 if before else BATCH
    rest = Counting()
    report = build(tmp_path, documents(60), rest)
    texts = log.read_text(encoding="utf-8").splitlines() + rest.texts
    assert len(set(texts)) == report.embedded + report.resumed == 121
    assert len(texts) - len(set(texts)) == lost
    assert leftovers(tmp_path) == set()


if __name__ == "__main__":
    embedding.BATCH = BATCH
    folder, die_at, before = Path(sys.argv[1]), int(sys.argv[2]), bool(int(sys.argv[3]))
    build(folder, documents(60), Mortal(folder / "log", die_at, before=before))
