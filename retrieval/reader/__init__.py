"""The reader: a small cross-encoder that reads a question beside a text: is it answered, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from retrieval.errors import ModelError
from retrieval.protocols import Reader
from retrieval.reader.card import verify


@cache
def load_reader(threads: int = 0) -> Reader:
    """The reader that comes with this package, opened once; ``threads`` 0 means one for each core, at most 2.

    Several threads may use it at once.

    Raises ModelError when its files are missing, damaged or cannot be run.
    """
    from retrieval.reader.model import OnnxReader

    with _installed() as folder:
        return OnnxReader(folder, threads=threads)


def check_reader() -> None:
    """Compare the reader's files with their checksums, opening nothing. Raises ModelError."""
    with _installed() as folder:
        verify(folder)


@contextmanager
def _installed() -> Iterator[Path]:
    try:
        with as_file(files("retrieval").joinpath("reader")) as folder:
            yield folder
    except OSError as error:
        raise ModelError(
            f"The reader's files are not installed with the program ({error.strerror}): install it again."
        ) from error
