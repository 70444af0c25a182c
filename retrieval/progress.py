"""How far a build is, for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["read", "split", "embed", "write"]
"""Files are read, documents made into passages, sentences embedded, the index written; in this order."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a stage is, and what has been found up to now."""

    stage: Stage
    done: int
    """Files that were looked at, documents that were split, sentences that were embedded; of "write" 0 or 1."""
    total: int
    """Of the same, 0 where unknown. Of sentences only those that have to be embedded."""
    files: int = 0
    """Documents of the index, 0 where they are still being read."""
    passages: int = 0
    sentences: int = 0
    """All of the index, those that need not be embedded too."""


Progress = Callable[[Step], None]
"""Is told each step; called often, so it must be quick."""


def unwatched(_step: Step) -> None:
    """The Progress of callers whom nobody watches."""
