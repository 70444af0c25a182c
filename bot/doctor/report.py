"""What was found: coloured lines in a terminal, plain ones where the output goes elsewhere, JSON for programs."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from bot.markup import clean, dump_json
from retrieval.inspection.finding import Finding, Status, count

if TYPE_CHECKING:
    from rich.console import Console

_COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.WRONG: "bold red"}
_STATUS, _CHECK = 9, 10
"""Columns."""


def print_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print the findings on stdout, with a summary."""
    if as_json:
        text = dump_json(_fields(findings), sys.stdout.encoding) + "\n"
    elif sys.stdout.isatty():
        text = _coloured(findings)
    else:
        text = _plain(findings)
    sys.stdout.write(text)
    sys.stdout.flush()


def worst(findings: Sequence[Finding]) -> Status:
    """The worst status there is; ok where nothing was looked at."""
    order = list(Status)
    return max((finding.status for finding in findings), key=order.index, default=Status.OK)


def _fields(findings: Sequence[Finding]) -> dict[str, object]:
    return {"status": worst(findings), "checks": [asdict(finding) for finding in findings]}


def _plain(findings: Sequence[Finding]) -> str:
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:<{_STATUS}}{finding.check:<{_CHECK}}{clean(finding.detail)}")
        if finding.remedy:
            lines.append(f"{'':<{_STATUS + _CHECK}}-> {clean(finding.remedy)}")
    return "\n".join([*lines, "", summary(findings), ""])


def _coloured(findings: Sequence[Finding]) -> str:
    try:
        from bot.terminal import drawn

        return drawn(lambda console: _draw(console, findings))
    except ImportError:  # rich is what is missing, and that has to be told
        return _plain(findings)


def _draw(console: Console, findings: Sequence[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        grid.add_column(overflow="fold")
    for finding in findings:
        # Text objects, never markup strings: brackets in a file's name are not style tags.
        told = Text(clean(finding.detail))
        if finding.remedy:
            told.append(f"\n-> {clean(finding.remedy)}", style=_COLOURS[finding.status])
        grid.add_row(Text(finding.status, style=_COLOURS[finding.status]), Text(finding.check, style="bold"), told)
    console.print(grid)
    console.print(Text(f"\n{summary(findings)}", style=_COLOURS[worst(findings)]))


def summary(findings: Sequence[Finding]) -> str:
    """One sentence."""
    counts = Counter(finding.status for finding in findings)
    wrong = f"{counts[Status.WRONG]} wrong" if counts[Status.WRONG] else "nothing wrong"
    return f"{counts[Status.OK]} ok, {count(counts[Status.WARNING], 'warning')}, {wrong}."
