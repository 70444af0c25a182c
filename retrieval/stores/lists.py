"""One query searched in the inverted lists of an index, by two threads where they are long.

FAISS keeps a heap of the nearest lists, which is slow for hundreds of them, and leaves one query to one thread or to
those of OpenMP (see retrieval.stores.second).
"""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import faiss
import numpy as np

from retrieval.protocols import Floats, Rows
from retrieval.stores.second import Second

WORTH = 150_000
"""Codes from which on two threads share them: 210,000 take 1.4 ms instead of 2.1, but 70,000 .7 instead of .5."""


class Lists:
    """The lists of one index. Several threads may search."""

    def __init__(self, index: Any, inner: Any, second: Second) -> None:
        """``inner`` is the part of ``index`` that has the lists."""
        self._index = index  # which owns the others
        self._inner = inner
        self._turns = turns(index)
        self._second = second
        self._centres: Floats = inner.quantizer.reconstruct_n(0, inner.nlist)

    @classmethod
    def of(cls, index: Any, second: Second) -> Self | None:
        """Those of 4-bit codes whose centres are compared one by one; None for any other index."""
        inner = inner_of(index)
        if not isinstance(inner, faiss.IndexIVFFastScan) or inner.metric_type != faiss.METRIC_INNER_PRODUCT:
            return None
        if not isinstance(faiss.downcast_index(inner.quantizer), faiss.IndexFlat):
            return None
        return cls(index, inner, second)

    def nominate(self, query: Floats, width: int, probes: int) -> Rows:
        """Up to ``width`` positions for one query (dimension,), those of the largest estimates in ``probes`` lists.

        In no order, without -1. Two threads find what one finds, but for equal estimates at the end.
        """
        turned = query[np.newaxis]
        for turn in self._turns:
            turned = turn.apply(turned)
        count = len(self._centres)
        likeness = self._centres @ turned[0]
        probes = min(probes, count)
        chosen = np.argpartition(likeness, count - probes)[count - probes :]
        # The nearest first: most of what follows is then seen to be worse at a glance.
        chosen = chosen[np.argsort(-likeness[chosen])]
        scan = partial(self._scan, turned, likeness, width)
        if not self._second.idle or probes * self._inner.ntotal < WORTH * count:
            _, positions = scan(chosen)
            return positions[positions >= 0]
        mine, other = self._second.both(partial(scan, chosen[::2]), partial(scan, chosen[1::2]))
        estimates, positions = np.concatenate([mine[0], other[0]]), np.concatenate([mine[1], other[1]])
        there = np.flatnonzero(positions >= 0)
        if len(there) > width:
            there = there[np.argpartition(estimates[there], len(there) - width)[len(there) - width :]]
        return positions[there]

    def _scan(self, turned: Floats, likeness: Floats, width: int, lists: Rows) -> tuple[Floats, Rows]:
        """(width,) estimates and positions of one query within these lists; -1 where there are no more."""
        estimates, positions = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.int64)
        lists, likeness = np.ascontiguousarray(lists), likeness[lists]
        library: Any = faiss  # whose stubs miss what is asked for here
        library.omp_set_num_threads(1)  # of the calling thread
        # FAISS's wrapper reads the number of lists from the index, where another thread may want another one.
        self._inner.search_preassigned_c(
            1,
            library.swig_ptr(turned),
            width,
            library.swig_ptr(lists),
            library.swig_ptr(likeness),
            library.swig_ptr(estimates),
            library.swig_ptr(positions),
            False,
            library.SearchParametersIVF(nprobe=len(lists)),
        )
        return estimates, positions


def inner_of(index: Any) -> Any:
    """What of an index holds the codes: without what turns vectors before."""
    whole = faiss.downcast_index(index)
    return faiss.downcast_index(whole.index) if isinstance(whole, faiss.IndexPreTransform) else whole


def turns(index: Any) -> list[Any]:
    """What an index does to vectors before it codes them, in order: FAISS's VectorTransforms."""
    whole: Any = faiss.downcast_index(index)
    if not isinstance(whole, faiss.IndexPreTransform):
        return []
    library: Any = faiss  # its stubs take the chain for a list
    chain: Any = whole.chain
    return [library.downcast_VectorTransform(chain.at(place)) for place in range(chain.size())]
