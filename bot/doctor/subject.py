"""What is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import SourceError
from retrieval.inspection.finding import Finding

if TYPE_CHECKING:
    from bot.settings import Settings
    from retrieval.types import Document, Skipped


class Subject:
    """A bot as its settings describe it."""

    def __init__(self, settings: Settings, *, offline: bool) -> None:
        self.settings = settings
        self.offline = offline

    @property
    def models(self) -> Path:
        """Where prepared models lie."""
        from bot.library import models_folder

        return models_folder(self.settings.data_dir)

    @cached_property
    def seeds(self) -> list[Document | Skipped] | SourceError:
        """The files of the seeds folder, read once, or why they cannot be."""
        from bot.scopes import apart_by
        from retrieval.inspection.seeds import read_seeds

        chosen = self.settings.seeds
        try:
            return read_seeds(chosen.dir, chosen.exclude, self.settings.data_dir, apart_by(self.settings))
        except SourceError as error:
            return error


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at."""

    name: str
    needs: tuple[str, ...]
    """How the names of the settings begin without which it cannot be done."""
    look: Callable[[Subject], Iterable[Finding]]
    alone: Callable[[], Iterable[Finding]] | None = None
    """What can be looked at without those settings."""
