"""Waiting for conditions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_AGAIN = 0.05
"""Seconds after which a condition is looked at even if nothing happened here: it may be about the app's own state."""


class Changes:
    """Wakes whoever waits whenever something happened."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def notify(self) -> None:
        for event in self._waiting:
            event.set()

    async def until(self, predicate: Callable[[], T], within: float, describe: Callable[[], str] = str) -> T:
        """The first truthy value of ``predicate``; AssertionError after ``within`` seconds without one."""
        deadline = time.monotonic() + within
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while not (value := predicate()):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise AssertionError(f"not so within {within} s; {describe()}")
                event.clear()
                try:
                    await asyncio.wait_for(event.wait(), min(remaining, LOOK_AGAIN))
                except TimeoutError:
                    continue
            return value
        finally:
            self._waiting.discard(event)
