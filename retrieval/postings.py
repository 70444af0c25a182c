"""Making an inverted index: occurrences of terms, of new passages and of those that an earlier index holds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrieval.analysis import Bag
from retrieval.language import LANGUAGES

if TYPE_CHECKING:
    from retrieval.lexical import Bm25


@dataclass(frozen=True, slots=True)
class Kept:
    """A passage that an earlier index holds already."""

    passage: int
    """Its row there."""
    sentences: range
    """The rows of its sentences there."""


class Table:
    """Occurrences on their way to an inverted index."""

    def __init__(self, last: Bm25 | None) -> None:
        self._last = last
        self._ids: dict[str, int] = {term: row for row, term in enumerate(last.vocabulary)} if last else {}
        self._old = np.full(len(last) if last else 0, -1, dtype=np.int64)
        """New row of each passage of the last index, -1 for those that are gone."""
        self._terms: list[int] = []
        self._passages: list[int] = []
        self._frequencies: list[float] = []
        self._languages: list[int] = []
        self._sentences: list[NDArray[np.int32]] = []

    def add(self, passage: Bag | Kept) -> None:
        row = len(self._languages)
        if isinstance(passage, Kept):
            if self._last is None:
                raise ValueError("a kept passage needs the index that holds it")
            self._old[passage.passage] = row
            self._languages.append(int(self._last.languages[passage.passage]))
            offsets = self._last.sentence_offsets[passage.sentences.start : passage.sentences.stop + 1]
            self._sentences += [self._last.sentence_terms[a:b] for a, b in pairwise(offsets.tolist())]
            return
        prefix = f"{passage.language}:"
        self._languages.append(LANGUAGES.index(passage.language))
        for term, frequency in passage.frequencies.items():
            self._terms.append(self._ids.setdefault(prefix + term, len(self._ids)))
            self._passages.append(row)
            self._frequencies.append(frequency)
        for sentence in passage.sentences:
            self._sentences.append(np.array([self._ids[prefix + term] for term in sentence], dtype=np.int32))

    def arrays(self) -> tuple[list[str], dict[str, NDArray[np.generic]], NDArray[np.uint8]]:
        """What Bm25 is made of: vocabulary, arrays, languages."""
        terms_ = np.array(self._terms, dtype=np.int64)
        passages = np.array(self._passages, dtype=np.int64)
        frequencies = np.array(self._frequencies, dtype=np.float32)
        if self._last is not None:
            moved = self._old[self._last.passages]
            kept = moved >= 0
            owners = np.repeat(np.arange(len(self._last.vocabulary)), np.diff(self._last.offsets))
            terms_ = np.concatenate([owners[kept], terms_])
            passages = np.concatenate([moved[kept], passages])
            frequencies = np.concatenate([self._last.frequencies[kept], frequencies])
        # In order of the terms themselves, so that the way an index came about does not show.
        names = list(self._ids)
        vocabulary = sorted(names[row] for row in np.unique(terms_))
        final = np.full(len(names), -1, dtype=np.int64)
        final[[self._ids[term] for term in vocabulary]] = np.arange(len(vocabulary))
        terms_ = final[terms_]
        # What is kept is in this order already, so that a stable sort of one key only merges what is new.
        order = np.argsort(terms_ * len(self._languages) + passages, kind="stable")
        flat = np.concatenate([np.zeros(0, dtype=np.int32), *self._sentences])
        arrays: dict[str, NDArray[np.generic]] = {
            "offsets": np.searchsorted(terms_[order], np.arange(len(vocabulary) + 1)).astype(np.int64),
            "passages": passages[order].astype(np.int32),
            "frequencies": frequencies[order],
            # Summed in the same order whatever was kept, so that rounding does not tell either.
            "lengths": np.bincount(passages[order], frequencies[order], len(self._languages)).astype(np.float32),
            "sentence_offsets": np.cumsum([0, *map(len, self._sentences)], dtype=np.int64),
            "sentence_terms": final[flat].astype(np.int32),
        }
        return vocabulary, arrays, np.array(self._languages, dtype=np.uint8)
