"""BM25 over passages, in NumPy: every passage is scored at once, so any candidate of the dense side has a score too.

Terms of different languages are different terms ("it:accord", "en:accord"): a question is analysed once for each
language of the index and meets each passage in the passage's own language.

Score (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond", BM25F, section 3.6):
``sum over terms of idf * f * (K1 + 1) / (f + K1 * (1 - B + B * length / mean length))``, where f adds up the term's
occurrences in the passage itself, in its title and headings, and, at weight CONTEXT, in the other parts of the
paragraph it was cut from. ``idf = ln(1 + (N - n + .5) / (n + .5))``, N passages in the language, n with the term.

In a corpus of a few passages such counts mean nothing, so the idf is averaged with a prior that counts as much as
PRIOR_PASSAGES passages: a word that looks like a name (capitals or digits) is taken to be rarer than one that does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexCorrupt
from retrieval.language import LANGUAGES, is_generic, is_stop_word, stem, terms, words
from retrieval.types import Chunk, Document, Language

# Chosen on the development sets (squad_it, squad2_en, xquad_en, fairytaleqa); flat around these values.
K1 = 0.9
B = 0.75
CONTEXT = 0.5
PRIOR_PASSAGES = 10.0
PRIOR_IDF = 3.0
PRIOR_IDF_NAME = 4.0
GENERIC = 0.3
"""Share of its idf that a term of the phrasing of questions keeps."""

ARRAYS = ("offsets", "passages", "frequencies", "lengths", "sentence_offsets", "sentence_terms")

_FOREIGN = "The index's word table does not fit together: python -m bot index --rebuild"


@dataclass(frozen=True, slots=True)
class Bag:
    """One passage, analysed."""

    language: Language
    frequencies: Mapping[str, float]
    """Term -> weighted occurrences over all fields."""
    sentences: tuple[tuple[str, ...], ...]
    """The distinct terms of each sentence of the passage."""


def analyse(language: Language, titles: Sequence[str], sentences: Sequence[str], context: Sequence[str]) -> Bag:
    """Terms of a passage: its sentences, its titles (document and headings), the rest of its paragraph."""
    frequencies: dict[str, float] = {}
    per_sentence = []
    for sentence in sentences:
        found = terms(sentence, language)
        per_sentence.append(tuple(dict.fromkeys(found)))
        for term in found:
            frequencies[term] = frequencies.get(term, 0.0) + 1.0
    for texts, weight in ((titles, 1.0), (context, CONTEXT)):
        for text in texts:
            for term in terms(text, language):
                frequencies[term] = frequencies.get(term, 0.0) + weight
    return Bag(language, frequencies, tuple(per_sentence))


def analyse_document(document: Document, chunks: Sequence[Chunk]) -> list[Bag]:
    """A bag for each chunk of the document, in order."""
    text = document.text
    # A title made from the text's own first words would only count them twice, in every passage.
    derived = " ".join(text[:1000].split()).startswith(document.title.rstrip("…").rstrip())
    title = () if derived else (document.title,)
    bags = []
    for row, chunk in enumerate(chunks):
        # Chunks with no line break between them were cut from one paragraph.
        context = [
            chunks[other].text
            for other in (row - 1, row + 1)
            if 0 <= other < len(chunks) and "\n" not in _between(text, chunk, chunks[other])
        ]
        headings = [heading for heading in chunk.heading if heading != document.title or derived]
        sentences = [text[start:end] for start, end in chunk.sentences]
        bags.append(analyse(chunk.language, (*title, *headings), sentences, context))
    return bags


def _between(text: str, one: Chunk, other: Chunk) -> str:
    first, second = sorted((one, other), key=lambda chunk: chunk.start)
    return text[first.end : second.start]


class TermKind(Enum):
    """How much a question's term is expected to stand in a passage that answers."""

    WORD = 0
    NAME = 1
    """Holds capitals or digits."""
    GENERIC = 2
    """Belongs to the phrasing of questions."""


def question_terms(question: str, question_language: Language | None, language: Language) -> dict[str, TermKind]:
    """Distinct terms of a question as passages in ``language`` would hold them, in order of appearance.

    A word looks like a name if it holds a digit or a capital that its place or a shouting writer does not explain.
    """
    stops = question_language or language
    shouted = question.isupper()
    found: dict[str, TermKind] = {}
    for position, (word, start, end) in enumerate(words(question)):
        if is_stop_word(word, stops):
            continue
        raw = question[start:end]
        capitals = sum(character.isupper() for character in raw)
        name = any(character.isdigit() for character in raw) or (
            not shouted and (capitals > 1 or (position > 0 and raw[0].isupper()))
        )
        generic = is_generic(word, stops)
        kind = TermKind.NAME if name else TermKind.GENERIC if generic else TermKind.WORD
        found.setdefault(stem(word, language), kind)
    return found


@dataclass(frozen=True, slots=True)
class Match:
    """A question's t terms as the index knows them, for one language."""

    language: Language
    terms: tuple[str, ...]
    names: NDArray[np.bool_]
    """(t,) whether the term looks like a name."""
    ids: NDArray[np.int64]
    """(t,) row in the vocabulary, -1 where no passage has the term."""
    idf: NDArray[np.float64]
    """(t,) damped as the module docstring says; an unknown term has the idf of n = 0."""


class Bm25:
    """An inverted index over n passages and a forward index over their sentences. Immutable."""

    def __init__(
        self, vocabulary: Sequence[str], arrays: Mapping[str, NDArray[np.generic]], languages: NDArray[np.uint8]
    ) -> None:
        """``vocabulary`` holds "language:term" by term row; ``languages`` (n,) each passage's language row.

        Raises IndexCorrupt if the arrays do not fit together.
        """
        self.vocabulary = tuple(vocabulary)
        named: dict[str, Any] = dict(arrays)
        self.offsets: NDArray[np.int64] = named["offsets"]
        self.passages: NDArray[np.int32] = named["passages"]
        self.frequencies: NDArray[np.float32] = named["frequencies"]
        self.lengths: NDArray[np.float32] = named["lengths"]
        self.sentence_offsets: NDArray[np.int64] = named["sentence_offsets"]
        self.sentence_terms: NDArray[np.int32] = named["sentence_terms"]
        self._languages = languages
        self._check()
        self._ids = {term: row for row, term in enumerate(self.vocabulary)}
        self._counts = np.bincount(languages, minlength=len(LANGUAGES)).astype(np.float64)
        means = np.ones(len(LANGUAGES))
        for row in np.flatnonzero(self._counts):
            means[row] = max(float(self.lengths[languages == row].mean()), 1.0)
        norm = K1 * (1 - B + B * self.lengths / means[languages])
        frequencies = np.asarray(self.frequencies)
        self._impacts = (frequencies * (K1 + 1) / (frequencies + norm[self.passages])).astype(np.float32)

    @classmethod
    def build(cls, bags: Iterable[Bag]) -> Bm25:
        """Index passages in the order given."""
        ids: dict[str, int] = {}
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        sentence_offsets = [0]
        sentence_terms: list[int] = []
        languages: list[int] = []
        for passage, bag in enumerate(bags):
            prefix = f"{bag.language}:"
            languages.append(LANGUAGES.index(bag.language))
            for term, frequency in bag.frequencies.items():
                rows.append(ids.setdefault(prefix + term, len(ids)))
                columns.append(passage)
                values.append(frequency)
            for sentence in bag.sentences:
                sentence_terms.extend(ids[prefix + term] for term in sentence)
                sentence_offsets.append(len(sentence_terms))
        order = np.argsort(np.array(rows, dtype=np.int64), kind="stable")
        term_rows = np.array(rows, dtype=np.int64)[order]
        passages = np.array(columns, dtype=np.int32)
        frequencies = np.array(values, dtype=np.float32)
        arrays: dict[str, NDArray[np.generic]] = {
            "offsets": np.searchsorted(term_rows, np.arange(len(ids) + 1)).astype(np.int64),
            "passages": passages[order],
            "frequencies": frequencies[order],
            "lengths": np.bincount(passages, frequencies, minlength=len(languages)).astype(np.float32),
            "sentence_offsets": np.array(sentence_offsets, dtype=np.int64),
            "sentence_terms": np.array(sentence_terms, dtype=np.int32),
        }
        return cls(list(ids), arrays, np.array(languages, dtype=np.uint8))

    def __len__(self) -> int:
        return len(self.lengths)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays by name, for storage beside ``vocabulary``."""
        return {name: getattr(self, name) for name in ARRAYS}

    def match(self, question: Mapping[str, TermKind], language: Language) -> Match:
        """Look a question's terms (from question_terms) up."""
        ids = np.array([self._ids.get(f"{language}:{term}", -1) for term in question], dtype=np.int64)
        names = np.array([kind is TermKind.NAME for kind in question.values()], dtype=np.bool_)
        generic = np.array([kind is TermKind.GENERIC for kind in question.values()], dtype=np.bool_)
        holding = np.where(ids >= 0, self.offsets[ids + 1] - self.offsets[ids], 0)
        total = self._counts[LANGUAGES.index(language)]
        counted = np.log1p((total - holding + 0.5) / (holding + 0.5))
        prior = np.where(names, PRIOR_IDF_NAME, PRIOR_IDF)
        idf = (total * counted + PRIOR_PASSAGES * prior) / (total + PRIOR_PASSAGES)
        return Match(language, tuple(question), names, ids, np.where(generic, GENERIC * idf, idf))

    def scores(self, matches: Iterable[Match]) -> NDArray[np.float32]:
        """(n,) BM25 score of every passage; 0 where no term is shared."""
        scores = np.zeros(len(self), dtype=np.float32)
        for match in matches:
            for row, idf in zip(match.ids, match.idf, strict=True):
                if row >= 0:
                    postings = slice(self.offsets[row], self.offsets[row + 1])
                    # A passage stands at most once among a term's postings, so plain indexing adds up right.
                    scores[self.passages[postings]] += np.float32(idf) * self._impacts[postings]
        return scores

    def held(self, sentences: slice, match: Match) -> NDArray[np.bool_]:
        """(s, t) which of the question's terms each of a run of s sentences holds."""
        offsets = self.sentence_offsets[sentences.start : sentences.stop + 1]
        flat = self.sentence_terms[offsets[0] : offsets[-1]]
        held = np.zeros((len(offsets) - 1, len(match.ids)), dtype=np.bool_)
        row, term = np.nonzero(flat[:, None] == match.ids[None, :])
        held[np.searchsorted(offsets, row + offsets[0], side="right") - 1, term] = True
        return held

    def _check(self) -> None:
        terms_, postings = len(self.vocabulary), len(self.passages)
        fits = (
            len(self.offsets) == terms_ + 1
            and len(self.frequencies) == postings
            and len(self.lengths) == len(self._languages)
            and self.offsets[0] == 0
            and self.offsets[-1] == postings
            and len(self.sentence_offsets) > 0
            and self.sentence_offsets[-1] == len(self.sentence_terms)
            and (not postings or (self.passages.min() >= 0 and self.passages.max() < len(self.lengths)))
        )
        if not fits:
            raise IndexCorrupt(_FOREIGN)
