"""Scaling and fusing the two sides' scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.fusion import FOREIGN, dense_share, fuse, largest, min_max, worth
from retrieval.language import LANGUAGES

VALUES = st.floats(-1e6, 1e6, width=32)
SHARES = st.floats(0, 1)


def arrays(count: int) -> st.SearchStrategy[NDArray[np.float32]]:
    return st.lists(VALUES, min_size=count, max_size=count).map(lambda values: np.array(values, dtype=np.float32))


@st.composite
def sides(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    count = draw(st.integers(1, 20))
    return draw(arrays(count)), draw(arrays(count))


@given(st.integers(0, 20).flatmap(arrays))
def test_min_max_fills_the_unit_interval_and_keeps_the_order(values: NDArray[np.float32]) -> None:
    scaled = min_max(values)
    assert scaled.shape == values.shape
    assert scaled.dtype == np.float64
    if len(set(values.tolist())) < 2:
        assert not scaled.any()
        return
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)
    assert (np.diff(scaled[np.argsort(values, kind="stable")]) >= 0).all()


def test_min_max_by_hand() -> None:
    np.testing.assert_allclose(min_max(np.array([2.0, 4.0, 3.0, 6.0])), [0.0, 0.5, 0.25, 1.0])
    np.testing.assert_array_equal(min_max(np.array([-3.0, -3.0])), [0.0, 0.0])
    assert min_max(np.zeros(0)).shape == (0,)


@given(sides(), SHARES)
def test_fusion_stays_in_the_unit_interval(both: tuple[NDArray[np.float32], NDArray[np.float32]], share: float) -> None:
    fused = fuse(*both, share)
    assert fused.shape == both[0].shape
    assert (fused >= 0).all()
    assert (fused <= 1 + 1e-12).all()


@given(sides(), SHARES)
def test_who_is_first_on_both_sides_is_first(
    both: tuple[NDArray[np.float32], NDArray[np.float32]], share: float
) -> None:
    dense, lexical = (np.append(side, side.max()) for side in both)
    assert fuse(dense, lexical, share)[-1] == fuse(dense, lexical, share).max()


@given(sides())
def test_a_share_of_all_or_nothing_leaves_one_side(both: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    dense, lexical = both
    np.testing.assert_array_equal(fuse(dense, lexical, 1.0), min_max(dense))
    np.testing.assert_array_equal(fuse(dense, lexical, 0.0), min_max(lexical))


def test_a_share_for_each_candidate() -> None:
    dense, lexical = np.array([0.0, 1.0, 1.0]), np.array([5.0, 0.0, 0.0])
    np.testing.assert_allclose(fuse(dense, lexical, np.array([0.5, 0.5, 0.2])), [0.5, 0.5, 0.2])
    assert fuse(np.zeros(0), np.zeros(0), np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("model", ["all-MiniLM-L6-v2", "hashing", "some/other-model"])
def test_shares_are_weights(model: str) -> None:
    for question in (None, *LANGUAGES):
        for passage in LANGUAGES:
            assert 0 <= dense_share(model, question, passage) <= 1


def test_vectors_count_more_across_languages_and_hashing_counts_less() -> None:
    for own, other in (("it", "en"), ("en", "it")):
        model = "all-MiniLM-L6-v2"
        assert dense_share(model, own, other) >= dense_share(model, own, own)  # type: ignore[arg-type]
        assert dense_share("hashing", own, own) < dense_share(model, own, own)  # type: ignore[arg-type]
        assert dense_share(model, None, own) == dense_share(model, own, own)  # type: ignore[arg-type]


@given(
    length=st.integers(0, 3000),
    count=st.integers(1, 3),
    levels=st.integers(1, 50),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_the_largest_are_found_however_many_there_are(
    length: int, count: int, levels: int, share: float, seed: int
) -> None:
    """Of many scores in blocks; many of them equal, or not positive."""
    random = np.random.default_rng(seed)
    scores = (random.integers(-1, levels, length) * (random.random(length) < share)).astype(np.float32)
    rows = largest(scores, count)
    assert len(set(rows.tolist())) == len(rows)
    expected = sorted(scores[scores > 0].tolist(), reverse=True)[:count]
    assert sorted(scores[rows].tolist(), reverse=True) == expected


def test_passages_in_another_language_count_less_beside_the_questions_own() -> None:
    assert worth(np.array([True, False, True])).tolist() == [1.0, FOREIGN, 1.0]
    assert worth(np.array([False, False])).tolist() == [1.0, 1.0]
    assert worth(np.zeros(0, dtype=np.bool_)).tolist() == []
