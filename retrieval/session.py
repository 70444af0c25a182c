"""How this program runs models with onnxruntime: one place for threads and for what they do while they wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime

from retrieval.cores import cores

_DEFAULT_THREADS = 2
"""Measured on 2 cores, one question of 14 tokens, in one run: 1 thread 4.7 ms; 2 threads that sleep while they wait for
each other 4.0 ms, that wait busily 2.7 ms. Busy only within a run they cost no more processor time than sleeping ones,
and batches gain 7 % too. The price is a longer tail where other processes want the same cores."""
_EXACT = "1"
"""On x86 without VNNI, onnxruntime adds two products of 8-bit integers in 16 bits, which may overflow: cosines of the
default model's 8-bit form fell to .990, and in 8 of 100 sentences the reader marked other words. So it multiplies them
one by one there (.998; the reader a sixth slower). Where nothing overflows this changes nothing."""
_FATAL = 4
_LEFT_APART = ["SkipLayerNormFusion"]
"""Fusions that make a graph slower; see retrieval.embedders.export.fusions."""


def open_session(path: Path, threads: int) -> Any:
    """An onnxruntime session on the CPU; ``threads`` 0 means one for each core, at most 2.

    Raises whatever onnxruntime raises: bare Exception, and kinds of it that it does not export.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or min(_DEFAULT_THREADS, cores())
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.add_session_config_entry("session.x64quantprecision", _EXACT)
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=_LEFT_APART
    )


def first_line(error: Exception) -> str:
    """What an exception says, on one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
