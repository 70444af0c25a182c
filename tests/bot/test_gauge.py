"""Pace, time left and what fits on a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import messages_in
from bot.platforms.gauge import BAR, Pace, fitted, pace_words, time_left

EN, IT = messages_in("en"), messages_in("it")


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def paced(*steps: tuple[float, int]) -> tuple[Pace, Clock]:
    """A pace after steps of so many seconds, after each of which so much was done."""
    clock = Clock()
    pace = Pace(clock)
    for seconds, done in steps:
        clock.now += seconds
        pace.tell(done)
    return pace, clock


def test_nothing_is_said_before_it_can_be_told() -> None:
    for steps in ([], [(0, 0)], [(0, 0), (1, 300)]):
        pace, _ = paced(*steps)
        assert (pace.rate(), pace.left(1000)) == (0, 0)
        assert pace_words(pace, 1000, EN) == []


def test_the_rate_is_that_of_the_last_seconds_and_the_rest_is_drawn_from_more() -> None:
    pace, clock = paced((0, 0), *[(3, 300 * step) for step in range(1, 21)], *[(3, 6000 + 30 * s) for s in range(1, 6)])
    assert pace.rate() == pytest.approx(10)
    assert pace.left(7150) == pytest.approx(1000 / (6150 / 75))
    clock.now += 5
    assert pace.left(7150) == pytest.approx(1000 / (6150 / 75) - 5), "time goes on while nothing is told"
    assert pace.left(6150) == 0


@given(st.lists(st.tuples(st.floats(0.1, 40), st.integers(1, 600)), min_size=2, max_size=60))
def test_a_pace_lies_between_the_slowest_and_the_fastest_step(steps: list[tuple[float, int]]) -> None:
    clock, done = Clock(), 0
    pace = Pace(clock)
    pace.tell(0)
    for seconds, more in steps:
        clock.now += seconds
        done += more
        pace.tell(done)
    rates = [more / seconds for seconds, more in steps]
    if rate := pace.rate():
        assert min(rates) * 0.999 <= rate <= max(rates) * 1.001
        assert 1000 / max(rates) * 0.999 <= pace.left(done + 1000) <= 1000 / min(rates) * 1.001


@pytest.mark.parametrize(
    ("seconds", "english", "italian"),
    [
        (1, "about 10 s left", "circa 10 s alla fine"),
        (31, "about 40 s left", "circa 40 s alla fine"),
        (55, "about 1 min left", "circa 1 min alla fine"),
        (170, "about 3 min left", "circa 3 min alla fine"),
        (7195, "about 2 h 0 min left", "circa 2 h 0 min alla fine"),
        (3 * 3600 + 61, "about 3 h 10 min left", "circa 3 h 10 min alla fine"),
    ],
)
def test_time_left_is_told_as_roughly_as_it_is_known(seconds: float, english: str, italian: str) -> None:
    assert time_left(seconds, EN) == english
    assert time_left(seconds, IT) == italian


def test_slow_work_has_a_rate_too() -> None:
    pace, _ = paced((0, 0), (10, 2))
    assert pace_words(pace, 4, EN) == ["about 10 s left", "0.2 a second"]


HEADS = ("Reading the documents: embedding", "embedding")
PARTS = ["51200/104261 sentences", "about 3 min left", "342 a second", "10000 files, 29099 passages"]


@pytest.mark.parametrize(
    ("width", "head", "parts"),
    [(200, 0, 4), (120, 0, 3), (90, 0, 2), (80, 1, 3), (60, 1, 2), (45, 1, 1), (20, 1, 1)],
)
def test_the_less_room_the_less_is_said(width: int, head: int, parts: int) -> None:
    found = fitted(width, HEADS, PARTS)
    assert (found[0], found[2]) == (HEADS[head], " · ".join(PARTS[:parts]))


@given(st.integers(1, 300), st.integers(1, 4))
def test_a_line_is_never_wider_than_the_terminal_but_for_its_least(width: int, count: int) -> None:
    head, bar, tail = fitted(width, HEADS, PARTS[:count])
    assert bar == 0 or BAR[0] <= bar <= BAR[1]
    used = len(head) + 1 + len(tail) + (bar + 1 if bar else 0)
    assert used <= width or (head, bar, tail) == (HEADS[-1], 0, PARTS[0])
