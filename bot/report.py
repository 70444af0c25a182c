"""What a build did: a table for people, one JSON object for programs."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from bot.markup import clean, dump_json
from bot.terminal import drawn
from retrieval.outcome import BuildReport

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def print_report(report: BuildReport, where: str, *, as_json: bool) -> None:
    """Print the report on stdout; ``where`` names the folder of the documents."""
    text = dump_json(asdict(report), sys.stdout.encoding) + "\n" if as_json else _table_text(report, where)
    sys.stdout.write(text)
    sys.stdout.flush()


def _table_text(report: BuildReport, where: str) -> str:
    def draw(console: Console) -> None:
        if report.added or report.changed or report.removed or report.skipped:
            console.print(_table(report))
        console.print(_totals(report, where), soft_wrap=True, markup=False)

    return drawn(draw)


def _table(report: BuildReport) -> Table:
    from rich.table import Table
    from rich.text import Text

    rows = [
        *((source, "added", "") for source in report.added),
        *((source, "changed", "") for source in report.changed),
        *((source, "removed", "") for source in report.removed),
        *((skipped.source, "skipped", skipped.reason) for skipped in report.skipped),
    ]
    table = Table("File", "What", "Why")
    for column in table.columns:
        column.overflow = "fold"
    for row in sorted(rows):
        # Text objects, never markup strings: brackets in a file's name are not style tags.
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table


def _totals(report: BuildReport, where: str) -> str:
    counts = {
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "skipped": report.skipped,
    }
    listed = ", ".join(f"{len(sources)} {name}" for name, sources in counts.items())
    state = "The index is new" if report.published else "The index was up to date"
    resumed = f"Of those reused, {report.resumed} had been embedded by a build that was broken off."
    return (
        f"{clean(where)}: {listed}.\n"
        f"{state}: {report.chunks} passages with {report.sentences} sentences, {report.embedded} embedded, "
        f"{report.reused} reused, in {report.seconds:.2f} s." + (f"\n{resumed}" if report.resumed else "")
    )
