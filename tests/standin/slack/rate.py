"""Slack's limit on posting: about one message a second and channel, with short bursts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

METHODS = ("chat.postMessage", "chat.startStream")
"""chat.postEphemeral has a limit for the workspace as a whole (tier 4), which no test comes near."""


class PostingRate:
    """A bucket of ``burst`` messages for every channel, which fills by one message every ``seconds``."""

    def __init__(
        self,
        seconds: float = 1.0,
        burst: int = 3,
        methods: Iterable[str] = METHODS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``seconds``: 0 for no limit."""
        self.seconds = seconds
        self.burst = burst
        self.methods = frozenset(methods)
        self.whole_seconds = seconds >= 1
        """Retry-After in whole seconds, as Slack does; else exact, for tests that scale the second down."""
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, method: str, channel: str) -> float:
        """Seconds that the app must wait before this call; 0 takes a message out of the bucket."""
        if not self.seconds or method not in self.methods:
            return 0
        now = self._clock()
        held, since = self._buckets.get(channel, (float(self.burst), now))
        held = min(float(self.burst), held + (now - since) / self.seconds)
        if held >= 1:
            self._buckets[channel] = (held - 1, now)
            return 0
        self._buckets[channel] = (held, now)
        wait = (1 - held) * self.seconds
        return math.ceil(wait) if self.whole_seconds else math.ceil(wait * 1000) / 1000
