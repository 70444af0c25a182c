"""What the last index already holds: passages of unchanged documents, and vectors of all sentences it shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.chunking import CHUNKING_VERSION
from retrieval.columns import Columns
from retrieval.errors import IndexCorrupt, IndexMissing, IndexStale, StoreUnavailable
from retrieval.index import Index
from retrieval.language import ANALYSIS_VERSION
from retrieval.lock import Notify
from retrieval.postings import Kept
from retrieval.protocols import Embedder, Floats
from retrieval.storage import current, load_arrays, load_version, verify_checksums, versions
from retrieval.types import Chunk, Document, Milvus

PREPARATION = f"{CHUNKING_VERSION}.{ANALYSIS_VERSION}"
"""What reader, splitter and word analysis make of a file; an index made otherwise is stale."""

BATCH = 256
"""Sentences embedded between two reports of progress."""
COPY_ROWS = 1 << 16
"""Vectors copied at a time from the last index."""
KEY_BYTES = 16
"""Length of a sentence's BLAKE2b key: collisions are out of question below 2**50 sentences."""
PROBING = 256
"""Questions that an index of vectors is tuned on."""
KEYS = "sentence_keys"
"""Name of the array of keys among an index's files; its rows are those of the vector store."""

Keys = NDArray[np.uint8]
"""(n, KEY_BYTES)"""


@dataclass(frozen=True, slots=True)
class LastIndex:
    """A whole index made by an equal embedder."""

    folder: Path
    index: Index
    keys: Keys
    chunking: str
    rows: Mapping[str, int]
    """Source -> row of the document."""


def last_index(
    root: Path, embedder: Embedder, notify: Notify, milvus: Milvus | None = None, *, without: bool = True
) -> LastIndex | None:
    """The newest whole version made by an equal embedder, the current one first.

    Where its vectors lie in a Milvus that is out of reach, ``without`` it the index is built all the same; else
    StoreUnavailable is raised.
    """
    broken = (IndexStale, IndexCorrupt, StoreUnavailable) if without else (IndexStale, IndexCorrupt)
    try:
        return _open(current(root), embedder, milvus)
    except IndexMissing:
        return None
    except broken as error:
        notify(f"{str(error).rpartition(': ')[0]}: it is built anew.")
    for folder in versions(root):
        try:
            return _open(folder, embedder, milvus)
        except broken:
            continue
    return None


def _open(folder: Path, embedder: Embedder, milvus: Milvus | None) -> LastIndex:
    manifest = load_version(folder)
    if manifest.embedder != embedder.spec:
        raise IndexStale(f"The index in {folder} was built with another embedding model: build it anew.")
    # Else damage in a vector would be copied into a version that vouches for it.
    verify_checksums(folder, manifest)
    index = Index.load(folder, manifest, embedder, milvus)
    rows = {document.source: row for row, document in enumerate(index.documents)}
    return LastIndex(folder, index, load_arrays(folder, [KEYS])[KEYS], manifest.chunking, rows)


def known_passages(document: Document, last: LastIndex) -> list[tuple[Chunk, Kept]] | None:
    """The passages of the last index's equal document, None if it has none or prepared it by other rules."""
    row = last.rows.get(document.source)
    if row is None or last.chunking != PREPARATION or last.index.documents[row] != document:
        return None
    columns = last.index.columns
    first, end = np.searchsorted(columns.document, [row, row + 1]).tolist()
    sentences = columns.first_sentence[first : end + 1].tolist()
    return [
        (_chunk(document, columns, passage), Kept(passage, range(start, stop)))
        for passage, (start, stop) in zip(range(first, end), pairwise(sentences), strict=True)
    ]


def _chunk(document: Document, columns: Columns, passage: int) -> Chunk:
    start, end = int(columns.start[passage]), int(columns.end[passage])
    sentences = slice(*columns.first_sentence[passage : passage + 2])
    starts, ends = columns.sentence_start[sentences].tolist(), columns.sentence_end[sentences].tolist()
    return Chunk(
        start=start,
        end=end,
        text=document.text[start:end],
        heading=columns.headings[columns.heading[passage]],
        language=columns.language_of(passage),
        sentences=tuple(zip(starts, ends, strict=True)),
    )


def sentence_keys(sentences: Sequence[str]) -> Keys:
    """What tells sentences apart, (n, KEY_BYTES): BLAKE2b of the exact text."""
    digests = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest() for text in sentences)
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, KEY_BYTES)


def vectors_of(
    sentences: Sequence[str],
    keys: Keys,
    last: LastIndex | None,
    embedder: Embedder,
    progress: Callable[[int, int], None],
) -> tuple[Floats, int]:
    """A unit vector for each sentence, (n, dimension), and how many distinct sentences had to be embedded."""
    distinct: dict[bytes, int] = {}
    rows = np.array([distinct.setdefault(key.tobytes(), len(distinct)) for key in keys], dtype=np.int64)
    first = np.zeros(len(distinct), dtype=np.int64)
    first[rows[::-1]] = np.arange(len(rows))[::-1]
    vectors = np.empty((len(distinct), embedder.spec.dimension), dtype=np.float32)
    fresh = np.arange(len(distinct)) if last is None else _copy_known(distinct, last, vectors)
    for start in range(0, len(fresh), BATCH):
        progress(start, len(fresh))
        block = fresh[start : start + BATCH]
        vectors[block] = embedder.embed_documents([sentences[first[row]] for row in block])
    progress(len(fresh), len(fresh))
    return (vectors if len(distinct) == len(rows) else vectors[rows]), len(fresh)


def moved_rows(old: Keys, new: Keys) -> NDArray[np.int64]:
    """(len(old),) row in ``new`` of each sentence of ``old``, a row of its own for each; -1 for those that are gone."""
    places: dict[bytes, list[int]] = {}
    for row in range(len(new) - 1, -1, -1):
        places.setdefault(new[row].tobytes(), []).append(row)
    moved = np.full(len(old), -1, dtype=np.int64)
    for row, key in enumerate(old):
        if rows := places.get(key.tobytes()):
            moved[row] = rows.pop()
    return moved


def probing_queries(sentences: Sequence[str], embedder: Embedder) -> Floats:
    """Stand-ins for questions, (q, dimension): the first halves of some sentences, which are near them but not in them.

    The same for the same sentences.
    """
    chosen = np.random.default_rng(0).choice(len(sentences), min(PROBING, len(sentences)), replace=False)
    halves = (words[: (len(words) + 1) // 2] for words in (sentences[row].split() for row in chosen))
    return embedder.embed_queries([" ".join(words) for words in halves])


def _copy_known(distinct: Mapping[bytes, int], last: LastIndex, vectors: Floats) -> NDArray[np.int64]:
    """Fill in the vectors that the last index holds and return the rows of the others."""
    known = np.full(len(vectors), -1, dtype=np.int64)
    for old, key in enumerate(last.keys):
        row = distinct.get(key.tobytes())
        if row is not None:
            known[row] = old
    found = np.flatnonzero(known >= 0)
    for start in range(0, len(found), COPY_ROWS):
        block = found[start : start + COPY_ROWS]
        vectors[block] = last.index.store.vectors(known[block])
    return np.flatnonzero(known < 0)
