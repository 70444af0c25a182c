"""From documents to the parts of an index. retrieval.build decides when, and publishes.

Of a passage only numbers are kept (columns, words, keys), of a vector nothing: they go to files. What grows with the
folder are the documents' texts and some hundred bytes a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from retrieval.analysis import analyse_document
from retrieval.chunking import split
from retrieval.columns import Columns, Growing, Sentences
from retrieval.embedding import DRAFT, Embedding, blocks, embed_missing, release, spool_for
from retrieval.errors import ModelError, SourceError
from retrieval.index import Index
from retrieval.lexical import Bm25
from retrieval.lock import Notify, unwritable
from retrieval.manifest import VectorSearch
from retrieval.postings import Table
from retrieval.progress import Progress, Step
from retrieval.protocols import Embedder, VectorStore
from retrieval.remote import Remote, remote_store
from retrieval.reuse import (
    Keys,
    LastIndex,
    keys_of,
    known_passages,
    match_keys,
    probing_queries,
    sentence_key,
)
from retrieval.stores import drafted_store, store_for
from retrieval.types import Document, Skipped


@dataclass(frozen=True, slots=True)
class Assembled:
    """The parts of an index, in memory and in files of their own."""

    index: Index
    keys: Keys
    """(n, KEY_BYTES) of its sentences."""
    embedded: int
    """Distinct sentences that went through the model."""
    resumed: int
    """Distinct sentences that a build which was broken off had embedded."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All but the vectors."""

    columns: Columns
    lexical: Bm25
    keys: Keys


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
        progress(Step("read", len(read) + len(skipped), 0))
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
    root: Path,
    there: Remote | None = None,
) -> Assembled:
    """The index of these documents; ``there`` its vectors are written, by default to a file in ``root``.

    The caller holds ``writing(root)``. Raises SourceError when there is no text, ModelError, IndexTypeError,
    StoreUnavailable, and RetrievalError when ``root`` cannot be written: what was embedded is kept there.
    """
    spec = embedder.spec
    if embedder.count_tokens([""])[0] >= spec.max_tokens:
        raise ModelError(
            f"The embedding model {spec.model} reads {spec.max_tokens} tokens and its prompt fills them: shorten it."
        )
    made = _prepare(read, last, embedder, where, progress)
    columns, keys = made.columns, made.keys
    sentences = Sentences(read, columns)
    step = Step("embed", 0, 0, len(read), len(columns), len(sentences))

    def embedding(done: int, total: int) -> None:
        progress(replace(step, done=done, total=total))

    if there is None:
        store, embedded, resumed = _local_store(sentences, keys, last, embedder, search, root, embedding)
    else:
        sources = [document.source for document in read]
        rows = columns.document[columns.passage_of_sentences()].astype(np.int64)
        store, embedded = remote_store(sentences, keys, sources, rows, last, embedder, there, embedding)
        resumed = 0
    return Assembled(Index(read, columns, made.lexical, store, embedder), keys, embedded, resumed)


def _prepare(
    read: Sequence[Document], last: LastIndex | None, embedder: Embedder, where: str, progress: Progress
) -> _Prepared:
    columns, keys = Growing(), bytearray()
    words = Table(last.index.lexical if last else None)
    for row, document in enumerate(read):
        progress(Step("split", row, len(read), len(read), len(columns), columns.sentences))
        known = known_passages(document, last) if last else None
        if known is not None and last is not None:
            for passage, kept in known:
                columns.add(row, passage)
                words.add(kept)
            first, end = last.passages[last.rows[document.source]], last.passages[last.rows[document.source] + 1]
            firsts = last.index.columns.first_sentence
            keys += last.keys[firsts[first] : firsts[end]].tobytes()
            continue
        passages = split(document, embedder.count_tokens, embedder.spec.max_tokens)
        for passage, bag in zip(passages, analyse_document(document, passages), strict=True):
            columns.add(row, passage)
            words.add(bag)
            for start, end in passage.sentences:
                keys += sentence_key(document.text[start:end])
    progress(Step("split", len(read), len(read), len(read), len(columns), columns.sentences))
    if not len(columns):
        raise _nothing(where, [Skipped(document.source, "holds no text") for document in read])
    return _Prepared(columns.columns(), Bm25(*words.arrays()), keys_of(bytes(keys)))


def _local_store(
    sentences: Sequence[str],
    keys: Keys,
    last: LastIndex | None,
    embedder: Embedder,
    search: VectorSearch,
    root: Path,
    progress: Embedding,
) -> tuple[VectorStore, int, int]:
    """The store, and how many sentences were embedded now and by a build that was broken off."""
    shared = match_keys(last.keys if last else keys[:0], keys)
    try:
        vectors = spool_for(root, embedder, int((shared.known < 0).sum()))
        try:
            embedded = embed_missing(sentences, keys, shared, vectors, embedder, progress)
            dimension = embedder.spec.dimension
            exact = drafted_store(root / DRAFT, blocks(embedded, shared, last, dimension), len(sentences), dimension)
        finally:
            vectors.close()
    except OSError as error:
        raise unwritable(root, error) from error
    if last is not None:
        release(last.index.store)
    store = store_for(
        exact,
        search,
        last=last.index.store if last else None,
        moved=lambda: shared.moved,
        queries=lambda: probing_queries(sentences, embedder),
    )
    return store, embedded.fresh, embedded.resumed


def tell_shortfall(how: VectorSearch, notify: Notify) -> None:
    """Say where less of the nearest vectors is found than was asked for."""
    if how.recall[0] < how.target:
        notify(
            f"The index of vectors ({how.type}) finds {how.recall[0]:.1%} of the nearest, INDEX_RECALL asks for "
            f"{how.target:.1%}: another INDEX_TYPE finds more, Flat all."
        )
