"""The two sides of the comparison, each run in processes of its own: ``python -m tests.bench.sides``.

``build SIDE FOLDER [CORPUS]`` makes a side's index in FOLDER and prints what it took as one JSON object. Our side goes
first: it writes the passages and sentences that the peer gets. ``serve SIDE FOLDER`` reads JSON lists of questions, a
line each, and answers each with a list of [milliseconds, sources of the five best passages].

The peer is what one writes first with the same libraries: SentenceTransformer.encode, faiss.IndexFlatIP, a list of
texts. Everything is imported where it is used: a side pays at its start for what it needs and for nothing else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench.answering import Ask, answer_lines

OURS, PEER, PEER_SENTENCES = "ours", "peer", "peer-sentences"
SIDES = (OURS, PEER, PEER_SENTENCES)
MODEL = "all-MiniLM-L6-v2"
TOP = 5


def build_ours(folder: Path, corpus: Path | None) -> dict[str, Any]:
    from retrieval import build_index, load_embedder, open_index
    from tests.bench.corpora import documents

    started = perf_counter()
    embedder = load_embedder(MODEL, folder / "models", precision="auto")
    loaded = perf_counter()
    report = build_index(documents(corpus), folder / OURS, embedder, where=str(corpus or "seeds"), rebuild=True)
    built = perf_counter()
    index = open_index(folder / OURS, embedder)
    columns = index.columns
    texts = [index.documents[row].text for row in columns.document]
    passages = [
        [index.documents[row].source, text[start:end]]
        for row, text, start, end in zip(columns.document, texts, columns.start, columns.end, strict=True)
    ]
    owners = columns.passage_of_sentences().tolist()
    spans = zip(owners, columns.sentence_start, columns.sentence_end, strict=True)
    sentences = [texts[owner][start:end] for owner, start, end in spans]
    _write(folder / "passages.json", passages)
    _write(folder / "sentences.json", sentences)
    _write(folder / "owners.json", owners)
    return {"load_s": loaded - started, "build_s": built - loaded, "vectors": report.sentences}


def build_peer(folder: Path, side: str) -> dict[str, Any]:
    import faiss

    texts = _read(folder / "sentences.json")
    if side == PEER:
        texts = [text for _, text in _read(folder / "passages.json")]
    started = perf_counter()
    model = _sentence_transformer()
    loaded = perf_counter()
    vectors = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    index: Any = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(folder / f"{side}.faiss"))
    return {"load_s": loaded - started, "build_s": perf_counter() - loaded, "vectors": len(texts)}


def open_ours(folder: Path) -> Ask:
    from retrieval import Query, load_embedder, open_index

    index = open_index(folder / OURS, load_embedder(MODEL, folder / "models", precision="auto"))

    def ask(question: str) -> list[str]:
        return [hit.source for hit in index.search_many([Query(question)], TOP)[0].hits]

    return ask


def open_peer(folder: Path, side: str) -> Ask:
    import faiss

    model = _sentence_transformer()
    index: Any = faiss.read_index(str(folder / f"{side}.faiss"))
    passages = _read(folder / "passages.json")
    # Row of the passage that each vector stands for.
    owners = _read(folder / "owners.json") if side == PEER_SENTENCES else list(range(len(passages)))

    def ask(question: str) -> list[str]:
        vector = model.encode([question], normalize_embeddings=True, show_progress_bar=False)
        width = TOP
        while True:
            _, rows = index.search(vector, min(width, len(owners)))
            found = list(dict.fromkeys(owners[row] for row in rows[0]))
            if len(found) >= TOP or width >= len(owners):
                return [passages[row][0] for row in found[:TOP]]
            # Several of the nearest sentences belong to one passage: look further.
            width *= 4

    return ask


def main() -> None:
    action, side, folder, *corpus = sys.argv[1:]
    if action == "serve":
        answer_lines(open_ours(Path(folder)) if side == OURS else open_peer(Path(folder), side))
    elif side == OURS:
        print(json.dumps(build_ours(Path(folder), Path(corpus[0]) if corpus else None)))
    else:
        print(json.dumps(build_peer(Path(folder), side)))


def _sentence_transformer() -> Any:
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    from retrieval.embedders.sources import locate

    disable_progress_bar()
    return SentenceTransformer(str(locate(MODEL).folder), device="cpu")


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
