"""Making an inverted index: occurrences of terms, of new passages and of those that an earlier index holds."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.analysis import Bag
from retrieval.language import LANGUAGES

if TYPE_CHECKING:
    from retrieval.lexical import Bm25

T = TypeVar("T", bound=np.generic)


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
        self._terms = array("i")
        self._passages = array("i")
        self._frequencies = array("f")
        self._languages = array("b")
        self._sentence_terms = array("i")
        self._lengths = array("i", [0])
        """Of each sentence, in terms, after a 0."""

    def add(self, passage: Bag | Kept) -> None:
        row = len(self._languages)
        if isinstance(passage, Kept):
            if self._last is None:
                raise ValueError("a kept passage needs the index that holds it")
            self._old[passage.passage] = row
            self._languages.append(int(self._last.languages[passage.passage]))
            offsets = self._last.sentence_offsets[passage.sentences.start : passage.sentences.stop + 1].tolist()
            self._sentence_terms.frombytes(self._last.sentence_terms[offsets[0] : offsets[-1]].tobytes())
            self._lengths.extend(end - start for start, end in pairwise(offsets))
            return
        prefix = f"{passage.language}:"
        self._languages.append(LANGUAGES.index(passage.language))
        for term, frequency in passage.frequencies.items():
            self._terms.append(self._ids.setdefault(prefix + term, len(self._ids)))
            self._passages.append(row)
            self._frequencies.append(frequency)
        for sentence in passage.sentences:
            self._sentence_terms.extend(self._ids[prefix + term] for term in sentence)
            self._lengths.append(len(sentence))

    def arrays(self) -> tuple[list[str], dict[str, NDArray[np.generic]], NDArray[np.uint8]]:
        """What Bm25 is made of: vocabulary, arrays, languages. The table is empty afterwards."""
        terms_, passages, frequencies = self._occurrences()
        # In order of the terms themselves, so that the way an index came about does not show.
        names = list(self._ids)
        vocabulary = sorted(names[row] for row in np.unique(terms_))
        final = np.full(len(names), -1, dtype=np.int32)
        final[[self._ids[term] for term in vocabulary]] = np.arange(len(vocabulary))
        self._ids = {}
        count = len(self._languages)
        # Both in one number: they are sorted in one go, and one array is held instead of two.
        places = final[terms_].astype(np.int64) * count + passages
        del terms_, passages
        # What is kept is in this order already, so that a stable sort of one key only merges what is new.
        order = np.argsort(places, kind="stable")
        places, frequencies = places[order], frequencies[order]
        del order
        offsets = np.searchsorted(places, np.arange(len(vocabulary) + 1) * count).astype(np.int64)
        passages = (places % max(count, 1)).astype(np.int32)
        del places
        arrays: dict[str, NDArray[np.generic]] = {
            "offsets": offsets,
            "passages": passages,
            "frequencies": frequencies,
            # Summed in the same order whatever was kept, so that rounding does not tell either.
            "lengths": np.bincount(passages, frequencies, count).astype(np.float32),
            "sentence_offsets": np.cumsum(_taken(self._lengths, np.int32), dtype=np.int64),
            "sentence_terms": final[_taken(self._sentence_terms, np.int32)],
        }
        return vocabulary, arrays, np.array(self._languages, dtype=np.uint8)

    def _occurrences(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
        """Terms, passages and frequencies of all occurrences, those of kept passages first."""
        terms_, passages = _taken(self._terms, np.int32), _taken(self._passages, np.int32)
        frequencies = _taken(self._frequencies, np.float32)
        self._terms, self._passages, self._frequencies = array("i"), array("i"), array("f")
        if self._last is None:
            return terms_, passages, frequencies
        moved = self._old[self._last.passages].astype(np.int32)
        kept = moved >= 0
        owners = np.repeat(np.arange(len(self._last.vocabulary), dtype=np.int32), np.diff(self._last.offsets))
        return (
            np.concatenate([owners[kept], terms_]),
            np.concatenate([moved[kept], passages]),
            np.concatenate([self._last.frequencies[kept], frequencies]),
        )


def _taken(numbers: array[Any], kind: type[T]) -> NDArray[T]:
    """The numbers as an array that shares their memory."""
    return np.frombuffer(numbers, dtype=kind) if numbers else np.zeros(0, dtype=kind)
