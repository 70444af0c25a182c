"""Vector stores behind one protocol; the library of each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from retrieval.lock import Notify, silent
from retrieval.protocols import Floats, Rows, VectorStore
from retrieval.types import VectorSearch

StoreKind = Literal["faiss", "exact"]
Device = Literal["cpu", "cuda", "auto"]


def build_store(vectors: Floats, kind: StoreKind = "faiss") -> VectorStore:
    """A store of the given unit vectors, float32 ``(n, dimension)``, which it copies; ``n`` may be 0.

    Raises ValueError for another shape, for values that are not finite, and for an unknown kind.
    """
    match kind:
        case "faiss":
            from retrieval.stores.faiss_store import FaissStore

            return FaissStore.build(vectors)
        case "exact":
            from retrieval.stores.exact import ExactStore

            return ExactStore.build(vectors)
    raise ValueError(_unknown(kind))


def store_for(
    vectors: Floats,
    wanted: VectorSearch,
    *,
    last: VectorStore | None = None,
    moved: Callable[[], Rows] | None = None,
    queries: Callable[[], Floats] | None = None,
) -> VectorStore:
    """A store of unit vectors that searches them as ``wanted.asked`` and ``wanted.target`` say.

    An index of the ``last`` store that is still good enough is taken over: ``moved()`` (len(last),) tells where each of
    its rows is now, -1 where nowhere. A new one is tuned on ``queries()`` (q, dimension). Raises IndexTypeError.
    """
    from retrieval.stores.plan import FLAT, index_type

    how = replace(wanted, type=index_type(wanted.asked, len(vectors), vectors.shape[1]))
    if how.type == FLAT:
        return build_store(vectors)
    from retrieval.stores.approximate import ApproximateStore

    if isinstance(last, ApproximateStore) and moved is not None:
        extended = last.extended(vectors, moved(), how)
        if extended is not None:
            return extended
    return ApproximateStore.build(vectors, how, queries() if queries else None)


def open_store(path: Path, kind: StoreKind = "faiss") -> VectorStore:
    """The store that ``save`` wrote to ``path``, mapped into memory: the file must stay while the store is used.

    Raises IndexCorrupt when the file is missing, damaged or another kind's, ValueError for an unknown kind.
    """
    match kind:
        case "faiss":
            from retrieval.stores.approximate import ApproximateStore
            from retrieval.stores.faiss_store import FaissStore

            return ApproximateStore.open(path) if ApproximateStore.saved_at(path) else FaissStore.open(path)
        case "exact":
            from retrieval.stores.exact import ExactStore

            return ExactStore.open(path)
    raise ValueError(_unknown(kind))


def served_from(device: Device, store: VectorStore, notify: Notify = silent) -> VectorStore:
    """``store``, searched by the processor or by a GPU; see retrieval.stores.gpu. Raises DeviceError."""
    if device == "cpu":
        return store
    from retrieval.stores.gpu import on_device

    return on_device(store, device, notify)


def _unknown(kind: object) -> str:
    return f"There is no vector store of the kind {kind!r}: use 'faiss' or 'exact'."
