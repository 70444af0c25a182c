"""How gateway messages travel: as text, or as one compressed stream for the whole connection."""

from __future__ import annotations

import json
import zlib
from typing import Any

from tests.standin.calls import Json

KINDS = ("", "zlib-stream", "zstd-stream")


class Plain:
    def encode(self, body: Json) -> str | bytes:
        return json.dumps(body)


class Zlib(Plain):
    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def encode(self, body: Json) -> bytes:
        return self._stream.compress(json.dumps(body).encode()) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class Zstd(Plain):
    def __init__(self) -> None:
        # An optional package: only clients that have it ask for this.
        import zstandard

        self._stream: Any = zstandard.ZstdCompressor().compressobj()
        self._flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK

    def encode(self, body: Json) -> bytes:
        return bytes(self._stream.compress(json.dumps(body).encode()) + self._stream.flush(self._flush))


def encoder(kind: str) -> Plain:
    return {"": Plain, "zlib-stream": Zlib, "zstd-stream": Zstd}[kind]()
