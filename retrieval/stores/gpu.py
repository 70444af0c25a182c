"""Search on an NVIDIA GPU: the same store, with the index that nominates in the GPU's memory.

Needs the faiss-gpu distribution, which owns the module ``faiss`` just as faiss-cpu does. Lists of whole vectors or of
8-bit codes (``IVF4096,Flat``, ``IVF4096,SQ8``, ``IVF4096,PQ48``) are cloned as they are. FAISS has no 4-bit codes and
no HNSW graphs for a GPU: there all vectors are scanned instead, in half precision, at 2 bytes a component.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Self

import faiss

from retrieval.distributions import installed_twice
from retrieval.errors import DeviceError
from retrieval.manifest import VectorSearch
from retrieval.protocols import Floats, Rows, VectorStore
from retrieval.stores.approximate import ApproximateStore
from retrieval.stores.faiss_store import FaissStore
from retrieval.stores.plan import EXACT_UP_TO, FLAT, WANTED

WIDEST = 2048
"""Places that FAISS finds on a GPU at most (getMaxKSelection in faiss/gpu/utils/DeviceDefs.cuh)."""
SPARE = 2
"""Vectors compared exactly for each place wanted: half precision may swap neighbours."""
_FIRST = 0
"""The GPU that is used; CUDA_VISIBLE_DEVICES chooses another."""


def on_device(store: VectorStore, device: Literal["cuda", "auto"], notify: Callable[[str], None]) -> VectorStore:
    """``store``, searched on the GPU where ``device`` asks for that.

    "auto" takes the GPU if FAISS can use one and there are enough vectors for it to be quicker, and tells ``notify``
    where they do not fit. Raises DeviceError where "cuda" cannot be had.
    """
    if not isinstance(store, ApproximateStore | FaissStore):
        return store
    if device == "auto" and (len(store) <= EXACT_UP_TO or not faiss.get_num_gpus()):
        return store
    try:
        if not faiss.get_num_gpus():
            raise DeviceError(why_none())
        return GpuStore.of(store)
    except DeviceError as error:
        if device == "cuda":
            raise
        notify(str(error))
        return store


class GpuStore(ApproximateStore):
    """What a store of the CPU holds, nominated by the GPU and compared exactly by the CPU."""

    def __init__(self, base: ApproximateStore | FaissStore, index: Any, resources: Any, how: VectorSearch) -> None:
        """``index``, on the GPU, is a clone of the base's where ``how`` is the base's, else of its vectors."""
        exact = base.exact if isinstance(base, ApproximateStore) else base
        order = base.order if isinstance(base, ApproximateStore) and how is base.how else None
        super().__init__(exact, index, order, how)
        self._base = base
        self._resources = resources
        """The GPU's memory, which the index needs as long as it lives."""

    @classmethod
    def of(cls, base: ApproximateStore | FaissStore) -> Self:
        """Copy the base's index to the GPU, or its vectors where FAISS has no such index there. Raises DeviceError."""
        library: Any = faiss  # that for CPUs lacks what is asked for here
        options = library.GpuClonerOptions()
        options.useFloat16 = True
        try:
            resources = library.StandardGpuResources()
            if isinstance(base, ApproximateStore) and faiss.try_extract_index_ivf(base.index) is not None:
                # FAISS refuses to clone what it has no counterpart for on a GPU.
                with suppress(RuntimeError):
                    return cls(
                        base, library.index_cpu_to_gpu(resources, _FIRST, base.index, options), resources, base.how
                    )
            exact = base.exact if isinstance(base, ApproximateStore) else base
            index = library.index_cpu_to_gpu(resources, _FIRST, exact.index, options)
        except (RuntimeError, MemoryError) as error:
            size = 2 * len(base) * base.dimension / 1e9
            raise DeviceError(
                f"The GPU cannot take the {len(base)} vectors ({size:.1f} GB; {str(error).rpartition(': ')[2]}): the "
                "processor searches instead."
            ) from error
        spare = (SPARE * WANTED[0], SPARE * WANTED[1])
        return cls(base, index, resources, VectorSearch(base.how.asked, base.how.target, FLAT, candidates=spare))

    def save(self, path: Path) -> None:
        self._base.save(path)

    def _candidates(self, k: int) -> int:
        return min(super()._candidates(k), max(k, WIDEST))

    def _nominates(self, width: int, k: int) -> bool:
        return width <= WIDEST

    def _in_lists(self) -> None:
        return None

    def _searched(self, queries: Floats, width: int) -> Rows:
        # All at once: FAISS lets one thread at a time use a GPU's memory.
        positions: Rows = self._index.search(queries, width)[1]
        return positions

    def _visit(self, probes: int) -> None:
        library: Any = faiss
        library.GpuParameterSpace().set_index_parameter(self._index, "nprobe", min(probes, WIDEST))


def why_none() -> str:
    """Why FAISS has no GPU to search on, and what to do."""
    if installed_twice():
        return (
            "INDEX_DEVICE=cuda, but faiss-cpu and faiss-gpu are both installed and overwrite each other's files: "
            "`pip uninstall faiss-cpu faiss-gpu`, then `pip install faiss-gpu`. The processor searches instead."
        )
    if "GPU" not in faiss.get_compile_options():
        return (
            "INDEX_DEVICE=cuda needs FAISS for GPUs in place of that for CPUs (`pip uninstall faiss-cpu`, then "
            "`pip install faiss-gpu`): the processor searches instead."
        )
    return "INDEX_DEVICE=cuda, but FAISS finds no NVIDIA GPU that it can use: the processor searches instead."
