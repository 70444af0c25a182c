"""How parent and child talk: a length in 8 bytes, big-endian, then that many bytes."""

from __future__ import annotations

import struct
from typing import IO

_LENGTH = struct.Struct(">Q")


class FrameTooLong(Exception):
    """The other side announces more bytes than are taken."""


def write_frame(stream: IO[bytes], payload: bytes) -> None:
    """Write and flush. Raises OSError where the other side is gone."""
    stream.write(_LENGTH.pack(len(payload)))
    stream.write(payload)
    stream.flush()


def read_frame(stream: IO[bytes], limit: int) -> bytes | None:
    """The next payload; None where the other side is gone, in the midst of one too. Raises FrameTooLong."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > limit:
        raise FrameTooLong
    payload = stream.read(length)
    return payload if len(payload) == length else None
