"""How fast long work goes, how long it still takes, and how that fits on one line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import ceil
from time import monotonic

from bot.messages import Messages

RECENT = 15.0
"""Seconds that a rate is the mean of: longer than any single step of the work."""
LONG = 120.0
"""Seconds that the time left is drawn from: what comes may be as different as what went."""
LEAST = 2.0
"""Seconds of work before anything is said of its pace."""
ROOM = 46
"""Columns that a head leaves to what is said behind the bar; fixed, so that it does not come and go."""
BAR = (8, 40)
"""Columns of a bar at least and at most."""


class Pace:
    """The pace of work of which something is done now and then."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def tell(self, done: int) -> None:
        """So much is done now."""
        now = self._clock()
        if self._seen and self._seen[-1][1] == done:
            return
        self._seen.append((now, done))
        # One older than the window stays, so that the window is full.
        while len(self._seen) > 2 and self._seen[1][0] <= now - LONG:  # noqa: PLR2004
            self._seen.popleft()

    def rate(self, window: float = RECENT) -> float:
        """Done in a second, over the last ``window`` seconds of what was told; 0 while that cannot be told."""
        if not self._seen:
            return 0.0
        last, done = self._seen[-1]
        first, before = next(seen for seen in reversed(self._seen) if seen[0] <= last - window or seen is self._seen[0])
        return (done - before) / (last - first) if last - first >= LEAST else 0.0

    def left(self, total: int) -> float:
        """Seconds until ``total`` are done; 0 while that cannot be told."""
        rate = self.rate(LONG)
        if not rate:
            return 0.0
        last, done = self._seen[-1]
        return max((total - done) / rate - (self._clock() - last), 0.0)


def time_left(seconds: float, words: Messages) -> str:
    """A time in words, as roughly as it is known: tens of seconds, minutes, from two hours on tens of minutes."""
    if seconds <= 50:  # noqa: PLR2004 - more are a minute
        return words.left_seconds.format(count=max(10, 10 * ceil(seconds / 10)))
    minutes = ceil(seconds / 60)
    if minutes < 120:  # noqa: PLR2004
        return words.left_minutes.format(count=minutes)
    minutes = 10 * ceil(minutes / 10)
    return words.left_hours.format(hours=minutes // 60, minutes=minutes % 60)


def pace_words(pace: Pace, total: int, words: Messages) -> list[str]:
    """Time left and rate, as far as they are known; the more important first."""
    found = []
    if left := pace.left(total):
        found.append(time_left(left, words))
    if rate := pace.rate():
        found.append(words.rate.format(count=round(rate) if rate >= 1 else f"{rate:.1f}"))
    return found


def fitted(width: int, heads: Sequence[str], parts: Sequence[str]) -> tuple[str, int, str]:
    """A head, the columns of a bar and a tail that fit ``width`` columns with a space between each two.

    Of ``heads`` the first one that leaves ROOM, else the last; of ``parts``, the most important first, as many as there
    is room for beside a bar, but always the first. Without room there is no bar.
    """
    least, most = BAR
    head = next((one for one in heads if len(one) + 1 + least + 1 + ROOM <= width), heads[-1])
    tail = parts[0]
    for part in parts[1:]:
        if len(head) + 1 + least + 1 + len(f"{tail} · {part}") <= width:
            tail = f"{tail} · {part}"
    room = width - len(head) - len(tail) - 2
    return head, min(room, most) if room >= least else 0, tail
