"""What a build found and did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from retrieval.manifest import Manifest
from retrieval.types import Skipped


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build found and did. Sources are in the order of their names."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    chunks: int
    sentences: int
    embedded: int
    """Distinct sentences that went through the model."""
    reused: int
    """Sentences whose vector was known: from the last index, from a build that was broken off, or from an equal
    sentence of this one."""
    seconds: float
    published: bool
    """False when the index was current, and nothing has been written."""
    resumed: int = 0
    """Distinct sentences that a build which was broken off had embedded."""


def report_of(
    before: Manifest | None,
    after: Manifest,
    skipped: Sequence[Skipped],
    started: float,
    embedded: int = 0,
    resumed: int = 0,
) -> BuildReport:
    """What a build that began at ``started`` (of perf_counter) made of the version that was there ``before``."""
    old, new = before.sources if before else {}, after.sources
    return BuildReport(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(source for source in new.keys() & old.keys() if new[source] != old[source])),
        removed=tuple(sorted(old.keys() - new.keys())),
        unchanged=tuple(sorted(source for source in new.keys() & old.keys() if new[source] == old[source])),
        skipped=tuple(skipped),
        chunks=after.chunks,
        sentences=after.sentences,
        embedded=embedded,
        reused=after.sentences - embedded,
        seconds=perf_counter() - started,
        published=before is not after,
        resumed=resumed,
    )
