"""Measuring on a machine that others use too: what they disturbed is measured again."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from time import monotonic, perf_counter, sleep
from typing import TypeVar

import psutil  # type: ignore[import-untyped]

T = TypeVar("T")

LIMIT = 0.05
"""Share of all cores' time that other processes may take during a measurement."""
PROBE_S = 0.5


class Patience:
    """Repeats disturbed measurements until ``seconds`` have been spent on waiting and repeating."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self.measured = 0
        self.disturbed = 0
        """Measurements kept although others took more than LIMIT, patience being at its end."""

    def undisturbed(self, measure: Callable[[], T], own: Sequence[int] = ()) -> T:
        """What ``measure`` returns; its time goes to this process, its children and the processes ``own``."""
        self.measured += 1
        while True:
            self._wait(own)
            started = monotonic()
            others = Others(own)
            found = measure()
            if others.share() <= LIMIT:
                return found
            self._left -= monotonic() - started
            if self._left <= 0:
                self.disturbed += 1
                return found

    def facts(self) -> dict[str, int]:
        """How many measurements there were and how many of them others disturbed."""
        return {"measurements": self.measured, "disturbed": self.disturbed}

    def _wait(self, own: Sequence[int]) -> None:
        while self._left > 0:
            others = Others(own)
            sleep(PROBE_S)
            if others.share() <= LIMIT:
                return
            self._left -= PROBE_S


class Others:
    """Counts from its making on what share of all cores' time other processes take."""

    def __init__(self, own: Sequence[int]) -> None:
        self._own = own
        self._started = perf_counter()
        self._before = self._seconds()

    def share(self) -> float:
        """In [0, 1], to the resolution of the kernel's clock; 0 where it counts our own time first."""
        cores = os.cpu_count() or 1
        return max(self._seconds() - self._before, 0.0) / ((perf_counter() - self._started) * cores)

    def _seconds(self) -> float:
        machine = psutil.cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        living = sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in self._own)
        return float(sum(machine) - idle - living - sum(os.times()[:4]))
