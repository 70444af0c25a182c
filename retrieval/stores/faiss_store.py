"""Exact search through FAISS: a flat index, scanned sequentially for one query and by BLAS for several."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from retrieval.errors import IndexCorrupt
from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats, Mask, Rows
from retrieval.storage import corrupt
from retrieval.stores.arrays import (
    MISSING_ROW,
    MISSING_SCORE,
    checked_k,
    checked_mask,
    checked_queries,
    checked_rows,
    checked_vectors,
    replacing,
)

# faiss/impl/index_write.cpp: magic, d, ntotal, two unused words, is_trained, metric, length of the vectors in words.
_HEADER = struct.Struct("<4siqqqBiQ")
_MAGIC = b"IxFI"
_INNER_PRODUCT = 0
_UNUSED = 1 << 20
_BLAS_FROM_QUERIES = 4
"""Measured on 2e4 x 384, one thread, per query: alone .8-1.3 ms sequentially, 5.4 ms by BLAS; of 8, 1.2 and .5 ms; of
256, 1.2 and .14 ms. FAISS's own default waits for 333 queries of that dimension."""


class FaissStore:
    """A VectorStore over an ``IndexFlatIP``, in memory or mapped from its file.

    It uses one thread: a single query is bound by memory, and a process that forks after FAISS has used two hangs.
    """

    def __init__(self, index: Any, path: Path | None = None, *, draft: bool = False) -> None:
        """``path`` is the file that the index is mapped from, a ``draft`` if it is nobody else's."""
        self._index = index
        self._vectors = _view(index)
        self._path = path
        self._draft = draft

    @classmethod
    def build(cls, vectors: Floats) -> Self:
        """See retrieval.stores.build_store."""
        vectors = checked_vectors(vectors)
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return cls(index)

    @classmethod
    def drafted(cls, path: Path, blocks: Iterable[Floats], count: int, dimension: int) -> Self:
        """A store of ``count`` unit vectors, given in blocks (any, dimension), that is written to ``path`` at once.

        Memory holds one block; ``save`` moves the file, which is the store's own. Raises OSError, and ValueError as
        retrieval.stores.build_store does.
        """
        path.unlink(missing_ok=True)  # never over a file that may be mapped, or have another name
        words, written = count * dimension, 0
        with path.open("xb") as file:
            file.write(_HEADER.pack(_MAGIC, dimension, count, _UNUSED, _UNUSED, True, _INNER_PRODUCT, words))
            for block in blocks:
                file.write(checked_queries(block, dimension).data)
                written += len(block)
        if written != count:
            raise ValueError(f"There are {written} vectors instead of {count}.")
        return cls(_mapped(path), path, draft=True)

    @classmethod
    def open(cls, path: Path) -> Self:
        """See retrieval.stores.open_store."""
        _check_header(path)
        return cls(_mapped(path), path)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    @property
    def index(self) -> Any:
        """The FAISS index."""
        return self._index

    @property
    def all(self) -> Floats:
        """Every vector, (n, dimension), read-only; valid while the store lives."""
        return self._vectors

    @property
    def how(self) -> VectorSearch:
        return VectorSearch()

    def search(self, queries: Floats, k: int, allowed: Mask | None = None) -> tuple[Floats, Rows]:
        queries = checked_queries(queries, self.dimension)
        count = len(self)
        parameters = None
        if allowed is not None and not checked_mask(allowed, count).all():
            count = int(allowed.sum())
            parameters = _only(allowed)
        scores = np.full((len(queries), checked_k(k)), MISSING_SCORE, dtype=np.float32)
        rows = np.full((len(queries), k), MISSING_ROW, dtype=np.int64)
        pending, width = np.arange(len(queries)), min(k + 1, count)
        # FAISS keeps any of several equal scores, not the lowest rows: queries with equal scores on both sides of the
        # k-th place are searched again, wider, until the last score found is a smaller one.
        while pending.size and width:
            found_scores, found_rows = self._raw(queries[pending], width, parameters)
            cut = (found_scores[:, min(k, width) - 1] == found_scores[:, -1]) & (k < width < count)
            for query in np.flatnonzero(~cut):
                order = np.lexsort((found_rows[query], -found_scores[query]))[:k]
                scores[pending[query], : len(order)] = found_scores[query, order]
                rows[pending[query], : len(order)] = found_rows[query, order]
            pending, width = pending[cut], min(2 * width, count)
        return scores, rows

    def scores(self, query: Floats, rows: Rows) -> Floats:
        query = checked_queries(query[np.newaxis], self.dimension)
        rows = np.ascontiguousarray(checked_rows(rows, len(self)), dtype=np.int64)
        products = np.empty(len(rows), dtype=np.float32)
        if not len(rows):
            return products
        library: Any = faiss  # whose stubs know arrays of one length only
        library.omp_set_num_threads(1)  # of the calling thread
        # Without a copy of the vectors, as NumPy would make it, and without Python's lock, for others to go on.
        of, into, places = map(library.swig_ptr, (query, products, rows))
        self._index.compute_distance_subset(1, of, len(rows), into, places)
        return products

    def vectors(self, rows: Rows) -> Floats:
        return self._vectors[checked_rows(rows, len(self))]

    def release(self) -> None:
        """Give the memory back that the file is mapped to. Not while another thread searches."""
        if self._path is not None:
            with suppress(IndexCorrupt):  # the file is gone: what is mapped stays
                self._index = _mapped(self._path)
                self._vectors = _view(self._index)

    def save(self, path: Path) -> None:
        if self._draft and self._path is not None:
            try:
                self._path.replace(path)
            except OSError:  # another file system, or a system that moves no file that is mapped
                pass
            else:
                self._path, self._draft = None, False  # the folder may be renamed
                return
        with replacing(path) as beside:
            try:
                faiss.write_index(self._index, str(beside))
            except RuntimeError as error:
                raise OSError(f"The vectors could not be written to {path}.") from error

    def _raw(self, queries: Floats, width: int, parameters: Any) -> tuple[Floats, Rows]:
        # Both are the calling thread's or the process's, not the index's: set where they are used.
        faiss.omp_set_num_threads(1)
        faiss.cvar.distance_compute_blas_threshold = _BLAS_FROM_QUERIES * self.dimension
        scores, rows = self._index.search(queries, width, params=parameters)
        return scores, rows


def _mapped(path: Path) -> Any:
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except (RuntimeError, MemoryError) as error:
        raise corrupt(path, "cannot be read by FAISS") from error


def _only(allowed: Mask) -> Any:
    """FAISS's way to say which rows may be found: a bitmap, least significant bit first."""
    library: Any = faiss  # its stubs miss what its Python wrappers accept
    return library.SearchParameters(sel=library.IDSelectorBitmap(np.packbits(allowed, bitorder="little")))


def _view(index: Any) -> Floats:
    """The index's own vectors, read-only; valid while the index lives."""
    flat: Floats = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d)
    flat.flags.writeable = False
    return flat.reshape(index.ntotal, index.d)


def _check_header(path: Path) -> None:
    """Raise IndexCorrupt unless the file is a flat inner-product index of exactly the length its header states.

    FAISS would believe a damaged count and try to allocate it.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
        size = path.stat().st_size
    except OSError as error:
        raise corrupt(path, f"cannot be read ({error.strerror})") from error
    if len(head) < _HEADER.size:
        raise corrupt(path, "is shorter than it should be")
    magic, dimension, count, _, _, trained, metric, words = _HEADER.unpack(head)
    if magic != _MAGIC or metric != _INNER_PRODUCT or not trained or dimension < 1 or count < 0:
        raise corrupt(path, "is no vector file of this program")
    if words != count * dimension or size != _HEADER.size + 4 * words:
        raise corrupt(path, "does not have the length its header states")
