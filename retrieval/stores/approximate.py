"""Search among many vectors: a FAISS index of small codes nominates, the vectors themselves decide.

FAISS's own re-ranking (RFlat) would keep a second copy of the vectors and could delete none. Here they lie beside the
index, mapped from their file, and the positions of the index lead to their rows: deleted vectors lead nowhere, added
ones are appended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats, Mask, Rows
from retrieval.storage import corrupt, digest, load_json, save_json, search_from
from retrieval.stores.arrays import (
    MISSING_ROW,
    MISSING_SCORE,
    checked_k,
    checked_mask,
    checked_queries,
    checked_vectors,
    replacing,
)
from retrieval.stores.faiss_store import FaissStore
from retrieval.stores.lists import Lists
from retrieval.stores.plan import EXACT_UP_TO, WANTED
from retrieval.stores.second import Second
from retrieval.stores.training import add, held_back, train, tune_index, visit

DRIFT = 0.2
"""Share of the vectors it was trained with that may be added or deleted before an index is made anew."""
WIDER = 4
"""By how much more is nominated where too little was left after filtering."""
_FILES = (".search.json", ".search.faiss", ".order.npy")


class ApproximateStore:
    """A VectorStore that compares exactly what an index of codes nominates. Two threads search, all cores build."""

    def __init__(self, exact: FaissStore, index: Any, order: Rows | None, how: VectorSearch) -> None:
        """``order`` (positions,) leads from the index to rows, -1 for none; None where they are the same."""
        self._exact = exact
        self._index = index
        self._order = order
        self._how = how
        self._second = Second()
        self._lists = self._in_lists()
        self._probes = 0
        """Those set at the index."""

    @classmethod
    def build(cls, vectors: Floats | FaissStore, how: VectorSearch, queries: Floats | None = None) -> Self:
        """Train an index of ``how.type`` and tune it to ``how.target`` on ``queries`` (q, dimension).

        Raises IndexTypeError where FAISS cannot make such an index of these vectors.
        """
        exact = vectors if isinstance(vectors, FaissStore) else FaissStore.build(vectors)
        index = train(exact, how)
        chosen = tune_index(index, exact, held_back(exact.all) if queries is None else checked_vectors(queries), how)
        how = replace(how, **asdict(chosen), trained=len(exact), changed=0)
        return cls(exact, index, None, how)

    def extended(self, vectors: Floats | FaissStore, moved: Rows, how: VectorSearch) -> Self | None:
        """A store of ``vectors``, where the row ``r`` of this one is now ``moved[r]``, or gone where that is -1.

        None where too much has changed since the index was trained, or something else is asked for by ``how``.
        """
        order = np.arange(len(self)) if self._order is None else self._order
        order = np.where(order >= 0, moved[order], MISSING_ROW)
        known = np.zeros(len(vectors), dtype=np.bool_)
        known[order[order >= 0]] = True
        fresh = np.flatnonzero(~known)
        changed = self._how.changed + len(fresh) + int((moved < 0).sum())
        same = (how.asked, how.target) == (self._how.asked, self._how.target)
        if not same or changed > DRIFT * self._how.trained:
            return None
        exact = vectors if isinstance(vectors, FaissStore) else FaissStore.build(vectors)
        # A mapped index cannot grow, and this one serves on.
        index = faiss.deserialize_index(faiss.serialize_index(self._index))
        add(index, exact, fresh)
        return type(self)(exact, index, np.concatenate([order, fresh]), replace(self._how, changed=changed))

    @classmethod
    def saved_at(cls, path: Path) -> bool:
        """Whether ``path`` is the vectors' file of such a store."""
        return path.with_suffix(_FILES[0]).exists()

    @classmethod
    def open(cls, path: Path) -> Self:
        """See retrieval.stores.open_store."""
        exact = FaissStore.open(path)
        card, codes, order_path = (path.with_suffix(suffix) for suffix in _FILES)
        fields = load_json(card)
        try:
            sealed = fields.pop("sha256")
            how = search_from(fields)
        except (AttributeError, KeyError, TypeError) as error:
            raise corrupt(card, "does not say how the vectors are searched") from error
        try:
            # FAISS would believe damaged counts, and allocate or read what is not there.
            if digest(codes) != sealed:
                raise corrupt(codes, "has been changed")
            index = faiss.read_index(str(codes), faiss.IO_FLAG_MMAP_IFC)
            order = np.load(order_path, allow_pickle=False) if order_path.exists() else None
        except (OSError, RuntimeError, MemoryError, ValueError) as error:
            raise corrupt(codes, "cannot be read by FAISS") from error
        positions = (len(exact),) if order is None else order.shape
        if index.d != exact.dimension or positions != (index.ntotal,):
            raise corrupt(codes, "does not belong to the vectors")
        if order is not None and not _is_order(order, len(exact)):
            raise corrupt(order_path, "does not belong to the vectors")
        return cls(exact, index, order, how)

    @property
    def exact(self) -> FaissStore:
        """The vectors."""
        return self._exact

    @property
    def index(self) -> Any:
        """What nominates, a FAISS index."""
        return self._index

    @property
    def order(self) -> Rows | None:
        """(positions,) the row of each position of the index, -1 for none; None where they are the same."""
        return self._order

    def __len__(self) -> int:
        return len(self._exact)

    @property
    def dimension(self) -> int:
        return self._exact.dimension

    @property
    def how(self) -> VectorSearch:
        return self._how

    def search(self, queries: Floats, k: int, allowed: Mask | None = None) -> tuple[Floats, Rows]:
        queries = checked_queries(queries, self.dimension)
        available = len(self)
        if allowed is not None:
            available = int(checked_mask(allowed, available).sum())
            allowed = None if available == len(self) else allowed
        wide = -(-self._candidates(checked_k(k)) * self._index.ntotal // max(available, 1))
        few = allowed is not None and available <= EXACT_UP_TO
        scores = np.full((len(queries), k), MISSING_SCORE, dtype=np.float32)
        rows = np.full((len(queries), k), MISSING_ROW, dtype=np.int64)
        pending = np.arange(len(queries))
        # Where few rows are allowed, or very many would be candidates, comparing them all is quicker than nominating.
        while pending.size and not few and self._nominates(wide, k):
            nominated = self._nominated(queries[pending], wide, self._how.probes[k > WANTED[0]])
            short = np.zeros(len(pending), dtype=np.bool_)
            for place, query in enumerate(pending):
                found = nominated[place]
                found = np.sort(found if allowed is None else found[allowed[found]])
                short[place] = len(found) < min(k, available)
                products = self._exact.scores(queries[query], found)
                best = np.argsort(-products, kind="stable")[:k]
                scores[query, : len(best)], rows[query, : len(best)] = products[best], found[best]
            pending, wide = pending[short], wide * WIDER
        if pending.size:
            scores[pending], rows[pending] = self._exact.search(queries[pending], k, allowed)
        return scores, rows

    def scores(self, query: Floats, rows: Rows) -> Floats:
        return self._exact.scores(query, rows)

    def vectors(self, rows: Rows) -> Floats:
        return self._exact.vectors(rows)

    def release(self) -> None:
        """As the vectors' own."""
        self._exact.release()

    def save(self, path: Path) -> None:
        card, codes, order = (path.with_suffix(suffix) for suffix in _FILES)
        self._exact.save(path)
        with replacing(codes) as beside:
            try:
                faiss.write_index(self._index, str(beside))
            except RuntimeError as error:
                raise OSError(f"The index of the vectors could not be written to {codes}.") from error
        if self._order is not None:
            with replacing(order) as beside, beside.open("wb") as file:
                np.save(file, self._order, allow_pickle=False)
        with replacing(card) as beside:
            save_json(beside, asdict(self._how) | {"sha256": digest(codes)})

    def _candidates(self, k: int) -> int:
        """How many to compare exactly for ``k`` wanted."""
        (few, many), (least, most) = WANTED, self._how.candidates
        if k <= few:
            return max(least, k)
        return max(most, k) if k <= many else -(-max(most, many) * k // many)

    def _nominates(self, width: int, k: int) -> bool:
        """Whether nominating ``width`` for ``k`` wanted is quicker than comparing all."""
        return width <= max(EXACT_UP_TO, self._candidates(k))

    def _visit(self, probes: int) -> None:
        visit(self._index, probes)

    def _in_lists(self) -> Lists | None:
        """What searches the index by lists, where it can be."""
        return Lists.of(self._index, self._second)

    def _nominated(self, queries: Floats, width: int, probes: int) -> list[Rows]:
        """For each query up to ``width`` rows, in no order that matters."""
        width = min(width, self._index.ntotal)
        found: Iterable[Rows]
        if self._lists is not None and len(queries) == 1:
            found = [self._lists.nominate(queries[0], width, probes)]
        else:
            if probes != self._probes:
                self._visit(probes)
                self._probes = probes
            found = self._searched(queries, width)
        found = [positions[positions >= 0] for positions in found]
        if self._order is None:
            return found
        rows = [self._order[positions] for positions in found]
        return [some[some >= 0] for some in rows]

    def _searched(self, queries: Floats, width: int) -> Rows:
        """(q, width) what the index itself finds, -1 for none: of several queries one half by either of two threads."""

        def search(some: Floats) -> Rows:
            faiss.omp_set_num_threads(1)  # of the calling thread
            positions: Rows = self._index.search(some, width)[1]
            return positions

        half = len(queries) // 2
        if not half or not self._second.idle:
            return search(queries)
        return np.concatenate(self._second.both(partial(search, queries[:half]), partial(search, queries[half:])))


def _is_order(order: Any, count: int) -> bool:
    """Whether an array leads to each of ``count`` rows once, and elsewhere nowhere."""
    return order.dtype == np.int64 and np.array_equal(np.sort(order[order >= 0]), np.arange(count))
