"""Vectors of an index's sentences: from the last index, from a build that was broken off, else from the model.

None but a block of them is in memory at a time: what is embedded goes to a spool, and from there, in order of the
rows, into the file that the store is opened from.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from retrieval.errors import RetrievalError
from retrieval.lock import writing
from retrieval.protocols import Embedder, Floats, Rows
from retrieval.reuse import COPY_ROWS, Keys, LastIndex, Shared
from retrieval.spool import SPOOL, Spool, remove_spool

BATCH = 512
"""Sentences embedded between two reports of progress, and put into the spool together: what a killed build loses."""
RELEASE_ROWS = 1 << 14
"""Vectors read from the last index between two times that the memory they are mapped to is given back."""
DRAFT = ".vectors"
"""File in an index folder that a build's vectors are written to before they are a version's."""

Embedding = Callable[[int, int], None]
"""Takes how many of how many sentences have been embedded."""


class Vectors(Protocol):
    """Vectors that have been embedded, in rows of their own."""

    def __len__(self) -> int: ...

    def append(self, keys: Keys, vectors: Floats) -> None: ...

    def vectors(self, rows: Rows) -> Floats: ...

    def useful(self, keys: Keys) -> Rows: ...

    def close(self) -> None: ...


class InMemory:
    """Vectors of few sentences, which a file would not be worth while for; lost with the process."""

    def __init__(self, dimension: int) -> None:
        self._blocks: list[Floats] = []
        self._dimension = dimension

    def __len__(self) -> int:
        return sum(map(len, self._blocks))

    def append(self, _keys: Keys, vectors: Floats) -> None:
        self._blocks.append(vectors)

    def vectors(self, rows: Rows) -> Floats:
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        return self._blocks[0][rows] if self._blocks else np.zeros((len(rows), self._dimension), dtype=np.float32)

    def useful(self, keys: Keys) -> Rows:
        return np.full(len(keys), -1, dtype=np.int64)

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Embedded:
    """Where the vector of each of n sentences is that the last index does not know."""

    vectors: Vectors
    places: Rows
    """(n,) rows in ``vectors``; -1 for sentences that the last index knows."""
    fresh: int
    """Distinct sentences that went through the model."""
    resumed: int
    """Distinct sentences that a build which was broken off had embedded."""


def spool_for(root: Path, embedder: Embedder, missing: int) -> Vectors:
    """Where a build puts the vectors of up to ``missing`` sentences: on disk where it is worth while and there is room.

    What one batch holds is lost with it either way. The caller holds ``writing(root)``.
    """
    spec = embedder.spec
    path = root / SPOOL
    there = path.exists()
    if not there and missing <= BATCH:
        return InMemory(spec.dimension)
    try:
        # Twice: for a moment they are in the spool and in the new version.
        if not there and shutil.disk_usage(root).free < 2 * 4 * spec.dimension * missing:
            return InMemory(spec.dimension)
        return Spool(path, spec)
    except OSError:  # a build without is better than none
        return InMemory(spec.dimension)


def embed_missing(
    sentences: Sequence[str],
    keys: Keys,
    shared: Shared,
    vectors: Vectors,
    embedder: Embedder,
    progress: Embedding,
) -> Embedded:
    """Embed each distinct sentence that neither the last index nor ``vectors`` holds, and append it to these.

    ``keys`` (n, KEY_BYTES). Raises ModelError, and OSError where a spool cannot be written; what is in it stays.
    """
    is_known, is_first = shared.known >= 0, shared.first == np.arange(len(sentences))
    missing = np.flatnonzero(~is_known & is_first)
    places = np.full(len(sentences), -1, dtype=np.int64)
    places[missing] = vectors.useful(keys[missing])
    fresh = missing[places[missing] < 0]
    for start in range(0, len(fresh), BATCH):
        progress(start, len(fresh))
        block = fresh[start : start + BATCH]
        places[block] = np.arange(len(vectors), len(vectors) + len(block))
        vectors.append(keys[block], embedder.embed_documents([sentences[row] for row in block]))
    progress(len(fresh), len(fresh))
    again = np.flatnonzero(~is_known & ~is_first)
    places[again] = places[shared.first[again]]
    return Embedded(vectors, places, len(fresh), len(missing) - len(fresh))


def blocks(embedded: Embedded, shared: Shared, last: LastIndex | None, dimension: int) -> Iterator[Floats]:
    """The vectors of all sentences in order, some thousand rows of ``dimension`` at a time."""
    count = len(embedded.places)
    # Equal sentences have equal vectors: taken each from its own row of the last index, they are read in order.
    twins = shared.known.copy()
    moved = np.flatnonzero(shared.moved >= 0)
    twins[shared.moved[moved]] = moved
    for start in range(0, count, COPY_ROWS):
        own, known = embedded.places[start : start + COPY_ROWS], twins[start : start + COPY_ROWS]
        block = np.empty((len(own), dimension), dtype=np.float32)
        if last is not None and (old := np.flatnonzero(known >= 0)).size:
            block[old] = last.index.store.vectors(known[old])
            if start // RELEASE_ROWS != (start + COPY_ROWS) // RELEASE_ROWS:
                release(last.index.store)
        if (new := np.flatnonzero(known < 0)).size:
            block[new] = embedded.vectors.vectors(own[new])
        yield block


def release(store: object) -> None:
    """Let go of the memory that a store's file is mapped to, as far as it can; it is read again when needed."""
    give_back = getattr(store, "release", None)
    if give_back is not None:
        give_back()


def forget(root: Path) -> None:
    """Remove the spool, as far as that can be done: its vectors are a version's now, or not wanted."""
    with suppress(OSError):
        remove_spool(root)


def remove_draft(root: Path) -> None:
    """Remove the vectors of a build that did not become a version's, as far as that can be done."""
    with suppress(OSError):
        (root / DRAFT).unlink(missing_ok=True)


def forget_if_idle(root: Path) -> None:
    """Remove what a build left that died as soon as it had published, unless somebody builds now."""
    if (root / SPOOL).exists():
        with suppress(RetrievalError), writing(root, brief=True):
            forget(root)


def vectors_of(
    sentences: Sequence[str],
    keys: Keys,
    shared: Shared,
    last: LastIndex | None,
    embedder: Embedder,
    progress: Embedding,
) -> tuple[Floats, int]:
    """A unit vector for each of few sentences, (n, dimension), and how many distinct ones had to be embedded."""
    dimension = embedder.spec.dimension
    embedded = embed_missing(sentences, keys, shared, InMemory(dimension), embedder, progress)
    found = [np.zeros((0, dimension), dtype=np.float32), *blocks(embedded, shared, last, dimension)]
    return np.concatenate(found), embedded.fresh
