"""Vectors that a build has embedded, kept on disk until its index is published: a build that is broken off loses none.

    ROOT/.embedded    head: MAGIC, length and CRC-32 of what follows, then what makes vectors comparable as JSON;
                      then blocks: MARK, number of sentences, CRC-32 of what follows, CRC-32 of these three;
                      then their keys (n, KEY_BYTES) and vectors (n, dimension), float32 as this machine has it

Only appended to, a block at a time. A block that was not finished when the process died is cut off, one that is
damaged is passed over: MARK leads to the next. A file of another model, or none of ours, is begun anew. Blocks are not
synced, as that may take seconds on a busy disk: a power cut costs what the system had not written by itself, half a
minute or so, and the checksums tell. The caller holds ``writing(root)``.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from io import FileIO
from pathlib import Path

import numpy as np

from retrieval.manifest import EmbedderSpec
from retrieval.protocols import Floats, Rows
from retrieval.reuse import COPY_ROWS, KEY_BYTES, Keys, keys_of, match_keys

SPOOL = ".embedded"
MOST_USELESS = 1
"""A spool with this many times more vectors that no sentence of the build has than others is written anew."""
_FEWER = "-fewer"
_LOOKED_THROUGH = 1 << 20
"""Bytes."""
_MAGIC = b"Fonte's vectors 1\n"
_HEAD = struct.Struct("<II")
_MARK = b"\x00\xffblock\xfe\x01"
_BLOCK = struct.Struct("<9sIII")


class Spool:
    """The vectors in the spool of an index folder, by rows in the order in which they were embedded."""

    def __init__(self, path: Path, spec: EmbedderSpec) -> None:
        """Read what a build that was broken off left in ``path``. Raises OSError where the file cannot be made."""
        self._path = path
        self._spec = spec
        self._head = _head(spec)
        self._width = spec.dimension
        self._record = KEY_BYTES + 4 * spec.dimension
        self._starts: list[int] = []
        """Where in the file each block's keys begin."""
        self._firsts = [0]
        """The row each block begins with, and after them the number of rows."""
        self.keys: Keys = np.zeros((0, KEY_BYTES), dtype=np.uint8)
        """(n, KEY_BYTES) of the rows that were there at first."""
        try:
            self._file = self._reopened()
        except (OSError, ValueError):
            # Not ours, another model's or out of reach: what it holds is lost, not the build.
            path.unlink(missing_ok=True)
            self._file = self._begun()

    def __len__(self) -> int:
        return self._firsts[-1]

    def close(self) -> None:
        """The file stays."""
        with suppress(OSError):
            self._file.close()

    def append(self, keys: Keys, vectors: Floats) -> None:
        """Add a block; the system has it before this returns. Raises OSError, for instance where the disk is full."""
        body = keys.tobytes() + np.ascontiguousarray(vectors, dtype=np.float32).tobytes()
        numbers = (len(keys), zlib.crc32(body))
        start = self._file.seek(0, os.SEEK_END)
        try:
            _write(self._file, _BLOCK.pack(_MARK, *numbers, _crc(*numbers)) + body)
        except OSError:
            with suppress(OSError):  # else the next build cuts it off
                self._file.truncate(start)
            raise
        self._add(start + _BLOCK.size, len(keys))

    def vectors(self, rows: Rows) -> Floats:
        """(len(rows), dimension) the vectors of these rows, which must exist; quickest where they are in order."""
        found = np.empty((len(rows), self._width), dtype=np.float32)
        blocks = np.searchsorted(self._firsts, rows, side="right") - 1
        # Runs of rows that follow each other in one block are read in one go.
        breaks = np.flatnonzero((np.diff(rows) != 1) | (np.diff(blocks) != 0)) + 1
        for start, end in zip([0, *breaks.tolist()], [*breaks.tolist(), len(rows)], strict=True):
            if start == end:
                continue
            block = int(blocks[start])
            count = self._firsts[block + 1] - self._firsts[block]
            place = self._starts[block] + KEY_BYTES * count + 4 * self._width * int(rows[start] - self._firsts[block])
            found[start:end] = self._read(place, end - start)
        return found

    def useful(self, keys: Keys) -> Rows:
        """(n,) the row here of each of these keys, -1 where there is none.

        Where most of what is here is of no use for them, that goes, unless the disk refuses to hold the rest twice.
        """
        rows = match_keys(self.keys, keys).known
        wanted = np.unique(rows[rows >= 0])
        if len(self) > (1 + MOST_USELESS) * len(wanted):
            with suppress(OSError):
                self._keep(wanted)
                rows = match_keys(self.keys, keys).known
        return rows

    # --- the file ------------------------------------------------------------------------------------------------

    def _reopened(self) -> FileIO:
        """The file that is there, ready to be appended to. Raises ValueError where it is not for this model, OSError.

        Only its keys stay in memory.
        """
        file = FileIO(self._path, "r+")
        try:
            if file.read(len(self._head)) != self._head:
                raise ValueError("another model's")
            keys, end = [self.keys], len(self._head)
            for start, count, own in self._blocks(file):
                end = start + count * self._record
                keys.append(keys_of(own))
                self._add(start, count)
            self.keys = np.concatenate(keys)
            file.truncate(end)
        except BaseException:
            file.close()
            self._starts, self._firsts = [], [0]
            raise
        return file

    def _blocks(self, file: FileIO) -> Iterator[tuple[int, int, bytes]]:
        """Where the keys of each whole block begin, how many there are, and they."""
        size, place = file.seek(0, os.SEEK_END), len(self._head)
        while place + _BLOCK.size <= size:
            file.seek(place)
            mark, count, body, own = _BLOCK.unpack(file.read(_BLOCK.size))
            start = place + _BLOCK.size
            length = count * self._record
            if mark == _MARK and own == _crc(count, body) and start + length <= size:
                content = file.read(length)
                if zlib.crc32(content) == body:
                    yield start, count, content[: KEY_BYTES * count]
                    place = start + length
                    continue
            place = _next_mark(file, place + 1, size)

    def _begun(self) -> FileIO:
        file = FileIO(self._path, "x+")
        _write(file, self._head)
        return file

    def _keep(self, rows: Rows) -> None:
        """Write the file anew with these rows of those that were there at first. Raises OSError."""
        keys = self.keys[rows]
        beside = self._path.with_name(self._path.name + _FEWER)
        beside.unlink(missing_ok=True)
        fewer = Spool(beside, self._spec)
        try:
            for start in range(0, len(rows), COPY_ROWS):
                block = slice(start, start + COPY_ROWS)
                fewer.append(keys[block], self.vectors(rows[block]))
            beside.replace(self._path)
        except BaseException:
            fewer.close()
            beside.unlink(missing_ok=True)
            raise
        self.close()
        self._file, self._starts, self._firsts, self.keys = fewer._file, fewer._starts, fewer._firsts, keys

    def _read(self, place: int, count: int) -> Floats:
        self._file.seek(place)
        size = 4 * self._width * count
        raw = self._file.read(size)
        if len(raw) != size:
            raise OSError(f"{self._path} has become shorter.")
        return np.frombuffer(raw, dtype=np.float32).reshape(count, self._width)

    def _add(self, start: int, count: int) -> None:
        self._starts.append(start)
        self._firsts.append(self._firsts[-1] + count)


def remove_spool(root: Path) -> None:
    """Remove the spool of an index folder, if there is one. Raises OSError."""
    for name in (SPOOL, SPOOL + _FEWER):
        (root / name).unlink(missing_ok=True)


def _next_mark(file: FileIO, place: int, size: int) -> int:
    """Where from ``place`` on a block may begin; ``size`` where none does."""
    while place < size:
        file.seek(place)
        found = file.read(_LOOKED_THROUGH).find(_MARK)
        if found >= 0:
            return place + found
        place += _LOOKED_THROUGH - len(_MARK) + 1  # one may lie across the end of what was read
    return size


def _write(file: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _head(spec: EmbedderSpec) -> bytes:
    what = json.dumps({**asdict(spec), "bytes": sys.byteorder, "key": KEY_BYTES}).encode("ascii")
    return _MAGIC + _HEAD.pack(len(what), zlib.crc32(what)) + what


def _crc(count: int, body: int) -> int:
    return zlib.crc32(struct.pack("<II", count, body))
