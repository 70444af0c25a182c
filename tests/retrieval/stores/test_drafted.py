"""Stores made of a file that was written block by block, and indexes made of them block by block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats
from retrieval.stores import build_store, drafted_store, open_store, store_for, training
from retrieval.stores.approximate import ApproximateStore
from retrieval.stores.faiss_store import FaissStore

COUNT, DIMENSION = 9000, 16


def units(count: int, seed: int) -> Floats:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


VECTORS, QUERIES = units(COUNT, 1), units(40, 2)


def blocks(vectors: Floats = VECTORS, size: int = 1000) -> Iterator[Floats]:
    for start in range(0, len(vectors), size):
        yield vectors[start : start + size]


def drafted(path: Path) -> FaissStore:
    store = drafted_store(path, blocks(), COUNT, DIMENSION)
    assert isinstance(store, FaissStore)
    return store


def same(one: Any, other: Any) -> None:
    for k in (1, 10, 200):
        for mine, theirs in zip(one.search(QUERIES, k), other.search(QUERIES, k), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_the_file_is_the_one_that_faiss_writes(tmp_path: Path) -> None:
    whole = build_store(VECTORS)
    whole.save(tmp_path / "whole.faiss")
    store = drafted(tmp_path / "draft")
    same(store, whole)
    assert (tmp_path / "draft").read_bytes() == (tmp_path / "whole.faiss").read_bytes()


def test_saving_moves_the_file_and_saving_again_copies_it(tmp_path: Path) -> None:
    store = drafted(tmp_path / "draft")
    number = (tmp_path / "draft").stat().st_ino
    store.release()
    store.save(tmp_path / "one.faiss")
    assert not (tmp_path / "draft").exists()
    assert (tmp_path / "one.faiss").stat().st_ino == number
    store.release()
    store.save(tmp_path / "two.faiss")
    assert (tmp_path / "one.faiss").read_bytes() == (tmp_path / "two.faiss").read_bytes()
    same(open_store(tmp_path / "one.faiss"), store)


def test_an_opened_store_never_moves_its_file(tmp_path: Path) -> None:
    drafted(tmp_path / "draft").save(tmp_path / "one.faiss")
    open_store(tmp_path / "one.faiss").save(tmp_path / "two.faiss")
    assert (tmp_path / "one.faiss").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (blocks(VECTORS[:10]), "10 vectors instead of"),
        (iter([VECTORS[:, :8]]), "shape"),
        (iter([np.full((COUNT, DIMENSION), np.nan, dtype=np.float32)]), "finite"),
    ],
)
def test_what_cannot_be_vectors_is_refused(tmp_path: Path, given: Iterator[Floats], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        drafted_store(tmp_path / "draft", given, COUNT, DIMENSION)


@pytest.mark.parametrize("asked", ["Flat", "PQ8x4fs", "IVF64,PQ8x4fs", "SQ8", "HNSW8", "IVF16,Flat"])
def test_an_index_made_in_blocks_is_the_one_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    whole = store_for(VECTORS, VectorSearch(asked=asked), queries=lambda: QUERIES)
    whole.save(tmp_path / "whole.faiss")
    monkeypatch.setattr(training, "ADDED", 4096)
    monkeypatch.setattr(training, "COMPARED", 2048)
    monkeypatch.setattr(training, "TRAINED_ON", COUNT)
    made = store_for(drafted(tmp_path / "draft"), VectorSearch(asked=asked), queries=lambda: QUERIES)
    made.save(tmp_path / "made.faiss")
    assert made.how == whole.how
    same(made, whole)
    files = {path.name.partition(".")[2]: path.read_bytes() for path in tmp_path.glob("whole.*")}
    assert files == {path.name.partition(".")[2]: path.read_bytes() for path in tmp_path.glob("made.*")}


def test_an_index_that_is_taken_over_is_the_same_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    how = VectorSearch(asked="PQ8x4fs", type="PQ8x4fs")
    last = ApproximateStore.build(VECTORS[: COUNT - 900], how, QUERIES)
    moved = np.arange(COUNT - 900)
    whole = last.extended(VECTORS, moved, how)
    monkeypatch.setattr(training, "ADDED", 64)
    made = last.extended(drafted(tmp_path / "draft"), moved, how)
    assert whole is not None
    assert made is not None
    np.testing.assert_array_equal(faiss.serialize_index(made.index), faiss.serialize_index(whole.index))
    same(made, whole)


def test_the_nearest_are_found_in_blocks_as_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repeated = np.concatenate([VECTORS[:3000]] * 3)  # equal scores in every block
    store = drafted_store(tmp_path / "draft", blocks(repeated), COUNT, DIMENSION)
    assert isinstance(store, FaissStore)
    scores, expected = store.search(QUERIES, 200)
    monkeypatch.setattr(training, "COMPARED", 1024)
    rows = training._nearest(store, QUERIES, 200)
    # Which of several equal vectors comes first is left to rounding, which differs between processors.
    np.testing.assert_allclose(np.take_along_axis(QUERIES @ repeated.T, rows, axis=1), scores, atol=1e-6)
    assert all(
        len(set(found)) == len(set(true)) == 200 for found, true in zip(rows.tolist(), expected.tolist(), strict=True)
    )
