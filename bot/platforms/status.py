"""What goes on before the first answer: notes, and a progress bar where a person watches. All on stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bot.markup import clean

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

STAGE = "embed"
"""The one stage of a build that takes long enough to watch."""


class Status:
    """Notes and progress on stderr. ``label`` stands before the bar, or alone where stderr is no terminal."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: tuple[Progress, TaskID] | None = None
        self._announced = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def note(self, sentence: str) -> None:
        """Say one sentence."""
        self._stop()
        print(clean(sentence), file=sys.stderr, flush=True)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is; nothing is shown for stages that are over at once or have nothing to do."""
        if stage != STAGE or not total:
            return
        if not sys.stderr.isatty():
            if not self._announced:
                self._announced = True
                self.note(f"{self._label} ...")
            return
        if self._bar is None:
            self._bar = _start(self._label)
        progress, task = self._bar
        progress.update(task, completed=done, total=total)
        if done >= total:
            self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None


def _start(label: str) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
    progress.start()
    return progress, progress.add_task(label, total=None)
