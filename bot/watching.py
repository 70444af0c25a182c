"""Tells of changes in a folder. The only file that knows watchfiles."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from watchfiles import watch

STEP = 100
"""Milliseconds for which changes are gathered before they are told."""
LOOK = 1000
"""Milliseconds after which, where nothing changes, a look is taken whether the folder is still the same one."""
AGAIN = 5.0
"""Seconds before a folder that is not there, or cannot be watched, is tried again."""


class FolderWatch:
    """Calls ``changed`` whenever something in a folder changes, however deep; from a thread of its own.

    It calls it once more when the watching begins, as whatever happened before then was not seen: also after the folder
    was away, or another took its place. Hidden files and all below ``without`` do not count. Why a folder cannot be
    watched is told to ``failed`` in one sentence, each time it is tried again; None when it is watched.
    """

    def __init__(
        self, folder: Path, without: Path, changed: Callable[[], None], failed: Callable[[str | None], None]
    ) -> None:
        self._folder = folder.absolute()
        self._without = _real(without)
        self._changed = changed
        self._failed = failed
        self._stop = threading.Event()
        # A daemon: a look at a network folder that hangs must not keep the bot from ending.
        self._thread = threading.Thread(target=self._run, name="seeds-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watching, and wait for that a moment."""
        self._stop.set()
        self._thread.join(AGAIN)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._watch()
            except FileNotFoundError:
                pass  # whoever looks for the documents says that there are none
            except Exception as error:  # the system's limits reach us as several kinds
                reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
                self._failed(f"{self._folder} cannot be watched ({reason}): until it can, send a SIGHUP after changes.")
            self._stop.wait(AGAIN)

    def _watch(self) -> None:
        """Until the folder at this place is another one. Raises OSError, and what watchfiles raises."""
        which, real = _identity(self._folder), _real(self._folder)
        begun = False
        for changes in watch(
            real,
            # Not its filter: what that holds back would hold up the look at the folder as well.
            watch_filter=None,
            step=STEP,
            debounce=STEP,
            rust_timeout=LOOK,
            yield_on_timeout=True,
            stop_event=self._stop,
            raise_interrupt=False,
        ):
            if not begun:
                self._failed(None)
            if not begun or any(self._counts(real, path) for _, path in changes):
                begun = True
                self._changed()
            if _identity(self._folder, missing_ok=True) != which:
                self._changed()
                return

    def _counts(self, root: Path, path: str) -> bool:
        changed = Path(path)
        if changed == self._without or self._without in changed.parents:
            return False
        below = changed.relative_to(root) if changed.is_relative_to(root) else changed
        return not any(part.startswith(".") for part in below.parts)


def _identity(folder: Path, *, missing_ok: bool = False) -> tuple[int, int] | None:
    """What tells a folder from another in the same place, None where there is none. Raises OSError."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        if missing_ok:
            return None
        raise
    return found.st_dev, found.st_ino


def _real(folder: Path) -> Path:
    return Path(os.path.realpath(folder))
