"""The GPU: its driver, and what can use it. Torch is not imported, which takes seconds."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from retrieval.embedders import embeds_on_gpu
from retrieval.embedders.accelerated import has_gpu
from retrieval.errors import DeviceError
from retrieval.inspection.finding import Finding, Status, ok, told
from retrieval.manifest import Device, Precision

GPU = "gpu"
_CUDA = re.compile(r"^cuda\b[^=\n]*=\s*['\"]([\d.]+)['\"]", re.MULTILINE)
"""In torch/version.py, where that is a build with CUDA."""


def inspect_gpu(embedding_device: Device, precision: Precision, index_device: Device) -> Iterator[Finding]:
    """Whether there is a GPU, which libraries could use it, and whether the settings ask for one in vain."""
    there = has_gpu()
    driver = "A driver of NVIDIA's answers" if there else "No NVIDIA GPU answers, and none is needed"
    yield ok(GPU, f"{driver}; FAISS is built for {_faiss()}, torch {_torch()}.")
    try:
        embeds_on_gpu(embedding_device, precision)
    except DeviceError as error:
        yield told(GPU, Status.WRONG, error)
    if index_device == "cuda":
        import faiss

        library: Any = faiss
        if not library.get_num_gpus():
            from retrieval.stores.gpu import why_none

            # The processor searches all the same.
            yield told(GPU, Status.WARNING, why_none(), "Install what is missing, or set INDEX_DEVICE=cpu.")


def _faiss() -> str:
    import faiss

    library: Any = faiss
    return "GPUs" if "GPU" in library.get_compile_options() else "the processor"


def _torch() -> str:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return "is not installed"
    found = None
    with suppress(OSError):
        found = _CUDA.search(Path(spec.origin).with_name("version.py").read_text(encoding="utf-8"))
    return f"for CUDA {found[1]}" if found else "for the processor"
