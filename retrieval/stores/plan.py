"""Which index FAISS makes of how many vectors, and what its parameters have to be to find enough of the nearest.

Frontiers and shapes from ``python -m tests.bench.vectors`` (tests/bench/RESULTS.md). All but Flat only nominate: the
store compares their candidates exactly (retrieval.stores.approximate), so that shapes that re-rank are not needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.protocols import Rows

AUTO = "auto"
FLAT = "Flat"
EXACT_UP_TO = 20_000
"""Vectors up to which comparing all of them takes about a millisecond or two."""
SCAN_UP_TO = 300_000
"""Vectors up to which scanning all their codes takes about a millisecond or two."""

WANTED = (10, 200)
"""What is asked for: the best places, and what the search of one question nominates (retrieval.index)."""
MOST = 4000
"""Candidates compared exactly at most for the second of these."""
_STEPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 400.0)
"""Candidates tried for each place wanted."""
_RANDOM = 2
"""How much dearer a byte is that is read here and there than one of a row of codes."""


def index_type(asked: str, count: int, dimension: int) -> str:
    """The factory string of ``asked``, which may be AUTO, for so many vectors."""
    if asked != AUTO:
        return asked
    if count <= EXACT_UP_TO:
        return FLAT
    # Four bits for every two dimensions: with eight for two, or four for four, more candidates or more time are needed.
    parts = dimension // 2 if dimension % 2 == 0 else dimension
    codes = f"PQ{parts}x4fs"
    return codes if count <= SCAN_UP_TO else f"IVF{lists(count)},{codes}"


def lists(count: int) -> int:
    """A power of two near four times the square root of ``count``, as FAISS's guidelines have it."""
    return 1 << max(0, round(math.log2(4.0 * math.sqrt(count))))


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one index is searched with, and what that found of the nearest."""

    probes: int
    """Lists or nodes visited, 0 where there are none."""
    candidates: tuple[int, int]
    """Compared exactly, for the two of WANTED."""
    recall: tuple[float, float]
    """Share of the nearest found, for the two of WANTED."""


def tune(
    nominate: Callable[[int, int], Rows],
    nearest: Rows,
    target: float,
    probes: Iterator[int],
    cost: Callable[[int], float],
    vector_bytes: int,
) -> Parameters:
    """The cheapest parameters with a recall of ``target``, or those of the best recall where none reach it.

    ``nominate(probes, c)`` gives the ``c`` first rows of an index for each of q queries, (q, c), -1 where it has none;
    ``nearest`` (q, w) the rows that are really nearest. ``probes`` are tried in order; ``cost(probes)`` is the bytes of
    codes that such a search reads, ``vector_bytes`` those of one vector.
    """
    best: tuple[float, Parameters] | None = None
    last = Parameters(0, (0, 0), (0.0, 0.0))
    for visited in probes:
        places = _places(nominate(visited, MOST), nearest)
        reached = [_least(places[:, :wanted], target) for wanted in WANTED]
        last = Parameters(visited, (reached[0][0], max(reached[0][0], reached[1][0])), (reached[0][1], reached[1][1]))
        if min(last.recall) < target:
            continue
        price = cost(visited) + _RANDOM * vector_bytes * last.candidates[1]
        if best is not None and price >= best[0]:
            break
        best = price, last
    return best[1] if best else last


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
