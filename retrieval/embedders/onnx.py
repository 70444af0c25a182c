"""The hot path: an exported model run by onnxruntime. Neither torch nor transformers is imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from retrieval.embedders.arrays import encodable, unit_rows
from retrieval.embedders.bundle import TOKENIZER, Bundle, verify_checksums
from retrieval.errors import ModelError
from retrieval.protocols import Floats
from retrieval.session import first_line, open_session
from retrieval.types import EmbedderSpec

_BATCH = 8
"""Texts of similar length run together. Measured on sentences, one thread, texts a second for 1, 4, 8, 16, 32 together:
170, 270, 300, 300, 285."""
_BATCH_TOKENS = 512
"""Tokens run together, padding included. onnxruntime keeps for good what the largest run needed: 25 MB with 512, 90 MB
with 2048, and long texts are no faster for it (18.5 and 17 of 256 tokens a second)."""
_WINDOW = 1024
"""Texts whose tokens are held in memory at once."""


class OnnxEmbedder:
    """An Embedder over the files of one bundle, loaded whole: the folder may go once it is open."""

    def __init__(self, model: str, folder: Path, bundle: Bundle, *, threads: int = 0) -> None:
        """``model`` names it in messages and the spec; ``threads`` 0 means one for each core, at most 2.

        Raises ModelError when onnxruntime or tokenizers cannot read the files.
        """
        self._folder = folder
        self._bundle = bundle
        self._spec = bundle.spec(model)
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            self._session: Any = open_session(folder / bundle.graph, threads)
        except Exception as error:  # both libraries raise bare Exception, and kinds of it that they do not export
            raise ModelError(f"The prepared model in {folder} cannot be loaded ({first_line(error)}).") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    @property
    def spec(self) -> EmbedderSpec:
        return self._spec

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        return self._embed(texts, self._spec.document_prompt)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self._embed(texts, self._spec.query_prompt)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        counts: list[int] = []
        for start in range(0, len(texts), _WINDOW):
            encodings = self._encode(texts[start : start + _WINDOW], self._spec.document_prompt)
            counts += [len(encoding) for encoding in encodings]
        return counts

    def verify(self) -> None:
        """Compare the files with their checksums, which opening does not. Raises ModelError."""
        verify_checksums(self._folder, self._bundle)

    def _embed(self, texts: Sequence[str], prompt: str) -> Floats:
        vectors = np.zeros((len(texts), self._spec.dimension), dtype=np.float32)
        for start in range(0, len(texts), _WINDOW):
            window = slice(start, start + _WINDOW)
            vectors[window] = self._embed_window(texts[window], prompt)
        return unit_rows(vectors, self._spec.model)

    def _embed_window(self, texts: Sequence[str], prompt: str) -> Floats:
        vectors = np.zeros((len(texts), self._spec.dimension), dtype=np.float32)
        encodings = self._encode(texts, prompt, cut=True)
        for places in _batches([len(encoding) for encoding in encodings]):
            vectors[places] = self._run([encodings[place] for place in places])
        return vectors

    def _encode(self, texts: Sequence[str], prompt: str, *, cut: bool = False) -> list[Encoding]:
        if cut:
            self._tokenizer.enable_truncation(self._spec.max_tokens, direction=self._bundle.truncation_side)
        try:
            return self._tokenizer.encode_batch_fast([prompt + encodable(text) for text in texts])
        except Exception as error:
            raise ModelError(
                f"The model {self._spec.model} cannot split a text into tokens ({first_line(error)})."
            ) from error
        finally:
            if cut:
                self._tokenizer.no_truncation()

    def feed(self, texts: Sequence[str]) -> dict[str, NDArray[np.int64]]:
        """The graph's inputs for a few documents, each (texts, tokens)."""
        feed = self._padded(self._encode(texts, self._spec.document_prompt, cut=True))
        return {name: feed[name] for name in self._bundle.inputs}

    def _run(self, encodings: list[Encoding]) -> Floats:
        feed = self._padded(encodings)
        try:
            (vectors,) = self._session.run(None, {name: feed[name] for name in self._bundle.inputs})
        except Exception as error:
            raise ModelError(f"The model {self._spec.model} failed on a text ({first_line(error)}).") from error
        return np.asarray(vectors, dtype=np.float32)

    def _padded(self, encodings: list[Encoding]) -> dict[str, NDArray[np.int64]]:
        shape = (len(encodings), max(1, *(len(encoding) for encoding in encodings)))
        ids = np.full(shape, self._bundle.pad_id, dtype=np.int64)
        types = np.full(shape, self._bundle.pad_type_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            length = len(encoding)
            ids[row, :length], types[row, :length], mask[row, :length] = encoding.ids, encoding.type_ids, 1
        return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Places of texts of similar length, few enough for one run."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == _BATCH or lengths[place] * (len(batch) + 1) > _BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
