"""Indexes whose vectors lie in Milvus: built, brought up to date, replaced, and what happens while Milvus is away."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from retrieval.build import build_index, index_folder, open_index, refresh
from retrieval.documents import make_document
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.errors import IndexCorrupt, IndexTypeError, StoreUnavailable
from retrieval.index import VECTORS, Index
from retrieval.manifest import Milvus, VectorSearch
from retrieval.protocols import Floats
from retrieval.storage import current, load_manifest, versions
from retrieval.stores.entities import claimed
from retrieval.stores.milvus import MilvusStore, saved
from retrieval.stores.milvus_client import client_for
from retrieval.tidying import tidy
from retrieval.types import Document, Query

IN_MILVUS = VectorSearch(store="milvus")
AWAY = Milvus("http://127.0.0.1:1", timeout=10)
"""Nobody listens there."""
WORDS = "harbour bread comet ledger valley oven anchor winter letter copper meadow lantern ferry orchard clock".split()


class Counting(HashingEmbedder):
    """Remembers what it embedded, and breaks after ``most`` texts."""

    most = 10**9
    embedded = 0

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        if self.embedded + len(texts) > self.most:
            raise KeyboardInterrupt
        self.embedded += len(texts)
        return super().embed_documents(texts)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return HashingEmbedder().embed_documents(texts)


def docs(*, changed: bool = False) -> list[Document]:
    """Ten documents of eight sentences; with ``changed`` two sentences of one are replaced by one."""
    found = []
    for number in range(10):
        lines = [f"The {word} of number {number} is near the {WORDS[-number]}." for word in WORDS[:8]]
        if changed and number == 4:
            lines = ["A windmill turns on the hill.", *lines[2:]]
        found.append(make_document(f"{number:02}.txt", "\n".join(lines), markdown=False))
    return found


class Room:
    """A data folder, what was said, and how to build in it."""

    def __init__(self, milvus: Milvus, data: Path) -> None:
        self.milvus, self.data, self.embedder = milvus, data, Counting()
        self.told: list[str] = []

    @property
    def root(self) -> Path:
        return index_folder(self.data)

    def build(self, documents: Sequence[Document] | None = None, *, rebuild: bool = False) -> int:
        """How many sentences were embedded."""
        before = self.embedder.embedded
        build_index(
            documents or docs(),
            self.data,
            self.embedder,
            where="seeds",
            search=IN_MILVUS,
            milvus=self.milvus,
            rebuild=rebuild,
            notify=self.told.append,
        )
        return self.embedder.embedded - before

    def open(self, milvus: Milvus | None = None) -> Index:
        return open_index(self.data, self.embedder, self.told.append, milvus=milvus or self.milvus)

    def held(self) -> int:
        return client_for(self.milvus).count(claimed(self.root) or "")

    def published(self) -> str:
        return current(self.root).name


@pytest.fixture(autouse=True)
def _nobody_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.stores.milvus_connection.PAUSES", ())


@pytest.fixture
def room(milvus: Milvus, tmp_path: Path) -> Room:
    return Room(milvus, tmp_path)


QUESTIONS = [
    Query("What turns on the hill?"),
    Query("Where is the ledger of number 7?"),
    Query("the oven of number 4", scope=frozenset({"04.txt", "05.txt"})),
    Query("the oven", scope=frozenset(f"{number:02}.txt" for number in range(9))),
    Query("the oven", scope=frozenset()),
]


def alike(one: Any, other: Any) -> bool:
    """Whether dataclasses, lists and tuples hold the same, numbers nearly: libraries round differently."""
    if isinstance(one, float):
        return one == pytest.approx(other, abs=1e-5)
    if is_dataclass(one):
        return type(one) is type(other) and all(
            alike(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


def test_answers_are_those_of_faiss(room: Room, tmp_path: Path) -> None:
    room.build()
    before = room.open()
    assert room.build(docs(changed=True)) == 1
    for documents, index in ((docs(), before), (docs(changed=True), room.open())):
        faiss, _ = refresh(documents, tmp_path / "faiss", HashingEmbedder(), where="seeds")
        assert isinstance(index.store, MilvusStore)
        assert alike(index.search_many(QUESTIONS), faiss.search_many(QUESTIONS))
    made = load_manifest(room.root)[1].search
    assert (made.store, made.type) == ("milvus", "milvus:FLAT")
    assert room.build(docs(changed=True)) == 0
    assert len(versions(room.root)) == 2


def test_what_no_version_holds_any_more_is_deleted(room: Room) -> None:
    room.build()
    room.build(docs(changed=True))
    assert room.held() == 81
    room.build([*docs(changed=True), make_document("10.txt", "An eleventh.", markdown=False)])
    # The version before is kept, the one before that is gone.
    assert room.held() == 80
    assert room.told == []


def test_what_a_version_in_use_holds_stays(room: Room) -> None:
    """Two builds within seconds of each other, beside a bot that has not taken over the first yet."""
    lone = [*docs(), make_document("10.txt", "A windmill turns on the hill.", markdown=False)]
    room.build(lone)
    serving = room.open()
    before = serving.search_many(QUESTIONS)
    room.build()
    room.build(docs(changed=True))
    assert room.held() == 82
    assert serving.search_many(QUESTIONS) == before
    assert before[0].hits[0].source == "10.txt"
    del serving
    gc.collect()
    tidy(room.data, milvus=room.milvus, notify=room.told.append)
    assert room.held() == 81
    assert len(versions(room.root)) == 2
    assert room.open().search_many(QUESTIONS)[0].hits
    assert room.told == []


def test_a_collection_goes_only_once_nobody_reads_a_version_of_it(room: Room) -> None:
    room.build()
    first, serving = claimed(room.root) or "", room.open()
    for documents in (docs(), docs(changed=True), docs()):
        room.build(documents, rebuild=True)
    assert serving.search_many(QUESTIONS)[1].hits
    del serving
    gc.collect()
    tidy(room.data, milvus=room.milvus, notify=room.told.append)
    assert client_for(room.milvus).dimension(first) is None
    assert room.open().search_many(QUESTIONS)[1].hits


def test_a_rebuild_begins_a_collection_and_the_old_one_goes_with_its_last_version(room: Room) -> None:
    room.build()
    first = claimed(room.root)
    assert room.build(rebuild=True) == 80
    second = claimed(room.root)
    assert first
    assert second not in (None, first)
    assert client_for(room.milvus).dimension(first) is not None
    room.build(docs(changed=True))
    assert claimed(room.root) == second
    assert client_for(room.milvus).dimension(first) is None


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_damaged_version_is_no_hindrance(room: Room, rebuild: bool) -> None:
    room.build()
    (current(room.root) / VECTORS).with_suffix(".keys.npy").write_bytes(b"")
    room.build(docs(changed=True), rebuild=rebuild)
    room.build()
    assert room.open().search_many(QUESTIONS)[1].hits
    assert room.held() == 81


def test_a_killed_build_is_gone_on_with(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.remote.BLOCK", 32)
    room.embedder.most = 70
    with pytest.raises(KeyboardInterrupt):
        room.build()
    assert room.held() == 64
    room.embedder.most = 10**9
    assert room.build() == 16
    # A rebuild that is killed leaves a collection, which the next one drops.
    room.embedder.most = room.embedder.embedded + 70
    with pytest.raises(KeyboardInterrupt):
        room.build(rebuild=True)
    left = claimed(room.root) or ""
    room.embedder.most = 10**9
    assert room.build(rebuild=True) == 80
    assert client_for(room.milvus).dimension(left) is None
    assert len(room.open().store) == 80


def test_the_store_changes_without_embedding_anything(room: Room) -> None:
    def build(search: VectorSearch) -> bool:
        report = build_index(
            docs(), room.data, room.embedder, where="seeds", search=search, milvus=room.milvus, notify=room.told.append
        )
        return report.published

    assert build(VectorSearch())
    for search in (IN_MILVUS, VectorSearch(), IN_MILVUS, VectorSearch(), VectorSearch(asked="PQ128x4fs")):
        assert build(search)
        assert not build(search)
    assert room.embedder.embedded == 80
    assert room.told == []
    # No version uses it any more.
    assert client_for(room.milvus).dimension(claimed(room.root) or "") is None


def test_collections_are_told_apart_by_model_and_folder(room: Room, tmp_path: Path) -> None:
    room.build()
    other = Room(room.milvus, tmp_path / "other")
    other.build()
    assert claimed(other.root) != claimed(room.root)
    named = Room(replace(room.milvus, prefix="mine"), tmp_path / "named")
    named.build()
    assert (claimed(named.root) or "").startswith("mine_")


def test_a_collection_that_is_gone_is_made_anew(room: Room) -> None:
    room.build()
    client_for(room.milvus).drop(claimed(room.root) or "")
    with pytest.raises(IndexCorrupt, match="is not there"):
        room.open()
    index, _ = refresh(
        docs(),
        room.data,
        room.embedder,
        where="seeds",
        search=IN_MILVUS,
        milvus=room.milvus,
        notify=room.told.append,
    )
    assert room.embedder.embedded == 160
    assert index.search_many(QUESTIONS)[1].hits
    assert room.told[0].endswith("is not there: it is built anew.")


# --- while Milvus is away ------------------------------------------------------------------------------------------


def test_a_build_that_cannot_reach_milvus_leaves_what_is_published(room: Room) -> None:
    room.build()
    name = room.published()
    room.milvus, milvus = AWAY, room.milvus
    with pytest.raises(StoreUnavailable, match=r"^Milvus at http://127\.0\.0\.1:1 cannot be reached: start it, or"):
        room.build(docs(changed=True))
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        room.open()
    assert room.published() == name
    assert room.open(milvus).search_many(QUESTIONS)[1].hits


def test_the_last_index_in_a_file_serves_while_milvus_is_away(room: Room) -> None:
    build_index(docs(), room.data, room.embedder, where="seeds")
    room.build(docs(changed=True))
    index = room.open(AWAY)
    assert not isinstance(index.store, MilvusStore)
    assert index.search_many(QUESTIONS)[1].hits
    assert room.told[0].startswith(
        "Milvus at http://127.0.0.1:1 cannot be reached: start it, or correct MILVUS_URI; until"
    )


@pytest.mark.parametrize("away", [AWAY, None])
def test_the_way_back_to_files_needs_no_milvus(room: Room, away: Milvus | None) -> None:
    room.build()
    for documents in (docs(), docs(changed=True), docs()):
        build_index(documents, room.data, room.embedder, where="seeds", milvus=away, notify=room.told.append)
    assert room.embedder.embedded == 163
    assert room.told[0].endswith(": it is built anew.")
    assert "Milvus" in room.told[-1]
    assert len(room.told) == 2
    assert not isinstance(room.open().store, MilvusStore)


def test_deleting_that_fails_does_not_undo_the_build(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable("Milvus refuses: try again.")

    room.build()
    room.build(docs(changed=True))
    monkeypatch.setattr("retrieval.stores.milvus.discard", refuse)
    room.build()
    assert room.told == ["Milvus refuses: try again; what only an old version of the index held stays there."]
    assert saved(current(room.root) / VECTORS)[2].keys.shape == (80, 16)
    assert len(versions(room.root)) == 2


def test_what_does_not_go_together_is_said_before_anything_is_done(room: Room) -> None:
    def build(search: VectorSearch, milvus: Milvus | None) -> Callable[[], object]:
        return lambda: build_index(docs(), room.data, room.embedder, where="seeds", search=search, milvus=milvus)

    with pytest.raises(
        IndexTypeError, match=r"^INDEX_TYPE=HNSW32 is for FAISS: with VECTOR_STORE=milvus it must be au"
    ):
        build(replace(IN_MILVUS, asked="HNSW32"), room.milvus)()
    with pytest.raises(StoreUnavailable, match="MILVUS_URI is not set"):
        build(IN_MILVUS, None)()
    assert room.embedder.embedded == 0
