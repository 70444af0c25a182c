"""How FAISS makes an index of vectors, and how its parameters are chosen. On all cores, unlike searching."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np

from retrieval.cores import cores
from retrieval.errors import IndexTypeError
from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats, Rows
from retrieval.stores.arrays import MISSING_ROW, MISSING_SCORE
from retrieval.stores.faiss_store import FaissStore
from retrieval.stores.lists import inner_of, turns
from retrieval.stores.plan import DEEP, WANTED, Parameters, codes, tune

TRAINED_ON = 100_000
PER_LIST = 64
"""Vectors an index is trained on: so many, or so many for each of its lists where that is more."""
ADDED = 1 << 14
"""Vectors added to an index at a time, a multiple of what FAISS assigns to lists together."""
SPREAD_ON = 20_000
"""Vectors whose variances are looked at."""
_TINY = 1e-12
COMPARED = 1 << 15
"""Vectors compared at a time where the nearest of all are looked for."""
ROUNDS = 10
"""Iterations of k-means for the lists, which take most of the time; FAISS's default is 25."""
MARGIN = 0.5
"""Share of what may be missed that is kept in reserve: other queries find less than those it is tuned on (.9925 of the
nearest there was .988 for 500 others)."""
NEIGHBOURS = 32
"""Vectors compared for each node of a graph that is visited, about."""
PROBES = 512
"""Queries made of stored vectors where none are given."""
NOISE = 1.1
"""Length of the noise added to these: questions to the development sets are as near to their nearest sentence, at a
cosine of .67."""


def train(exact: FaissStore, how: VectorSearch) -> Any:
    """An index of all vectors."""
    count = len(exact)
    try:
        index = faiss.index_factory(exact.dimension, how.type, faiss.METRIC_INNER_PRODUCT)
        inner = _lists(index)
        if inner is not None:
            inner.cp.niter = ROUNDS
            inner.cp.min_points_per_centroid = 1  # fewer are no error, but FAISS would print a warning
        wanted = max(TRAINED_ON, PER_LIST * inner.nlist if inner is not None else 0)
        sample = exact.all
        if count > wanted:
            sample = _drawn(exact, wanted)
        with all_cores():
            _learn_turns(index, sample)
            index.train(sample)
        del sample
        add(index, exact)
    except RuntimeError as error:
        raise _impossible(how.type, f"{count} vectors", exact.dimension, error) from error
    return index


def add(index: Any, exact: FaissStore, rows: Rows | None = None) -> None:
    """Append the vectors of these rows, by default of all, to an index; block by block where the index allows it."""
    # A graph comes out differently where it grows in steps. Codes do not: FAISS itself encodes them in blocks.
    coded = isinstance(inner_of(index), faiss.IndexFastScan | faiss.IndexIVFFastScan)
    count = len(exact) if rows is None else len(rows)
    step = ADDED if coded else max(count, 1)
    with all_cores():
        for start in range(0, count, step):
            part = slice(start, start + step)
            index.add(exact.all[part if rows is None else rows[part]])
            exact.release()


def _drawn(exact: FaissStore, count: int) -> Floats:
    """A copy of ``count`` vectors, the same each time; at most as many as there are."""
    return _gathered(exact, np.sort(np.random.default_rng(0).choice(len(exact), count, replace=False)))


def _gathered(exact: FaissStore, rows: Rows) -> Floats:
    """A copy of these rows, (len(rows), dimension), without keeping the pages of their file."""
    found = np.empty((len(rows), exact.dimension), dtype=np.float32)
    for start in range(0, len(rows), ADDED):
        found[start : start + ADDED] = exact.all[rows[start : start + ADDED]]
        exact.release()
    return found


def _nearest(exact: FaissStore, queries: Floats, k: int) -> Rows:
    """(q, k) the rows nearest to each query, as one search of all would find them but for what rounding makes of equal
    scores; block by block where they are many.
    """
    if len(exact) <= COMPARED:
        return exact.search(queries, k)[1]
    scores = np.full((len(queries), k), MISSING_SCORE, dtype=np.float32)
    rows = np.full((len(queries), k), MISSING_ROW, dtype=np.int64)
    for start in range(0, len(exact), COMPARED):
        block = FaissStore.build(exact.all[start : start + COMPARED])
        exact.release()
        found, own = block.search(queries, k)
        scores, rows = np.hstack([scores, found]), np.hstack([rows, np.where(own >= 0, own + start, MISSING_ROW)])
        # Stable, and rows of earlier blocks stand first: equal scores by lower row.
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores, rows = np.take_along_axis(scores, best, axis=1), np.take_along_axis(rows, best, axis=1)
    return rows


def _learn_turns(index: Any, sample: Floats) -> None:
    """Train what an index turns vectors with before it codes them, so that it turns them and no more.

    FAISS's PCA also moves their mean to the origin. Distances stay what they are, but an inner product of moved vectors
    is another one, by an amount that differs from vector to vector.
    """
    for turn in turns(index):
        if not turn.is_trained:
            turn.train(sample)
        if isinstance(turn, faiss.PCAMatrix):
            faiss.copy_array_to_vector(np.zeros(turn.d_out, dtype=np.float32), turn.b)
        sample = turn.apply(sample)


def spread_over(exact: FaissStore, directions: int) -> float:
    """Share of the variance of some of the vectors in the ``directions`` where it is largest."""
    sample = _drawn(exact, min(len(exact), SPREAD_ON))
    variances = np.linalg.eigvalsh(np.cov(sample, rowvar=False))[::-1]
    return float(variances[:directions].sum() / max(variances.sum(), _TINY))


def check_type(asked: str, dimension: int) -> None:
    """Raise IndexTypeError for a factory string that FAISS does not know; how many vectors it takes shows later."""
    try:
        faiss.index_factory(dimension, asked, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise _impossible(asked, "vectors", dimension, error) from error


def _impossible(asked: str, vectors: str, dimension: int, error: RuntimeError) -> IndexTypeError:
    return IndexTypeError(
        f"INDEX_TYPE={asked} is no index that FAISS can make of {vectors} of {dimension} dimensions "
        f"({str(error).rpartition(': ')[2]}): use auto, Flat, or such as {codes(dimension)}."
    )


def targets(recall: float) -> tuple[float, float]:
    """What is to be found of each of WANTED where INDEX_RECALL is ``recall``."""
    missed = (1.0 - MARGIN) * (1.0 - recall)
    return 1.0 - missed, 1.0 - DEEP * missed


def tune_index(index: Any, exact: FaissStore, queries: Floats, how: VectorSearch) -> Parameters:
    """What ``index`` finds ``how.target`` of the nearest with, for the queries (q, dimension); ``exact`` knows them."""
    nearest = _nearest(exact, queries, min(WANTED[1], len(exact)))

    def nominate(probes: int, width: int) -> Rows:
        if probes:
            visit(index, probes)
        if _is_graph(index):
            width = probes  # asked for more, it would visit more than it is to be judged by
        with all_cores():
            rows: Rows = index.search(queries, min(width, len(exact)))[1]
        return rows

    inner, whole = _lists(index), 4 * exact.dimension

    def cost(probes: int) -> float:
        if _is_graph(index):
            return float(probes * NEIGHBOURS * whole)
        code = getattr(inner_of(index), "code_size", whole)
        return float(code * len(exact)) * (1.0 if inner is None else probes / inner.nlist)

    return tune(
        nominate,
        nearest,
        targets(how.target),
        _choices(index),
        cost,
        whole,
    )


def _choices(index: Any) -> Iterator[int]:
    """Numbers of probes to try, each root two times the last: up to all lists or 4096 nodes of a graph; else just 0."""
    inner = _lists(index)
    if inner is not None:
        halves = range(2 * int(inner.nlist).bit_length() - 1)
        yield from dict.fromkeys(min(round(2 ** (half / 2)), int(inner.nlist)) for half in halves)
    elif _is_graph(index):
        yield from (round(16 * 2 ** (half / 2)) for half in range(17))
    else:
        yield 0


def _lists(index: Any) -> Any:
    """The part of an index that has inverted lists, None without."""
    return faiss.try_extract_index_ivf(index)


def _is_graph(index: Any) -> bool:
    return "HNSW" in type(faiss.downcast_index(index)).__name__


def visit(index: Any, probes: int) -> None:
    """Set how many lists or nodes a search visits."""
    faiss.ParameterSpace().set_index_parameter(index, "efSearch" if _is_graph(index) else "nprobe", probes)


def held_back(vectors: Floats) -> Floats:
    """Queries near some of the vectors, (q, dimension), the same for the same vectors."""
    random = np.random.default_rng(0)
    chosen = vectors[random.choice(len(vectors), min(PROBES, len(vectors)), replace=False)]
    noise = random.standard_normal(chosen.shape).astype(np.float32)
    noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
    queries = chosen + noise
    near: Floats = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    return near


@contextmanager
def all_cores() -> Iterator[None]:
    """FAISS on all cores for as long as the block runs. A process that forks afterwards hangs: start new ones."""
    faiss.omp_set_num_threads(cores())
    try:
        yield
    finally:
        faiss.omp_set_num_threads(1)
