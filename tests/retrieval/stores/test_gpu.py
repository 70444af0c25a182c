"""The way to a GPU, up to FAISS's own functions for it: those are played by the processor here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from retrieval.errors import DeviceError
from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats
from retrieval.stores import build_store, gpu, open_store, served_from, store_for
from retrieval.stores.exact import ExactStore
from retrieval.stores.gpu import GpuStore

COUNT, DIMENSION = 3000, 16


def units(count: int, seed: int) -> Floats:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


VECTORS, QUERIES = units(COUNT, 0), units(40, 1)


class Options:
    useFloat16 = False


class StandIn:
    """A GPU in the processor: half precision for whole vectors, no 4-bit codes, as many bytes as it is given."""

    def __init__(self) -> None:
        self.room = 1 << 30
        self.cloned: list[str] = []
        self.widest = 0

    def clone(self, _resources: object, device: int, index: Any, options: Options) -> Any:
        assert device == 0
        assert options.useFloat16
        kind = type(faiss.downcast_index(index)).__name__
        if "FastScan" in kind or "HNSW" in kind:
            raise RuntimeError("Error in to_gpu at GpuCloner.cpp:1: This index type is not implemented on GPU.")
        if 2 * index.ntotal * index.d > self.room:
            raise RuntimeError("Error in alloc at GpuResources.cpp:1: CUDA memory allocation error: out of memory")
        self.cloned.append(kind)
        if kind == "IndexFlatIP":
            half = faiss.IndexScalarQuantizer(index.d, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
            half.add(faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d))
            return Watched(self, half)
        return Watched(self, faiss.deserialize_index(faiss.serialize_index(index)))


class Watched:
    def __init__(self, card: StandIn, index: Any) -> None:
        self.card, self.inner = card, index
        self.ntotal, self.d = index.ntotal, index.d
        self.probes = 0

    def search(self, queries: Floats, width: int) -> tuple[Floats, Any]:
        assert width <= gpu.WIDEST
        self.card.widest = max(self.card.widest, width)
        found: tuple[Floats, Any] = self.inner.search(queries, width)
        return found


class Parameters:
    def set_index_parameter(self, index: Watched, name: str, value: int) -> None:
        index.probes = value
        faiss.ParameterSpace().set_index_parameter(index.inner, name, value)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    card = StandIn()
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    for name, value in {
        "GpuClonerOptions": Options,
        "StandardGpuResources": object,
        "index_cpu_to_gpu": card.clone,
        "GpuParameterSpace": Parameters,
    }.items():
        monkeypatch.setattr(faiss, name, value, raising=False)
    return card


def silent(message: str) -> None:
    raise AssertionError(message)


@pytest.mark.parametrize("asked", ["Flat", "PQ8x4fs", "IVF16,PQ8x4fs", "HNSW8"])
def test_what_faiss_has_no_gpu_index_for_is_scanned_in_half_precision_and_compared_exactly(
    asked: str, card: StandIn
) -> None:
    base = store_for(VECTORS, VectorSearch(asked=asked), queries=lambda: QUERIES)
    made = served_from("cuda", base, silent)
    assert isinstance(made, GpuStore)
    assert card.cloned == ["IndexFlatIP"]
    scores, rows = made.search(QUERIES, 10)
    wanted, nearest = ExactStore.build(VECTORS).search(QUERIES, 10)
    assert np.array_equal(rows, nearest)
    np.testing.assert_allclose(scores, wanted, atol=1e-6)
    assert made.how.type == "Flat"


def test_lists_of_whole_vectors_are_cloned_with_their_probes_and_their_order(card: StandIn) -> None:
    how = VectorSearch(asked="IVF16,Flat")
    first = store_for(VECTORS, how, queries=lambda: QUERIES)
    kept = np.r_[100:COUNT]
    moved = np.where(np.arange(COUNT) >= 100, np.arange(COUNT) - 100, -1)
    base = store_for(VECTORS[kept], how, last=first, moved=lambda: moved)
    made = served_from("cuda", base, silent)
    assert isinstance(made, GpuStore)
    assert card.cloned == ["IndexIVFFlat"]
    for k in (10, 200):
        assert np.array_equal(made.search(QUERIES, k)[1], base.search(QUERIES, k)[1])
        assert made.index.probes == base.how.probes[k > 10] > 0


def test_few_allowed_rows_many_places_and_more_than_a_gpu_finds_are_right_too(
    card: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.stores.approximate.EXACT_UP_TO", 50)
    made = served_from("cuda", build_store(VECTORS), silent)
    exact = ExactStore.build(VECTORS)
    random = np.random.default_rng(3)
    for share in (0.01, 0.1, 0.5):
        allowed = random.random(COUNT) < share
        for k in (1, 10, 200):
            assert np.array_equal(made.search(QUERIES, k, allowed)[1], exact.search(QUERIES, k, allowed)[1])
    assert np.array_equal(made.search(QUERIES, 2500)[1], exact.search(QUERIES, 2500)[1])
    assert card.widest <= gpu.WIDEST


def test_what_is_saved_is_the_store_of_the_processor(card: StandIn, tmp_path: Path) -> None:
    base = store_for(VECTORS, VectorSearch(asked="PQ8x4fs"), queries=lambda: QUERIES)
    served_from("cuda", base, silent).save(tmp_path / "vectors.faiss")
    assert open_store(tmp_path / "vectors.faiss").how == base.how


def test_a_gpu_that_is_too_small_is_told_of_and_the_processor_searches(card: StandIn) -> None:
    card.room = 1000
    base = build_store(units(gpu.EXACT_UP_TO + 1, 2))
    told: list[str] = []
    assert served_from("auto", base, told.append) is base
    (sentence,) = told
    assert sentence.startswith("The GPU cannot take the 10001 vectors (0.0 GB; out of memory)")
    with pytest.raises(DeviceError, match="cannot take"):
        served_from("cuda", base, silent)


def test_auto_leaves_few_vectors_to_the_processor_and_says_nothing(
    card: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = build_store(VECTORS)
    assert served_from("auto", base, silent) is base
    many = build_store(units(gpu.EXACT_UP_TO + 1, 2))
    assert isinstance(served_from("auto", many, silent), GpuStore)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 0)
    assert served_from("auto", many, silent) is many


def test_cuda_without_one_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    base = build_store(VECTORS)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 0)
    with pytest.raises(DeviceError, match="needs FAISS for GPUs in place of that for CPUs"):
        served_from("cuda", base, silent)
    monkeypatch.setattr(faiss, "get_compile_options", lambda: "OPTIMIZE DD AVX2 GPU ")
    with pytest.raises(DeviceError, match="finds no NVIDIA GPU"):
        served_from("cuda", base, silent)
    monkeypatch.setattr("retrieval.distributions.distribution", lambda _name: object())
    with pytest.raises(DeviceError, match="are both installed and overwrite each other's files"):
        served_from("cuda", base, silent)
