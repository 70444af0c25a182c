from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator, Sequence

import pytest
from blockbuster import blockbuster_ctx

from bot.batcher import QueryBatcher
from bot.errors import Overloaded
from retrieval.errors import StoreUnavailable
from retrieval.types import Query, QuestionKind, SearchResult

PATIENCE = 20.0
"""Seconds after which a test that would hang fails instead."""


def found(query: Query, support: float = 0.5) -> SearchResult:
    return SearchResult(language=None, kind=QuestionKind.OTHER, hits=(), sources=(), support=support)


@pytest.fixture
def _blocking_calls_raise() -> Iterator[None]:
    with blockbuster_ctx():
        yield


class FakeIndex:
    """Answers at once unless ``gate`` is given; then each batch waits for it."""

    def __init__(self, *, gated: bool = False, support: float = 0.5, poison: BaseException | None = None) -> None:
        self.batches: list[list[str]] = []
        self.threads: set[int] = set()
        self.limits: set[int] = set()
        self.support = support
        self.poison = poison
        self.started = threading.Semaphore(0)
        self.gate = threading.Event()
        if not gated:
            self.gate.set()

    def search_many(self, queries: Sequence[Query], limit: int) -> list[SearchResult]:
        self.batches.append([query.text for query in queries])
        self.threads.add(threading.get_ident())
        self.limits.add(limit)
        self.started.release()
        if not self.gate.wait(PATIENCE):
            raise AssertionError("nobody opened the gate")
        if self.poison is not None and any(query.text == "poison" for query in queries):
            raise self.poison
        return [found(query, self.support) for query in queries]

    async def searching(self) -> None:
        """Until the worker is inside search_many."""
        assert await asyncio.to_thread(self.started.acquire, timeout=PATIENCE)


async def ask(batcher: QueryBatcher, text: str) -> SearchResult:
    return await asyncio.wait_for(batcher.search(Query(text)), PATIENCE)


def asking(batcher: QueryBatcher, *texts: str) -> list[asyncio.Task[SearchResult]]:
    return [asyncio.create_task(batcher.search(Query(text)), name=text) for text in texts]


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_question_is_searched_away_from_the_event_loop() -> None:
    index = FakeIndex()
    async with QueryBatcher(index, limit=7) as batcher:
        assert (await ask(batcher, "q")).support == 0.5
    assert index.batches == [["q"]]
    assert index.limits == {7}
    assert threading.get_ident() not in index.threads


@pytest.mark.usefixtures("_blocking_calls_raise")
async def test_the_event_loop_runs_while_a_search_does() -> None:
    index = FakeIndex(gated=True)
    async with QueryBatcher(index) as batcher:
        [task] = asking(batcher, "slow")
        await index.searching()
        for _ in range(1000):  # were the loop blocked, the gate below would never open
            await asyncio.sleep(0)
        assert not task.done()
        index.gate.set()
        assert (await asyncio.wait_for(task, PATIENCE)).support == 0.5


async def test_questions_that_wait_are_searched_as_one_batch_in_one_thread() -> None:
    index = FakeIndex(gated=True)
    async with QueryBatcher(index) as batcher:
        first = asking(batcher, "first")
        await index.searching()
        others = asking(batcher, *"abcdefgh")
        await settle()
        index.gate.set()
        await asyncio.wait_for(asyncio.gather(*first, *others), PATIENCE)
    assert index.batches == [["first"], list("abcdefgh")]
    assert len(index.threads) == 1


async def test_no_batch_is_larger_than_allowed_and_the_order_is_that_of_arrival() -> None:
    index = FakeIndex()
    async with QueryBatcher(index, max_batch=3) as batcher:
        await asyncio.wait_for(asyncio.gather(*asking(batcher, *"abcdefg")), PATIENCE)
    assert index.batches == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


async def test_each_question_gets_its_own_result() -> None:
    class Echo(FakeIndex):
        def search_many(self, queries: Sequence[Query], limit: int) -> list[SearchResult]:
            return [found(query, float(query.text)) for query in queries]

    async with QueryBatcher(Echo(), max_batch=4) as batcher:
        results = await asyncio.gather(*asking(batcher, *map(str, range(10))))
    assert [result.support for result in results] == list(range(10))


async def test_too_many_waiting_questions_are_refused_and_room_comes_back() -> None:
    index = FakeIndex(gated=True)
    async with QueryBatcher(index, max_waiting=2) as batcher:
        running = asking(batcher, "running")
        await index.searching()
        waiting = asking(batcher, "a", "b")
        await settle()
        with pytest.raises(Overloaded):
            await ask(batcher, "one too many")
        waiting[0].cancel()
        await settle()
        replacement = asking(batcher, "c")
        await settle()
        index.gate.set()
        await asyncio.wait_for(asyncio.gather(*running, waiting[1], *replacement), PATIENCE)
    assert index.batches == [["running"], ["b", "c"]]


async def test_a_cancelled_caller_is_dropped_before_the_search_and_harmless_during_it() -> None:
    index = FakeIndex(gated=True)
    async with QueryBatcher(index) as batcher:
        [during] = asking(batcher, "during")
        await index.searching()
        before, stays = asking(batcher, "before", "stays")
        await settle()
        during.cancel()
        before.cancel()
        index.gate.set()
        assert (await asyncio.wait_for(stays, PATIENCE)).support == 0.5
        assert during.cancelled()
        assert before.cancelled()
    assert index.batches == [["during"], ["stays"]]


async def test_when_all_callers_are_cancelled_nothing_is_searched_and_later_questions_are() -> None:
    index = FakeIndex(gated=True)
    async with QueryBatcher(index) as batcher:
        [first] = asking(batcher, "first")
        await index.searching()
        [gone] = asking(batcher, "gone")
        await settle()
        gone.cancel()
        index.gate.set()
        await asyncio.wait_for(first, PATIENCE)
        await ask(batcher, "later")
    assert index.batches == [["first"], ["later"]]


class Panic(BaseException):
    """What a panic in a Rust extension looks like."""


@pytest.mark.parametrize("error", [ValueError("bad"), Panic("bad"), StopIteration("bad")])
async def test_a_poisoned_question_fails_alone(error: BaseException) -> None:
    index = FakeIndex(poison=error)
    async with QueryBatcher(index) as batcher:
        good, poison, other = asking(batcher, "good", "poison", "other")
        done, _ = await asyncio.wait([good, poison, other], timeout=PATIENCE)
        assert len(done) == 3
        assert good.result().support == other.result().support == 0.5
        failure = poison.exception()
        assert isinstance(failure, Exception)
        assert "bad" in str(failure)
        assert (await ask(batcher, "afterwards")).support == 0.5
    assert index.batches[:4] == [["good", "poison", "other"], ["good"], ["poison"], ["other"]]


async def test_a_store_out_of_reach_is_asked_once_for_all_that_wait() -> None:
    index = FakeIndex(gated=True, poison=StoreUnavailable("Milvus is away: start it."))
    async with QueryBatcher(index) as batcher:
        first = asyncio.create_task(batcher.search(Query("first")))
        await asyncio.to_thread(index.started.acquire)
        rest = [asyncio.create_task(batcher.search(Query(text))) for text in ("a", "poison", "b")]
        await asyncio.sleep(0)
        index.gate.set()
        assert (await first).support == 0.5
        results = await asyncio.gather(*rest, return_exceptions=True)
        assert all(isinstance(result, StoreUnavailable) for result in results)
        assert len(index.batches) == 2
        assert (await batcher.search(Query("later"))).support == 0.5


async def test_an_index_that_loses_results_is_an_error_and_not_a_mix_up() -> None:
    class Lossy(FakeIndex):
        def search_many(self, queries: Sequence[Query], limit: int) -> list[SearchResult]:
            return super().search_many(queries, limit)[1:]

    async with QueryBatcher(Lossy()) as batcher:
        with pytest.raises(RuntimeError, match="0 results for 1 queries"):
            await ask(batcher, "q")


async def test_a_swapped_index_serves_the_next_batch() -> None:
    old, new = FakeIndex(gated=True, support=0.1), FakeIndex(support=0.9)
    async with QueryBatcher(old) as batcher:
        [running] = asking(batcher, "running")
        await old.searching()
        [waiting] = asking(batcher, "waiting")
        await settle()
        batcher.index = new
        old.gate.set()
        assert (await asyncio.wait_for(running, PATIENCE)).support == 0.1
        assert (await asyncio.wait_for(waiting, PATIENCE)).support == 0.9


async def test_closing_answers_those_that_wait_and_takes_no_more() -> None:
    index = FakeIndex(gated=True)
    batcher = QueryBatcher(index)
    tasks = asking(batcher, "running")
    await index.searching()
    tasks += asking(batcher, "waiting")
    await settle()
    closing = asyncio.create_task(batcher.close())
    await settle()
    assert not closing.done()
    with pytest.raises(Overloaded):
        await ask(batcher, "late")
    index.gate.set()
    await asyncio.wait_for(closing, PATIENCE)
    assert [task.result().support for task in tasks] == [0.5, 0.5]
    await batcher.close()


async def test_an_error_inside_the_block_refuses_those_that_wait_at_once() -> None:
    index = FakeIndex(gated=True)

    async def fail() -> list[asyncio.Task[SearchResult]]:
        async with QueryBatcher(index) as batcher:
            tasks = asking(batcher, "running")
            await index.searching()
            tasks += asking(batcher, "waiting")
            await settle()
            failed.extend(tasks)
            raise KeyError("outside")

    failed: list[asyncio.Task[SearchResult]] = []
    with pytest.raises(KeyError):
        await fail()
    for task in failed:
        with pytest.raises(Overloaded):
            await asyncio.wait_for(task, PATIENCE)
    index.gate.set()


async def test_closing_an_unused_batcher_starts_no_thread() -> None:
    before = threading.active_count()
    async with QueryBatcher(FakeIndex()):
        pass
    gc.collect()
    assert threading.active_count() == before
