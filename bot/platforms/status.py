"""What goes on before the first answer: notes, and progress of what takes long. All on stderr.

On a terminal progress is one line that is drawn over and taken down at the end; elsewhere, in a container's log, a line
now and then. Short work is told of as little as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from bot.markup import clean
from bot.messages import Messages, messages_in
from bot.platforms.gauge import Pace, fitted, pace_words

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

SHOWN_AT_ONCE = "embed"
"""The stage of a build that takes long enough to watch wherever there is anything to do."""
PATIENCE = 1.0
"""Seconds that another stage may take before it is shown."""
REDRAW = 0.2
"""Seconds between two looks at the same stage."""
TELL = 30.0
"""Seconds between two lines at least where stderr is no terminal, ..."""
SHARE = 0.1
"""... and the share of the stage, ..."""
SILENCE = 300.0
"""... unless nothing has been said for so long."""


class Step(Protocol):
    """How far a build is; retrieval.progress says what these are."""

    @property
    def stage(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def files(self) -> int: ...
    @property
    def passages(self) -> int: ...


class Status:
    """Notes and progress on stderr. ``label`` stands before the bar, or alone where stderr is no terminal."""

    def __init__(self, label: str, words: Messages | None = None, *, clock: Callable[[], float] = monotonic) -> None:
        self._label = label
        self._words = words or messages_in("en")
        self._clock = clock
        self._bar: tuple[Progress, TaskID] | None = None
        self._announced = False
        self._stage = ""
        self._pace = Pace(clock)
        self._began = self._looked = clock()
        self._told = (self._began, 0.0)
        """When the last line was said, and what share of the stage was done then."""

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

    def progress(self, step: Step) -> None:
        """Show how far a stage is; nothing is shown for stages that are over at once or have nothing to do."""
        now = self._clock()
        if step.stage != self._stage:
            self._stage, self._pace, self._began = step.stage, Pace(self._clock), now
            self._told = (self._told[0], 0.0)
        elif step.done < step.total and now - self._looked < REDRAW:
            return
        self._looked = now
        self._pace.tell(step.done)
        if not step.total:
            return
        if sys.stderr.isatty():
            self._draw(step)
        else:
            self._tell(step)

    # --- without a terminal --------------------------------------------------------------------------------------

    def _tell(self, step: Step) -> None:
        if step.stage == SHOWN_AT_ONCE and not self._announced:
            self._announced = True
            self.note(f"{self._label} ...")
        now, share = self._clock(), step.done / step.total
        (last, before), over = self._told, step.done >= step.total
        if over or now - last < TELL or (share - before < SHARE and now - last < SILENCE):
            return
        self._told = (now, share)
        # It ends as all lines about progress do: whoever reads them for something else can tell.
        self.note(f"{self._label}: {', '.join([self._named(step), *self._parts(step)])} ...")

    # --- on a terminal -------------------------------------------------------------------------------------------

    def _draw(self, step: Step) -> None:
        over, brief = step.done >= step.total, self._clock() - self._began < PATIENCE
        if step.stage == "write" or (over and not brief and step.stage == SHOWN_AT_ONCE):
            # Training and writing follow: they have no steps, but take a while where embedding took one.
            if self._bar is not None and not (over and step.stage == "write"):
                self._line(self._words.stage_write, step, None)
                return
        elif step.stage == SHOWN_AT_ONCE or (not over and (self._bar is not None or not brief)):
            self._line(self._named(step), step, step.total)
        if over:
            self._stop()

    def _line(self, stage: str, step: Step, total: int | None) -> None:
        if self._bar is None:
            self._bar = _start()
        progress, task = self._bar
        parts = self._parts(step) if total else [self._found(step)]
        heads = (f"{self._label}: {stage}", stage)
        head, width, tail = fitted(progress.console.width, heads, parts)
        progress.columns = _columns(width)
        progress.update(task, description=head, completed=step.done, total=total, tail=tail)
        progress.refresh()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None

    # --- in words ------------------------------------------------------------------------------------------------

    def _named(self, step: Step) -> str:
        words = self._words
        named = {"read": words.stage_read, "split": words.stage_split, "embed": words.stage_embed}
        return named.get(step.stage, words.stage_write)

    def _parts(self, step: Step) -> list[str]:
        """What there is to say of a step, the most important first."""
        words = self._words
        counted = words.sentences_of if step.stage == "embed" else words.files_of
        parts = [counted.format(done=step.done, total=step.total), *pace_words(self._pace, step.total, words)]
        if step.stage == "embed":
            parts.append(self._found(step))
        elif step.passages:
            parts.append(words.passages.format(count=step.passages))
        return parts

    def _found(self, step: Step) -> str:
        return self._words.found.format(files=step.files, passages=step.passages)


def _start() -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import Progress

    progress = Progress(*_columns(0), console=Console(file=sys.stderr), transient=True)
    progress.start()
    return progress, progress.add_task("", total=None, tail="")


def _columns(width: int) -> tuple[ProgressColumn, ...]:
    """Head, a bar of ``width`` columns if that is any, and tail."""
    from rich.progress import BarColumn, TextColumn

    head, tail = (TextColumn(f"{{task.{name}}}", markup=False) for name in ("description", "fields[tail]"))
    return (head, BarColumn(width), tail) if width else (head, tail)
