"""The hot path: an exported model run by onnxruntime. Neither torch nor transformers is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from retrieval.cores import cores
from retrieval.embedders.arrays import encodable, unit_rows
from retrieval.embedders.bundle import TOKENIZER, Bundle, verify_checksums
from retrieval.errors import ModelError
from retrieval.manifest import EmbedderSpec
from retrieval.protocols import Floats
from retrieval.session import first_line, open_session

_BATCH = 8
"""Texts of similar length run together. Measured on sentences, one thread, texts a second for 1, 4, 8, 16, 32 together:
170, 270, 300, 300, 285."""
_BATCH_TOKENS = 512
"""Tokens run together, padding included. onnxruntime keeps for good what the largest run needed: 25 MB with 512, 90 MB
with 2048, and long texts are no faster for it (18.5 and 17 of 256 tokens a second)."""
_WINDOW = 1024
"""Texts whose tokens are held in memory at once."""
_MANY = 64
"""Documents from which on each core runs batches of its own instead of all sharing each batch. Measured on 1,500
sentences of 58 tokens, 2 cores, texts a second: 238 and 211; in 8-bit integers 430 and 340."""
_MANY_QUERIES = 16
"""Queries from which on they are embedded so: two batches for each of two cores."""
Feed = dict[str, NDArray[np.int64]]
"""A graph's inputs for some texts, each (texts, tokens)."""
Spread = Callable[[Callable[[Feed], Floats], list[Feed]], Iterable[Floats]]
"""As map: one after the other or on several cores, in order."""


class OnnxEmbedder:
    """An Embedder over the files of one bundle. Embedding many documents reads them again."""

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
        self._workers = threads or cores()
        self._single: Any = None
        """A session for one core: while many documents are embedded, or for good once many queries came at once."""
        self._busy = False
        """Whether they have."""

    @property
    def spec(self) -> EmbedderSpec:
        return self._spec

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        return self._spread(texts, self._spec.document_prompt, _MANY)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        self._busy = self._busy or len(texts) >= _MANY_QUERIES
        if not self._busy:
            self._single = None  # no more documents for now: what it takes is memory
        return self._spread(texts, self._spec.query_prompt, _MANY_QUERIES)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        counts: list[int] = []
        for start in range(0, len(texts), _WINDOW):
            encodings = self._encode(texts[start : start + _WINDOW], self._spec.document_prompt)
            counts += [len(encoding) for encoding in encodings]
        return counts

    def verify(self) -> None:
        """Compare the files with their checksums, which opening does not. Raises ModelError."""
        verify_checksums(self._folder, self._bundle)

    def _spread(self, texts: Sequence[str], prompt: str, many: int) -> Floats:
        """As _embed, from ``many`` texts on with batches for each core."""
        if len(texts) < many or self._workers == 1:
            return self._embed(texts, prompt, map, self._session)
        with ThreadPoolExecutor(self._workers, "embedder") as threads:
            return self._embed(texts, prompt, threads.map, self._single_core())

    def _single_core(self) -> Any:
        if self._single is None:
            try:
                self._single = open_session(self._folder / self._bundle.graph, 1)
            except Exception as error:  # as above
                raise ModelError(
                    f"The prepared model in {self._folder} cannot be loaded again ({first_line(error)})."
                ) from error
        return self._single

    def _embed(self, texts: Sequence[str], prompt: str, spread: Spread, session: Any) -> Floats:
        vectors = np.zeros((len(texts), self._spec.dimension), dtype=np.float32)
        for start in range(0, len(texts), _WINDOW):
            encodings = self._encode(texts[start : start + _WINDOW], prompt, cut=True)
            batches = list(_batches([len(encoding) for encoding in encodings]))
            # The longest first, so that no core is left with one of them at the end.
            batches.reverse()
            feeds = [self._padded([encodings[place] for place in batch]) for batch in batches]
            for batch, rows in zip(batches, spread(partial(self._run, session), feeds), strict=True):
                vectors[np.array(batch) + start] = rows
        return unit_rows(vectors, self._spec.model)

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

    def feed(self, texts: Sequence[str]) -> Feed:
        """The graph's inputs for a few documents."""
        return self._padded(self._encode(texts, self._spec.document_prompt, cut=True))

    def _run(self, session: Any, feed: Feed) -> Floats:
        try:
            (vectors,) = session.run(None, feed)
        except Exception as error:
            raise ModelError(f"The model {self._spec.model} failed on a text ({first_line(error)}).") from error
        return np.asarray(vectors, dtype=np.float32)

    def _padded(self, encodings: list[Encoding]) -> Feed:
        shape = (len(encodings), max(1, *(len(encoding) for encoding in encodings)))
        ids = np.full(shape, self._bundle.pad_id, dtype=np.int64)
        types = np.full(shape, self._bundle.pad_type_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            length = len(encoding)
            ids[row, :length], types[row, :length], mask[row, :length] = encoding.ids, encoding.type_ids, 1
        feed = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
        return {name: feed[name] for name in self._bundle.inputs}


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
