"""The one-writer lock of an index folder: an flock, which the kernel releases when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.errors import IndexLocked, RetrievalError

LOCK = ".lock"
HOLDER = ".lock.pid"
"""Process id of the holder, for messages only. A killed holder leaves it behind; the next one overwrites it."""

BRIEF = " clears up"
"""Follows the process id of a holder that does not build."""
GLANCE = 0.2
"""Seconds within which a holder has said who it is, and most that clear up are done."""
PATIENCE = 60.0
"""Seconds for which one that clears up is waited for; deleting in Milvus takes some."""

Notify = Callable[[str], None]
"""Takes one sentence for the user."""


def silent(_sentence: str) -> None:
    """The Notify of callers who have nobody to tell."""


def unwritable(root: Path, error: OSError) -> RetrievalError:
    """The sentence for a write that the system refused: disk full, permission denied, read-only."""
    why = error.strerror or type(error).__name__
    return RetrievalError(
        f"The index in {root} could not be written ({why}): make room or allow writing there, or use another folder."
    )


@contextmanager
def writing(root: Path, *, blocking: bool = False, brief: bool = False, notify: Notify = silent) -> Iterator[None]:
    """Hold the write lock of the index folder ``root``, which is made if it is not there.

    ``blocking`` waits for another writer, after telling ``notify`` once. One that is ``brief``, as it clears up and
    does not build, is waited for in any case, and waits for nobody. Raises IndexLocked when another process holds the
    lock and ``blocking`` is False, RetrievalError when the folder cannot be written.
    """
    lock = FileLock(root / LOCK)
    try:
        root.mkdir(parents=True, exist_ok=True)
        try:
            _acquire(lock, root, brief=brief)
        except Timeout:
            if not blocking:
                raise IndexLocked(f"{_held(root)}: wait until it has finished, then try again.") from None
            notify(f"{_held(root)}: waiting until it has finished.")
            lock.acquire()
    except OSError as error:  # Timeout is one too, so the clause above must come first
        raise unwritable(root, error) from error
    try:
        # Without it the lock holds just the same; only the message of a second writer is poorer.
        with suppress(OSError):
            (root / HOLDER).write_text(f"{os.getpid()}{BRIEF if brief else ''}", encoding="ascii")
        yield
    finally:
        with suppress(OSError):
            (root / HOLDER).unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, root: Path, *, brief: bool) -> None:
    """Raises Timeout when another process builds."""
    if brief:
        lock.acquire(blocking=False)
        return
    try:
        lock.acquire(timeout=GLANCE, poll_interval=GLANCE / 10)
    except Timeout:
        if not _is_brief(root):
            raise
        lock.acquire(timeout=PATIENCE)


def _is_brief(root: Path) -> bool:
    try:
        return (root / HOLDER).read_text(encoding="ascii").endswith(BRIEF)
    except (OSError, ValueError):
        return False


def _held(root: Path) -> str:
    try:
        pid = int((root / HOLDER).read_text(encoding="ascii").removesuffix(BRIEF))
    except (OSError, ValueError):
        return f"Another process is writing the index in {root}"
    return f"Process {pid} is writing the index in {root}"
