"""One query in the lists of an index, by one thread or two, and what an index turns vectors with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, get_ident

import faiss
import numpy as np
import pytest

from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats
from retrieval.stores import lists, store_for
from retrieval.stores.approximate import ApproximateStore
from retrieval.stores.faiss_store import FaissStore
from retrieval.stores.lists import Lists, turns
from retrieval.stores.second import Second
from retrieval.stores.training import spread_over

COUNT, DIMENSION = 3000, 16


def units(count: int, seed: int) -> Floats:
    """Vectors in heaps around a common mean, as those of sentences are."""
    random = np.random.default_rng(seed)
    heaps = 0.5 + np.random.default_rng(0).normal(size=(30, DIMENSION))
    rows = (heaps[random.integers(0, 30, count)] + 0.5 * random.normal(size=(count, DIMENSION))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


VECTORS, QUERIES = units(COUNT, 1), units(50, 2)
TYPES = ("IVF32,PQ8x4fs", "PCAR12,IVF32,PQ6x4fsr")


@pytest.fixture(scope="module", params=TYPES)
def store(request: pytest.FixtureRequest) -> ApproximateStore:
    made = store_for(VECTORS, VectorSearch(asked=request.param), queries=lambda: QUERIES)
    assert isinstance(made, ApproximateStore)
    return made


def of(store: ApproximateStore, monkeypatch: pytest.MonkeyPatch, *, shared: bool) -> Lists:
    """The store's lists, searched by two threads or by one, whatever this machine has."""
    monkeypatch.setattr(lists, "WORTH", 0)
    monkeypatch.setattr(Second, "idle", shared)
    found = Lists.of(store.index, Second())
    assert found is not None
    return found


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("probes", [1, 2, 7, 32, 100])
def test_it_nominates_what_faiss_does(
    store: ApproximateStore, monkeypatch: pytest.MonkeyPatch, probes: int, *, shared: bool
) -> None:
    own = of(store, monkeypatch, shared=shared)
    faiss.ParameterSpace().set_index_parameter(store.index, "nprobe", min(probes, 32))
    for query in QUERIES:
        estimates, expected = (array[0] for array in store.index.search(query[np.newaxis], 60))
        found = own.nominate(query, 60, probes)
        assert len(found) == len(set(found.tolist())) == (expected >= 0).sum()
        # FAISS rounds estimates to a step: some at the end are equal, and any of these may be left out.
        clear = expected[estimates > estimates[expected >= 0].min()] if len(found) == 60 else expected[expected >= 0]
        assert set(clear.tolist()) <= set(found.tolist())


def test_a_query_alone_finds_what_it_finds_among_others(
    store: ApproximateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "WORTH", 0)
    monkeypatch.setattr(Second, "idle", True)
    for k in (10, 200):
        together = store.search(QUERIES, k)[1]
        alone = np.concatenate([store.search(query[np.newaxis], k)[1] for query in QUERIES])
        assert np.mean([len(np.intersect1d(*rows)) / k for rows in zip(together, alone, strict=True)]) > 0.99
        scores, rows = store.search(QUERIES[:1], k)
        np.testing.assert_allclose(scores[0], VECTORS[rows[0]] @ QUERIES[0], atol=1e-6)


def test_threads_that_search_at_once_with_other_depths_find_what_they_find_alone(store: ApproximateStore) -> None:
    depths = (10, 200)
    expected = {k: [store.search(query[np.newaxis], k)[1] for query in QUERIES] for k in depths}
    with ThreadPoolExecutor(2) as threads:
        for _ in range(5):
            runs = {
                k: threads.submit(lambda k=k: [store.search(query[np.newaxis], k)[1] for query in QUERIES])  # type: ignore[misc]
                for k in depths
            }
            for k, run in runs.items():
                np.testing.assert_array_equal(run.result(), expected[k])


@pytest.mark.parametrize("kind", ["PQ8x4fs", "HNSW8", "IVF16,Flat", "IVF16_HNSW8,PQ8x4fs"])
def test_what_has_no_such_lists_is_left_to_faiss(kind: str) -> None:
    made = ApproximateStore.build(VECTORS, VectorSearch(type=kind))
    assert Lists.of(made.index, Second()) is None
    assert made.search(QUERIES[:1], 5)[1].shape == (1, 5)


# --- turned vectors ------------------------------------------------------------------------------------------------


def test_vectors_are_turned_and_not_moved() -> None:
    """FAISS's PCA would subtract the mean, and rank inner products by something else."""
    made = ApproximateStore.build(VECTORS, VectorSearch(type="PCAR16,IVF8,PQ8x4fs"))
    (turn,) = turns(made.index)
    np.testing.assert_allclose(turn.apply(QUERIES) @ turn.apply(VECTORS).T, QUERIES @ VECTORS.T, atol=1e-5)


def test_how_much_lies_in_some_directions() -> None:
    random = np.random.default_rng(0)
    flat = random.normal(size=(2000, 8)).astype(np.float32)
    turned = flat * np.array([3, 2, 1, 0, 0, 0, 0, 0], np.float32) @ np.linalg.qr(random.normal(size=(8, 8)))[0]
    store = FaissStore.build(np.ascontiguousarray(turned, dtype=np.float32))
    assert [round(spread_over(store, kept), 2) for kept in (1, 2, 3, 8)] == pytest.approx(
        [9 / 14, 13 / 14, 1, 1], abs=0.02
    )
    assert spread_over(FaissStore.build(flat), 4) == pytest.approx(0.5, abs=0.05)


# --- the second thread ---------------------------------------------------------------------------------------------


def test_both_are_done_at_the_same_time_by_two_threads() -> None:
    second, met = Second(), Event()

    def mine() -> int:
        assert met.wait(10)  # set by the other, which therefore does not wait for this to end
        return get_ident()

    def other() -> int:
        met.set()
        return get_ident()

    one, two = second.both(mine, other)
    assert one == get_ident() != two
    assert second.both(get_ident, get_ident) == (one, two)


def test_what_either_raises_is_raised_after_both_have_ended() -> None:
    second, ended = Second(), []

    def fails() -> None:
        raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        second.both(fails, lambda: ended.append("other"))
    with pytest.raises(ValueError, match="here"):
        second.both(lambda: ended.append("mine"), fails)
    assert ended == ["other", "mine"]
