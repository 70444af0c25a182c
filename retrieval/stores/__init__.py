"""Vector stores behind one protocol; the library of each is imported only when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from retrieval.protocols import Floats, VectorStore

StoreKind = Literal["faiss", "exact"]


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


def open_store(path: Path, kind: StoreKind = "faiss") -> VectorStore:
    """The store that ``save`` wrote to ``path``, mapped into memory: the file must stay while the store is used.

    Raises IndexCorrupt when the file is missing, damaged or another kind's, ValueError for an unknown kind.
    """
    match kind:
        case "faiss":
            from retrieval.stores.faiss_store import FaissStore

            return FaissStore.open(path)
        case "exact":
            from retrieval.stores.exact import ExactStore

            return ExactStore.open(path)
    raise ValueError(_unknown(kind))


def _unknown(kind: object) -> str:
    return f"There is no vector store of the kind {kind!r}: use 'faiss' or 'exact'."
