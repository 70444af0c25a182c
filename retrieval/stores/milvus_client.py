"""What the store asks of Milvus: collections, entities, searches. Batches are as large as a server takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.manifest import Milvus
from retrieval.protocols import Floats, Rows
from retrieval.stores.milvus_connection import CollectionMissing, Connection

LOADING = 600.0
"""Seconds that Milvus may take to make a collection ready for searching: a large one is read into its memory."""
BATCH_BYTES = 4 << 20
"""Of vectors sent or fetched at a time; a server takes 64 MB unless it is told otherwise."""
BATCH = 4096
"""Entities named in one request at most."""
MOST = 16_384
"""Entities that Milvus returns for a query at most."""
KEY, SOURCE, VECTOR = "key", "source", "vector"
"""Fields of an entity."""
STRONG = "Strong"
"""The level of consistency at which everything that was written is seen."""


class Client:
    """What is asked of Milvus. Safe for several threads.

    Every method raises StoreUnavailable where Milvus cannot be reached within the time limit or refuses what it is
    asked for, and CollectionMissing where the collection is gone.
    """

    def __init__(self, milvus: Milvus) -> None:
        self._connection = Connection(milvus)
        self._level = milvus.consistency.capitalize()

    @property
    def name(self) -> str:
        """What is connected to, for messages; without user and password."""
        return self._connection.name

    @property
    def index(self) -> str:
        """The kind of index made of vectors: Milvus's own choice, and in Milvus Lite, which is small, none."""
        return "FLAT" if self._connection.embedded else "AUTOINDEX"

    def dimension(self, collection: str) -> int | None:
        """The dimension of a collection's vectors, None where there is no such collection."""
        try:
            found = self._call("describe_collection", collection)
        except CollectionMissing:
            return None
        fields = {field["name"]: field.get("params", {}) for field in found["fields"]}
        return int(fields.get(VECTOR, {}).get("dim", 0))

    def create(self, collection: str, dimension: int) -> None:
        """Make an empty collection, ready to be searched."""
        pymilvus = self._connection.pymilvus
        kinds = pymilvus.DataType
        schema = pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(KEY, kinds.VARCHAR, is_primary=True, max_length=64)
        schema.add_field(SOURCE, kinds.INT64)
        schema.add_field(VECTOR, kinds.FLOAT_VECTOR, dim=dimension)
        index = pymilvus.MilvusClient.prepare_index_params()
        index.add_index(VECTOR, index_type=self.index, metric_type="IP")
        level = {"consistency_level": self._level}
        self._call("create_collection", collection, most=LOADING, schema=schema, index_params=index, **level)

    def load(self, collection: str) -> None:
        """Have Milvus make a collection ready to be searched, if it is not."""
        state = self._call("get_load_state", collection)["state"]
        if getattr(state, "name", str(state)) != "Loaded":
            self._call("load_collection", collection, most=LOADING)

    def count(self, collection: str) -> int:
        """Entities of a collection, those written last included."""
        rows = self._call("query", collection, filter="", output_fields=["count(*)"], consistency_level=STRONG)
        return int(rows[0]["count(*)"])

    def upsert(self, collection: str, keys: Sequence[str], sources: Rows, vectors: Floats) -> None:
        """Write entities, in place of those with the same keys."""
        for part in self.parts(len(keys), vectors.shape[1]):
            rows = zip(keys[part], sources[part].tolist(), vectors[part], strict=True)
            data = [{KEY: key, SOURCE: source, VECTOR: vector} for key, source, vector in rows]
            self._call("upsert", collection, data=data)

    def delete(self, collection: str, keys: Sequence[str]) -> None:
        """Delete entities; those that are not there do no harm."""
        for part in self.parts(len(keys), 1):
            self._call("delete", collection, ids=list(keys[part]))

    def drop(self, collection: str) -> None:
        """Delete a collection; one that is not there does no harm."""
        with suppress(CollectionMissing):
            self._call("drop_collection", collection)

    def search(
        self, collection: str, queries: Floats, limit: int, condition: str
    ) -> list[tuple[Sequence[str], NDArray[np.float32]]]:
        """For each query keys and inner products of the nearest entities that fulfil the condition, best first."""
        found = self._call(
            "search",
            collection,
            data=list(queries),
            anns_field=VECTOR,
            filter=condition,
            limit=limit,
            search_params={"metric_type": "IP"},
            consistency_level=self._level,
        )
        return [(hits.ids, np.array(hits.distances, dtype=np.float32)) for hits in found]

    def vectors(self, collection: str, keys: Sequence[str], dimension: int) -> dict[str, Floats]:
        """The vectors (dimension,) of those of these entities that are there."""
        found = self._fetch(collection, keys, VECTOR, dimension, self._level)
        missing = [key for key in keys if key not in found]
        if missing and self._level != STRONG:
            # Nothing is called missing that was just not seen yet.
            found |= self._fetch(collection, missing, VECTOR, dimension, STRONG)
        return {key: np.asarray(vector, dtype=np.float32) for key, vector in found.items()}

    def known(self, collection: str, keys: Sequence[str]) -> set[str]:
        """Those of these entities that are there."""
        return set(self._fetch(collection, keys, KEY, 1, STRONG))

    def _fetch(self, collection: str, keys: Sequence[str], field: str, dimension: int, level: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in self.parts(len(keys), dimension):
            named: dict[str, Any] = {"ids": list(keys[part]), "output_fields": [KEY, field], "consistency_level": level}
            found |= {row[KEY]: row[field] for row in self._call("get", collection, **named)}
        return found

    def _call(self, method: str, collection: str, *, most: float | None = None, **named: Any) -> Any:
        return self._connection.call(method, collection, most=most, **named)

    @staticmethod
    def parts(count: int, dimension: int) -> Iterator[slice]:
        """Slices of ``count`` entities for one call each."""
        step = max(1, min(BATCH, BATCH_BYTES // (4 * dimension)))
        return (slice(start, start + step) for start in range(0, count, step))


@lru_cache(maxsize=8)
def client_for(milvus: Milvus) -> Client:
    """One client for all who reach the same Milvus in the same way."""
    return Client(milvus)
