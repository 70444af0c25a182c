"""How the rows of an index are told apart in a collection of Milvus that several versions of it share.

An entity stands for one sentence of one document, and its key says which: a version that holds an equal sentence of the
same document shares the entity, so that an update writes only what is new, and writing twice does no harm. NumPy only.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.manifest import EmbedderSpec
from retrieval.protocols import Mask, Rows
from retrieval.stores.arrays import MISSING_ROW, replacing

KEY_BYTES = 16
"""Length of an entity's key: collisions are out of question below 2**50 entities."""
COLLECTION = "COLLECTION"
"""File in an index folder: the name of the collection that builds write to."""
MOST_SOURCES = 10_000
"""Documents that a filter names at most; beyond, what was found is filtered."""

Keys = NDArray[np.uint8]
"""(n, KEY_BYTES)"""


@dataclass(frozen=True, slots=True)
class Entities:
    """The rows of one version as entities of a collection."""

    keys: Keys
    """Their keys, in order of the rows; each stands there once."""
    order: Rows
    """(n,) rows in order of their keys."""
    starts: Rows
    """(d,) the row where each document's sentences begin, ascending; the first is 0."""
    sources: Rows
    """(d,) a number that stands for each document's source."""

    def __len__(self) -> int:
        return len(self.keys)

    def rows(self, keys: Keys) -> Rows:
        """(m,) the row of each of these keys, -1 where this version has none."""
        if not len(self) or not len(keys):
            return np.full(len(keys), MISSING_ROW, dtype=np.int64)
        mine, wanted = texts(self.keys), texts(keys)
        places = np.minimum(np.searchsorted(mine, wanted, sorter=self.order), len(self) - 1)
        rows = self.order[places]
        return np.where(mine[rows] == wanted, rows, MISSING_ROW)

    def hexadecimal(self, rows: Rows) -> list[str]:
        """The keys of these rows as Milvus has them."""
        return hexadecimal(self.keys[rows])

    def sources_of(self, rows: Rows) -> Rows:
        """(m,) the number of each row's source."""
        return self.sources[np.searchsorted(self.starts, rows, side="right") - 1]

    def filter(self, allowed: Mask) -> str | None:
        """The rows that are True as a condition on the field "source"; None where they are not whole documents.

        Rows of other versions may fulfil it too.
        """
        if not len(self.starts):
            return None
        lengths = np.diff(np.append(self.starts, len(self)))
        counts = np.add.reduceat(allowed, self.starts, dtype=np.int64)
        if ((counts > 0) & (counts < lengths)).any():
            return None
        seen = np.unique(self.sources[counts > 0])
        hidden = np.setdiff1d(self.sources, seen)
        names, word = (seen, "in") if len(seen) <= len(hidden) else (hidden, "not in")
        return f"source {word} {names.tolist()}" if len(names) <= MOST_SOURCES else None


def entities(sentences: NDArray[np.uint8], starts: Sequence[int], sources: Sequence[str]) -> Entities:
    """Entities for rows with the given sentences' keys (n, any), of documents that begin at the rows ``starts``."""
    numbers = [_number(source) for source in sources]
    seen: dict[bytes, int] = {}
    keys = bytearray()
    row = 0
    for number, end in zip(numbers, [*starts, len(sentences)][1:], strict=True):
        own = number.to_bytes(8, "big", signed=True)
        while row < end:
            name = sentences[row].tobytes() + own
            # The same sentence may stand in a document several times.
            ordinal = seen[name] = seen.get(name, -1) + 1
            keys += hashlib.blake2b(name + ordinal.to_bytes(8, "big"), digest_size=KEY_BYTES).digest()
            row += 1
    made = np.frombuffer(bytes(keys), dtype=np.uint8).reshape(-1, KEY_BYTES)
    order = np.argsort(texts(made), kind="stable")
    return Entities(made, order, np.array(starts, dtype=np.int64), np.array(numbers, dtype=np.int64))


def texts(keys: Keys) -> NDArray[np.bytes_]:
    """(n,) the keys as strings of bytes, which NumPy can sort; all have one length, so that it may ignore zeros."""
    flat: NDArray[np.bytes_] = np.ascontiguousarray(keys).view(f"S{KEY_BYTES}").ravel()
    return flat


def hexadecimal(keys: Keys) -> list[str]:
    """Each key in hexadecimal digits."""
    whole, width = np.ascontiguousarray(keys).tobytes().hex(), 2 * KEY_BYTES
    return [whole[start : start + width] for start in range(0, len(whole), width)]


def from_hexadecimal(names: Sequence[str]) -> Keys:
    """The keys that hexadecimal wrote. Raises ValueError for anything else."""
    return np.frombuffer(bytes.fromhex("".join(names)), dtype=np.uint8).reshape(len(names), KEY_BYTES)


def _number(source: str) -> int:
    """A signed number of 64 bits that stands for a source: two in a million have the same with a chance of 3e-8."""
    digest = hashlib.blake2b(source.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


# --- names of collections ------------------------------------------------------------------------------------------


def claimed(root: Path) -> str | None:
    """The collection that builds in an index folder write to; None where none has been named, or none can be read."""
    try:
        name = (root / COLLECTION).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,254}", name) else None


def claim(root: Path, prefix: str, spec: EmbedderSpec, *, anew: bool) -> str:
    """The collection for vectors of an embedder: the one claimed before if it fits, else a new name, written down.

    The name ends at random, so that two index folders never write to, or delete from, one collection. It is written
    before the first entity is: a build that is killed is gone on with. Raises OSError.
    """
    shape = hashlib.blake2b(json.dumps(asdict(spec)).encode(), digest_size=6).hexdigest()
    stem = f"{prefix}_{shape}_{spec.dimension}_"
    found = claimed(root)
    if found is not None and found.startswith(stem) and not anew:
        return found
    name = stem + secrets.token_hex(6)
    with replacing(root / COLLECTION) as beside:
        beside.write_text(f"{name}\n", encoding="ascii")
    return name
