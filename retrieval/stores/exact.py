"""Every inner product, sorted: the oracle other stores are measured against. NumPy only."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats, Mask, Rows
from retrieval.storage import corrupt
from retrieval.stores.arrays import (
    MISSING_ROW,
    MISSING_SCORE,
    TABLE,
    checked_k,
    checked_mask,
    checked_queries,
    checked_rows,
    checked_vectors,
    replacing,
)


class ExactStore:
    """A VectorStore that needs ``4 * q * len(self)`` bytes and a full sort for ``q`` queries."""

    def __init__(self, vectors: Floats) -> None:
        self._vectors = vectors

    @classmethod
    def build(cls, vectors: Floats) -> Self:
        """See retrieval.stores.build_store."""
        return cls(checked_vectors(vectors).copy())

    @classmethod
    def open(cls, path: Path) -> Self:
        """See retrieval.stores.open_store."""
        try:
            vectors = np.lib.format.open_memmap(path, mode="r")
        except Exception as error:  # NumPy's parser lets even tokenize's errors out
            raise corrupt(path, "is missing, damaged or no vector file of this program") from error
        if vectors.dtype != np.float32 or vectors.ndim != TABLE or not vectors.flags.c_contiguous:
            raise corrupt(path, "does not hold a table of 32-bit vectors")
        if path.stat().st_size != vectors.offset + vectors.nbytes:
            raise corrupt(path, "is longer than it should be")
        return cls(np.asarray(vectors))

    def __len__(self) -> int:
        return int(self._vectors.shape[0])

    @property
    def dimension(self) -> int:
        return int(self._vectors.shape[1])

    @property
    def how(self) -> VectorSearch:
        return VectorSearch()

    def search(self, queries: Floats, k: int, allowed: Mask | None = None) -> tuple[Floats, Rows]:
        queries = checked_queries(queries, self.dimension)
        width = min(checked_k(k), len(self))
        products = queries @ self._vectors.T
        if allowed is not None:
            products[:, ~checked_mask(allowed, len(self))] = MISSING_SCORE
        order = np.argsort(-products, axis=1, kind="stable")[:, :width]
        scores = np.full((len(queries), k), MISSING_SCORE, dtype=np.float32)
        rows = np.full((len(queries), k), MISSING_ROW, dtype=np.int64)
        scores[:, :width] = np.take_along_axis(products, order, axis=1)
        rows[:, :width] = order
        rows[scores == MISSING_SCORE] = MISSING_ROW
        return scores, rows

    def scores(self, query: Floats, rows: Rows) -> Floats:
        query = checked_queries(query[np.newaxis], self.dimension)[0]
        products: Floats = self._vectors[checked_rows(rows, len(self))] @ query
        return products

    def vectors(self, rows: Rows) -> Floats:
        return self._vectors[checked_rows(rows, len(self))]

    def save(self, path: Path) -> None:
        with replacing(path) as beside, beside.open("wb") as file:
            np.save(file, self._vectors, allow_pickle=False)
