"""The files of the shipped reader and their checksums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from retrieval.errors import ModelError

CARD = "card.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"


def verify(folder: Path) -> None:
    """Compare the files with their checksums. Raises ModelError when one is damaged, OSError when one is missing."""
    try:
        expected = dict(json.loads((folder / CARD).read_text("utf-8"))["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(folder / CARD) from error
    for name in (MODEL, TOKENIZER):
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected.get(name):
            raise _damaged(folder / name)


def _damaged(path: Path) -> ModelError:
    return ModelError(f"{path} is damaged: install the program again.")
