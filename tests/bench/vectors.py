"""Search alone: ten nearest of many vectors, against FAISS Flat, hnswlib, usearch, qdrant-edge and lancedb.

    python -m tests.bench.vectors [--count N] [--peers PYTHON] [--work DIR] [--only NAME ...] [--limit MINUTES] [--json]

PYTHON has the peers installed (``pip install numpy hnswlib usearch qdrant-edge-py lancedb`` in an environment of its
own); without it only our sides and Flat run. One query at a time on one thread, building on two; "fonte2" is ours with
the second thread that it shares many vectors with where there are two cores. Every side is a process of its own, one
after the other; each is searched with the least effort that finds RECALL of the nearest for 500 queries, and measured
on 500 others. A side that has not ended after MINUTES is stopped and says so in the table.

The vectors are drawn so that they lie as those of all-MiniLM-L6-v2 do on the sentences and questions of the development
sets (13,647 and 1,000 of them): a common mean, topics, documents and sentences, variances that fall off over directions
but not over axes. So many drawn (real) have, of a query, its nearest at a cosine of .67 (.67), its tenth at .46 (.52),
its hundredth at .38 (.39); 205 (187) directions hold nine tenths of the variance; hnswlib needs an effort of 64 (96),
our codes 40 (40) candidates.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from retrieval.protocols import Floats
from tests.bench.measure import machine, table, workspace
from tests.bench.vector_peers import K, measure

PEERS = ("hnswlib", "usearch", "qdrant", "lancedb")
OURS = ("fonte", "fonte2", "flat")
QUERIES = 1000
DIMENSION = 384
SENTENCES = 12
"""Of a document."""
DOCUMENTS = 40
"""Of a topic."""
SHARES = (0.14, 0.2, 0.22, 0.44)
"""Of a vector's square that all have in common, its topic, its document, itself."""
FALL = 0.45
"""Exponent by which the standard deviations fall over the dimensions."""
ASKED = 0.67
"""Cosine of a query with the sentence it is about."""
BLOCK = 100_000


def draw(count: int, queries: int) -> tuple[Floats, Floats]:
    """Vectors (count, DIMENSION) and queries (queries, DIMENSION), all of unit length; the same every time."""
    random = np.random.default_rng(0)
    scale = (np.arange(1, DIMENSION + 1) ** -FALL).astype(np.float32)
    scale /= np.sqrt((scale**2).sum())
    # What varies most lies along no axis, or codes that take the axes apart would have a harder task than in life.
    turned = scale[:, np.newaxis] * np.linalg.qr(random.standard_normal((DIMENSION, DIMENSION)))[0].astype(np.float32)

    def gaussian(rows: int) -> Floats:
        found: Floats = random.standard_normal((rows, DIMENSION), dtype=np.float32) @ turned
        return found

    common, topic, document, own = (np.float32(np.sqrt(share)) for share in SHARES)
    mean = gaussian(1)
    mean *= common / np.linalg.norm(mean)
    topics = gaussian(count // (SENTENCES * DOCUMENTS) + 1) * topic
    documents = gaussian(count // SENTENCES + 1) * document
    vectors = np.empty((count, DIMENSION), dtype=np.float32)
    for start in range(0, count, BLOCK):
        rows = np.arange(start, min(start + BLOCK, count))
        block = (
            mean + topics[rows // (SENTENCES * DOCUMENTS)] + documents[rows // SENTENCES] + own * gaussian(len(rows))
        )
        vectors[rows] = block / np.linalg.norm(block, axis=1, keepdims=True)
    about = vectors[random.choice(count, queries, replace=False)]
    noise = gaussian(queries)
    noise -= (noise * about).sum(axis=1, keepdims=True) * about
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    asked: Floats = ASKED * about + np.float32(np.sqrt(1 - ASKED**2)) * noise
    return vectors, asked


def prepare(folder: Path, count: int) -> None:
    """Write vectors, queries and their nearest."""
    import faiss

    vectors, queries = draw(count, QUERIES)
    exact = faiss.IndexFlatIP(DIMENSION)
    exact.add(vectors)
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "queries.npy", queries)
    np.save(folder / "nearest.npy", exact.search(queries, K)[1])


def ours(side: str, folder: Path) -> dict[str, Any]:
    """As tests.bench.vector_peers.report, for a store of our own."""
    from retrieval.manifest import VectorSearch
    from retrieval.stores import open_store, store_for

    vectors, path = np.load(folder / "vectors.npy"), folder / "ours.faiss"
    queries, nearest = np.load(folder / "queries.npy"), np.load(folder / "nearest.npy")
    half = len(queries) // 2
    began = perf_counter()
    wanted = VectorSearch(asked="Flat" if side == "flat" else "auto")
    store_for(vectors, wanted, queries=lambda: queries[:half]).save(path)
    built = perf_counter() - began
    del vectors
    if side == "fonte":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    began = perf_counter()
    store = open_store(path)
    store.search(queries[:1], K)
    loaded = perf_counter() - began
    measure(lambda query: store.search(query[np.newaxis], K)[1][0], queries[:half], nearest[:half])
    recall, times = measure(lambda query: store.search(query[np.newaxis], K)[1][0], queries[half:], nearest[half:])
    files = list(folder.glob("ours.*"))
    size = sum(file.stat().st_size for file in files)
    for file in files:
        file.unlink()
    return {
        "build_s": built,
        "load_s": loaded,
        "effort": f"{store.how.type} {store.how.probes[0] or ''}".strip(),
        "recall": recall,
        "p50_ms": float(np.median(times)),
        "p99_ms": float(np.quantile(times, 0.99)),
        "disk_mb": size / 1e6,
    }


def run(side: str, folder: Path, peers: str | None, limit: float | None) -> dict[str, Any]:
    """One side in a process of its own, stopped after ``limit`` seconds."""
    here = Path(__file__)
    own = [sys.executable, "-m", "tests.bench.vectors", "--side", side, "--work", str(folder)]
    command = own if side in OURS else [str(peers), str(here.with_name("vector_peers.py")), side, str(folder)]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return {"stopped_after_s": limit}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def show(found: dict[str, dict[str, Any]]) -> str:
    """A row a side; in brackets by how much slower than ours."""
    ended = [figures for figures in found.values() if "p50_ms" in figures]
    mine = (found["fonte"] if "p50_ms" in found.get("fonte", {}) else ended[0])["p50_ms"] if ended else 1.0
    rows = [
        [side, f"stopped after {figures['stopped_after_s']:.0f} s", *[""] * 6]
        if "stopped_after_s" in figures
        else [
            side,
            str(figures["effort"]),
            f"{figures['recall']:.4f}",
            f"{figures['p50_ms']:.3f} (x {figures['p50_ms'] / mine:.2f})",
            f"{figures['p99_ms']:.3f}",
            f"{figures['build_s']:.1f}",
            f"{figures['load_s']:.3f}",
            f"{figures['disk_mb']:.0f}",
        ]
        for side, figures in found.items()
    ]
    return table(["", "effort", "recall@10", "ms, p50", "ms, p99", "s to build", "s to load", "MB on disk"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.vectors", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=BLOCK, help="vectors (100000)")
    parser.add_argument("--peers", help="a Python that has the peers installed")
    parser.add_argument("--only", nargs="+", choices=(*OURS, *PEERS), help="sides to run (all)")
    parser.add_argument("--work", type=Path, help="where files are kept (a temporary folder)")
    parser.add_argument("--limit", type=float, help="minutes after which a side is stopped (none)")
    parser.add_argument("--side", choices=OURS, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.side:
        print(json.dumps(ours(options.side, options.work)))
        return
    sides = options.only or (*OURS, *(PEERS if options.peers else ()))
    if not options.peers and set(sides) & set(PEERS):
        parser.error("--peers must say which Python has them installed")
    facts = machine()
    with workspace(options.work) as folder:
        prepare(folder, options.count)
        found = {}
        for side in sides:
            found[side] = run(side, folder, options.peers, options.limit and options.limit * 60)
            print(side, json.dumps(found[side]), file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"machine": facts, "count": options.count, "sides": found}))
    else:
        print(json.dumps(facts), f"{options.count} vectors", show(found), sep="\n\n")


if __name__ == "__main__":
    main()
