"""From documents to the parts of an index, in memory. retrieval.build decides when, and publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from retrieval.analysis import Bag, analyse_document
from retrieval.chunking import split
from retrieval.columns import Columns
from retrieval.errors import ModelError, SourceError
from retrieval.index import Index
from retrieval.lexical import Bm25
from retrieval.lock import Notify
from retrieval.manifest import VectorSearch
from retrieval.postings import Kept
from retrieval.protocols import Embedder, VectorStore
from retrieval.remote import Remote, remote_store
from retrieval.reuse import Keys, LastIndex, known_passages, match_keys, probing_queries, sentence_keys, vectors_of
from retrieval.stores import store_for
from retrieval.types import Chunk, Document, Skipped

Progress = Callable[[str, int, int], None]
"""Takes a stage ("read", "split", "embed", "write"), how much of it is done and its total, 0 where unknown."""


def collect(
    documents: Iterable[Document | Skipped], where: str, progress: Progress
) -> tuple[list[Document], list[Skipped]]:
    """What was read and what was left out. Raises SourceError where that is nothing, or two have one name."""
    read: dict[str, Document] = {}
    skipped: dict[str, Skipped] = {}
    for entry in documents:
        if entry.source in read or entry.source in skipped:
            raise SourceError(f'Two documents of {where} are named "{entry.source}": give each a name of its own.')
        if isinstance(entry, Skipped):
            skipped[entry.source] = entry
        else:
            read[entry.source] = entry
        progress("read", len(read) + len(skipped), 0)
    if not read:
        raise _nothing(where, list(skipped.values()))
    return list(read.values()), list(skipped.values())


def _nothing(where: str, skipped: Sequence[Skipped]) -> SourceError:
    why = f' ("{skipped[0].source}" {skipped[0].reason})' if skipped else ""
    return SourceError(f"There is nothing to answer from{why}: put .txt, .md, .html, .pdf or .docx files into {where}.")


def assemble(
    read: Sequence[Document],
    last: LastIndex | None,
    embedder: Embedder,
    search: VectorSearch,
    where: str,
    progress: Progress,
    there: Remote | None = None,
) -> tuple[Index, Keys, int]:
    """The index, its sentences' keys and the number of sentences embedded; ``there`` its vectors are written, if given.

    Raises SourceError when there is no text, ModelError, IndexTypeError, StoreUnavailable.
    """
    spec = embedder.spec
    if embedder.count_tokens([""])[0] >= spec.max_tokens:
        raise ModelError(
            f"The embedding model {spec.model} reads {spec.max_tokens} tokens and its prompt fills them: shorten it."
        )
    chunks: list[tuple[int, Chunk]] = []
    words: list[Bag | Kept] = []
    for row, document in enumerate(read):
        progress("split", row, len(read))
        known = known_passages(document, last) if last else None
        if known is None:
            passages = split(document, embedder.count_tokens, spec.max_tokens)
            words.extend(analyse_document(document, passages))
        else:
            passages = [chunk for chunk, _ in known]
            words.extend(kept for _, kept in known)
        chunks.extend((row, passage) for passage in passages)
    progress("split", len(read), len(read))
    if not chunks:
        raise _nothing(where, [Skipped(document.source, "holds no text") for document in read])
    sentences = [read[row].text[start:end] for row, chunk in chunks for start, end in chunk.sentences]
    keys = sentence_keys(sentences)
    lexical = Bm25.build(words, last.index.lexical if last else None)
    embedding = partial(progress, "embed")
    store: VectorStore
    if there is not None:
        sources = [document.source for document in read]
        rows = np.repeat([row for row, _ in chunks], [len(chunk.sentences) for _, chunk in chunks])
        store, embedded = remote_store(sentences, keys, sources, rows, last, embedder, there, embedding)
    else:
        shared = match_keys(last.keys if last else keys[:0], keys)
        vectors, embedded = vectors_of(sentences, shared, last, embedder, embedding)
        store = store_for(
            vectors,
            search,
            last=last.index.store if last else None,
            moved=lambda: shared.moved,
            queries=lambda: probing_queries(sentences, embedder),
        )
    return Index(read, Columns.from_chunks(chunks), lexical, store, embedder), keys, embedded


def tell_shortfall(how: VectorSearch, notify: Notify) -> None:
    """Say where less of the nearest vectors is found than was asked for."""
    if how.recall[0] < how.target:
        notify(
            f"The index of vectors ({how.type}) finds {how.recall[0]:.1%} of the nearest, INDEX_RECALL asks for "
            f"{how.target:.1%}: another INDEX_TYPE finds more, Flat all."
        )
