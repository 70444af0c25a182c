"""The knowledge sets: what lies in them, and where they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from retrieval.errors import SourceError
from retrieval.inspection.finding import Finding, count, ok, warning, wrong
from retrieval.sets import Sets
from retrieval.types import Document, Skipped

if TYPE_CHECKING:
    from bot.settings import Settings

SETS = "sets"


def inspect_sets(settings: Settings, found: Sequence[Document | Skipped] | SourceError) -> Iterator[Finding]:
    """How many documents each set holds, and what is in none or shown nowhere; ``found`` as for inspect_seeds."""
    if not settings.sets:
        places = [
            name for name, group in (("SLACK_SETS", settings.slack), ("DISCORD_SETS", settings.discord)) if group.sets
        ]
        for name in places:
            yield warning(
                SETS, f"{name} does nothing, as SETS defines no set.", "Name in SETS what is to be kept apart."
            )
        if not places:
            yield ok(SETS, "None: every document is shown everywhere.")
        return
    if isinstance(found, SourceError):
        return  # which is told where the documents are looked at
    from bot.scopes import missing_folders, without_documents

    sets = Sets(settings.sets)
    sources = [entry.source for entry in found if isinstance(entry, Document)]
    held = [f"{name} holds {count(len(sets.sources([name], sources)), 'document')}" for name in sorted(sets.names)]
    yield ok(SETS, f"{', '.join(held)}.")
    missing = list(missing_folders(settings))
    for sentence in missing:
        yield wrong(SETS, sentence, "Correct SETS, or make that folder: no platform is served before.")
    if not missing:
        for sentence in without_documents(settings, sources):
            yield warning(SETS, sentence, "Correct SETS, or put documents there.")
    lost = sum(not sets.of(source) for source in sources)
    if lost:
        yield warning(
            SETS,
            f"{count(lost, 'document')} in no set, and so shown nowhere but in the terminal.",
            "Write the folders in SETS as they are written on the disk, or name the documents in a set.",
        )
