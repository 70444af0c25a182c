"""Many documents go to the GPU's embedder, few documents and questions never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from retrieval.embedders import accelerated, load_embedder
from retrieval.embedders.accelerated import AcceleratedEmbedder
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.errors import DeviceError, ModelError
from retrieval.manifest import EmbedderSpec
from retrieval.protocols import Embedder, Floats


class Counting(HashingEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.texts = 0

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        self.texts += len(texts)
        return super().embed_documents(texts)


class Other(Counting):
    @property
    def spec(self) -> EmbedderSpec:
        return replace(super().spec, revision="another")


def made(gpu: Embedder | ModelError, told: list[str], *, forced: bool) -> tuple[AcceleratedEmbedder, Counting]:
    inner = Counting()

    def load() -> Embedder:
        if isinstance(gpu, ModelError):
            told.append("tried")
            raise gpu
        return gpu

    return AcceleratedEmbedder(inner, load, forced=forced, notify=told.append, patience=5), inner


def test_documents_change_over_once_they_are_many_and_the_vectors_stay_the_same() -> None:
    gpu = Counting()
    embedder, inner = made(gpu, [], forced=False)
    texts = [f"sentence {place}" for place in range(9)]
    vectors = [embedder.embed_documents(texts[start : start + 3]) for start in (0, 3, 6)]
    assert (inner.texts, gpu.texts) == (3, 6)
    assert np.array_equal(np.concatenate(vectors), HashingEmbedder().embed_documents(texts))
    embedder.embed_queries(texts)
    assert embedder.count_tokens(texts) == inner.count_tokens(texts)
    assert gpu.texts == 6


@pytest.mark.parametrize("gpu", [ModelError("No GPU here."), Other()])
def test_a_gpu_that_cannot_do_it_is_tried_once_and_told_of(gpu: Embedder | ModelError) -> None:
    told: list[str] = []
    embedder, inner = made(gpu, told, forced=False)
    for _ in range(4):
        embedder.embed_documents(["a", "b", "c"])
    assert inner.texts == 12
    assert sum(sentence.startswith("The documents are embedded on the CPU: ") for sentence in told) == 1
    assert told.count("tried") <= 1


def test_where_it_is_asked_for_it_must_do_it() -> None:
    embedder, _ = made(ModelError("No GPU here."), [], forced=True)
    with pytest.raises(DeviceError, match=r"^EMBEDDING_DEVICE=cuda: No GPU here\.$"):
        embedder.embed_documents(["text"] * 6)


def test_cuda_without_a_driver_is_refused_before_anything_is_loaded(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.embedders.has_gpu", lambda: False)
    with pytest.raises(DeviceError, match="no NVIDIA GPU answers"):
        load_embedder("all-MiniLM-L6-v2", tmp_path / "models", device="cuda")  # type: ignore[operator]


class Driver:
    """As much of the CUDA driver as is asked."""

    def __init__(self, started: int, devices: int) -> None:
        self.started, self.devices = started, devices

    def cuInit(self, _flags: int) -> int:
        return self.started

    def cuDeviceGetCount(self, pointer: object) -> int:
        pointer._obj.value = self.devices  # type: ignore[attr-defined]
        return 0


@pytest.mark.parametrize(("started", "devices", "there"), [(0, 1, True), (0, 0, False), (100, 1, False)])
def test_the_driver_tells_whether_there_is_a_gpu(
    started: int, devices: int, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accelerated.ctypes, "CDLL", lambda _name: Driver(started, devices))
    assert accelerated.has_gpu() is there


def test_no_driver_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> object:
        raise OSError("libcuda.so.1: cannot open shared object file")

    monkeypatch.setattr(accelerated.ctypes, "CDLL", missing)
    assert not accelerated.has_gpu()
