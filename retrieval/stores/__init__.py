"""Vector stores behind one protocol; the library of each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from retrieval.errors import IndexStale
from retrieval.lock import Notify, silent
from retrieval.manifest import Device, Milvus, StoreKind, VectorSearch
from retrieval.protocols import Floats, Rows, VectorStore

NO_MILVUS = "MILVUS_URI is not set"
MILVUS_CARD = ".milvus.json"
"""How the name of a store's file ends beside which its vectors do not lie, but in Milvus."""


def build_store(
    vectors: Floats, kind: StoreKind = "faiss", *, milvus: Milvus | None = None, collection: str = ""
) -> VectorStore:
    """A store of the given unit vectors, float32 ``(n, dimension)``, which it copies; ``n`` may be 0.

    One in Milvus goes into a collection of that name. Raises ValueError for another shape, for values that are not
    finite, and for an unknown kind; StoreUnavailable.
    """
    match kind:
        case "faiss":
            from retrieval.stores.faiss_store import FaissStore

            return FaissStore.build(vectors)
        case "exact":
            from retrieval.stores.exact import ExactStore

            return ExactStore.build(vectors)
        case "milvus" if milvus is not None:
            from retrieval.stores.milvus import MilvusStore

            return MilvusStore.build(vectors, milvus, collection)
    raise ValueError(_unknown(kind))


def drafted_store(path: Path, blocks: Iterable[Floats], count: int, dimension: int) -> VectorStore:
    """A store of ``count`` unit vectors, given in blocks (any, dimension), in a file that it moves where it is saved.

    Memory holds one block. Raises OSError, and ValueError as build_store does.
    """
    from retrieval.stores.faiss_store import FaissStore

    return FaissStore.drafted(path, blocks, count, dimension)


def store_for(
    vectors: Floats | VectorStore,
    wanted: VectorSearch,
    *,
    last: VectorStore | None = None,
    moved: Callable[[], Rows] | None = None,
    queries: Callable[[], Floats] | None = None,
) -> VectorStore:
    """A store of unit vectors that searches them as ``wanted.asked`` and ``wanted.target`` say.

    They are (n, dimension), or in a store of the kind "faiss", which is taken over (see drafted_store). An index of the
    ``last`` store that is still good enough is taken over: ``moved()`` (len(last),) tells where each of its rows is
    now, -1 where nowhere. A new one is tuned on ``queries()`` (q, dimension). Raises IndexTypeError.
    """
    from retrieval.stores.plan import index_type, scans_all

    exact = build_store(vectors) if isinstance(vectors, np.ndarray) else vectors
    if scans_all(wanted.asked, len(exact)):
        return exact
    from retrieval.stores.approximate import ApproximateStore
    from retrieval.stores.faiss_store import FaissStore
    from retrieval.stores.training import spread_over

    if not isinstance(exact, FaissStore):
        raise ValueError("An index of codes is made of a store of the kind 'faiss'.")
    if isinstance(last, ApproximateStore) and moved is not None:
        extended = last.extended(exact, moved(), wanted)
        if extended is not None:
            return extended
    type_ = index_type(wanted.asked, len(exact), exact.dimension, partial(spread_over, exact))
    return ApproximateStore.build(exact, replace(wanted, type=type_), queries() if queries else None)


def open_store(path: Path, kind: StoreKind = "faiss", *, milvus: Milvus | None = None) -> VectorStore:
    """The store that ``save`` wrote to ``path``, mapped into memory: the file must stay while the store is used.

    Raises IndexCorrupt when the file is missing, damaged or another kind's, ValueError for an unknown kind,
    StoreUnavailable for one in Milvus that cannot be reached, IndexStale where nothing is known of a Milvus.
    """
    match kind:
        case "faiss":
            from retrieval.stores.approximate import ApproximateStore
            from retrieval.stores.faiss_store import FaissStore

            return ApproximateStore.open(path) if ApproximateStore.saved_at(path) else FaissStore.open(path)
        case "exact":
            from retrieval.stores.exact import ExactStore

            return ExactStore.open(path)
        case "milvus":
            if milvus is None:
                raise IndexStale(f"The vectors of the index in {path.parent} lie in Milvus, and {NO_MILVUS}: set it.")
            from retrieval.stores.milvus import MilvusStore

            return MilvusStore.open(path, milvus)
    raise ValueError(_unknown(kind))


def served_from(device: Device, store: VectorStore, notify: Notify = silent) -> VectorStore:
    """``store``, searched by the processor or by a GPU; see retrieval.stores.gpu. Raises DeviceError."""
    if device == "cpu" or store.how.store == "milvus":
        return store
    from retrieval.stores.gpu import on_device

    return on_device(store, device, notify)


def kind_at(path: Path) -> StoreKind:
    """Where the vectors of the store that was saved to ``path`` lie: "faiss" or "milvus"."""
    return "milvus" if path.with_suffix(MILVUS_CARD).exists() else "faiss"


def _unknown(kind: object) -> str:
    return f"There is no vector store of the kind {kind!r}: use 'faiss', 'exact' or, with a Milvus, 'milvus'."
