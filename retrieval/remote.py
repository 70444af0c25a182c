"""An index whose vectors lie in Milvus, as a build makes it. retrieval/stores/MILVUS.md tells the whole of it.

Vectors are embedded and written block by block, so that a build needs the memory of one block, an update sends only
what is new, and a build that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.embedding import vectors_of
from retrieval.errors import IndexCorrupt, IndexTypeError, RetrievalError, StoreUnavailable
from retrieval.index import VECTORS
from retrieval.lock import Notify
from retrieval.manifest import EmbedderSpec, Milvus, VectorSearch
from retrieval.protocols import Embedder, Rows, VectorStore
from retrieval.reuse import Keys, LastIndex, match_keys
from retrieval.storage import versions
from retrieval.stores import NO_MILVUS, kind_at
from retrieval.stores.plan import AUTO

BLOCK = 1 << 16
"""Sentences embedded, then written, at a time."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a build writes its vectors."""

    milvus: Milvus
    collection: str


def remote(root: Path, search: VectorSearch, milvus: Milvus | None, spec: EmbedderSpec, *, anew: bool) -> Remote | None:
    """Where a build in an index folder writes vectors, None where not into Milvus; the caller holds the folder's lock.

    ``anew`` begins a new collection. Raises IndexTypeError, StoreUnavailable, OSError.
    """
    if search.store != "milvus":
        return None
    if search.asked != AUTO:
        raise IndexTypeError(f"INDEX_TYPE={search.asked} is for FAISS: with VECTOR_STORE=milvus it must be auto.")
    if milvus is None:
        raise StoreUnavailable(f"VECTOR_STORE is milvus and {NO_MILVUS}: set it.")
    from retrieval.stores.entities import claim, claimed
    from retrieval.stores.milvus import saved
    from retrieval.stores.milvus_client import client_for

    before = claimed(root)
    if anew and before is not None and all(saved(path)[0] != before for path in _remote_stores(root)):
        client_for(milvus).drop(before)  # left by a build that was killed before it published anything
    return Remote(milvus, claim(root, milvus.prefix, spec, anew=anew))


def remote_store(
    sentences: Sequence[str],
    keys: Keys,
    sources: Sequence[str],
    documents: Rows,
    last: LastIndex | None,
    embedder: Embedder,
    there: Remote,
    progress: Callable[[int, int], None],
) -> tuple[VectorStore, int]:
    """The store, and how many sentences were embedded, of sentences with their keys (n, KEY_BYTES) and the ascending
    rows of their documents (n,), whose names are ``sources``. Raises ModelError, StoreUnavailable.
    """
    from retrieval.stores.entities import entities
    from retrieval.stores.milvus import MilvusStore

    rows, starts = np.unique(documents, return_index=True)
    own = entities(keys, starts.tolist(), [sources[row] for row in rows])
    store = MilvusStore.prepare(there.milvus, there.collection, embedder.spec.dimension, own)
    before = last.index.store if last else None
    fresh = store.unwritten(before if isinstance(before, MilvusStore) else None)
    embedded = 0
    for start in range(0, len(fresh), BLOCK):

        def tell(done: int, _total: int, start: int = start) -> None:
            progress(start + done, len(fresh))

        block = fresh[start : start + BLOCK]
        shared = match_keys(last.keys if last else keys[:0], keys[block])
        vectors, new = vectors_of([sentences[row] for row in block], keys[block], shared, last, embedder, tell)
        store.write(block, vectors)
        embedded += new
    progress(len(fresh), len(fresh))
    return store, embedded


def discarding(root: Path, milvus: Milvus | None, there: Remote | None, notify: Notify) -> Callable[[Path], None]:
    """What to do before a version's folder is removed: delete from Milvus what no other version needs.

    ``there`` is where vectors are written now: that collection stays. Where deleting fails ``notify`` is told, and the
    folder goes all the same.
    """

    def discard_version(folder: Path) -> None:
        if kind_at(folder / VECTORS) != "milvus":
            return
        if milvus is None:
            notify(f"An old version of the index leaves its vectors in Milvus, as {NO_MILVUS}: drop them there.")
            return
        from retrieval.stores.milvus import discard

        try:
            discard(folder / VECTORS, _remote_stores(root), milvus, there.collection if there else None)
        except RetrievalError as error:
            notify(f"{str(error).removesuffix('.')}; what only an old version of the index held stays there.")

    return discard_version


def _remote_stores(root: Path) -> list[Path]:
    """The stores in Milvus of all versions, but for those whose files are damaged: they serve nobody."""
    from retrieval.stores.milvus import saved

    found = []
    for path in (folder / VECTORS for folder in versions(root)):
        with suppress(IndexCorrupt):
            if kind_at(path) == "milvus" and saved(path):
                found.append(path)
    return found
