"""Which index FAISS makes of how many vectors, and what its parameters have to be to find enough of the nearest.

Frontiers and shapes from ``python -m tests.bench.vectors`` (tests/bench/RESULTS.md). All but Flat only nominate: the
store compares their candidates exactly (retrieval.stores.approximate), so that shapes that re-rank are not needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.protocols import Rows

AUTO = "auto"
FLAT = "Flat"
EXACT_UP_TO = 10_000
"""Vectors up to which all of them are compared: 13,647 take .86 ms so, and .10 by their codes."""
SCAN_UP_TO = 100_000
"""Vectors up to which all codes are scanned, which takes as long as by lists there; 300,000 take 2.0 ms so for ten
places and 2.4 for two hundred, by lists 1.4 and 1.8."""
LEAST_KEPT = 0.9
"""Share of the variance that two thirds of all directions must hold for codes to stand for these alone: a third less to
scan, for some more candidates. Real sentences by all-MiniLM-L6-v2 have .968 of theirs there."""
WANTED = (10, 200)
"""What is asked for: the best places, and what the search of one question nominates (retrieval.index)."""
DEEP = 5
"""How many times more of the second may be missed than of the first: what stands at its end seldom comes to anything.
Measured in tests/bench/RESULTS.md by what ``eval`` makes of it."""
MOST = 4000
"""Candidates compared exactly at most for the second of these."""
_STEPS = (
    *(1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0),
    *(15.0, 20.0, 30.0, 40.0, 50.0, 75.0, 100.0, 200.0, 400.0),
)
"""Candidates tried for each place wanted."""
_RANDOM = 4
"""How much dearer a byte is that is read here and there than one of a row of codes: 1,000,000 vectors, 2.7 GB a second
where candidates are compared, 10.7 where codes are scanned."""


def scans_all(asked: str, count: int) -> bool:
    """Whether every vector is compared, with no index of codes."""
    return asked == FLAT or (asked == AUTO and count <= EXACT_UP_TO)


def index_type(asked: str, count: int, dimension: int, spread: Callable[[int], float]) -> str:
    """The factory string of ``asked``, which may be AUTO, for so many vectors.

    ``spread(d)`` is the share of their variance that lies in the ``d`` directions where it is largest.
    """
    if scans_all(asked, count):
        return FLAT
    if asked != AUTO:
        return asked
    kept = dimension * 2 // 3 // 2 * 2
    turned = spread(kept) >= LEAST_KEPT
    coded = codes(kept if turned else dimension)
    if count > SCAN_UP_TO:
        # Codes of what parts a vector from its list's centre (r) need three candidates for four of the vector's own.
        coded = f"IVF{lists(count)},{coded}r"
    return f"PCAR{kept},{coded}" if turned else coded


def codes(dimension: int) -> str:
    """The factory string of codes of four bits for every two dimensions, scanned in registers.

    Half as many are scanned a third faster, but for 200 places need more candidates than that saves.
    """
    return f"PQ{dimension // 2 if dimension % 2 == 0 else dimension}x4fs"


def lists(count: int) -> int:
    """A power of two near half the square root of ``count``.

    Eight times as many, as FAISS's guidelines have it, take ten times as long to train, and at 1,000,000 vectors one
    code in them takes two to three times as long to scan: each list begins with what is not in the cache.
    """
    return 1 << max(0, round(math.log2(math.sqrt(count) / 2)))


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one index is searched with, and what that found of the nearest, for each of WANTED."""

    probes: tuple[int, int]
    """Lists or nodes visited, 0 where there are none."""
    candidates: tuple[int, int]
    """Compared exactly."""
    recall: tuple[float, float]
    """Share of the nearest found."""


def tune(
    nominate: Callable[[int, int], Rows],
    nearest: Rows,
    targets: tuple[float, float],
    probes: Iterable[int],
    cost: Callable[[int], float],
    vector_bytes: int,
) -> Parameters:
    """For each of WANTED the cheapest parameters with the recall in ``targets``, or those of the best one to be had.

    ``nominate(probes, c)`` gives the ``c`` first rows of an index for each of q queries, (q, c), -1 where it has none;
    ``nearest`` (q, w) the rows that are really nearest. ``probes`` are tried in order; ``cost(probes)`` is the bytes of
    codes that such a search reads, ``vector_bytes`` those of one vector.
    """
    found: list[list[tuple[float, int, int, float]]] = [[], []]
    for visited in probes:
        places = _places(nominate(visited, MOST), nearest)
        for mine, wanted, target in zip(found, WANTED, targets, strict=True):
            candidates, recall = _least(places[:, :wanted], target)
            price = cost(visited) + _RANDOM * vector_bytes * candidates
            # What falls short is dearer than all that does not, the more so the more it lacks.
            mine.append((price if recall >= target else math.inf, visited, candidates, recall))
        if all(min(mine)[0] < mine[-1][0] < math.inf for mine in found):
            break  # from here on more is read for the same
    few, many = (min(mine, key=_preference) for mine in found)
    return Parameters((few[1], many[1]), (few[2], many[2]), (few[3], many[3]))


def _preference(tried: tuple[float, int, int, float]) -> tuple[float, float]:
    """Cheaper first; among those that fall short the one that finds most."""
    price, _, _, recall = tried
    return price, -recall if price == math.inf else 0.0


def _places(nominated: Rows, nearest: Rows) -> NDArray[np.int64]:
    """(q, w) place of each of the nearest among those nominated; MOST where it is not."""
    places = np.full(nearest.shape, MOST, dtype=np.int64)
    for query, (found, true) in enumerate(zip(nominated, nearest, strict=True)):
        order = np.argsort(found, kind="stable")
        at = np.minimum(np.searchsorted(found, true, sorter=order), len(found) - 1)
        hit = found[order[at]] == true
        places[query, hit] = order[at[hit]]
    return places


def _least(places: NDArray[np.int64], target: float) -> tuple[int, float]:
    """The fewest candidates with a recall of ``target``, and the recall; all that are allowed where none reach it."""
    wanted = places.shape[1]
    for step in _STEPS:
        candidates = min(MOST, int(np.ceil(step * wanted)))
        recall = float((places < candidates).mean()) if places.size else 1.0
        if recall >= target or candidates == MOST:
            break
    return candidates, round(recall, 4)
