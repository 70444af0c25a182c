"""Vectors in a Milvus: only keys lie in the index's folder, and every version keeps finding exactly its own rows.

Versions share a collection (retrieval.stores.entities). Whatever a search returns is looked up among the version's own
keys; what belongs to others is dropped, and more is asked for where too little is left.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from retrieval.errors import IndexCorrupt, StoreUnavailable
from retrieval.manifest import Milvus, VectorSearch
from retrieval.protocols import Floats, Mask, Rows
from retrieval.storage import corrupt, load_json, save_json
from retrieval.stores import MILVUS_CARD as CARD
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
from retrieval.stores.entities import KEY_BYTES, Entities, entities, from_hexadecimal, texts
from retrieval.stores.milvus_client import BATCH, KEY, MOST, Client, client_for
from retrieval.stores.milvus_connection import CollectionMissing

WIDER = 4
"""By how much more is asked for where too little was left."""
FEW = 8192
"""Rows up to which a mask that is no set of documents is told to Milvus row by row."""
_ARRAYS = {"keys": ".keys.npy", "order": ".order.npy", "starts": ".starts.npy", "sources": ".sources.npy"}


class MilvusStore:
    """A VectorStore over a collection. ``search`` finds what Milvus's index does; all else is exact.

    Every method but ``save`` may raise StoreUnavailable; it works again once Milvus does.
    """

    def __init__(self, client: Client, collection: str, dimension: int, rows: Entities) -> None:
        self._client = client
        self.collection = collection
        self._dimension = dimension
        self.entities = rows

    @classmethod
    def build(cls, vectors: Floats, milvus: Milvus, collection: str) -> Self:
        """See retrieval.stores.build_store: a store of rows without documents."""
        vectors = checked_vectors(vectors)
        raw = vectors.view(np.uint8)
        rows = entities(raw, [0] if len(vectors) else [], [""] if len(vectors) else [])
        store = cls.prepare(milvus, collection, vectors.shape[1], rows)
        store.write(np.arange(len(vectors)), vectors)
        return store

    @classmethod
    def prepare(cls, milvus: Milvus, collection: str, dimension: int, rows: Entities) -> Self:
        """A store whose entities may still have to be written; its collection is made where there is none.

        Raises StoreUnavailable for a collection of another dimension.
        """
        client = client_for(milvus)
        found = client.dimension(collection)
        if found is None:
            client.create(collection, dimension)
        elif found != dimension:
            raise StoreUnavailable(
                f"The collection {collection} in Milvus at {client.name} holds vectors of {found} dimensions, not of "
                f"{dimension}: drop it, or set MILVUS_COLLECTION to another name."
            )
        client.load(collection)
        return cls(client, collection, dimension, rows)

    @classmethod
    def open(cls, path: Path, milvus: Milvus) -> Self:
        """See retrieval.stores.open_store. Raises StoreUnavailable too."""
        collection, dimension, rows = saved(path)
        client = client_for(milvus)
        found = client.dimension(collection)
        if found is None:
            raise _gone(client, collection, "is not there")
        if found != dimension:
            raise _gone(client, collection, f"holds vectors of {found} dimensions, not of {dimension}")
        client.load(collection)
        held = client.count(collection)
        if held < len(rows):
            raise _gone(client, collection, f"holds {held} of at least {len(rows)} sentences")
        return cls(client, collection, dimension, rows)

    def __len__(self) -> int:
        return len(self.entities)

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def how(self) -> VectorSearch:
        return VectorSearch(type=f"milvus:{self._client.index}", store="milvus")

    def unwritten(self, last: MilvusStore | None) -> Rows:
        """The rows, ascending, whose entities the collection does not hold yet. A version of it vouches for its own."""
        rows = np.arange(len(self))
        if last is not None and last.collection == self.collection:
            rows = rows[~np.isin(texts(self.entities.keys), texts(last.entities.keys))]
        if len(rows) and self._client.count(self.collection):
            # A build that was killed has written some.
            names = self.entities.hexadecimal(rows)
            known = self._client.known(self.collection, names)
            rows = rows[[name not in known for name in names]]
        return rows

    def write(self, rows: Rows, vectors: Floats) -> None:
        """Write the entities of these rows, with their vectors (len(rows), dimension)."""
        names = self.entities.hexadecimal(rows)
        self._client.upsert(self.collection, names, self.entities.sources_of(rows), vectors)

    def search(self, queries: Floats, k: int, allowed: Mask | None = None) -> tuple[Floats, Rows]:
        queries = checked_queries(queries, self.dimension)
        available = len(self)
        if allowed is not None:
            available = int(checked_mask(allowed, available).sum())
            allowed = None if available == len(self) else allowed
        scores = np.full((len(queries), checked_k(k)), MISSING_SCORE, dtype=np.float32)
        rows = np.full((len(queries), k), MISSING_ROW, dtype=np.int64)
        wanted = min(k, available)
        condition = "" if allowed is None else self.entities.filter(allowed)
        by_name = condition is None and available <= FEW
        pending = np.arange(len(queries)) if wanted else np.zeros(0, dtype=np.int64)
        width = wanted + 1 if condition is not None else -(-wanted * len(self) // max(available, 1)) + 1
        while pending.size and not by_name:
            width = min(width, MOST)
            found = self._search(queries[pending], width, condition or "")
            open_ = np.zeros(len(pending), dtype=np.bool_)
            for place, (products, own) in enumerate(found):
                seen = own >= 0 if allowed is None else (own >= 0) & allowed[own]
                _place(products[seen], own[seen], scores[pending[place]], rows[pending[place]])
                last = scores[pending[place], wanted - 1]
                # Equal scores may go on beyond what was returned, with lower rows.
                open_[place] = len(own) == width and int(seen.sum()) < available and not last > products[-1]
            pending = pending[open_]
            if width == MOST:
                # Ties of so many are left in Milvus's order.
                pending = pending[rows[pending, wanted - 1] == MISSING_ROW]
                break
            width *= WIDER
        if pending.size and allowed is not None and available <= FEW:
            scores[pending], rows[pending] = self._search_named(queries[pending], k, np.flatnonzero(allowed))
        return scores, rows

    def scores(self, query: Floats, rows: Rows) -> Floats:
        query = checked_queries(query[np.newaxis], self.dimension)[0]
        products: Floats = self.vectors(rows) @ query
        return products

    def vectors(self, rows: Rows) -> Floats:
        rows = checked_rows(rows, len(self))
        distinct, places = np.unique(rows, return_inverse=True)
        names = self.entities.hexadecimal(distinct)
        try:
            found = self._client.vectors(self.collection, names, self.dimension)
        except CollectionMissing as error:
            raise _gone(self._client, self.collection, "is not there") from error
        missing = sum(name not in found for name in names)
        if missing:
            raise _gone(self._client, self.collection, f"lacks {missing} sentences of the version that is served")
        if not names:
            return np.empty((0, self.dimension), dtype=np.float32)
        return np.stack([found[name] for name in names])[places]

    def save(self, path: Path) -> None:
        for name, suffix in _ARRAYS.items():
            with replacing(path.with_suffix(suffix)) as beside, beside.open("wb") as file:
                np.save(file, getattr(self.entities, name), allow_pickle=False)
        with replacing(path.with_suffix(CARD)) as beside:
            save_json(beside, {"collection": self.collection, "dimension": self.dimension, "rows": len(self)})

    def _search(self, queries: Floats, width: int, condition: str) -> list[tuple[Floats, Rows]]:
        """For each query scores and rows, -1 for what is another version's."""
        try:
            found = self._client.search(self.collection, queries, width, condition)
        except CollectionMissing as error:
            raise _gone(self._client, self.collection, "is not there") from error
        return [(products, self.entities.rows(from_hexadecimal(keys))) for keys, products in found]

    def _search_named(self, queries: Floats, k: int, rows: Rows) -> tuple[Floats, Rows]:
        """As search, among these few rows."""
        parts: list[list[tuple[Floats, Rows]]] = [[] for _ in queries]
        for start in range(0, len(rows), BATCH):
            names = self.entities.hexadecimal(rows[start : start + BATCH])
            for mine, found in zip(
                parts, self._search(queries, len(names), f"{KEY} in {json.dumps(names)}"), strict=True
            ):
                mine.append(found)
        scores = np.full((len(queries), k), MISSING_SCORE, dtype=np.float32)
        places = np.full((len(queries), k), MISSING_ROW, dtype=np.int64)
        for query, mine in enumerate(parts):
            products, own = (np.concatenate(arrays) for arrays in zip(*mine, strict=True))
            _place(products[own >= 0], own[own >= 0], scores[query], places[query])
        return scores, places


def _place(products: Floats, own: Rows, scores: Floats, rows: Rows) -> None:
    """Fill in the best of what was found, equal scores by lower row."""
    best = np.lexsort((own, -products))[: len(rows)]
    scores[: len(best)], rows[: len(best)] = products[best], own[best]


def saved(path: Path) -> tuple[str, int, Entities]:
    """Collection, dimension and entities that ``MilvusStore.save`` wrote beside ``path``. Raises IndexCorrupt."""
    card = path.with_suffix(CARD)
    fields = load_json(card)
    try:
        collection, dimension, count = str(fields["collection"]), int(fields["dimension"]), int(fields["rows"])
    except (KeyError, TypeError, ValueError) as error:
        raise corrupt(card, "does not say where the vectors lie") from error
    arrays = {}
    for name, suffix in _ARRAYS.items():
        file = path.with_suffix(suffix)
        try:
            arrays[name] = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
        except Exception as error:  # NumPy's parser lets even tokenize's errors out
            raise corrupt(file, "is missing, damaged or no array of this program") from error
    rows = Entities(**arrays)
    whole = (
        rows.keys.shape == (count, KEY_BYTES)
        and rows.keys.dtype == np.uint8
        and rows.order.shape == (count,)
        and rows.order.dtype == rows.starts.dtype == rows.sources.dtype == np.int64
        and rows.starts.shape == rows.sources.shape
        and rows.starts.ndim == 1
    )
    if not whole:
        raise corrupt(card, "does not belong to the arrays beside it")
    return collection, dimension, rows


def discard(doomed: Path, kept: Sequence[Path], milvus: Milvus, current: str | None) -> None:
    """Delete from Milvus what only the version of the store saved at ``doomed`` holds.

    ``kept`` are the paths of other versions' stores in Milvus. The collection goes as a whole where neither they nor
    coming builds (``current``) use it. Raises StoreUnavailable, IndexCorrupt.
    """
    collection, _, rows = saved(doomed)
    others = [store for store in (saved(path) for path in kept) if store[0] == collection]
    client = client_for(milvus)
    if not others:
        if collection != current:
            client.drop(collection)
        return
    alone = ~np.isin(texts(rows.keys), np.concatenate([texts(other.keys) for _, _, other in others]))
    try:
        client.delete(collection, rows.hexadecimal(np.flatnonzero(alone)))
    except CollectionMissing:
        return


def _gone(client: Client, collection: str, why: str) -> IndexCorrupt:
    return IndexCorrupt(
        f"The collection {collection} in Milvus at {client.name} {why}: start the bot anew if the index has been built "
        "meanwhile, else rebuild it with `python -m bot index --rebuild`."
    )
