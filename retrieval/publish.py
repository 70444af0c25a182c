"""How an index changes without anybody ever seeing half of one. retrieval.storage describes the layout."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from retrieval.errors import IndexCorrupt, IndexMissing, IndexStale
from retrieval.lock import unwritable
from retrieval.manifest import Manifest
from retrieval.sharing import Busy, Held, seize
from retrieval.storage import (
    CURRENT,
    MANIFEST,
    current,
    digest,
    load_version,
    number,
    parse_manifest,
    verify_checksums,
    versions,
)

BUILDING = ".building-"
REMOVING = ".removing-"
_BESIDE = re.compile(r"\.COLLECTION\.\d+")
"""See retrieval.stores.arrays.replacing."""


def publish(
    root: Path,
    write: Callable[[Path], None],
    manifest: Manifest,
    *,
    check: Callable[[Path, Manifest], object] | None = None,
    fallback: Path | None = None,
    removing: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Make a new version current, whole or not at all, and return its folder. The caller holds ``writing(root)``.

    ``write`` fills an empty folder with files; ``manifest.files`` is computed here. Before the version gets its name
    every file is read back against its checksum, and ``check``, if given, must open it. ``fallback`` is the version to
    keep beside it; see remove_old for what becomes of the rest. Raises RetrievalError when the system refuses a write;
    whatever is raised before the new version is current, the one that was stays so.
    """
    remove_leftovers(root)
    folder = root / f"{BUILDING}{os.getpid()}"
    try:
        folder.mkdir()
        write(folder)
        raw = _seal(folder, manifest)
        sealed = parse_manifest(folder / MANIFEST, raw)
        verify_checksums(folder, sealed)
        if check is not None:
            check(folder, sealed)
        serial = max((number(old) for old in versions(root)), default=0) + 1
        folder = folder.rename(root / f"{serial:06d}-{hashlib.sha256(raw).hexdigest()[:16]}")
        sync_folder(root)
        _replace(root / CURRENT, f"{folder.name}\n".encode())
    except BaseException as error:
        if not _is_current(root, folder):
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise unwritable(root, error) from error
        raise
    remove_old(root, folder, fallback, removing)
    return folder


def remove_leftovers(root: Path) -> None:
    """Remove what killed builds left in ``root``. The caller holds ``writing(root)``."""
    for path in leftovers(root):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def leftovers(root: Path) -> list[Path]:
    """What a build makes for itself in ``root``: of one that runs, or of killed ones."""
    return [
        path
        for path in root.glob(".*")
        if path.name.startswith((BUILDING, REMOVING)) or _BESIDE.fullmatch(path.name) is not None
    ]


def _is_current(root: Path, folder: Path) -> bool:
    try:
        return current(root) == folder
    except (IndexMissing, IndexCorrupt):
        return False


def _seal(folder: Path, manifest: Manifest) -> bytes:
    files: dict[str, tuple[int, str]] = {}
    for path in sorted(folder.iterdir()):
        _sync_file(path)
        files[path.name] = (path.stat().st_size, digest(path))
    # ASCII, so that file names that are not UTF-8 (lone surrogates) survive.
    raw = json.dumps(asdict(replace(manifest, files=files)), indent=1).encode("ascii")
    (folder / MANIFEST).write_bytes(raw)
    _sync_file(folder / MANIFEST)
    sync_folder(folder)
    return (folder / MANIFEST).read_bytes()


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{BUILDING}{path.name}")
    beside.write_bytes(content)
    _sync_file(beside)
    beside.replace(path)
    sync_folder(path.parent)


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut. Raises OSError."""
    if os.name == "nt":  # folders cannot be opened there, and need not be
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_old(root: Path, newest: Path, fallback: Path | None, removing: Callable[[Path], None]) -> None:
    """Remove each version, after ``removing`` was called with its folder, but for ``newest``, for ``fallback`` (by
    default the newest other one that is whole) and for those that somebody reads, in any process.

    The caller holds ``writing(root)``.
    """
    kept = (newest, fallback or last_good(root, newest))
    for folder in versions(root):
        if folder in kept:
            continue
        doomed = root / f"{REMOVING}{folder.name}"
        try:
            # Who comes to read it while it is held here finds it gone.
            with _unread(folder):
                # Renamed first: no reader may take a version that is losing its files for a complete one.
                doomed = folder.rename(doomed)
                removing(doomed)
                shutil.rmtree(doomed)
        except (Busy, OSError):
            continue  # the new version serves all the same, and the next build tries again


def _unread(folder: Path) -> Held:
    """Hold a version alone. Raises Busy where somebody reads it, OSError."""
    try:
        return seize(folder / MANIFEST)
    except FileNotFoundError:
        return Held(None)  # damaged: nobody can open it


def last_good(root: Path, current: Path | None) -> Path | None:
    """The newest version that is whole, other than ``current``: what there is to fall back on, None without."""
    return next((folder for folder in versions(root) if folder != current and is_whole(folder)), None)


def is_whole(folder: Path) -> bool:
    """Whether every file of a version is as it was published."""
    try:
        verify_checksums(folder, load_version(folder))
    except (IndexCorrupt, IndexStale):
        return False
    return True
