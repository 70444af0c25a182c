"""Discord's limits on requests: a bucket for each route and top-level resource, and one for all of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

GENEROUS = (1000, 1.0)
"""Where nothing else is set, no test comes near it."""
PER_SECOND = 50


@dataclass
class Verdict:
    headers: dict[str, str]
    retry_after: float = 0
    """0 for a request that may go on."""
    scope: str = "user"


@dataclass
class _Bucket:
    since: float
    used: int = 0


@dataclass
class Limits:
    violations: list[str]
    per_second: int = PER_SECOND
    """Requests of a bot in a second, interactions aside; 0 for no limit."""
    rules: dict[str, tuple[int, float]] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _recent: list[float] = field(default_factory=list)
    _blocked: dict[str, float] = field(default_factory=dict)

    def set(self, name: str, limit: int, seconds: float) -> None:
        """So many calls of a route (``POST /channels/{}/messages``) in so many seconds."""
        self.rules[name] = (limit, seconds)

    def take(self, name: str, bucket: str, *, counted: bool) -> Verdict:
        """Count a call; ``counted``: also towards the limit on all of a bot's requests."""
        now = self.clock()
        self._note(bucket, now, counted)
        limit, seconds = self.rules.get(name, GENEROUS)
        held = self._buckets.get(bucket)
        if held is None or now - held.since >= seconds:
            held = self._buckets[bucket] = _Bucket(now)
        after = held.since + seconds - now
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - held.used - 1)),
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(name.encode()).hexdigest(),
        }
        if counted and self.per_second and len(self._recent) > self.per_second:
            wait = round(self._recent[-self.per_second] + 1 - now, 3)
            self.block("*", wait)
            return Verdict({}, max(wait, 0.001), "global")
        if held.used >= limit:
            self.block(bucket, after)
            return Verdict(headers, round(after, 3) or 0.001)
        held.used += 1
        return Verdict(headers)

    def block(self, bucket: str, seconds: float) -> None:
        """The app was told to stay away for so long: to come before is held against it."""
        self._blocked[bucket] = self.clock() + seconds

    def _note(self, bucket: str, now: float, counted: bool) -> None:
        for name in (bucket, *(("*",) if counted else ())):
            # A client that waits for exactly as long as it was told may be early by the resolution of a timer.
            if now < self._blocked.get(name, 0) - 0.005:
                self.violations.append(f"a request while limited: {bucket}")
        if counted:
            self._recent = [at for at in self._recent if now - at < 1] + [now]
            if self.per_second and len(self._recent) == self.per_second + 1:
                self.violations.append(f"more than {self.per_second} requests in a second")
