"""A second thread for half of the work of one question."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from retrieval.cores import cores

Done = TypeVar("Done")


class Second:
    """It starts when it is first used and sleeps in between. Several threads may use it; it does one thing at a time.

    Waking it takes some 50 microseconds. OpenMP's threads, which FAISS would use, are started and wait for each other:
    a query of 6.0 ms took 3.5 with them where query followed query, and up to 25 between other work
    (tests/bench/RESULTS.md).
    """

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._starting = Lock()

    @property
    def idle(self) -> bool:
        """Whether there is a core for it."""
        return cores() > 1

    def both(self, mine: Callable[[], Done], other: Callable[[], Done]) -> tuple[Done, Done]:
        """What ``mine``, called here, and ``other``, called in the second thread meanwhile, return."""
        with self._starting:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(1, "second")
        begun = self._threads.submit(other)
        try:
            done = mine()
        finally:
            begun.exception()  # what it works on may be gone once this returns
        return done, begun.result()
