"""Other programs' vector search, each in a process of its own: started by tests.bench.vectors, with any Python.

    python vector_peers.py NAME FOLDER

FOLDER holds vectors.npy, queries.npy (to choose by and to measure with, half and half) and nearest.npy (rows of the ten
nearest). Every library is set up as its own guide for high recall has it; of the settings it can be searched with, the
first that finds RECALL of the nearest for the first half of the queries is measured on the second.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

RECALL = 0.99
K = 10
CORES = 2
EFFORTS = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)

Find = Callable[[Any], Any]
"""Takes one query (dimension,), returns the rows found."""
Built = tuple[Callable[[], Any], Callable[[Any, int], Find], Iterable[int]]
"""Opens what was built, makes a search of it and an effort, and the efforts to try."""


def hnswlib(vectors: Any, folder: Path) -> Built:
    import hnswlib as library

    index = library.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), M=32, ef_construction=200, random_seed=0)
    index.add_items(vectors, num_threads=CORES)
    index.save_index(str(folder / "index"))

    def load() -> Any:
        again = library.Index(space="ip", dim=vectors.shape[1])
        again.load_index(str(folder / "index"))
        again.set_num_threads(1)
        return again

    def search(opened: Any, effort: int) -> Find:
        opened.set_ef(effort)
        return lambda query: opened.knn_query(query, k=K)[0][0]

    return load, search, EFFORTS


def usearch(vectors: Any, folder: Path) -> Built:
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32", connectivity=32, expansion_add=200)
    index.add(np.arange(len(vectors)), vectors, threads=CORES)
    index.save(str(folder / "index"))

    def search(opened: Any, effort: int) -> Find:
        opened.expansion_search = effort
        return lambda query: opened.search(query, K, threads=1).keys

    return lambda: Index.restore(str(folder / "index"), view=True), search, EFFORTS


def qdrant(vectors: Any, folder: Path) -> Built:
    import qdrant_edge as library

    place = folder / "shard"
    place.mkdir()
    config = library.EdgeConfig(
        vectors=library.EdgeVectorParams(size=vectors.shape[1], distance=library.Distance.Dot),
        hnsw_config=library.HnswIndexConfig(m=32, ef_construct=200, full_scan_threshold=10, max_indexing_threads=CORES),
        optimizers=library.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1000),
        max_search_threads=1,
    )
    shard = library.EdgeShard.create(str(place), config)
    for start in range(0, len(vectors), 1000):
        block = vectors[start : start + 1000].tolist()
        points = [library.Point(id=start + row, vector=vector) for row, vector in enumerate(block)]
        shard.update(library.UpdateOperation.upsert_points(points))
    while shard.optimize():
        pass
    shard.close()

    def search(opened: Any, effort: int) -> Find:
        params = library.SearchParams(hnsw_ef=effort)

        def find(query: Any) -> Any:
            request = library.QueryRequest(limit=K, query=library.Query.Nearest(query.tolist()), params=params)
            return [point.id for point in opened.query(request)]

        return find

    return lambda: library.EdgeShard.load(str(place)), search, EFFORTS


def lancedb(vectors: Any, folder: Path) -> Built:
    import lancedb as library
    import pyarrow

    kind = pyarrow.list_(pyarrow.float32(), vectors.shape[1])
    column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), vectors.shape[1])
    table = library.connect(str(folder)).create_table(
        "vectors", pyarrow.table({"row": np.arange(len(vectors)), "vector": column.cast(kind)})
    )
    parts = max(1, 1 << round(np.log2(len(vectors) / 4096)))
    table.create_index(metric="dot", index_type="IVF_PQ", num_partitions=parts, num_sub_vectors=vectors.shape[1] // 4)

    def search(opened: Any, effort: int) -> Find:
        def find(query: Any) -> Any:
            asked = opened.search(query).distance_type("dot").nprobes(effort).refine_factor(20).select(["row"])
            return asked.limit(K).to_arrow()["row"].to_numpy()

        return find

    probes = [1 << power for power in range(parts.bit_length())]
    return lambda: library.connect(str(folder)).open_table("vectors"), search, probes


def measure(find: Find, queries: Any, nearest: Any) -> tuple[float, list[float]]:
    """Recall, and milliseconds of each query."""
    found, times = 0, []
    for query, true in zip(queries, nearest, strict=True):
        began = perf_counter()
        rows = find(query)
        times.append((perf_counter() - began) * 1000)
        found += len(np.intersect1d(rows, true))
    return found / nearest.size, times


def report(folder: Path, build: Callable[[Any, Path], Built]) -> dict[str, float]:
    """Build, open again, choose and measure."""
    vectors = np.load(folder / "vectors.npy")
    queries, nearest = np.load(folder / "queries.npy"), np.load(folder / "nearest.npy")
    work = folder / build.__name__
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    began = perf_counter()
    load, search, efforts = build(vectors, work)
    built = perf_counter() - began
    began = perf_counter()
    opened = load()
    search(opened, next(iter(efforts)))(queries[0])
    loaded = perf_counter() - began
    half, effort = len(queries) // 2, 0
    for effort in efforts:
        if measure(search(opened, effort), queries[:half], nearest[:half])[0] >= RECALL:
            break
    recall, times = measure(search(opened, effort), queries[half:], nearest[half:])
    size = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    shutil.rmtree(work)
    return {
        "build_s": built,
        "load_s": loaded,
        "effort": effort,
        "recall": recall,
        "p50_ms": float(np.median(times)),
        "p99_ms": float(np.quantile(times, 0.99)),
        "disk_mb": size / 1e6,
    }


if __name__ == "__main__":
    print(
        json.dumps(report(Path(sys.argv[2]), {f.__name__: f for f in (hnswlib, usearch, qdrant, lancedb)}[sys.argv[1]]))
    )
