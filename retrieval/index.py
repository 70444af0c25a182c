"""An immutable snapshot of everything needed to answer questions about a set of documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import columns as columns_module
from retrieval import lexical as lexical_module
from retrieval.analysis import foreign_stems, question_terms
from retrieval.columns import Columns
from retrieval.documents import document_fields, document_from
from retrieval.equivalents import named
from retrieval.errors import IndexCorrupt
from retrieval.evidence import support
from retrieval.fusion import dense_share, first_distinct, fuse, largest, worth
from retrieval.hits import Hits
from retrieval.interrogative import asks_for_several
from retrieval.language import LANGUAGES, detect_language
from retrieval.lexical import Bm25
from retrieval.manifest import Manifest, Milvus
from retrieval.protocols import Embedder, Floats, Mask, Reader, Rows, VectorStore
from retrieval.questions import classify
from retrieval.ranking import Candidate, Ranking, words_beside
from retrieval.reading import read_each
from retrieval.steps import Begun, Pool, Question
from retrieval.storage import load_arrays, load_json, load_list, save_arrays, save_json, save_list
from retrieval.stores import kind_at, open_store
from retrieval.translations import translated
from retrieval.types import Document, Query, Reading, SearchResult

DEPTH = 100
"""Passages that each side nominates for fusion."""
SENTENCE_DEPTH = 2 * DEPTH
"""Sentences searched for: more than passages, since one passage may hold several of the nearest."""
LISTED = 10
"""Distinct sources a result lists."""
SCOPES = 32
"""Scopes whose masks are kept: a byte for each passage and sentence."""
VECTORS = "vectors.faiss"
"""File of the vector store; other stores' files lie beside its place."""
DOCUMENTS = "documents.json"
"""Name of the file with the documents among an index's files."""


class Index:
    """Documents, their passages and sentences, vectors and words. Safe to read from several threads."""

    def __init__(
        self,
        documents: Sequence[Document],
        columns: Columns,
        lexical: Bm25,
        store: VectorStore,
        embedder: Embedder,
        manifest: Manifest | None = None,
    ) -> None:
        """Raises IndexCorrupt if the parts do not belong together."""
        self.documents = tuple(documents)
        self.columns = columns
        self.lexical = lexical
        self.store = store
        self.manifest = manifest
        self.embedder = embedder
        self.version = ""
        """Name of the version's folder; empty for an index that was not opened from one."""
        self.held: object = None
        """Keeps the version's files from being removed while this index or a copy of it lives."""
        self._reader: Reader | None = None
        self._aside: Callable[[], Reader] | None = None
        self._passage_of_sentence = columns.passage_of_sentences()
        self._languages = [LANGUAGES[row] for row in np.unique(columns.language)]
        self._hits = Hits(self.documents, columns)
        self._rows = {document.source: row for row, document in enumerate(self.documents)}
        self._masks: dict[frozenset[str], tuple[Mask, Mask]] = {}
        """Scope -> the passages and the sentences in it; the one that was made first comes first."""
        fits = (
            len(store) == columns.sentences == len(lexical.sentence_offsets) - 1
            and len(lexical) == len(columns)
            and store.dimension == embedder.spec.dimension
        )
        if not fits:
            raise IndexCorrupt("The index's parts do not belong together: python -m bot index --rebuild")

    def save(self, folder: Path) -> None:
        """Write all parts into an existing folder. Raises OSError."""
        save_list(folder / DOCUMENTS, map(document_fields, self.documents))
        save_json(folder / "headings.json", self.columns.headings)
        save_json(folder / "vocabulary.json", self.lexical.vocabulary)
        save_arrays(folder, {f"passages.{name}": array for name, array in self.columns.arrays().items()})
        save_arrays(folder, {f"lexical.{name}": array for name, array in self.lexical.arrays().items()})
        self.store.save(folder / VECTORS)

    @classmethod
    def load(
        cls,
        folder: Path,
        manifest: Manifest,
        embedder: Embedder,
        milvus: Milvus | None = None,
        alike: Sequence[Document] = (),
    ) -> Index:
        """Open what save wrote; large arrays are mapped, not read. ``milvus`` is where vectors may lie.

        Documents that are equal to one of ``alike`` are these, so that memory holds their texts once.
        Raises IndexCorrupt, StoreUnavailable, IndexStale where the vectors lie in a Milvus and none is known.
        """
        try:
            return cls._load(folder, manifest, embedder, milvus, {document.source: document for document in alike})
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            # Files that are whole by their checksums but not what save wrote: another program's, or another version's.
            raise IndexCorrupt(f"The index in {folder} is not one of ours: python -m bot index --rebuild") from error

    @classmethod
    def _load(
        cls,
        folder: Path,
        manifest: Manifest,
        embedder: Embedder,
        milvus: Milvus | None,
        alike: Mapping[str, Document],
    ) -> Index:
        documents = load_documents(folder, alike)
        passages = load_arrays(folder, [f"passages.{name}" for name in columns_module.ARRAYS])
        words = load_arrays(folder, [f"lexical.{name}" for name in lexical_module.ARRAYS])
        columns = Columns.from_arrays(
            {name.partition(".")[2]: array for name, array in passages.items()},
            load_json(folder / "headings.json"),
            len(documents),
        )
        lexical = Bm25(
            load_json(folder / "vocabulary.json"),
            {name.partition(".")[2]: array for name, array in words.items()},
            columns.language,
        )
        path = folder / VECTORS
        store = open_store(path, kind_at(path), milvus=milvus)
        index = cls(documents, columns, lexical, store, embedder, manifest)
        index.version = folder.name
        return index

    def read_by(self, reader: Reader | None, aside: Callable[[], Reader] | None = None) -> Index:
        """The same index, whose best sentences are read by ``reader`` before they answer; None reads nothing.

        ``aside`` gives the one for several questions at once: one that several threads may use, each on one core.
        """
        other = copy(self)
        other._reader = reader
        other._aside = aside
        return other

    def searched_in(self, store: VectorStore) -> Index:
        """The same index over another store of the same vectors."""
        other = copy(self)
        other.store = store
        return other

    def search_many(self, queries: Sequence[Query], limit: int = LISTED) -> list[SearchResult]:
        """The ``limit`` best passages for each query, with all their sentences scored.

        All questions are embedded in one call and searched in one call for each distinct scope. CPU-bound; call it
        from one thread at a time (the embedder asks for that). Raises ModelError.
        """
        if not queries:
            return []
        vectors = self.embedder.embed_queries([query.text for query in queries])
        questions = [self._analyse(query, vector) for query, vector in zip(queries, vectors, strict=True)]
        nearest = self._nearest(queries, vectors)
        searches = zip(questions, nearest, strict=True)
        begun = (self._begin(question, rows, limit) for question, rows in searches)
        return [self._finish(each, read) for each, read in read_each(begun, len(queries), self._reader, self._aside)]

    def _analyse(self, query: Query, vector: Floats) -> Question:
        language = detect_language(query.text)
        matches = {}
        for own in self._languages:
            terms, things, foreign = question_terms(query.text, language, own), named(query.text, language, own), None
            if language is not None and language != own:
                foreign = foreign_stems(query.text, language, own)
                things += translated(query.text, language, own)
            matches[own] = self.lexical.match(terms, own, foreign, things)
        allowed = None if query.scope is None else self._allowed(query.scope)[0]
        several = asks_for_several(query.text, language)
        return Question(query.text, vector, language, classify(query.text, language), several, matches, allowed)

    def _allowed(self, scope: frozenset[str]) -> tuple[Mask, Mask]:
        """Which passages and which sentences lie in a scope. Made once: few scopes are asked in again and again."""
        known = self._masks.get(scope)
        if known is not None:
            return known
        documents = np.zeros(len(self.documents), dtype=np.bool_)
        documents[[self._rows[source] for source in scope if source in self._rows]] = True
        passages = documents[self.columns.document]
        masks = passages, passages[self._passage_of_sentence]
        for oldest in list(self._masks)[: len(self._masks) - SCOPES + 1]:
            self._masks.pop(oldest, None)
        self._masks[scope] = masks
        return masks

    def _nearest(self, queries: Sequence[Query], vectors: Floats) -> list[Rows]:
        """For each question the rows of the sentences nearest to it within its scope."""
        groups: dict[frozenset[str] | None, list[int]] = {}
        for row, query in enumerate(queries):
            groups.setdefault(query.scope, []).append(row)
        nearest: list[Rows] = [np.zeros(0, dtype=np.int64)] * len(queries)
        for scope, rows in groups.items():
            mask = None if scope is None else self._allowed(scope)[1]
            _, found = self.store.search(np.ascontiguousarray(vectors[rows]), SENTENCE_DEPTH, mask)
            for row, sentences in zip(rows, found, strict=True):
                nearest[row] = sentences[sentences >= 0]
        return nearest

    def _begin(self, question: Question, nearest: Rows, limit: int) -> Begun:
        pool = self._fuse(question, nearest)
        order = np.argsort(-pool.fused, kind="stable")
        top = order[:limit].tolist()
        candidates = self._candidates(question, pool, top)
        ranking = Ranking(question.kind, candidates, question.language, several=question.several)
        sources = first_distinct(self.columns.document[pool.passages[order]], LISTED)
        return Begun(question, pool.passages[top].tolist(), candidates, ranking, sources)

    def _finish(self, begun: Begun, readings: Sequence[Reading]) -> SearchResult:
        question, candidates = begun.question, begun.candidates
        ranked = begun.ranking.finish(readings, question.text)
        hits = tuple(self._hits.of(begun.passages, candidates, ranked))
        foreign = bool(hits) and question.language not in (None, hits[ranked.passage].language)
        read = self._reader is not None
        return SearchResult(
            language=question.language,
            kind=question.kind,
            hits=hits,
            sources=tuple(self.documents[row].source for row in begun.sources),
            support=support(ranked.features, foreign=foreign, read=read) if hits else 0.0,
            features=ranked.features,
            foreign=foreign,
            read=read,
            several=question.several,
            words=words_beside(question.text, candidates, ranked),
            opposition=ranked.opposition,
        )

    def _fuse(self, question: Question, nearest: Rows) -> Pool:
        bm25 = self.lexical.scores(question.matches.values())
        if question.allowed is not None:
            bm25[~question.allowed] = 0.0
        dense_side = np.unique(self._passage_of_sentence[nearest])
        lexical_side = largest(bm25, DEPTH)
        passages = np.union1d(dense_side, lexical_side).astype(np.int64)
        if not len(passages):
            nothing = np.zeros(0, dtype=np.float32)
            return Pool(passages, np.zeros(0), nothing, nothing, np.zeros(1, dtype=np.int64))
        firsts = self.columns.first_sentence
        counts = firsts[passages + 1] - firsts[passages]
        starts = np.concatenate([[0], np.cumsum(counts)])
        rows = np.repeat(firsts[passages] - starts[:-1], counts) + np.arange(starts[-1])
        cosines = self.store.scores(question.vector, rows)
        dense = np.maximum.reduceat(cosines, starts[:-1])
        share = np.array([dense_share(self.embedder.spec.model, question.language, own) for own in LANGUAGES])
        languages = self.columns.language[passages]
        fused = fuse(dense, bm25[passages], share[languages])
        if question.language is not None:
            fused *= worth(languages == LANGUAGES.index(question.language))
        return Pool(passages, fused, bm25[passages], cosines, starts)

    def _candidates(self, question: Question, pool: Pool, places: Sequence[int]) -> list[Candidate]:
        passages = pool.passages[places].tolist()
        languages = [self.columns.language_of(passage) for passage in passages]
        firsts = [self.columns.first_sentence[passage : passage + 2].tolist() for passage in passages]
        held: dict[int, NDArray[np.bool_]] = {}
        # All passages of one language in one go: ten small searches would take four times as long.
        for language in dict.fromkeys(languages):
            alike = [row for row, own in enumerate(languages) if own == language]
            terms = self.lexical.held([slice(*firsts[row]) for row in alike], question.matches[language])
            ends = np.cumsum([firsts[row][1] - firsts[row][0] for row in alike])
            held |= dict(zip(alike, np.split(terms, ends[:-1]), strict=True))
        found = []
        for row, (place, passage, (first, last)) in enumerate(zip(places, passages, firsts, strict=True)):
            text = self.documents[self.columns.document[passage]].text
            starts, ends_ = (
                self.columns.sentence_start[first:last].tolist(),
                self.columns.sentence_end[first:last].tolist(),
            )
            found.append(
                Candidate(
                    fused=float(pool.fused[place]),
                    bm25=float(pool.bm25[place]),
                    match=question.matches[languages[row]],
                    held=held[row],
                    cosines=pool.cosines[pool.starts[place] : pool.starts[place + 1]],
                    texts=tuple(text[start:end] for start, end in zip(starts, ends_, strict=True)),
                )
            )
        return found


def load_documents(folder: Path, alike: Mapping[str, Document] | None = None) -> list[Document]:
    """The documents of a saved index; for one that is equal to that of its source in ``alike``, this one.

    Raises IndexCorrupt, or KeyError, TypeError or ValueError for another's file.
    """
    documents = map(document_from, load_list(folder / DOCUMENTS))
    if not alike:
        return list(documents)
    found = ((document, alike.get(document.source)) for document in documents)
    return [other if other == document and other is not None else document for document, other in found]
