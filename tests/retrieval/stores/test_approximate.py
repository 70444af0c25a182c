"""Stores of many vectors: an index nominates, the vectors decide; what changes is taken over."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import IndexCorrupt, IndexTypeError
from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats, Rows
from retrieval.stores import approximate as module
from retrieval.stores import build_store, open_store, store_for
from retrieval.stores.approximate import ApproximateStore
from retrieval.stores.exact import ExactStore
from retrieval.stores.plan import EXACT_UP_TO, LEAST_KEPT, index_type, scans_all, tune

TYPES = ("PQ8x4fs", "IVF16,PQ8x4fs", "PCAR12,IVF16,PQ6x4fsr", "IVF16,Flat", "HNSW8", "SQ8")
COUNT, DIMENSION = 1500, 16


def units(count: int, seed: int = 0) -> Floats:
    """Vectors in heaps, as those of sentences are."""
    random = np.random.default_rng(seed)
    heaps = random.normal(size=(40, DIMENSION))
    rows = (heaps[random.integers(0, 40, count)] + 0.4 * random.normal(size=(count, DIMENSION))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


VECTORS, QUERIES = units(COUNT), units(60, seed=0)[:60]


@pytest.fixture(scope="module", params=TYPES)
def store(request: pytest.FixtureRequest) -> ApproximateStore:
    made = store_for(VECTORS, VectorSearch(asked=request.param), queries=lambda: QUERIES)
    assert isinstance(made, ApproximateStore)
    return made


def recall(found: Rows, vectors: Floats, k: int = 10, allowed: np.ndarray | None = None) -> float:
    _, nearest = ExactStore.build(vectors).search(QUERIES, k, allowed)
    return float(
        np.mean([len(np.intersect1d(mine, true)) / k for mine, true in zip(found[:, :k], nearest, strict=True)])
    )


# --- which index ---------------------------------------------------------------------------------------------------


def test_the_type_follows_the_number_of_vectors_unless_one_is_asked_for() -> None:
    def kind(asked: str, count: int, dimension: int, spread: float = 1.0) -> str:
        return index_type(asked, count, dimension, lambda kept: spread if kept == dimension * 2 // 3 else 0.0)

    assert kind("auto", EXACT_UP_TO, 384) == "Flat"
    assert kind("auto", EXACT_UP_TO + 1, 384) == "PCAR256,PQ128x4fs"
    assert kind("auto", EXACT_UP_TO + 1, 384, LEAST_KEPT - 0.01) == "PQ192x4fs"
    assert kind("auto", EXACT_UP_TO + 1, 15) == "PCAR10,PQ5x4fs"
    assert kind("auto", EXACT_UP_TO + 1, 15, 0.5) == "PQ15x4fs"
    assert kind("auto", 1_000_000, 384, LEAST_KEPT) == "PCAR256,IVF512,PQ128x4fsr"
    assert kind("auto", 1_000_000, 384, LEAST_KEPT - 0.01) == "IVF512,PQ192x4fsr"
    assert kind("HNSW32", 10, 384) == "HNSW32"
    assert [scans_all(*how) for how in (("auto", EXACT_UP_TO), ("auto", EXACT_UP_TO + 1), ("Flat", 10**6))] == [
        True,
        False,
        True,
    ]


def test_few_vectors_are_compared_one_by_one() -> None:
    made = store_for(VECTORS, VectorSearch())
    assert not isinstance(made, ApproximateStore)
    assert made.how == VectorSearch()


@pytest.mark.parametrize("asked", ["Foo", "PQ7", "IVF4096,Flat"])
def test_a_type_that_cannot_be_made_is_named(asked: str) -> None:
    with pytest.raises(IndexTypeError, match=f"^INDEX_TYPE={asked} is no index that FAISS can make of 1500 vectors"):
        store_for(VECTORS, VectorSearch(asked=asked))


# --- what it finds -------------------------------------------------------------------------------------------------


def test_it_finds_what_was_asked_for_and_says_so(store: ApproximateStore) -> None:
    assert store.how.trained == COUNT
    assert store.how.recall[0] >= store.how.target == 0.99
    assert recall(store.search(QUERIES, 10)[1], VECTORS) >= 0.99
    assert recall(store.search(QUERIES, 200)[1], VECTORS, 200) == pytest.approx(store.how.recall[1], abs=0.02)


def test_its_scores_are_exact_and_its_order_theirs(store: ApproximateStore) -> None:
    scores, rows = store.search(QUERIES, 25)
    np.testing.assert_allclose(scores, np.take_along_axis(QUERIES @ VECTORS.T, rows, axis=1), atol=1e-6)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert all(len(set(found)) == 25 for found in rows.tolist())
    np.testing.assert_array_equal(store.vectors(rows[0]), VECTORS[rows[0]])
    np.testing.assert_allclose(store.scores(QUERIES[0], rows[0]), scores[0], atol=1e-6)


def test_more_places_than_rows(store: ApproximateStore) -> None:
    scores, rows = store.search(QUERIES[:2], COUNT + 5)
    assert sorted(rows[0, :COUNT].tolist()) == list(range(COUNT))
    assert (rows[:, COUNT:] == -1).all()
    assert np.isneginf(scores[:, COUNT:]).all()


@pytest.mark.parametrize("few", [0, COUNT])
@pytest.mark.parametrize("share", [0.5, 0.05])
def test_a_scope_costs_no_recall(
    store: ApproximateStore, monkeypatch: pytest.MonkeyPatch, share: float, few: int
) -> None:
    monkeypatch.setattr(module, "EXACT_UP_TO", few)  # whether a scope of this size is searched through one by one
    allowed = np.random.default_rng(3).random(COUNT) < share
    _, rows = store.search(QUERIES, 10, allowed)
    assert allowed[rows].all()
    assert recall(rows, VECTORS, 10, allowed) >= 0.98
    assert (store.search(QUERIES, 5, np.zeros(COUNT, dtype=bool))[1] == -1).all()


@cache
def in_lists() -> ApproximateStore:
    return ApproximateStore.build(VECTORS, VectorSearch(type="IVF16,PQ8x4fs"))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 99), k=st.integers(1, 60), share=st.floats(0, 1))
def test_whatever_the_scope_no_place_stays_empty_that_could_be_filled(seed: int, k: int, share: float) -> None:
    made = in_lists()
    allowed = np.random.default_rng(seed).random(COUNT) < share
    _, rows = made.search(units(3, seed), k, allowed)
    expected = min(k, int(allowed.sum()))
    assert ((rows >= 0).sum(axis=1) == expected).all()
    assert allowed[rows[rows >= 0]].all()


# --- tuning --------------------------------------------------------------------------------------------------------


def test_the_cheapest_parameters_that_suffice_are_chosen() -> None:
    nearest = np.tile(np.arange(200), (4, 1))

    def nominate(probes: int, width: int) -> Rows:
        # With p probes the first 100 p rows can be found, in order, among others.
        rows = np.full((4, width), -1, dtype=np.int64)
        known = np.arange(min(200, 100 * probes))
        rows[:, 2 * np.arange(len(known)) + 1] = known
        return rows

    chosen = tune(nominate, nearest, (0.99, 0.95), [1, 2, 4, 8], cost=lambda probes: 1000.0 * probes, vector_bytes=4)
    assert chosen.probes == (1, 2)
    assert chosen.candidates == (20, 400)
    assert chosen.recall == (1.0, 1.0)
    # Where none suffice, the one that finds most, for no more than it takes.
    poor = tune(nominate, nearest, (0.99, 0.95), [1], cost=lambda probes: 1.0, vector_bytes=4)
    assert (poor.probes, poor.recall) == ((1, 1), (1.0, 0.5))


# --- files ---------------------------------------------------------------------------------------------------------


def test_a_saved_store_is_the_same_store(store: ApproximateStore, tmp_path: Path) -> None:
    store.save(tmp_path / "vectors.faiss")
    again = open_store(tmp_path / "vectors.faiss")
    assert isinstance(again, ApproximateStore)
    assert again.how == store.how
    for k in (7, 90):
        for ours, theirs in zip(again.search(QUERIES, k), store.search(QUERIES, k), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (name, damage)
        for name in ("vectors.search.json", "vectors.search.faiss", "vectors.faiss", "vectors.order.npy")
        for damage in ("cut", "flipped", "foreign", "of another store")
        if (name, damage) != ("vectors.faiss", "flipped")  # the checksums of the whole index tell
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, damage: str) -> None:
    made = extended()
    made.save(tmp_path / "vectors.faiss")
    path = tmp_path / name
    raw = bytearray(path.read_bytes())
    if damage == "cut":
        del raw[len(raw) // 2 :]
    elif damage == "flipped":
        raw[len(raw) // 3] ^= 0xFF
    elif damage == "foreign":
        raw[:] = b"[1, 2]"
    else:
        other = tmp_path / "other"
        other.mkdir()
        extended(COUNT - 100).save(other / "vectors.faiss")
        raw[:] = (other / name).read_bytes()
    path.write_bytes(raw)
    with pytest.raises(IndexCorrupt, match="vectors"):
        open_store(tmp_path / "vectors.faiss")


def test_no_index_without_the_card(tmp_path: Path) -> None:
    """The card is written last: a store that was not saved to its end is not taken for one."""
    made = ApproximateStore.build(VECTORS, VectorSearch(type="SQ8"))
    made.save(tmp_path / "vectors.faiss")
    (tmp_path / "vectors.search.json").unlink()
    assert not isinstance(open_store(tmp_path / "vectors.faiss"), ApproximateStore)


def test_the_card_says_how(tmp_path: Path) -> None:
    made = store_for(VECTORS, VectorSearch(asked="IVF16,PQ8x4fs"))
    made.save(tmp_path / "vectors.faiss")
    card = json.loads((tmp_path / "vectors.search.json").read_text())
    assert card["type"] == "IVF16,PQ8x4fs"
    assert card["recall"][0] >= 0.99


# --- what changes --------------------------------------------------------------------------------------------------


def extended(first: int = COUNT) -> ApproximateStore:
    """A store some of whose vectors are gone, and to which others were added."""
    made = ApproximateStore.build(VECTORS[:first], VectorSearch(type="PQ8x4fs"))
    keep = np.arange(first) % 20 != 0
    moved = np.where(keep, np.cumsum(keep) - 1, -1)
    grown = made.extended(np.concatenate([VECTORS[:first][keep], units(30, 5)]), moved, made.how)
    assert grown is not None
    return grown


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("reopened", [False, True])
def test_added_and_deleted_vectors_are_found_and_gone(tmp_path: Path, kind: str, reopened: bool) -> None:
    made: ApproximateStore = ApproximateStore.build(VECTORS, VectorSearch(type=kind))
    before = [array.copy() for array in made.search(QUERIES, 10)]
    if reopened:
        made.save(tmp_path / "vectors.faiss")
        made = ApproximateStore.open(tmp_path / "vectors.faiss")
    keep = np.arange(COUNT) % 20 != 3
    now = np.concatenate([units(40, 7), VECTORS[keep]])
    moved = np.where(keep, np.cumsum(keep) - 1 + 40, -1)
    grown = made.extended(now, moved, made.how)
    assert grown is not None
    assert grown.how.changed == 40 + int((~keep).sum())
    assert len(grown) == len(now)
    assert recall(grown.search(QUERIES, 10)[1], now) >= 0.97
    assert set(grown.search(units(40, 7), 1)[1][:, 0].tolist()) <= set(range(len(now)))
    assert (grown.search(now[:40], 1)[1][:, 0] == np.arange(40)).mean() >= 0.97
    # The one it was made from serves on as it was.
    for ours, theirs in zip(made.search(QUERIES, 10), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_after_many_changes_or_for_another_wish_an_index_is_made_anew() -> None:
    made = ApproximateStore.build(VECTORS, VectorSearch(type="PQ8x4fs"))
    gone = np.where(np.arange(COUNT) < 0.21 * COUNT, -1, np.arange(COUNT) - int(0.21 * COUNT))
    assert made.extended(VECTORS[int(0.21 * COUNT) :], gone, made.how) is None
    same = np.arange(COUNT)
    assert made.extended(VECTORS, same, made.how) is not None
    assert made.extended(VECTORS, same, VectorSearch(asked="SQ8")) is None
    assert made.extended(VECTORS, same, VectorSearch(target=0.9)) is None


def test_store_for_takes_over_what_is_still_good() -> None:
    wanted = VectorSearch(asked="PQ8x4fs")
    made = store_for(VECTORS, wanted)
    now = VECTORS[10:]
    kept = store_for(now, wanted, last=made, moved=lambda: np.arange(COUNT) - 10)
    assert kept.how.changed == 10
    anew = store_for(now, wanted, last=build_store(VECTORS), moved=lambda: np.arange(COUNT) - 10)
    assert anew.how.changed == 0
