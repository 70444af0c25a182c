"""Locks that many may share: who reads a file keeps others from taking it away.

An flock on the open file, which the kernel releases when its holder dies. A file system without such locks keeps
nobody away: then things are as if nobody else were there. On Windows the open file is the lock, as neither it nor the
folders above can be renamed while it is open; there nothing but that rename tells whether somebody reads.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

WORKSPACE_LOCK = ".lock"
OLD = 3600.0
"""Seconds after which a workspace without a holder is taken for a killed process's: a new one is locked at once."""


class Busy(Exception):
    """Somebody holds the lock in a way that does not go together with what is asked for."""


class Held:
    """A lock, until it is released or nobody refers to it any more."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """May be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()


def share(path: Path) -> Held:
    """Hold an existing file together with others who do; it need not be writable.

    Raises Busy when somebody holds it alone, FileNotFoundError when it is gone, or goes at this moment; OSError.
    """
    return _hold(path, os.O_RDONLY, alone=False)


def seize(path: Path) -> Held:
    """Hold an existing file alone. Raises Busy when somebody holds it, in this process or another; OSError."""
    if sys.platform == "win32":
        path.stat()
        return Held(None)  # what follows is a rename, which fails where the file is open
    try:
        return _hold(path, os.O_RDWR, alone=True)
    except PermissionError:
        return _hold(path, os.O_RDONLY, alone=True)


def held(path: Path) -> bool:
    """Whether somebody holds an existing file. False where that cannot be told."""
    try:
        with _hold(path, os.O_RDONLY, alone=True):
            return False
    except Busy:
        return True
    except OSError:
        return False


@contextmanager
def workspace(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder of this process's own in ``parent``, for its owner alone, removed at the end.

    Those that killed processes left there are removed first. Raises OSError.
    """
    remove_abandoned(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        lock = folder / WORKSPACE_LOCK
        lock.touch()
        with share(lock):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove the workspaces that killed processes left in ``parent``. Raises OSError."""
    for left in parent.iterdir():
        if left.name.startswith(prefix) and left.is_dir() and _abandoned(left):
            shutil.rmtree(left, ignore_errors=True)


def _abandoned(folder: Path) -> bool:
    with suppress(OSError):
        return time.time() - folder.stat().st_mtime > OLD and not held(folder / WORKSPACE_LOCK)
    return False


def _hold(path: Path, flags: int, *, alone: bool) -> Held:
    descriptor = os.open(path, flags)
    try:
        _lock(descriptor, alone=alone)
        # Whoever removed it may have let go of it since it was opened here.
        there = path.stat()
        if not os.path.samestat(os.fstat(descriptor), there):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    except BaseException:
        os.close(descriptor)
        raise
    return Held(descriptor)


def _lock(descriptor: int, *, alone: bool) -> None:
    """Raises Busy; does nothing where the file system knows no locks."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Busy from None
    except OSError:
        return
