"""A connection to Milvus through pymilvus: time limits, repetitions, and errors in our words."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from retrieval.errors import RetrievalError, StoreUnavailable
from retrieval.manifest import Milvus

PAUSES = (0.1, 0.5, 1.5)
"""Seconds before a call that found no connection is repeated. Every call may be: none does more the second time."""
_LOST = 2
"""Milvus's code where there is no connection."""
_NO_COLLECTION = 100
_LEAST = 0.1
"""Seconds given to a call even where making the connection took all of the time."""
_DEEP = 10
"""Causes of an error that are looked at: pymilvus makes some errors causes of themselves."""


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
    # They print every error with its traceback; all of them are raised too, and told by us. "grpc._server" is Milvus
    # Lite's: it prints what Milvus Lite does not have and pymilvus does without.
    for name in ("pymilvus", "pymilvus.milvus_client", "milvus_lite", "grpc._server"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.CRITICAL)
    return pymilvus, grpc


class Connection:
    """A connection that is made when it is first needed, and made anew when it broke. Safe for several threads."""

    def __init__(self, milvus: Milvus) -> None:
        self.milvus = milvus
        self._lock = threading.Lock()
        self._client: Any = None
        self._libraries: tuple[Any, Any] | None = None

    @property
    def name(self) -> str:
        """What is connected to, for messages; without user and password."""
        parts = urlsplit(self.milvus.uri)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def embedded(self) -> bool:
        """Whether this is Milvus Lite, in this process."""
        return self.milvus.uri.endswith(".db")

    @property
    def pymilvus(self) -> Any:
        """The library. Raises StoreUnavailable."""
        return self._load()[0]

    def call(self, method: str, *values: Any, most: float | None = None, **named: Any) -> Any:
        """What a method of pymilvus's client returns; repeated while there is no connection and time is left.

        ``most`` are the seconds that what is done may take, by default those for every call. Raises StoreUnavailable
        where Milvus cannot be reached in time or refuses what it is asked for, CollectionMissing.
        """
        end = time.monotonic() + self.milvus.timeout
        pauses = iter(PAUSES)
        while True:
            try:
                client = self._connected()
                limit = most or max(end - time.monotonic(), _LEAST)
                return getattr(client, method)(*values, timeout=limit, **named)
            except RetrievalError:
                raise
            except Exception as error:
                lost = self._is_lost(error)
                if lost or self._status(error) == self._load()[1].StatusCode.DEADLINE_EXCEEDED:
                    self._disconnect()
                if lost:
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
                    Path(self.milvus.uri).parent.mkdir(parents=True, exist_ok=True)
                self._client = pymilvus.MilvusClient(
                    self.milvus.uri,
                    token=self.milvus.token,
                    timeout=self.milvus.timeout,
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

    def _status(self, error: BaseException) -> Any:
        """What gRPC calls the reason of an error, else Milvus's code for it; None for an error of neither."""
        pymilvus, grpc = self._load()
        found: BaseException | None = error
        for _ in range(_DEEP):
            if isinstance(found, grpc.RpcError):
                return found.code()
            found = found.__cause__ if found is not None else None
        return error.code if isinstance(error, pymilvus.MilvusException) else None

    def _is_lost(self, error: Exception) -> bool:
        """Whether there was no connection, so that the call may be repeated. A time limit that is over counts not."""
        _, grpc = self._load()
        closed = "closed channel" in str(error) or "create connection first" in str(error)
        return closed or self._status(error) in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, _LOST)

    def _told(self, error: Exception) -> RetrievalError:
        """The error in a sentence that says what to do."""
        pymilvus, grpc = self._load()
        there, status = f"Milvus at {self.name}", self._status(error)
        reason = " ".join(str(getattr(error, "message", "") or error).split())[:300].rstrip(".")
        if status == _NO_COLLECTION or "can't find collection" in reason:
            return CollectionMissing(f"{there} has no such collection.")
        if isinstance(error, OSError):
            sentence = f"The folder of {self.name} (MILVUS_URI) cannot be made: {error.strerror or error}."
        elif self.embedded and isinstance(error, pymilvus.exceptions.ConnectionConfigException):
            sentence = (
                f"The file {self.name} (MILVUS_URI) cannot be opened by Milvus Lite, which only one process at a time "
                "can: stop the other one, or use a Milvus server."
            )
        elif self._is_lost(error):
            sentence = f"{there} cannot be reached: start it, or correct MILVUS_URI."
        elif status == grpc.StatusCode.DEADLINE_EXCEEDED or "Retry timeout" in reason:
            sentence = (
                f"{there} did not answer within {self.milvus.timeout:g} seconds: see whether it runs well, or raise "
                "MILVUS_TIMEOUT."
            )
        elif status in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
            sentence = f"{there} does not let us in: correct MILVUS_TOKEN."
        else:
            sentence = f"{there} did not do what it was asked to: {reason}."
        return StoreUnavailable(sentence)
