"""What the last index already holds: passages of unchanged documents, and vectors of all sentences it shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.chunking import CHUNKING_VERSION
from retrieval.errors import IndexCorrupt, IndexMissing, IndexStale, StoreUnavailable
from retrieval.index import DOCUMENTS, Index, load_documents
from retrieval.language import ANALYSIS_VERSION, LANGUAGES
from retrieval.lock import Notify
from retrieval.manifest import Manifest, Milvus
from retrieval.postings import Kept
from retrieval.protocols import Embedder, Floats
from retrieval.storage import (
    current,
    load_arrays,
    load_current,
    load_manifest,
    load_version,
    verify_checksums,
    versions,
)
from retrieval.types import Chunk, Document, Skipped

PREPARATION = f"{CHUNKING_VERSION}.{ANALYSIS_VERSION}"
"""What reader, splitter and word analysis make of a file; an index made otherwise is stale."""

COPY_ROWS = 1 << 12
"""Vectors copied at a time from the last index: few enough to stay in the processor's cache between."""
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
    passages: Sequence[int]
    """(documents + 1,) where each document's passages start."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Where the n sentences of an index stand among the m of the last one, told by their keys."""

    known: NDArray[np.int64]
    """(n,) a row of the last index with the same sentence, -1 where there is none."""
    first: NDArray[np.int64]
    """(n,) the first row of this index with the same sentence."""
    moved: NDArray[np.int64]
    """(m,) row in this index of each sentence of the last, a row of its own for each; -1 for those that are gone."""


def last_index(
    root: Path,
    embedder: Embedder,
    notify: Notify,
    milvus: Milvus | None = None,
    *,
    without: bool = True,
    alike: Sequence[Document] = (),
) -> LastIndex | None:
    """The newest whole version made by an equal embedder, the current one first; see Index.load for ``alike``.

    Where its vectors lie in a Milvus that is out of reach, ``without`` it the index is built all the same; else
    StoreUnavailable is raised.
    """
    broken = (IndexStale, IndexCorrupt, StoreUnavailable) if without else (IndexStale, IndexCorrupt)
    try:
        return _open(current(root), embedder, milvus, alike)
    except IndexMissing:
        return None
    except broken as error:
        notify(f"{str(error).rpartition(': ')[0]}: it is built anew.")
    for folder in versions(root):
        try:
            return _open(folder, embedder, milvus, alike)
        except broken:
            continue
    return None


def _open(folder: Path, embedder: Embedder, milvus: Milvus | None, alike: Sequence[Document]) -> LastIndex:
    manifest = load_version(folder)
    if manifest.embedder != embedder.spec:
        raise IndexStale(f"The index in {folder} was built with another embedding model: build it anew.")
    # Else damage in a vector would be copied into a version that vouches for it.
    verify_checksums(folder, manifest)
    index = Index.load(folder, manifest, embedder, milvus, alike)
    rows = {document.source: row for row, document in enumerate(index.documents)}
    passages = np.searchsorted(index.columns.document, np.arange(len(rows) + 1)).tolist()
    return LastIndex(folder, index, load_arrays(folder, [KEYS])[KEYS], manifest.chunking, rows, passages)


def known_documents(root: Path) -> dict[str, Document]:
    """The documents of the current version by source, none where it was prepared otherwise or is damaged."""

    def opener(folder: Path, manifest: Manifest) -> list[Document]:
        if manifest.chunking != PREPARATION:
            return []
        # Else damage in a document would be taken for what its file holds.
        verify_checksums(folder, replace(manifest, files={DOCUMENTS: manifest.files[DOCUMENTS]}))
        return load_documents(folder)

    try:
        return {document.source: document for document in load_current(root, opener)}
    except (IndexMissing, IndexStale, IndexCorrupt, TypeError, ValueError, KeyError, AttributeError):
        return {}


def known_refusals(root: Path) -> dict[str, Skipped]:
    """By source, the files whose content could not be read when the current version was made.

    None where it was prepared otherwise or is damaged.
    """
    try:
        _, manifest = load_manifest(root)
        if manifest.chunking != PREPARATION:
            return {}
        return {
            source: Skipped(source, manifest.skipped[source], digest) for source, digest in manifest.refused.items()
        }
    except (IndexMissing, IndexStale, IndexCorrupt, TypeError, KeyError, AttributeError):
        return {}


def known_passages(document: Document, last: LastIndex) -> list[tuple[Chunk, Kept]] | None:
    """The passages of the last index's equal document, None if it has none or prepared it by other rules."""
    row = last.rows.get(document.source)
    if row is None or last.chunking != PREPARATION or last.index.documents[row] != document:
        return None
    columns = last.index.columns
    first, end = last.passages[row : row + 2]
    # Whole columns at once: one number at a time out of an array costs several times as much.
    firsts = columns.first_sentence[first : end + 1].tolist()
    sentences = slice(firsts[0], firsts[-1])
    spans = list(zip(columns.sentence_start[sentences].tolist(), columns.sentence_end[sentences].tolist(), strict=True))
    passages = slice(first, end)
    rows = zip(
        *(column[passages].tolist() for column in (columns.start, columns.end, columns.heading, columns.language)),
        pairwise(firsts),
        strict=True,
    )
    return [
        (
            Chunk(
                start=start,
                end=stop,
                text=document.text[start:stop],
                heading=columns.headings[heading],
                language=LANGUAGES[language],
                sentences=tuple(spans[own - firsts[0] : after - firsts[0]]),
            ),
            Kept(passage, range(own, after)),
        )
        for passage, (start, stop, heading, language, (own, after)) in enumerate(rows, first)
    ]


def sentence_key(sentence: str) -> bytes:
    """What tells a sentence from others, KEY_BYTES: BLAKE2b of the exact text."""
    return blake2b(sentence.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def sentence_keys(sentences: Iterable[str]) -> Keys:
    """The keys of sentences, (n, KEY_BYTES)."""
    return keys_of(b"".join(map(sentence_key, sentences)))


def keys_of(joined: bytes) -> Keys:
    """Keys that were put one after the other, as an array (n, KEY_BYTES)."""
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, KEY_BYTES)


def match_keys(old: Keys, new: Keys) -> Shared:
    """What the sentences ``new`` of an index share with those of the last one, ``old``, and with each other."""
    count = len(new)
    words = np.concatenate([new, old]).view(np.uint64)
    # Equal ones lie together then, new before old, each of them in order.
    order = np.lexsort((words[:, 1], words[:, 0]))
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = (words[order[1:]] != words[order[:-1]]).any(axis=1)
    group, starts = np.cumsum(begins) - 1, np.flatnonzero(begins)
    ends = np.append(starts, len(order))[1:]
    is_new = order < count
    news = np.bincount(group, is_new, len(starts)).astype(np.int64)
    shared = Shared(*(np.full(length, -1, dtype=np.int64) for length in (count, count, len(old))))
    known = np.where(ends - starts > news, order[ends - 1] - count, -1)
    shared.known[order[is_new]] = known[group[is_new]]
    shared.first[order[is_new]] = order[starts][group[is_new]]
    # The n-th old one of equal sentences moves to the n-th new one.
    twin = np.flatnonzero(~is_new) - news[group[~is_new]]
    there = twin < (starts + news)[group[~is_new]]
    shared.moved[order[~is_new][there] - count] = order[twin[there]]
    return shared


def probing_queries(sentences: Sequence[str], embedder: Embedder) -> Floats:
    """Stand-ins for questions, (q, dimension): the first halves of some sentences, which are near them but not in them.

    The same for the same sentences.
    """
    chosen = np.random.default_rng(0).choice(len(sentences), min(PROBING, len(sentences)), replace=False)
    halves = (words[: (len(words) + 1) // 2] for words in (sentences[row].split() for row in chosen))
    return embedder.embed_queries([" ".join(words) for words in halves])
