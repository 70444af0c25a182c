"""How an index of vectors is chosen, taken over and replaced while documents change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from retrieval.build import build_index, index_folder, open_index, refresh
from retrieval.documents import make_document
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.errors import IndexTypeError
from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats
from retrieval.storage import MANIFEST, current, load_manifest
from retrieval.types import Document, Query

CODES = VectorSearch(asked="PQ128x4fs")
WORDS = "harbour bread comet ledger valley oven anchor winter letter copper meadow lantern ferry orchard clock".split()


class Counting(HashingEmbedder):
    """Remembers how many texts it embedded as documents."""

    embedded = 0

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        self.embedded += len(texts)
        return super().embed_documents(texts)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return HashingEmbedder().embed_documents(texts)


def docs(*, changed: bool = False) -> list[Document]:
    """Twenty documents of fifteen sentences; with ``changed`` one of them is another one."""
    found = []
    for number in range(20):
        lines = [
            f"The {WORDS[place]} of number {number} stands beside the {WORDS[(place + number) % 15]} {place * number}."
            for place in range(15)
        ]
        if changed and number == 4:
            lines = ["A windmill turns on the hill.", *lines[2:]]
        found.append(make_document(f"{number:02}.txt", "\n".join(lines), markdown=False))
    return found


def test_another_type_is_built_without_embedding_anything(tmp_path: Path) -> None:
    embedder = Counting()
    build_index(docs(), tmp_path, embedder, where="seeds")
    once = embedder.embedded
    assert load_manifest(index_folder(tmp_path))[1].search == VectorSearch()
    report = build_index(docs(), tmp_path, embedder, where="seeds", search=CODES)
    assert report.published
    assert embedder.embedded == once
    made = load_manifest(index_folder(tmp_path))[1].search
    assert (made.asked, made.type, made.trained) == ("PQ128x4fs", "PQ128x4fs", 300)
    assert not build_index(docs(), tmp_path, embedder, where="seeds", search=CODES).published
    assert build_index(
        docs(), tmp_path, embedder, where="seeds", search=VectorSearch(asked="PQ128x4fs", target=0.9)
    ).published


def test_an_index_is_taken_over_when_a_document_changes(tmp_path: Path) -> None:
    embedder = Counting()
    refresh(docs(), tmp_path, embedder, where="seeds", search=CODES)
    before = embedder.embedded
    index, report = refresh(docs(changed=True), tmp_path, embedder, where="seeds", search=CODES)
    assert embedder.embedded == before + 1 == before + report.embedded
    # One sentence is new, two are gone.
    assert index.store.how.changed == 3
    flat, _ = refresh(docs(changed=True), tmp_path / "flat", Counting(), where="seeds")
    for text in ("What turns on the hill?", "Where is the ferry of number 7?", "the oven of number 4"):
        ours, theirs = index.search_many([Query(text)])[0], flat.search_many([Query(text)])[0]
        assert [(hit.source, hit.start) for hit in ours.hits[:3]] == [
            (hit.source, hit.start) for hit in theirs.hits[:3]
        ]
    reopened = open_index(tmp_path, embedder)
    assert reopened.store.how == index.store.how


def test_an_index_from_before_types_were_written_down_is_made_anew(tmp_path: Path) -> None:
    embedder = Counting()
    build_index(docs(), tmp_path, embedder, where="seeds")
    once = embedder.embedded
    folder = current(index_folder(tmp_path))
    fields = json.loads((folder / MANIFEST).read_text())
    del fields["search"]
    raw = json.dumps(fields).encode()
    (folder / MANIFEST).write_bytes(raw)
    old = folder.rename(folder.with_name(f"000001-{hashlib.sha256(raw).hexdigest()[:16]}"))
    (index_folder(tmp_path) / "CURRENT").write_text(f"{old.name}\n")
    assert open_index(tmp_path, embedder).manifest is not None
    assert build_index(docs(), tmp_path, embedder, where="seeds").published
    assert embedder.embedded == once


def test_a_type_that_cannot_be_made_leaves_the_last_index(tmp_path: Path) -> None:
    embedder = Counting()
    build_index(docs(), tmp_path, embedder, where="seeds")
    with pytest.raises(IndexTypeError, match="INDEX_TYPE=IVF9999,Flat"):
        build_index(docs(), tmp_path, embedder, where="seeds", search=VectorSearch(asked="IVF9999,Flat"))
    assert open_index(tmp_path, embedder).search_many([Query("the ferry")])[0].hits


def test_what_falls_short_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from retrieval.stores import plan

    monkeypatch.setattr(plan, "MOST", 10)  # too few to make up for codes of one bit a dimension
    told: list[str] = []
    poor = VectorSearch(asked="PQ2x4fs")
    build_index(docs(), tmp_path, Counting(), where="seeds", search=poor, notify=told.append)
    assert len(told) == 1
    assert told[0].startswith("The index of vectors (PQ2x4fs) finds ")
    assert told[0].endswith("INDEX_RECALL asks for 99.0%: another INDEX_TYPE finds more, Flat all.")
