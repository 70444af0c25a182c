"""The folder of the documents."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path

from retrieval.build import index_folder
from retrieval.documents import read_documents
from retrieval.errors import SourceError
from retrieval.inspection.finding import Finding, Status, count, ok, told, warning, wrong
from retrieval.reuse import known_documents, known_refusals
from retrieval.types import Document, Skipped

SEEDS = "seeds"
NAMED = 5
"""Files that are named at most."""
_EXCLUDED = "is excluded by"
"""How the reason begins where a file is left out on purpose."""


def read_seeds(
    folder: Path, exclude: Sequence[str], data_dir: Path, apart: Callable[[str], Hashable] | None = None
) -> list[Document | Skipped]:
    """Every file, as a build would read it; ``apart`` as for read_documents. Raises SourceError."""
    root = index_folder(data_dir)
    return list(read_documents(folder, exclude, {**known_refusals(root), **known_documents(root)}, apart=apart))


def inspect_seeds(folder: Path, found: Sequence[Document | Skipped] | SourceError) -> Iterator[Finding]:
    """How many documents there are, and what is left out why; ``found`` by read_seeds, or the error it raised."""
    if isinstance(found, SourceError):
        yield told(SEEDS, Status.WRONG, found)
        return
    skipped = [entry for entry in found if isinstance(entry, Skipped)]
    read = len(found) - len(skipped)
    chosen = [entry for entry in skipped if entry.reason.startswith(_EXCLUDED)]
    excluded = f", {count(len(chosen), 'file')} excluded by SEEDS_EXCLUDE" if chosen else ""
    if read:
        yield ok(SEEDS, f"{folder}: {count(read, 'document')}{excluded}.")
    else:
        yield wrong(
            SEEDS, f"{folder} holds no document that can be read{excluded}.", "Put documents there that can be read."
        )
    unread = [entry for entry in skipped if not entry.reason.startswith(_EXCLUDED)]
    if unread:
        named = [f'"{entry.source}" {entry.reason}' for entry in unread[:NAMED]]
        more = f"; and {len(unread) - NAMED} more" if len(unread) > NAMED else ""
        yield warning(
            SEEDS,
            f"{count(len(unread), 'file')} skipped: {'; '.join(named)}{more}.",
            "Save what shall be answered from in a format that is read, and name the rest in SEEDS_EXCLUDE.",
        )
