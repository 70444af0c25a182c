"""The one file that knows pymilvus: calls with a time limit and repetitions, and its errors in our words."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import RetrievalError, StoreUnavailable
from retrieval.protocols import Floats, Rows
from retrieval.types import Milvus

LOADING = 600.0
"""Seconds that Milvus may take to make a collection ready for searching: a large one is read into its memory."""
PAUSES = (0.1, 0.5, 1.5)
"""Seconds before a call that found no connection is repeated. Every call may be: none does more the second time."""
BATCH_BYTES = 4 << 20
"""Of vectors sent or fetched at a time; a server takes 64 MB unless it is told otherwise."""
MOST = 16_384
"""Entities that Milvus returns for a query at most."""
KEY, SOURCE, VECTOR = "key", "source", "vector"
"""Fields of an entity."""
_LOST = 2
"""Milvus's code where there is no connection."""
_NO_COLLECTION = 100

T = TypeVar("T")


class CollectionMissing(RetrievalError):
    """The collection is not in Milvus."""


@contextmanager
def _undisturbed() -> Iterator[None]:
    """While pymilvus is imported it finds none of our settings, and leaves none in the environment.

    It would take MILVUS_URI for its own default and refuse a file's path, and put a whole .env into the environment.
    """
    before = dict(os.environ)
    os.environ |= {"MILVUS_URI": "", "MILVUS_DEFAULT_CONNECTION": "", "PYTHON_DOTENV_DISABLED": "1"}
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ |= before


def _pymilvus() -> tuple[Any, Any]:
    """The libraries pymilvus and grpc. Raises StoreUnavailable where they are not installed."""
    try:
        with _undisturbed():
            import grpc
            import pymilvus
    except ImportError as error:
        raise StoreUnavailable(
            f'VECTOR_STORE=milvus needs more than is installed ({error}): pip install -e ".[milvus]".'
        ) from error
    # They print every error with its traceback; all of them are raised too, and told by us.
    for name in ("pymilvus", "pymilvus.milvus_client", "milvus_lite"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.CRITICAL)
    return pymilvus, grpc


class Client:
    """A connection that is made when it is first needed, and made anew when it broke. Safe for several threads.

    Every method raises StoreUnavailable where Milvus cannot be reached within the time limit or refuses what it is
    asked for, and CollectionMissing where the collection is gone.
    """

    def __init__(self, milvus: Milvus) -> None:
        self._milvus = milvus
        self._lock = threading.Lock()
        self._client: Any = None
        self._libraries: tuple[Any, Any] | None = None

    @property
    def name(self) -> str:
        """What is connected to, for messages; without user and password."""
        parts = urlsplit(self._milvus.uri)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def embedded(self) -> bool:
        """Whether this is Milvus Lite, in this process."""
        return self._milvus.uri.endswith(".db")

    @property
    def index(self) -> str:
        """The kind of index made of vectors: Milvus's own choice, and in Milvus Lite, which is small, none."""
        return "FLAT" if self.embedded else "AUTOINDEX"

    def dimension(self, collection: str) -> int | None:
        """The dimension of a collection's vectors, None where there is no such collection."""
        try:
            found = self._call(lambda client, limit: client.describe_collection(collection, timeout=limit))
        except CollectionMissing:
            return None
        fields = {field["name"]: field.get("params", {}) for field in found["fields"]}
        return int(fields.get(VECTOR, {}).get("dim", 0))

    def create(self, collection: str, dimension: int) -> None:
        """Make an empty collection, ready to be searched."""

        def make(client: Any, limit: float) -> None:
            kinds = self._load()[0].DataType
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field(KEY, kinds.VARCHAR, is_primary=True, max_length=64)
            schema.add_field(SOURCE, kinds.INT64)
            schema.add_field(VECTOR, kinds.FLOAT_VECTOR, dim=dimension)
            index = client.prepare_index_params()
            index.add_index(VECTOR, index_type=self.index, metric_type="IP")
            level = self._milvus.consistency.capitalize()
            client.create_collection(
                collection, schema=schema, index_params=index, consistency_level=level, timeout=limit
            )

        self._call(make, LOADING)

    def load(self, collection: str) -> None:
        """Have Milvus make a collection ready to be searched, if it is not."""

        def make(client: Any, limit: float) -> None:
            state = client.get_load_state(collection, timeout=self._milvus.timeout)["state"]
            if getattr(state, "name", str(state)) != "Loaded":
                client.load_collection(collection, timeout=limit)

        self._call(make, LOADING)

    def count(self, collection: str) -> int:
        """Entities of a collection, those written last included."""
        rows = self._call(
            lambda client, limit: client.query(
                collection, filter="", output_fields=["count(*)"], consistency_level="Strong", timeout=limit
            )
        )
        return int(rows[0]["count(*)"])

    def collections(self) -> list[str]:
        """The names of all collections."""
        return list(self._call(lambda client, limit: client.list_collections(timeout=limit)))

    def upsert(self, collection: str, keys: Sequence[str], sources: Rows, vectors: Floats) -> None:
        """Write entities, in place of those with the same keys."""
        for part in self.parts(len(keys), vectors.shape[1]):
            rows = [
                {KEY: key, SOURCE: source, VECTOR: vector}
                for key, source, vector in zip(keys[part], sources[part].tolist(), vectors[part], strict=True)
            ]
            self._call(lambda client, limit, rows=rows: client.upsert(collection, rows, timeout=limit))

    def delete(self, collection: str, keys: Sequence[str]) -> None:
        """Delete entities; those that are not there do no harm."""
        for part in self.parts(len(keys), 1):
            names = keys[part]
            self._call(lambda client, limit, names=names: client.delete(collection, ids=names, timeout=limit))

    def drop(self, collection: str) -> None:
        """Delete a collection; one that is not there does no harm."""
        with suppress(CollectionMissing):
            self._call(lambda client, limit: client.drop_collection(collection, timeout=limit))

    def search(
        self, collection: str, queries: Floats, limit: int, condition: str
    ) -> list[tuple[Sequence[str], NDArray[np.float32]]]:
        """For each query keys and inner products of the nearest entities that fulfil the condition, best first."""
        level = self._milvus.consistency.capitalize()
        found = self._call(
            lambda client, seconds: client.search(
                collection,
                data=list(queries),
                anns_field=VECTOR,
                filter=condition,
                limit=limit,
                search_params={"metric_type": "IP"},
                consistency_level=level,
                timeout=seconds,
            )
        )
        return [(hits.ids, np.array(hits.distances, dtype=np.float32)) for hits in found]

    def vectors(self, collection: str, keys: Sequence[str], dimension: int) -> dict[str, Floats]:
        """The vectors (dimension,) of those of these entities that are there."""
        level = self._milvus.consistency.capitalize()
        found = self._fetch(collection, keys, VECTOR, dimension, level)
        missing = [key for key in keys if key not in found]
        if missing and level != "Strong":
            # Nothing is called missing that was just not seen yet.
            found |= self._fetch(collection, missing, VECTOR, dimension, "Strong")
        return {key: np.asarray(vector, dtype=np.float32) for key, vector in found.items()}

    def known(self, collection: str, keys: Sequence[str]) -> set[str]:
        """Those of these entities that are there."""
        return set(self._fetch(collection, keys, KEY, 1, "Strong"))

    def _fetch(
        self, collection: str, keys: Sequence[str], field: str, dimension: int, level: str
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in self.parts(len(keys), dimension):
            names = list(keys[part])
            rows = self._call(
                lambda client, limit, names=names: client.get(
                    collection, ids=names, output_fields=[KEY, field], consistency_level=level, timeout=limit
                )
            )
            found |= {row[KEY]: row[field] for row in rows}
        return found

    @staticmethod
    def parts(count: int, dimension: int) -> Iterator[slice]:
        """Slices of ``count`` entities for one call each."""
        step = max(1, min(4096, BATCH_BYTES // (4 * dimension)))
        return (slice(start, start + step) for start in range(0, count, step))

    # --- connection ------------------------------------------------------------------------------------------------

    def _call(self, action: Callable[[Any, float], T], most: float | None = None) -> T:
        """``action(client, seconds)``, repeated while there is no connection and time is left; see the class."""
        limit = most or self._milvus.timeout
        end = time.monotonic() + self._milvus.timeout
        pauses = iter(PAUSES)
        while True:
            try:
                return action(self._connected(), limit)
            except RetrievalError:
                raise
            except Exception as error:
                if self._is_lost(error):
                    self._disconnect()
                    pause = next(pauses, None)
                    if pause is not None and time.monotonic() + pause < end:
                        time.sleep(pause)
                        continue
                raise self._told(error) from error

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                pymilvus, _ = self._load()
                if self.embedded:
                    Path(self._milvus.uri).parent.mkdir(parents=True, exist_ok=True)
                self._client = pymilvus.MilvusClient(
                    self._milvus.uri,
                    token=self._milvus.token,
                    timeout=self._milvus.timeout,
                    dedicated=True,
                    # Else a new connection would wait until an old one's pause is over.
                    grpc_options={"grpc.use_local_subchannel_pool": 1},
                )
            return self._client

    def _load(self) -> tuple[Any, Any]:
        if self._libraries is None:
            self._libraries = _pymilvus()
        return self._libraries

    def _disconnect(self) -> None:
        with self._lock:
            broken, self._client = self._client, None
        if broken is not None:
            with suppress(Exception):  # it is broken
                broken.close()

    def _is_lost(self, error: Exception) -> bool:
        """Whether there was no connection, so that nothing has been answered. A time limit that is over counts not."""
        pymilvus, grpc = self._load()
        if isinstance(error, pymilvus.MilvusException):
            return error.code in (_LOST, grpc.StatusCode.UNAVAILABLE) or "create connection first" in error.message
        if isinstance(error, grpc.RpcError):
            return error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        return isinstance(error, ValueError) and "closed channel" in str(error)

    def _told(self, error: Exception) -> RetrievalError:
        """The error in a sentence that says what to do."""
        pymilvus, grpc = self._load()
        if self.embedded and (self._is_lost(error) or isinstance(error, pymilvus.exceptions.ConnectionConfigException)):
            return StoreUnavailable(
                f"The file {self.name} (MILVUS_URI) cannot be opened by Milvus Lite, which one process at a time can: "
                "stop the other one, or use a Milvus server."
            )
        if isinstance(error, OSError):
            return StoreUnavailable(f"The folder of {self.name} (MILVUS_URI) cannot be made: {error.strerror or error}.")
        reason = " ".join(str(getattr(error, "message", "") or error).split())[:300]
        code = error.code() if isinstance(error, grpc.RpcError) else getattr(error, "code", None)
        if code == _NO_COLLECTION or "can't find collection" in reason:
            return CollectionMissing(f"Milvus at {self.name} has no such collection.")
        if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED) or "auth" in reason.lower():
            return StoreUnavailable(f"Milvus at {self.name} does not let us in: correct MILVUS_TOKEN.")
        if code == grpc.StatusCode.DEADLINE_EXCEEDED or "Retry timeout" in reason:
            return StoreUnavailable(
                f"Milvus at {self.name} did not answer within {self._milvus.timeout:g} seconds: see whether it runs "
                "well, or raise MILVUS_TIMEOUT."
            )
        if self._is_lost(error):
            return StoreUnavailable(f"Milvus at {self.name} cannot be reached: start it, or correct MILVUS_URI.")
        return StoreUnavailable(f"Milvus at {self.name} did not do what it was asked to: {reason.rstrip('.')}.")


@lru_cache(maxsize=8)
def client_for(milvus: Milvus) -> Client:
    """One client for all who reach the same Milvus in the same way."""
    return Client(milvus)
