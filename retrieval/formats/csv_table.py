"""Tables as text files (CSV, TSV): a row a line, each value after the name of its column."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence

from retrieval.encoding import decode_text
from retrieval.formats.extracted import Extracted, Unreadable, Writer, one_line

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_LONGEST_VALUE = 1_000_000
"""Characters of a value; a quotation mark that nothing closes swallows the rest of the file."""
_MAX_COLUMNS = 1_000
_ENDS = (".", "!", "?", "…")


def extract(raw: bytes, max_chars: int) -> Extracted:
    """A table's rows. Raises Unreadable for what is no text, or no table."""
    text = decode_text(raw)
    csv.field_size_limit(_LONGEST_VALUE)
    writer = Writer(max_chars)
    header: list[str] | None = None
    title = ""
    try:
        for number, row in enumerate(csv.reader(text.splitlines(keepends=True), delimiter=_delimiter(text))):
            if len(row) > _MAX_COLUMNS:
                raise Unreadable(f"has more than {_MAX_COLUMNS:,} columns")
            cells = [one_line(cell) for cell in row]
            if number == 0 and _is_header(cells):
                header, title = cells, ", ".join(cells)
            elif any(cells):
                writer.line(_named(cells, header or []), "rows")
    except csv.Error as error:
        raise Unreadable("is no table that can be made sense of") from error
    return writer.finish(title)


def _delimiter(text: str) -> str:
    """That by which most of the first rows have the same number of cells, more than one; else the comma."""

    def agreement(delimiter: str) -> tuple[int, int]:
        lines = text[:_LONGEST_VALUE].splitlines(keepends=True)[:_SAMPLE_ROWS]
        try:
            counts = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        except csv.Error:
            return 0, 0
        cells, rows = counts.most_common(1)[0] if counts else (0, 0)
        return (rows, cells) if cells > 1 else (0, 0)

    best = max(_DELIMITERS, key=agreement)
    return best if agreement(best)[0] else _DELIMITERS[0]


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a first row names columns: all different, none empty, none without a letter."""
    return len(cells) > 1 and len({*cells}) == len(cells) and all(any(map(str.isalpha, cell)) for cell in cells)


def _named(cells: Sequence[str], header: Sequence[str]) -> str:
    names = [*header, *[""] * len(cells)]
    row = "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=False) if cell)
    # Else the next row, which begins with a small letter more often than not, would pass for the same sentence.
    return row if row.endswith(_ENDS) else f"{row}."
