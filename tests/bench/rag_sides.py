"""Our side of tests.bench.rag, in processes of its own: ``python -m tests.bench.rag_sides``.

``build FOLDER EVAL COUNT`` makes the corpus and our index of it, and writes the passages for the peers.
``serve SIDE FOLDER`` answers questions as tests.bench.serving has it, with the texts of the best passages.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from retrieval.protocols import Embedder
from retrieval.types import Chunk, Document, Language
from tests.bench.answering import answer_lines

MODEL = "all-MiniLM-L6-v2"
TOP = 5
SETS = ("squad_it", "squad2_en", "xquad_en", "fairytaleqa")
OURS, READING = "fonte", "fonte-reader"
LANGUAGES: tuple[Language, ...] = ("it", "en")
FEWEST, MOST = 3, 5
"""Sentences of a passage that is made up."""


def gather(folder: Path, count: int, embedder: Embedder) -> tuple[list[Document], int]:
    """Documents that make exactly ``count`` passages, no text twice, and how many of the passages are made up.

    First come the documents of SETS, as many as fit; then passages of 3 to 5 sentences drawn by lot (the same every
    time) from one language's sentences of these documents, each as a document of its own.
    """
    from retrieval.chunking import split
    from retrieval.evaluate import read_corpus

    documents: list[Document] = []
    texts: set[str] = set()
    known: dict[Language, dict[str, None]] = {language: {} for language in LANGUAGES}

    def add(document: Document, chunks: list[Chunk]) -> bool:
        fresh = {chunk.text for chunk in chunks}
        if len(fresh) < len(chunks) or texts & fresh or len(texts) + len(fresh) > count:
            return False
        texts.update(fresh)
        documents.append(document)
        return True

    for name in SETS:
        for document in read_corpus(folder / name / "corpus.jsonl"):
            chunks = split(document, embedder.count_tokens, embedder.spec.max_tokens)
            if add(document, chunks):
                for chunk in chunks:
                    known[chunk.language].update((document.text[a:b], None) for a, b in chunk.sentences)
    found = len(texts)
    made = drawn({language: list(sentences) for language, sentences in known.items() if len(sentences) >= MOST})
    while len(texts) < count:
        document = next(made)
        chunks = split(document, embedder.count_tokens, embedder.spec.max_tokens)
        if len(chunks) == 1:
            add(document, chunks)
    return documents, count - found


def drawn(sentences: dict[Language, list[str]]) -> Iterator[Document]:
    """Documents of a few sentences each, without end, from the languages in turn."""
    from retrieval.documents import make_document

    random, number = np.random.default_rng(0), 0
    while True:
        for own in sentences.values():
            rows = random.choice(len(own), int(random.integers(FEWEST, MOST + 1)), replace=False)
            number += 1
            yield make_document(f"drawn-{number:06}", " ".join(own[row] for row in rows.tolist()), markdown=False)


def build(folder: Path, corpus: Path, count: int) -> dict[str, Any]:
    from retrieval import build_index, load_embedder, open_index

    embedder = load_embedder(MODEL, folder / "models", precision="auto")
    documents, made = gather(corpus, count, embedder)
    started = perf_counter()
    report = build_index(documents, folder / OURS, embedder, where=str(corpus))
    seconds = perf_counter() - started
    index = open_index(folder / OURS, embedder)
    columns = index.columns
    passages = [
        index.documents[row].text[start:end]
        for row, start, end in zip(columns.document, columns.start, columns.end, strict=True)
    ]
    if len(passages) != count:
        raise SystemExit(f"The index has {len(passages)} passages instead of {count}.")
    (folder / "passages.json").write_text(json.dumps(passages), encoding="utf-8")
    return {"build_s": seconds, "vectors": report.sentences, "embedded": report.embedded, "made_up": made}


def opened(side: str, folder: Path) -> Callable[[str], list[str]]:
    from retrieval import Query, load_embedder, open_index

    index = open_index(folder / OURS, load_embedder(MODEL, folder / "models", precision="auto"))
    if side == READING:
        from retrieval.reader import load_reader

        index = index.read_by(load_reader())
    return lambda question: [hit.text for hit in index.search_many([Query(question)], TOP)[0].hits]


def main() -> None:
    action, *arguments = sys.argv[1:]
    if action == "build":
        print(json.dumps(build(Path(arguments[0]), Path(arguments[1]), int(arguments[2]))))
        return
    answer_lines(opened(arguments[0], Path(arguments[1])))


if __name__ == "__main__":
    main()
