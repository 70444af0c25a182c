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

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.analysis import Bag, TermKind
from retrieval.equivalents import Named
from retrieval.errors import IndexCorrupt
from retrieval.language import LANGUAGES
from retrieval.match import Match, Substitute
from retrieval.postings import Kept, Table
from retrieval.types import Language

# Chosen on the development sets (squad_it, squad2_en, xquad_en, fairytaleqa); flat around these values.
K1 = 0.9
B = 0.75
PRIOR_PASSAGES = 10.0
PRIOR_IDF = 3.0
PRIOR_IDF_NAME = 4.0
GENERIC = 0.3
"""Share of its idf that a term of the phrasing of questions keeps."""

# A word of another language counts as a term's cognate if it starts with at least this many of the same letters, and if
# they make up this share of the longer of the two. On squad_en_to_it: recall@1 .422 without, .457 with cognates, and
# 4 to 6 letters, .6 to .7 make no difference.
COGNATE_LETTERS = 5
COGNATE_SHARE = 0.65
NEIGHBOURS = 6
"""Terms looked at on either side in the alphabet."""

BLOCK = 1 << 16
"""Postings scored at a time when an index is opened: what lies between does not leave the processor's cache."""

ARRAYS = ("offsets", "passages", "frequencies", "lengths", "sentence_offsets", "sentence_terms")

_FOREIGN = "The index's word table does not fit together: python -m bot index --rebuild"


class Bm25:
    """An inverted index over n passages and a forward index over their sentences. Immutable."""

    def __init__(
        self, vocabulary: Sequence[str], arrays: Mapping[str, NDArray[np.generic]], languages: NDArray[np.uint8]
    ) -> None:
        """``vocabulary`` holds "language:term" by term row, in alphabetical order.

        ``languages`` (n,) is each passage's row in LANGUAGES.

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
        self.languages = languages
        self._check()
        self._ids = {term: row for row, term in enumerate(self.vocabulary)}
        self._counts = np.bincount(languages, minlength=len(LANGUAGES)).astype(np.float64)
        means = np.ones(len(LANGUAGES))
        for row in np.flatnonzero(self._counts):
            means[row] = max(float(self.lengths[languages == row].mean()), 1.0)
        norm = K1 * (1 - B + B * self.lengths / means[languages])
        self._impacts = np.empty(len(self.frequencies), dtype=np.float32)
        for start in range(0, len(self._impacts), BLOCK):
            block = slice(start, start + BLOCK)
            frequencies = self.frequencies[block]
            self._impacts[block] = frequencies * (K1 + 1) / (frequencies + norm[self.passages[block]])

    @classmethod
    def build(cls, passages: Iterable[Bag | Kept], last: Bm25 | None = None) -> Bm25:
        """Index passages in the order given; a Kept one is taken from ``last`` without being analysed again.

        The result is the same, array by array, as if all of them had been analysed.
        """
        table = Table(last)
        for passage in passages:
            table.add(passage)
        return cls(*table.arrays())

    def __len__(self) -> int:
        return len(self.lengths)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays by name, for storage beside ``vocabulary``."""
        return {name: getattr(self, name) for name in ARRAYS}

    def match(
        self,
        question: Mapping[str, TermKind],
        language: Language,
        foreign: Mapping[str, str] | None = None,
        things: Sequence[Named] = (),
    ) -> Match:
        """Look a question's terms (from question_terms) up, and other words for the ``things`` (from named) among them.

        ``foreign`` (from foreign_stems) for a question in another language: a term that no passage has is then replaced
        by its cognate, if there is one.
        """
        question = {term: _kind_of(term, kind, things) for term, kind in question.items()}
        substitutes = tuple(self._substitutes(tuple(question), language, things))
        if foreign is not None:
            cognates = {term: self._cognate(term, foreign.get(term, term), language) for term in question}
            question = {cognates[term]: kind for term, kind in question.items()}
            # Two terms may have one cognate.
            place_of = {cognate: place for place, cognate in enumerate(question)}
            places = [place_of[cognate] for cognate in cognates.values()]
            substitutes = tuple(
                replace(one, places=tuple(dict.fromkeys(places[place] for place in one.places))) for one in substitutes
            )
        ids = np.array([self._ids.get(f"{language}:{term}", -1) for term in question], dtype=np.int64)
        names = np.array([kind is TermKind.NAME for kind in question.values()], dtype=np.bool_)
        generic = np.array([kind is TermKind.GENERIC for kind in question.values()], dtype=np.bool_)
        idf = self._idf(ids, names, language)
        idf = np.where(generic, GENERIC * idf, idf)
        for substitute in substitutes:
            # However many words name a thing, it weighs no more than by its shortest name.
            short = np.full(len(substitute.ids), substitute.proper and len(substitute.ids) == 1)
            places = list(substitute.places)
            most = float(self._idf(substitute.ids, short, language).sum())
            idf[places] *= min(1.0, most / float(idf[places].sum()))
        return Match(language, tuple(question), names, ids, idf, substitutes)

    def _idf(self, ids: NDArray[np.int64], names: NDArray[np.bool_], language: Language) -> NDArray[np.float64]:
        """(t,) see the module docstring; ``names`` (t,) tells which terms look like names."""
        holding = np.where(ids >= 0, self.offsets[ids + 1] - self.offsets[ids], 0)
        total = self._counts[LANGUAGES.index(language)]
        counted = np.log1p((total - holding + 0.5) / (holding + 0.5))
        prior = np.where(names, PRIOR_IDF_NAME, PRIOR_IDF)
        damped: NDArray[np.float64] = (total * counted + PRIOR_PASSAGES * prior) / (total + PRIOR_PASSAGES)
        return damped

    def _substitutes(self, terms_: Sequence[str], language: Language, things: Sequence[Named]) -> Iterator[Substitute]:
        taken: set[int] = set()
        for thing in things:
            if not thing.terms or not set(thing.terms) <= set(terms_):
                continue
            places = tuple(map(terms_.index, thing.terms))
            if taken.intersection(places):
                continue  # known by another name already, alone or within a phrase
            for other in thing.others:
                ids = [self._ids.get(f"{language}:{term}", -1) for term in other]
                if min(ids) >= 0:
                    taken.update(places)
                    yield Substitute(places, np.array(ids, dtype=np.int64), thing.proper)

    def _cognate(self, term: str, other: str, language: Language) -> str:
        """The term itself if any passage has it, else the nearest spelling that one has, else the term."""
        for stemmed in (term, other):
            if f"{language}:{stemmed}" in self._ids:
                return stemmed
        nearest = max(
            (near for stemmed in (term, other) for near in self._neighbours(f"{language}:{stemmed}")), default=(0, term)
        )
        return nearest[1]

    def _neighbours(self, key: str) -> Iterator[tuple[int, str]]:
        """Terms beside ``key`` in the alphabet that share most of its letters: (letters shared, term)."""
        start = key.index(":") + 1
        place = bisect_left(self.vocabulary, key)
        for other in self.vocabulary[max(0, place - NEIGHBOURS) : place + NEIGHBOURS]:
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(key, other, strict=False))) - start
            if shared >= max(COGNATE_LETTERS, COGNATE_SHARE * (max(len(key), len(other)) - start)):
                yield shared, other[start:]

    def scores(self, matches: Iterable[Match]) -> NDArray[np.float32]:
        """(n,) BM25 score of every passage; 0 where no term is shared."""
        scores = np.zeros(len(self), dtype=np.float32)
        for match in matches:
            self._add(scores, match.ids, match.idf)
            if match.substitutes:
                scratch = np.zeros((3, len(self)), dtype=np.float32)
                for places in dict.fromkeys(substitute.places for substitute in match.substitutes):
                    self._gain(scores, match, places, scratch)
        return scores

    def _gain(
        self, scores: NDArray[np.float32], match: Match, places: tuple[int, ...], scratch: NDArray[np.float32]
    ) -> None:
        """Add to ``scores`` (n,) by how much other words for the terms at ``places`` score more than these themselves.

        The other words share the terms' idf: what is asked for is as rare by whatever name. ``scratch`` (3, n) is zero
        before and after.
        """
        own, found, gains = scratch
        ids, idf = match.ids[list(places)], match.idf[list(places)]
        self._add(own, ids, idf)
        touched = []
        for substitute in match.substitutes:
            if substitute.places == places:
                shares = np.full(len(substitute.ids), idf.sum() / len(substitute.ids))
                self._add(found, substitute.ids, shares)
                holding = [self._holding(row) for row in substitute.ids]
                for passages in holding:
                    gains[passages] = np.maximum(gains[passages], found[passages] - own[passages])
                for passages in holding:
                    found[passages] = 0.0
                touched += holding
        for passages in touched:
            scores[passages] += gains[passages]
            gains[passages] = 0.0  # another word's passages may be the same
        for row in ids[ids >= 0]:
            own[self._holding(row)] = 0.0

    def _add(
        self, scores: NDArray[np.float32], ids: NDArray[np.int64], weights: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """``scores`` (n,), to which the BM25 scores for these terms with these weights have been added."""
        for row, weight in zip(ids, weights, strict=True):
            if row >= 0:
                # A passage stands at most once among a term's postings, so plain indexing adds up right.
                impacts = self._impacts[self.offsets[row] : self.offsets[row + 1]]
                scores[self._holding(row)] += np.float32(weight) * impacts
        return scores

    def _holding(self, row: int) -> NDArray[np.int32]:
        """The passages that hold a word of the vocabulary, each once."""
        return self.passages[self.offsets[row] : self.offsets[row + 1]]

    def held(self, runs: Sequence[slice], match: Match) -> NDArray[np.bool_]:
        """(s, t) which of the question's terms, or words that stand for them, each of s sentences holds.

        They are given as one or more runs of sentences that follow each other.
        """
        offsets = [self.sentence_offsets[run.start : run.stop + 1] for run in runs]
        flat = np.concatenate([self.sentence_terms[ends[0] : ends[-1]] for ends in offsets])
        lengths = np.concatenate([np.diff(ends) for ends in offsets])
        owners = np.repeat(np.arange(len(lengths)), lengths)

        def holding(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
            found = np.zeros((len(lengths), len(ids)), dtype=np.bool_)
            word, term = np.nonzero(flat[:, None] == ids[None, :])
            found[owners[word], term] = True
            return found

        held = holding(match.ids)
        for substitute in match.substitutes:
            instead = holding(substitute.ids).all(axis=1)
            for place in substitute.places:
                held[instead, place] = True
        return held

    def _check(self) -> None:
        terms_, postings = len(self.vocabulary), len(self.passages)
        fits = (
            len(self.offsets) == terms_ + 1
            and len(self.frequencies) == postings
            and len(self.lengths) == len(self.languages)
            and self.offsets[0] == 0
            and self.offsets[-1] == postings
            and len(self.sentence_offsets) > 0
            and self.sentence_offsets[-1] == len(self.sentence_terms)
            and (not postings or (self.passages.min() >= 0 and self.passages.max() < len(self.lengths)))
        )
        if not fits:
            raise IndexCorrupt(_FOREIGN)


def _kind_of(term: str, kind: TermKind, things: Sequence[Named]) -> TermKind:
    """The kind; "CEO" looks like a name and is none."""
    common = kind is TermKind.NAME and any(term in thing.terms and not thing.proper for thing in things)
    return TermKind.WORD if common else kind
