"""What the reader says of the sentences that are the likeliest to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from retrieval.protocols import Reader
from retrieval.steps import Begun
from retrieval.types import Reading

ASIDE = 2
"""Questions read at the same time where several are searched: two readers on one core each take 1.0 ms a question,
one on both cores 1.6 (64 tokens)."""


def read_each(
    begun: Iterable[Begun], count: int, reader: Reader | None, aside: Callable[[], Reader] | None
) -> Iterator[tuple[Begun, Sequence[Reading]]]:
    """Each of the ``count`` questions with what is read of it, nothing without a reader; see Index.read_by.

    Raises ModelError.
    """
    if reader is None or count == 1 or aside is None:
        yield from ((each, _read(reader, each) if reader else ()) for each in begun)
        return
    with ThreadPoolExecutor(ASIDE, "reader") as threads:
        single = aside()
        # Read while those after it are begun.
        reading = [(each, threads.submit(_read, single, each)) for each in begun]
        yield from ((each, read.result()) for each, read in reading)


def _read(reader: Reader, begun: Begun) -> list[Reading]:
    return [reader.read(begun.question.text, text) for text in begun.ranking.texts]
