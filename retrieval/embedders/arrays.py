"""What every embedder does to its input and output."""

from __future__ import annotations

import numpy as np

from retrieval.errors import ModelError
from retrieval.protocols import Floats

_NO_LENGTH = np.float32(1e-12)
"""Shorter vectors have no direction; the bound torch.nn.functional.normalize uses."""


def encodable(text: str) -> str:
    """The text with lone surrogates replaced by ``?``: tokenizers take UTF-8 only."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def unit_rows(vectors: Floats, model: str) -> Floats:
    """The rows scaled to unit length, float32 and C-contiguous; rows of no length become the first axis.

    Raises ModelError, naming ``model``, for values that are not finite.
    """
    if not np.isfinite(vectors).all():
        raise ModelError(f"The model {model} produced a vector that is not finite: its weights are damaged.")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: Floats = np.divide(vectors, lengths, out=np.zeros(vectors.shape, np.float32), where=lengths > _NO_LENGTH)
    units[lengths[:, 0] <= _NO_LENGTH, 0] = 1
    return units
