"""Many documents embedded on a GPU by torch, a few of them and all questions by onnxruntime on the CPU.

One question takes two milliseconds on a CPU, which no way to a GPU and back beats; torch alone takes seconds to load.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from retrieval.errors import DeviceError, ModelError
from retrieval.lock import Notify
from retrieval.manifest import EmbedderSpec
from retrieval.protocols import Embedder, Floats

PATIENCE = 2048
"""Texts embedded on the CPU before it is worth loading torch: some 7 s of them, measured on 2 cores."""


class AcceleratedEmbedder:
    """An Embedder that hands its documents to another one of the same model once they are many."""

    def __init__(
        self, inner: Embedder, on_gpu: Callable[[], Embedder], *, forced: bool, notify: Notify, patience: int = PATIENCE
    ) -> None:
        """``on_gpu`` loads the other one, at most once. Where it cannot, ``forced`` raises DeviceError when embedding;
        else ``notify`` is told, and ``inner`` does all."""
        self._inner = inner
        self._load = on_gpu
        self._forced = forced
        self._notify = notify
        self._patience = patience
        self._gpu: Embedder | None = None
        self._seen = 0
        self._given_up = False

    @property
    def spec(self) -> EmbedderSpec:
        return self._inner.spec

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        self._seen += len(texts)
        if self._seen > self._patience and self._gpu is None and not self._given_up:
            self._gpu = self._loaded()
        return (self._gpu or self._inner).embed_documents(texts)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self._inner.embed_queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._inner.count_tokens(texts)

    def _loaded(self) -> Embedder | None:
        try:
            loaded = self._load()
            if _space(loaded.spec) != _space(self.spec):
                raise ModelError(f"The model {self.spec.model} is another one for PyTorch than its export.")
        except ModelError as error:
            if self._forced:
                raise DeviceError(f"EMBEDDING_DEVICE=cuda: {error}") from error
            self._given_up = True
            self._notify(f"The documents are embedded on the CPU: {error}")
            return None
        return loaded


def has_gpu() -> bool:
    """Whether the driver of an NVIDIA GPU is there and knows one, found out without loading torch."""
    # CUDA Driver API, 6.2 Initialization and 6.4 Device Management: 0 means success.
    with suppress(OSError, AttributeError):
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return not driver.cuInit(0) and not driver.cuDeviceGetCount(ctypes.byref(count)) and count.value > 0
    return False


def _space(spec: EmbedderSpec) -> EmbedderSpec:
    """What must be equal for vectors to be comparable."""
    return replace(spec, model="", max_tokens=0)
