"""The only exit from the event loop: questions that wait are searched together in one worker thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

from bot.errors import Overloaded
from retrieval.errors import StoreUnavailable
from retrieval.types import Query, SearchResult

HITS = 10
"""Passages per question: what recall is measured at, and more than a reply ever shows."""
MAX_BATCH = 64
MAX_WAITING = 1024


class Searcher(Protocol):
    """An index as the batcher needs it."""

    def search_many(self, queries: Sequence[Query], limit: int) -> list[SearchResult]:
        """One result per query, in order. Blocks; called from one thread at a time."""
        ...


class QueryBatcher:
    """Searches on behalf of coroutines without ever blocking their event loop.

    While the worker searches, further questions gather; when it is free it takes all of them, up to ``max_batch``, as
    one batch. ``index`` may be replaced at any time: a batch keeps the index it started with, the next takes the new.
    """

    def __init__(
        self, index: Searcher, *, limit: int = HITS, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING
    ) -> None:
        self.index = index
        self._limit = limit
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        # Ordered by arrival; touched from the event loop only, so no lock is needed.
        self._waiting: dict[asyncio.Future[SearchResult], Query] = {}
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
        self._drainer: asyncio.Task[None] | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(drain=error is None)

    async def search(self, query: Query) -> SearchResult:
        """The result for one query; whatever the index raises for it is raised here.

        Raises Overloaded when ``max_waiting`` questions wait already or the batcher is closed.
        """
        if self._closed or len(self._waiting) >= self._max_waiting:
            raise Overloaded("Too many questions are waiting; please try again in a moment.")
        future: asyncio.Future[SearchResult] = asyncio.get_running_loop().create_future()
        self._waiting[future] = query
        if self._drainer is None or self._drainer.done():
            self._drainer = asyncio.create_task(self._drain(), name="search-drainer")
        try:
            return await future
        finally:
            self._waiting.pop(future, None)

    async def close(self, *, drain: bool = True) -> None:
        """Take no more questions; answer those that wait, or with ``drain=False`` refuse them. May be called twice."""
        self._closed = True
        try:
            if self._drainer is not None:
                if not drain:
                    self._drainer.cancel()
                await asyncio.wait([self._drainer])
        finally:
            self._refuse(self._waiting)
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _refuse(self, futures: Iterable[asyncio.Future[SearchResult]]) -> None:
        for future in futures:
            if not future.done():
                future.set_exception(Overloaded("The bot is shutting down."))

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._take_batch()
            if not batch:
                continue
            queries = list(batch.values())
            try:
                results = await loop.run_in_executor(self._executor, _search, self.index, queries, self._limit)
            except BaseException:
                # Cancelled, or the executor is gone: nobody else would wake those who wait.
                self._refuse([*batch, *self._waiting])
                raise
            for future, result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _take_batch(self) -> dict[asyncio.Future[SearchResult], Query]:
        batch: dict[asyncio.Future[SearchResult], Query] = {}
        while self._waiting and len(batch) < self._max_batch:
            future = next(iter(self._waiting))
            query = self._waiting.pop(future)
            if not future.done():  # else its caller was cancelled
                batch[future] = query
        return batch


def _search(index: Searcher, queries: Sequence[Query], limit: int) -> list[SearchResult | Exception]:
    """One result or error per query. A failed batch is tried again one by one: a poisoned question fails alone."""
    try:
        results = index.search_many(queries, limit)
        if len(results) != len(queries):
            raise RuntimeError(f"search_many returned {len(results)} results for {len(queries)} queries")
    except StoreUnavailable as error:
        # No question's fault: asked one by one, each would wait until the time limit is over.
        return [error] * len(queries)
    except BaseException as error:  # a panic in a Rust extension is no Exception, and must not kill the drainer
        if len(queries) == 1:
            return [_deliverable(error)]
        return [_search(index, [query], limit)[0] for query in queries]
    return list(results)


def _deliverable(error: BaseException) -> Exception:
    """The error as one that a future can carry to its caller without ending the event loop."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


class Recorder:
    """A retriever that remembers its last result, so that the forced answer needs no second search."""

    def __init__(self, inner: QueryBatcher) -> None:
        self._inner = inner
        self.last: SearchResult | None = None

    async def search(self, query: Query) -> SearchResult:
        self.last = None
        self.last = await self._inner.search(query)
        return self.last
