"""Fusing what the dense and the lexical side say of the same passages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.types import Language

# Share of the dense side, the best on the development sets for all-MiniLM-L6-v2: it knows English better than Italian.
# Where question and passage differ in language the words cannot meet, so the vectors count more.
_DENSE_SHARE: dict[Language, float] = {"it": 0.3, "en": 0.5}
_DENSE_SHARE_FOREIGN = 0.5
# Feature hashing sees spelling only; BM25 does that better.
_DENSE_SHARE_HASHING = 0.1
FOREIGN = 0.8
"""What a passage counts in another language than the question's where others are in its own. With SQuAD-it and the same
articles of SQuAD 2.0 in one index, Italian questions have recall@1 .805 (.787 without, .802 before words met by
translation)."""


_BLOCK = 64
_BLOCKS = 10
"""Scores whose largest is looked at first, where there are more than so many such blocks for each score wanted."""


def min_max(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scale to [0, 1] over the values given; all zero where they are all the same or there are none."""
    if not len(values):
        return np.zeros(0)
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.zeros(len(values))
    return (values.astype(np.float64) - low) / (high - low)


def fuse(
    dense: NDArray[np.floating], lexical: NDArray[np.floating], share: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weighted sum of both sides after min-max over the candidates of one question; shapes (n,), result in [0, 1].

    Every candidate must carry its true score on both sides; ``share`` in [0, 1] is the weight of the dense side.
    """
    return share * min_max(dense) + (1.0 - share) * min_max(lexical)


def dense_share(model: str, question: Language | None, passage: Language) -> float:
    """Weight of the dense side for an embedding model, a question's and a passage's language."""
    if model == "hashing":
        return _DENSE_SHARE_HASHING
    if question is not None and question != passage:
        return _DENSE_SHARE_FOREIGN
    return _DENSE_SHARE[passage]


def worth(own: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) what the score of each passage counts: less in another language than the question's, if any is in that.

    ``own`` (n,) tells which are. Where both languages tell the same, people want to read it in theirs.
    """
    return np.where(own, 1.0, FOREIGN if own.any() else 1.0)


def largest(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Rows of the ``count`` largest positive scores, in no order."""
    whole = len(scores) // _BLOCK
    if whole <= _BLOCKS * count:
        return _largest(scores, count)
    # Every whole-th score is of one block, as NumPy compares long rows faster than short ones.
    tops = scores[: whole * _BLOCK].reshape(_BLOCK, whole).max(axis=0)
    # As many blocks as scores are wanted reach this bound: what is wanted lies in blocks that reach it.
    bound = np.partition(tops, -count)[-count]
    blocks = np.flatnonzero((tops >= bound) & (tops > 0))
    rows = (blocks[:, np.newaxis] + whole * np.arange(_BLOCK)).ravel()
    rows = np.concatenate([rows, np.arange(whole * _BLOCK, len(scores))])
    return rows[_largest(scores[rows], count)]


def _largest(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    positive = np.flatnonzero(scores > 0)
    if len(positive) <= count:
        return positive
    return positive[np.argpartition(scores[positive], -count)[-count:]]


def first_distinct(values: NDArray[np.integer], count: int) -> list[int]:
    """The first ``count`` distinct values, in order; ``values`` (n,)."""
    found: dict[int, None] = {}
    for value in values.tolist():
        found[value] = None
        if len(found) == count:
            break
    return list(found)
