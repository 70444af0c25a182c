"""The three replaceable parts of retrieval and what they promise.

Vectors are float32, C-contiguous, of shape ``(n, dimension)`` and of unit length, so that an inner product is a cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.manifest import EmbedderSpec, VectorSearch
from retrieval.types import Reading

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Embedder(Protocol):
    """Turns text into unit vectors. Questions and documents are separate calls: some models prompt them differently.

    Called from one thread at a time. Raises ModelError when the model cannot run.
    """

    @property
    def spec(self) -> EmbedderSpec: ...

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        """Vectors of shape ``(len(texts), dimension)``; texts beyond ``spec.max_tokens`` are cut there."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """As embed_documents, for questions."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens each text takes as a document, special tokens and prompt included, not cut."""
        ...


class Reader(Protocol):
    """Tells whether a text answers a question, and by which of its words. Called from any thread."""

    def read(self, question: str, text: str) -> Reading:
        """Raises ModelError when the model cannot run."""
        ...


class VectorStore(Protocol):
    """Rows of unit vectors, searched by inner product. Immutable once built."""

    def __len__(self) -> int: ...

    @property
    def dimension(self) -> int: ...

    @property
    def how(self) -> VectorSearch:
        """What searches here, and how much of the nearest it finds."""
        ...

    def search(self, queries: Floats, k: int, allowed: Mask | None = None) -> tuple[Floats, Rows]:
        """The ``k`` best rows for each query, best first, equal scores by lower row; ``how`` tells how many it misses.

        ``allowed`` of shape ``(len(self),)`` restricts all queries to the rows that are True.
        Returns scores ``(q, k)`` and rows ``(q, k)``; missing places have row -1 and score -inf.
        """
        ...

    def scores(self, query: Floats, rows: Rows) -> Floats:
        """Inner products of one query ``(dimension,)`` with the given rows ``(m,)``: shape ``(m,)``."""
        ...

    def vectors(self, rows: Rows) -> Floats:
        """A copy of the given rows, shape ``(m, dimension)``."""
        ...

    def save(self, path: Path) -> None:
        """Write the store to a file, and others beside it that begin with its stem. Raises OSError."""
        ...
