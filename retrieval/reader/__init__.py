"""The reader: a small cross-encoder that reads a question beside a text: is it answered, and where."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files

from retrieval.errors import ModelError
from retrieval.protocols import Reader


@cache
def load_reader(threads: int = 0) -> Reader:
    """The reader that comes with this package, opened once; ``threads`` 0 means one for each core, at most 2.

    Several threads may use it at once.

    Raises ModelError when its files are missing, damaged or cannot be run.
    """
    from retrieval.reader.model import OnnxReader

    root = files("retrieval").joinpath("reader")
    try:
        with as_file(root) as folder:
            return OnnxReader(folder, threads=threads)
    except OSError as error:
        raise ModelError(f"The reader's files are not installed with the program ({error.strerror}).") from error
