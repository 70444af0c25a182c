"""The shipped reader, run by onnxruntime. How it was made: tests/bench/reader/README.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from retrieval.embedders.arrays import encodable
from retrieval.errors import ModelError
from retrieval.reader.card import MODEL, TOKENIZER, verify
from retrieval.session import first_line, open_session
from retrieval.types import Reading, Span

QUESTION_TOKENS = 48
TEXT_TOKENS = 128
"""What is read of a question and of a text at most."""
SPAN_TOKENS = 24
"""Longest answer that is marked."""
_START, _END = 0, 2
"""Rows of the vocabulary: before the question, and after question and text."""


class OnnxReader:
    """A Reader over the files of one folder."""

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        """Raises ModelError when a file is damaged or cannot be read, OSError when one is missing."""
        verify(folder)
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            self._session: Any = open_session(folder / MODEL, threads)
        except Exception as error:  # both libraries raise bare Exception, and kinds of it that they do not export
            raise ModelError(f"The reader in {folder} cannot be loaded ({first_line(error)}).") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def read(self, question: str, text: str) -> Reading:
        """See Reader."""
        asked, encoding = self._encode(question), self._encode(text)
        start = [_START, *asked.ids[:QUESTION_TOKENS], _END]
        tokens = [*start, *encoding.ids[:TEXT_TOKENS], _END]
        ids = np.array([tokens], dtype=np.int64)
        types = np.zeros_like(ids)
        types[0, len(start) :] = 1
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
        try:
            logits, bounds = self._session.run(None, feed)
        except Exception as error:
            raise ModelError(f"The reader failed on a text ({first_line(error)}).") from error
        return _reading(float(logits[0]), bounds[0, len(start) : -1], encoding, text)

    def _encode(self, text: str) -> Encoding:
        try:
            # Two calls for one text each: a batch of two is handed to threads, which takes longer than the work.
            return self._tokenizer.encode(encodable(text), add_special_tokens=False)
        except Exception as error:
            raise ModelError(f"The reader cannot split a text into tokens ({first_line(error)}).") from error


def _reading(logit: float, bounds: NDArray[np.float32], encoding: Encoding, text: str) -> Reading:
    if not len(bounds):
        return Reading(logit, None)
    first, last = _best_pair(bounds)
    offsets = encoding.offsets
    return Reading(logit, _words_around(text, offsets[first][0], offsets[last][1]))


def _best_pair(bounds: NDArray[np.float32]) -> tuple[int, int]:
    """The likeliest first and last token of an answer; ``bounds`` (t, 2) holds the logits of either."""
    both = bounds[:, 0][:, None] + bounds[:, 1][None, :]
    rows = np.arange(len(bounds))
    distance = rows[None, :] - rows[:, None]
    both[(distance < 0) | (distance >= SPAN_TOKENS)] = -np.inf
    first, last = divmod(int(both.argmax()), len(bounds))
    return first, last


def _words_around(text: str, start: int, end: int) -> Span | None:
    """The whole words that ``start`` and ``end`` stand in, without blanks around them."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start == end:
        return None
    while start > 0 and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end
