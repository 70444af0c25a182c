from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retrieval.errors import IndexCorrupt
from retrieval.manifest import StoreKind
from retrieval.protocols import Floats, Rows, VectorStore
from retrieval.stores import build_store, open_store
from retrieval.stores.exact import ExactStore

FILES: tuple[StoreKind, ...] = ("faiss", "exact")
"""Stores whose vectors lie in the one file that is given."""
Make = Callable[[Floats], VectorStore]
Reopen = Callable[[Path], VectorStore]


@pytest.fixture(params=FILES)
def kind(request: pytest.FixtureRequest) -> StoreKind:
    return request.param


@pytest.fixture(params=get_args(StoreKind))
def any_kind(request: pytest.FixtureRequest) -> StoreKind:
    return request.param


@pytest.fixture
def make(any_kind: StoreKind, request: pytest.FixtureRequest) -> Make:
    """Builds a store of each kind."""
    if any_kind == "milvus":
        milvus, collection = request.getfixturevalue("milvus"), request.getfixturevalue("collection")
        return lambda vectors: build_store(vectors, any_kind, milvus=milvus, collection=collection())
    return lambda vectors: build_store(vectors, any_kind)


@pytest.fixture
def reopen(any_kind: StoreKind, request: pytest.FixtureRequest) -> Reopen:
    """Opens what a store of that kind has saved."""
    milvus = request.getfixturevalue("milvus") if any_kind == "milvus" else None
    return lambda path: open_store(path, any_kind, milvus=milvus)


def units(count: int, dimension: int = 16, seed: int = 0) -> Floats:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rows_of(*rows: int) -> Rows:
    return np.array(rows, dtype=np.int64)


def test_finds_each_row_by_itself(make: Make) -> None:
    vectors = units(50)
    scores, rows = make(vectors).search(vectors, 3)
    assert rows[:, 0].tolist() == list(range(50))
    np.testing.assert_allclose(scores[:, 0], 1, atol=1e-5)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert scores.dtype == np.float32
    assert rows.dtype == np.int64


@pytest.mark.parametrize("allowed", [None, np.arange(300) % 3 == 0])
@pytest.mark.parametrize("queries", [1, 9])
def test_equal_scores_come_by_lower_row_even_across_the_cut(
    make: Make, queries: int, allowed: np.ndarray | None
) -> None:
    vectors = np.zeros((300, 4), dtype=np.float32)
    vectors[:, 0] = 1
    vectors[[7, 150, 270]] = [0, 1, 0, 0]
    store = make(vectors)
    everywhere = np.flatnonzero(np.ones(300, dtype=bool) if allowed is None else allowed)
    query = np.array([[1, 0, 0, 0], [0, 1, 0, 0]] * queries, dtype=np.float32)
    scores, rows = store.search(query, 5, allowed)
    common = [row for row in everywhere if row not in (7, 150, 270)]
    rare = [row for row in everywhere if row in (7, 150, 270)]
    for first, second in zip(rows[::2].tolist(), rows[1::2].tolist(), strict=True):
        assert first == common[:5]
        assert second == (rare + common)[:5]
    assert scores[0].tolist() == [1] * 5


def test_more_places_than_rows(make: Make) -> None:
    vectors = units(3)
    scores, rows = make(vectors).search(vectors[:2], 7)
    assert scores.shape == rows.shape == (2, 7)
    assert (rows[:, 3:] == -1).all()
    assert np.isneginf(scores[:, 3:]).all()
    assert sorted(rows[0, :3].tolist()) == [0, 1, 2]


def test_a_store_without_rows_finds_nothing(make: Make, reopen: Reopen, tmp_path: Path) -> None:
    empty = make(np.empty((0, 16), dtype=np.float32))
    empty.save(tmp_path / "vectors")
    for store in (empty, reopen(tmp_path / "vectors")):
        assert (len(store), store.dimension) == (0, 16)
        scores, rows = store.search(units(2), 4)
        assert (rows == -1).all()
        assert np.isneginf(scores).all()
        assert store.vectors(rows_of()).shape == (0, 16)


def test_no_queries(make: Make) -> None:
    scores, rows = make(units(5)).search(np.empty((0, 16), dtype=np.float32), 4)
    assert scores.shape == rows.shape == (0, 4)


def test_the_mask_hides_rows(make: Make) -> None:
    vectors = units(40)
    store = make(vectors)
    allowed = np.zeros(40, dtype=bool)
    allowed[[3, 17, 39]] = True
    _, rows = store.search(vectors[:5], 6, allowed)
    assert (np.sort(rows, axis=1) == [-1, -1, -1, 3, 17, 39]).all()
    scores, rows = store.search(vectors[:1], 6, np.zeros(40, dtype=bool))
    assert (rows == -1).all()
    assert np.isneginf(scores).all()
    np.testing.assert_array_equal(
        store.search(vectors, 6, np.ones(40, dtype=bool))[1],
        store.search(vectors, 6)[1],
    )


def test_scores_and_vectors_of_given_rows(make: Make) -> None:
    vectors = units(30)
    store = make(vectors)
    rows = rows_of(29, 0, 4, 4)
    np.testing.assert_array_equal(store.vectors(rows), vectors[rows])
    np.testing.assert_allclose(store.scores(vectors[1], rows), vectors[rows] @ vectors[1], atol=1e-6)
    assert store.scores(vectors[1], rows_of()).shape == (0,)


def test_what_is_handed_out_is_a_copy(make: Make) -> None:
    vectors = units(3)
    store = make(vectors)
    copy = vectors.copy()
    vectors[:] = 0
    store.vectors(rows_of(0))[:] = 0
    np.testing.assert_array_equal(store.vectors(rows_of(0, 1, 2)), copy)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda store: store.search(units(1, 15), 3), r"shape \(q, 16\), not \(1, 15\)"),
        (lambda store: store.search(units(1)[0], 3), r"shape \(q, 16\), not \(16,\)"),
        (lambda store: store.search(np.full((1, 16), np.nan, dtype=np.float32), 3), "finite"),
        (lambda store: store.search(units(1), 0), "at least 1"),
        (lambda store: store.search(units(1), 3, np.ones(4, dtype=bool)), r"mask must be boolean of the shape \(5,\)"),
        (lambda store: store.search(units(1), 3, np.ones(5, dtype=np.int8)), "mask must be boolean"),
        (lambda store: store.scores(units(1, 15)[0], rows_of(0)), r"\(q, 16\)"),
        (lambda store: store.scores(units(1)[0], rows_of(-1)), "between 0 and 4"),
        (lambda store: store.vectors(rows_of(5)), "between 0 and 4"),
    ],
)
def test_wrong_arguments_are_refused(make: Make, call, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(make(units(5)))


@pytest.mark.parametrize(
    "vectors",
    [np.zeros(4, dtype=np.float32), np.zeros((2, 0), dtype=np.float32), np.full((1, 4), np.inf, dtype=np.float32)],
)
def test_vectors_that_are_no_table_of_finite_numbers_are_refused(make: Make, vectors: Floats) -> None:
    with pytest.raises(ValueError, match="Vectors must"):
        make(vectors)


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'annoy'"):
        build_store(units(1), "annoy")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'annoy'"):
        open_store(tmp_path, "annoy")  # type: ignore[arg-type]


def saved(kind: StoreKind, tmp_path: Path) -> tuple[VectorStore, Path]:
    store = build_store(units(20), kind)
    path = tmp_path / "vectors"
    store.save(path)
    return store, path


def test_a_saved_store_is_the_same_store(make: Make, reopen: Reopen, tmp_path: Path) -> None:
    store, path = make(units(20)), tmp_path / "vectors"
    store.save(path)
    again = reopen(path)
    every = np.arange(20)
    np.testing.assert_array_equal(again.vectors(every), store.vectors(every))
    for ours, theirs in zip(again.search(units(6, seed=1), 8), store.search(units(6, seed=1), 8), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert all(file.name.partition(".")[0] == "vectors" for file in tmp_path.iterdir())


def test_an_open_store_survives_that_its_file_is_saved_anew(make: Make, reopen: Reopen, tmp_path: Path) -> None:
    store, path = make(units(20)), tmp_path / "vectors"
    store.save(path)
    mapped = reopen(path)
    make(units(2, seed=3)).save(path)
    np.testing.assert_array_equal(mapped.vectors(np.arange(20)), store.vectors(np.arange(20)))
    assert len(reopen(path)) == 2


def test_saving_where_nothing_can_be_written_raises_oserror(make: Make, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="vectors"):
        make(units(1)).save(tmp_path / "nowhere" / "vectors")


@pytest.mark.parametrize("keep", [0, 3, 30, 200, -1])
def test_a_truncated_file_is_refused(kind: StoreKind, tmp_path: Path, keep: int) -> None:
    _, path = saved(kind, tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(IndexCorrupt, match="vectors"):
        open_store(path, kind)


def test_a_file_with_something_behind_it_is_refused(kind: StoreKind, tmp_path: Path) -> None:
    _, path = saved(kind, tmp_path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(IndexCorrupt, match="vectors"):
        open_store(path, kind)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04" * 40, b"\x93NUMPY\x01\x00\x10\x00{'descr': boom()}", b"\0" * 500]
)
def test_a_foreign_file_is_refused(kind: StoreKind, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vectors"
    path.write_bytes(content)
    with pytest.raises(IndexCorrupt, match="vectors"):
        open_store(path, kind)


def test_a_missing_file_and_a_folder_are_refused(kind: StoreKind, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(IndexCorrupt, match=path.name):
            open_store(path, kind)


def test_the_other_kinds_file_is_refused(kind: StoreKind, tmp_path: Path) -> None:
    _, path = saved(kind, tmp_path)
    (other,) = set(FILES) - {kind}
    with pytest.raises(IndexCorrupt, match="vectors"):
        open_store(path, other)


def test_a_damaged_count_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    _, path = saved("faiss", tmp_path)
    raw = bytearray(path.read_bytes())
    raw[8:16] = struct.pack("<q", 1 << 50)
    path.write_bytes(raw)
    with pytest.raises(IndexCorrupt, match="length its header states"):
        open_store(path, "faiss")


def test_another_faiss_index_is_refused(tmp_path: Path) -> None:
    import faiss

    path = tmp_path / "vectors"
    for index in (faiss.IndexFlatL2(4), faiss.IndexHNSWFlat(4, 8)):
        faiss.write_index(index, str(path))
        with pytest.raises(IndexCorrupt, match="no vector file"):
            open_store(path, "faiss")


def test_arrays_of_numbers_that_are_no_vectors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors"
    for array in (np.zeros((3, 4)), np.zeros(3, dtype=np.float32), np.asfortranarray(units(3))):
        with path.open("wb") as file:
            np.save(file, array)
        with pytest.raises(IndexCorrupt, match="32-bit"):
            open_store(path, "exact")


numbers = st.integers(-3, 3).map(float)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(1, 60), queries=st.integers(1, 7), k=st.integers(1, 70))
def test_faiss_finds_what_the_oracle_finds(data: st.DataObject, count: int, queries: int, k: int) -> None:
    # Small integers: their products are exact in float32, so equal scores are equal in every store.
    vectors = data.draw(hnp.arrays(np.float32, (count, 5), elements=numbers))
    query = data.draw(hnp.arrays(np.float32, (queries, 5), elements=numbers))
    allowed = data.draw(st.none() | hnp.arrays(np.bool_, count))
    expected = build_store(vectors, "exact").search(query, k, allowed)
    found = build_store(vectors, "faiss").search(query, k, allowed)
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(found[0], expected[0])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), queries=st.sampled_from([1, 3, 4, 40]), k=st.integers(1, 50))
def test_faiss_equals_the_oracle_on_real_numbers_up_to_ties(seed: int, queries: int, k: int) -> None:
    vectors = units(400, seed=seed)
    query = units(queries, seed=seed + 1)
    scores, rows = build_store(vectors, "faiss").search(query, k)
    expected, _ = ExactStore.build(vectors).search(query, k)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(query @ vectors.T, rows, axis=1), expected, atol=1e-5)


def test_asking_for_the_factories_imports_no_library() -> None:
    code = "import sys, retrieval.stores; sys.exit(any(name in sys.modules for name in ('faiss', 'torch', 'pymilvus')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_faiss_keeps_to_one_thread_in_whatever_thread_it_is_called() -> None:
    import faiss

    store = build_store(units(50), "faiss")

    def threads_after_a_search() -> int:
        store.search(units(30), 3)
        return faiss.omp_get_max_threads()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(threads_after_a_search).result() == 1
