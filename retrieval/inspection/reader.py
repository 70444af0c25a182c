"""The shipped reader's files."""

from __future__ import annotations

from retrieval.errors import ModelError
from retrieval.inspection.finding import Finding, Status, ok, told
from retrieval.reader import check_reader

READER = "reader"


def inspect_reader(*, wanted: bool) -> Finding:
    """Whether the files are those that came with the program; damage matters less where they are not used."""
    try:
        check_reader()
    except ModelError as error:
        return told(READER, Status.WRONG if wanted else Status.WARNING, error)
    return ok(READER, "Its files are whole." if wanted else "Its files are whole; ANSWER_READER=false leaves it out.")
