"""What every store demands of the arrays it is given, so that all refuse the same input in the same words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from retrieval.protocols import Floats, Mask, Rows

MISSING_ROW = -1
MISSING_SCORE = np.float32(-np.inf)
TABLE = 2
"""Axes of an array with one vector a row."""


def checked_vectors(vectors: Floats) -> Floats:
    """The vectors as C-contiguous float32. Raises ValueError unless they are ``(n, dimension)`` and finite."""
    if vectors.ndim != TABLE or vectors.shape[1] < 1:
        raise ValueError(f"Vectors must have the shape (n, dimension), not {vectors.shape}.")
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    if not np.isfinite(array).all():
        raise ValueError("Vectors must be finite: one holds NaN or infinity.")
    return array


def checked_queries(queries: Floats, dimension: int) -> Floats:
    """As checked_vectors, for queries against a store of the given dimension."""
    if queries.ndim != TABLE or queries.shape[1] != dimension:
        raise ValueError(f"Queries must have the shape (q, {dimension}), not {queries.shape}.")
    return checked_vectors(queries)


def checked_k(k: int) -> int:
    """Raises ValueError unless ``k`` is at least 1."""
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}.")
    return k


def checked_mask(allowed: Mask, count: int) -> Mask:
    """Raises ValueError unless the mask is boolean with one element per row."""
    if allowed.dtype != np.bool_ or allowed.shape != (count,):
        raise ValueError(f"The mask must be boolean of the shape ({count},), not {allowed.dtype} of {allowed.shape}.")
    return allowed


def checked_rows(rows: Rows, count: int) -> Rows:
    """Raises ValueError for a row that does not exist, -1 included: NumPy would count it from the end."""
    array = np.asarray(rows, dtype=np.int64)
    if array.ndim != 1:
        raise ValueError(f"Rows must have the shape (m,), not {array.shape}.")
    if array.size and (array.min() < 0 or array.max() >= count):
        raise ValueError(f"Rows must lie between 0 and {count - 1}, not between {array.min()} and {array.max()}.")
    return array


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` that takes its place at the end: a reader that mapped the old file keeps it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
