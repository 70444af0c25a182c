"""One size of tests.bench.growth, in processes of its own: ``python -m tests.bench.growth_side``.

``build FOLDER CHUNKS SENTENCES`` writes an index of so many chunks, of so many sentences each; ``measure FOLDER`` opens
it and prints its figures as one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from retrieval.analysis import Bag, analyse_document, question_terms
from retrieval.chunking import CHUNKING_VERSION
from retrieval.columns import Columns
from retrieval.documents import make_document
from retrieval.index import SENTENCE_DEPTH, Index
from retrieval.lexical import Bm25
from retrieval.manifest import EmbedderSpec, Manifest, VectorSearch
from retrieval.protocols import Floats
from retrieval.storage import FORMAT, search_from
from retrieval.stores import store_for
from retrieval.types import Chunk, Document, Query
from tests.bench import drawn
from tests.bench.measure import MB, memory, percentile
from tests.bench.vectors import DIMENSION, draw

WORDS = 24
"""In a sentence, on average."""
CHUNKS = 10
"""In a document."""
QUESTIONS = 1000
"""Half of them tune the index of vectors, the others are asked."""
ASKED = 8
"""Words of a question, taken in a row from the sentence that its vector is about."""
WARM_UP = 50
TOP = 5
SPEC = EmbedderSpec("all-MiniLM-L6-v2", "drawn", DIMENSION, 256, query_prompt="", document_prompt="")


class Drawn:
    """An Embedder that knows the vectors of some questions, and takes no time."""

    def __init__(self, vectors: dict[str, Floats]) -> None:
        self._vectors = vectors

    @property
    def spec(self) -> EmbedderSpec:
        return SPEC

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        found: Floats = np.stack([self._vectors[text] for text in texts])
        return found

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        return self.embed_queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


def documents(chunks: int, sentences: int) -> Iterator[tuple[Document, list[Chunk]]]:
    """Documents of CHUNKS chunks each, a paragraph a chunk; the same every time."""
    texts = drawn.sentences(chunks * sentences, WORDS, 2)
    for first in range(0, chunks, CHUNKS):
        paragraphs = [list(islice(texts, sentences)) for _ in range(min(CHUNKS, chunks - first))]
        text = "\n\n".join(" ".join(paragraph) for paragraph in paragraphs)
        document = make_document(f"{first:09}.txt", text, title=f"Text {first}", markdown=False)
        parts, start = [], 0
        for paragraph in paragraphs:
            spans, at = [], start
            for sentence in paragraph:
                spans.append((at, at + len(sentence)))
                at += len(sentence) + 1
            parts.append(Chunk(start, at - 1, text[start : at - 1], (), "en", tuple(spans)))
            start = at + 1
        yield document, parts


def build(folder: Path, chunks: int, sentences: int) -> dict[str, Any]:
    """Write index, questions and their vectors."""
    began = perf_counter()
    kept: list[Document] = []

    def bags() -> Iterator[Bag]:
        for document, parts in documents(chunks, sentences):
            kept.append(document)
            yield from analyse_document(document, parts)

    lexical = Bm25.build(bags())
    columns = Columns.from_chunks(
        (row, chunk) for row, (_, parts) in enumerate(documents(chunks, sentences)) for chunk in parts
    )
    words = perf_counter()
    vectors, queries = draw(chunks * sentences, min(QUESTIONS, chunks * sentences))
    half = len(queries) // 2
    ready = perf_counter()
    store = store_for(vectors, VectorSearch(), queries=lambda: queries[:half])
    del vectors
    done = perf_counter()
    index = Index(kept, columns, lexical, store, Drawn({}))
    folder.mkdir(parents=True)
    index.save(folder)
    asked = queries[half:]
    _, nearest = store.search(asked, 1)
    owners = columns.document[columns.passage_of_sentences()[nearest[:, 0]]]
    texts = {}
    for row, owner, vector in zip(nearest[:, 0].tolist(), owners.tolist(), asked, strict=True):
        sentence = kept[owner].text[columns.sentence_start[row] : columns.sentence_end[row]].rstrip(".").split()
        texts[" ".join(sentence[len(sentence) // 4 :][:ASKED])] = vector
    np.save(folder / "asked.npy", np.stack(list(texts.values())))
    (folder / "asked.json").write_text(json.dumps({"texts": list(texts), "search": asdict(store.how)}), "utf-8")
    return {"words_s": words - began, "vectors_s": done - ready}


def opened(folder: Path) -> tuple[Index, list[str], Floats]:
    """The index as a bot opens it, and its questions."""
    asked, vectors = json.loads((folder / "asked.json").read_text("utf-8")), np.load(folder / "asked.npy")
    search = search_from(asked["search"])
    manifest = Manifest(FORMAT, "", SPEC, str(CHUNKING_VERSION), {}, {}, 0, 0, {}, search)
    embedder = Drawn(dict(zip(asked["texts"], vectors, strict=True)))
    return Index.load(folder, manifest, embedder), asked["texts"], vectors


def times(run: Callable[[Any], object], inputs: Sequence[Any]) -> list[float]:
    """Milliseconds of each, those that warm up left out."""
    found = []
    for each in [*inputs[:WARM_UP], *inputs]:
        began = perf_counter()
        run(each)
        found.append((perf_counter() - began) * 1000)
    return found[WARM_UP:]


def measure(folder: Path) -> dict[str, Any]:
    """What the index takes in memory and time."""
    empty, _ = memory(os.getpid())
    began = perf_counter()
    index, texts, vectors = opened(folder)
    seconds = perf_counter() - began
    search = times(lambda vector: index.store.search(vector[np.newaxis], SENTENCE_DEPTH), list(vectors))
    whole = times(lambda text: index.search_many([Query(text)], TOP), texts)
    matches = [index.lexical.match(question_terms(text, "en", "en"), "en") for text in texts]
    words = times(lambda match: index.lexical.scores([match]), matches)
    rss, uss = memory(os.getpid())
    size, resident = mapped(folder)
    return {
        "chunks": len(index.columns),
        "vectors": index.columns.sentences,
        "index": f"{index.store.how.type} {index.store.how.probes[1] or ''}".strip(),
        "open_s": seconds,
        "empty_mb": empty / MB,
        "rss_mb": rss / MB,
        "uss_mb": uss / MB,
        "mapped_mb": size / MB,
        "mapped_resident_mb": resident / MB,
        "files_mb": sum(path.stat().st_size for path in folder.iterdir() if not path.name.startswith("asked")) / MB,
        **{
            f"{name}_{label}": percentile(values, share)
            for name, values in (("vector", search), ("words", words), ("question", whole))
            for label, share in (("p50_ms", 0.5), ("p95_ms", 0.95))
        },
    }


def mapped(folder: Path) -> tuple[int, int]:
    """Bytes of the folder's files that this process has mapped, and those of them that are resident (Linux only)."""
    maps = Path("/proc/self/smaps")
    size = resident = 0
    own = False
    for line in maps.read_text("utf-8").splitlines() if maps.exists() else ():
        name, *rest = line.split()
        if not name.endswith(":"):
            own = str(folder.resolve()) in line
        elif own and name in ("Size:", "Rss:"):
            size += int(rest[0]) * 1024 * (name == "Size:")
            resident += int(rest[0]) * 1024 * (name == "Rss:")
    return size, resident


def main() -> None:
    action, folder, *numbers = sys.argv[1:]
    found = build(Path(folder), *map(int, numbers)) if action == "build" else measure(Path(folder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
