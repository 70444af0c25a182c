"""Passages and sentences as columns: what an index keeps of its chunks, ten million of them if need be.

Row ``i`` of the passage columns is passage ``i``; its sentences are the rows
``first_sentence[i] : first_sentence[i + 1]`` of the sentence columns, which are also the rows of the vector store.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexCorrupt
from retrieval.language import LANGUAGES
from retrieval.types import Chunk, Document, Language

ARRAYS = ("document", "start", "end", "heading", "language", "first_sentence", "sentence_start", "sentence_end")


@dataclass(frozen=True, slots=True)
class Columns:
    """n passages with m sentences, ordered by document and then by offset."""

    document: NDArray[np.int32]
    """(n,) row of the document."""
    start: NDArray[np.int32]
    """(n,) offsets into the document's text, as in Chunk."""
    end: NDArray[np.int32]
    heading: NDArray[np.int32]
    """(n,) row in ``headings``."""
    language: NDArray[np.uint8]
    """(n,) row in ``retrieval.language.LANGUAGES``."""
    first_sentence: NDArray[np.int64]
    """(n + 1,) see the module docstring."""
    sentence_start: NDArray[np.int32]
    """(m,) offsets into the document's text."""
    sentence_end: NDArray[np.int32]
    headings: tuple[tuple[str, ...], ...]
    """Every heading path once."""

    def __len__(self) -> int:
        return len(self.document)

    @property
    def sentences(self) -> int:
        return len(self.sentence_start)

    def language_of(self, passage: int) -> Language:
        return LANGUAGES[int(self.language[passage])]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The columns by name, for storage."""
        return {name: getattr(self, name) for name in ARRAYS}

    def passage_of_sentences(self) -> NDArray[np.int32]:
        """(m,) the passage each sentence belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.first_sentence))

    @classmethod
    def from_chunks(cls, chunks: Iterable[tuple[int, Chunk]]) -> Columns:
        """Columns of (document row, chunk) pairs given in order."""
        growing = Growing()
        for document, chunk in chunks:
            growing.add(document, chunk)
        return growing.columns()

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[np.generic]], headings: Sequence[Sequence[str]], documents: int
    ) -> Columns:
        """Columns as ``arrays`` gave them. Raises IndexCorrupt if they do not fit together."""
        named: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
        columns = cls(**named, headings=tuple(tuple(path) for path in headings))
        if not columns._consistent(documents):
            raise IndexCorrupt("The index's passage table does not fit together: python -m bot index --rebuild")
        return columns

    def _consistent(self, documents: int) -> bool:
        n, m = len(self), self.sentences
        if any(len(column) != n for column in (self.start, self.end, self.heading, self.language)):
            return False
        if len(self.first_sentence) != n + 1 or len(self.sentence_end) != m:
            return False
        if not n:
            return m == 0
        return bool(
            self.first_sentence[0] == 0
            and self.first_sentence[-1] == m
            and (np.diff(self.first_sentence) > 0).all()
            and self.document.min() >= 0
            and self.document.max() < documents
            and self.heading.min() >= 0
            and self.heading.max() < len(self.headings)
            and self.language.max() < len(LANGUAGES)
        )


class Growing:
    """Columns on their way: what is kept of a chunk is numbers, so that a passage takes some dozens of bytes."""

    def __init__(self) -> None:
        self._headings: dict[tuple[str, ...], int] = {}
        self._passages = array("i")
        """Five for each passage: document, start, end, heading, language."""
        self._spans = array("i")
        """Two for each sentence."""
        self._firsts = array("q", [0])

    def __len__(self) -> int:
        return len(self._firsts) - 1

    @property
    def sentences(self) -> int:
        return len(self._spans) // 2

    def add(self, document: int, chunk: Chunk) -> None:
        """Append a chunk of the document with this row; documents come in order."""
        heading = self._headings.setdefault(chunk.heading, len(self._headings))
        self._passages.extend((document, chunk.start, chunk.end, heading, LANGUAGES.index(chunk.language)))
        self._spans.extend(chain.from_iterable(chunk.sentences))
        self._firsts.append(self.sentences)

    def columns(self) -> Columns:
        """The columns of what was added."""
        table = np.array(self._passages, dtype=np.int32).reshape(-1, 5)
        sentences = np.array(self._spans, dtype=np.int32).reshape(-1, 2)
        document_row, start, end, heading_row = (np.ascontiguousarray(table[:, column]) for column in range(4))
        return Columns(
            document=document_row,
            start=start,
            end=end,
            heading=heading_row,
            language=table[:, 4].astype(np.uint8),
            first_sentence=np.array(self._firsts, dtype=np.int64),
            sentence_start=np.ascontiguousarray(sentences[:, 0]),
            sentence_end=np.ascontiguousarray(sentences[:, 1]),
            headings=tuple(self._headings),
        )


class Sentences(Sequence[str]):
    """The text of each sentence row, cut out of its document when it is asked for."""

    def __init__(self, documents: Sequence[Document], columns: Columns) -> None:
        self._documents = documents
        self._columns = columns

    def __len__(self) -> int:
        return self._columns.sentences

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        columns = self._columns
        passage = int(np.searchsorted(columns.first_sentence, row, side="right")) - 1
        text = self._documents[int(columns.document[passage])].text
        return text[int(columns.sentence_start[row]) : int(columns.sentence_end[row])]
