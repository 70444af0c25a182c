"""Making vectors of many sentences: sentences a second, against plain SentenceTransformer.encode with the same model.

    python -m tests.bench.throughput [--corpus DIR] [--sentences N] [--rounds N] [--patience S] [--work DIR] [--json]

The sentences are those that an index of the corpus would hold, in the order of the documents. encode gets them all at
once with its default batch of 32, which it sorts by length; ours get them in the blocks that a build hands over. Each
side in a process of its own, in turns; loading is not counted. The whole build is a row of its own: reading, cutting,
words, vectors, writing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench import corpora
from tests.bench.measure import environment, last_object, machine, median, run, table, workspace
from tests.bench.quiet import Patience

SIDES = {
    "encode": "SentenceTransformer.encode",
    "float32": "ours, float32",
    "int8": "ours, int8",
    "build": "ours, as shipped: the whole build",
}
BLOCK = 512
"""Sentences that a build embeds in one call (retrieval.reuse.BATCH)."""


def sentences(corpus: Path | None, count: int, folder: Path) -> list[str]:
    """The first ``count`` distinct sentences of the corpus, of all documents in turn."""
    from retrieval import load_embedder
    from retrieval.chunking import split
    from tests.bench.sides import MODEL

    embedder = load_embedder(MODEL, folder / "models")
    found: dict[str, None] = {}
    for document in corpora.documents(corpus):
        for chunk in split(document, embedder.count_tokens, embedder.spec.max_tokens):
            found |= dict.fromkeys(document.text[start:end] for start, end in chunk.sentences)
        if len(found) >= count:
            break
    return list(found)[:count]


def once(side: str, corpus: Path | None, count: int, folder: Path) -> dict[str, float]:
    """One side's sentences a second, in this process."""
    from retrieval import load_embedder
    from tests.bench.sides import MODEL

    if side == "build":
        return _build(corpus, folder)
    texts = sentences(corpus, count, folder)
    embed: Callable[[Sequence[str]], Any]
    if side == "encode":
        from sentence_transformers import SentenceTransformer

        from retrieval.embedders.sources import locate

        model = SentenceTransformer(str(locate(MODEL).folder), device="cpu")

        def embed(texts: Sequence[str]) -> Any:
            return model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
    else:
        embedder = load_embedder(MODEL, folder / "models", precision="int8" if side == "int8" else "float32")

        def embed(texts: Sequence[str]) -> Any:
            return [embedder.embed_documents(texts[start : start + BLOCK]) for start in range(0, len(texts), BLOCK)]

    embed(texts[:64])
    started = perf_counter()
    embed(texts)
    return {"sentences": len(texts), "seconds": perf_counter() - started}


def _build(corpus: Path | None, folder: Path) -> dict[str, float]:
    from retrieval import load_embedder
    from retrieval.build import build_index
    from tests.bench.sides import MODEL

    embedder = load_embedder(MODEL, folder / "models", precision="auto")
    embedder.embed_documents(["warm"] * 8)
    started = perf_counter()
    report = build_index(corpora.documents(corpus), folder / "built", embedder, where="the corpus", rebuild=True)
    return {"sentences": report.embedded, "seconds": perf_counter() - started}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.throughput", description=(__doc__ or "").split("\n")[0]
    )
    corpora.add_arguments(parser)
    parser.add_argument("--sentences", type=int, default=2000, help="sentences embedded (2000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, all sides in turn (3)")
    parser.add_argument("--side", choices=tuple(SIDES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    with workspace(options.work) as folder:
        if options.side:
            print(json.dumps(once(options.side, options.corpus, options.sentences, folder)))
            return
        before, patience = machine(), Patience(options.patience)
        _prepare(folder)
        arguments = ["-m", "tests.bench.throughput", "--sentences", str(options.sentences), "--work", str(folder)]
        if options.corpus:
            arguments += ["--corpus", str(options.corpus.absolute())]
        rates: dict[str, list[float]] = {side: [] for side in SIDES}
        for _ in range(options.rounds):
            for side, found in rates.items():
                finished = patience.undisturbed(
                    lambda side=side: run([*arguments, "--side", side], environment())  # type: ignore[misc]
                )
                measured = last_object(finished.output)
                found.append(measured["sentences"] / measured["seconds"])
    facts = {**before, **patience.facts(), "sentences": options.sentences}
    base = median(rates["encode"])
    rows = [
        [SIDES[side], f"{median(found):.0f}", f"{median(found) / base:.2f}", " ".join(f"{rate:.0f}" for rate in found)]
        for side, found in rates.items()
    ]
    if options.json:
        print(json.dumps({"machine": facts, "rows": rows}))
        return
    print(json.dumps(facts), table(["side", "sentences a second", "times encode", "rounds"], rows), sep="\n\n")


def _prepare(folder: Path) -> None:
    """Export the model in both precisions, which no side is to be charged for."""
    from retrieval import load_embedder
    from tests.bench.sides import MODEL

    for precision in ("float32", "int8"):
        load_embedder(MODEL, folder / "models", precision=precision)


if __name__ == "__main__":
    main()
