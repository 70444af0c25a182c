"""The seeds folder: which files in it are documents, and their bytes."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from retrieval.formats.extracted import Unreadable

_UNNAMEABLE = ("Cc", "Cs")
"""Unicode categories: control characters, and the surrogates that stand for undecodable bytes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or a folder that cannot be listed."""

    source: str
    """POSIX path relative to the folder, printable."""
    path: str
    """Real path to open; empty where the entry is skipped."""
    reason: str | None = None
    """Why it is skipped, as a clause."""


def walk(root: Path, exclude: Sequence[str], suffixes: Sequence[str]) -> Iterator[Entry]:
    """Every file under ``root`` that is not hidden, in no order; only those with one of the suffixes are to be read."""
    inside = os.path.realpath(root)
    folders = [("", inside)]
    while folders:
        parent, folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            yield Entry(parent.rstrip("/"), "", f"is a folder that cannot be listed ({cause(error)})")
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            source = parent + entry.name
            try:
                found = _classify(entry, source, inside, exclude, suffixes)
            except OSError as error:
                found = Entry(source, "", f"cannot be read ({cause(error)})")
            if found is None:
                folders.append((f"{source}/", entry.path))
            else:
                yield found


def _classify(
    entry: os.DirEntry[str], source: str, inside: str, exclude: Sequence[str], suffixes: Sequence[str]
) -> Entry | None:
    """One entry of a folder; None for a folder to descend into. Raises OSError."""
    if any(unicodedata.category(letter) in _UNNAMEABLE for letter in entry.name):
        return Entry(_escape(source), "", "has a name that is not UTF-8 or holds control characters")
    pattern = next((pattern for pattern in exclude if fnmatchcase(source, pattern.rstrip("/"))), None)
    if pattern is not None:
        return Entry(source, "", f'is excluded by "{pattern}"')
    if entry.is_symlink():
        return _follow(entry, source, inside, suffixes)
    if entry.is_dir(follow_symlinks=False):
        return None
    return _file(source, entry.path, suffixes)


def _follow(link: os.DirEntry[str], source: str, inside: str, suffixes: Sequence[str]) -> Entry:
    try:
        path = os.path.realpath(link.path, strict=True)
    except OSError:
        return Entry(source, "", "is a link that leads nowhere")
    if os.path.commonpath((inside, path)) != inside:
        return Entry(source, "", "is a link that leads out of the folder")
    if Path(path).is_dir():
        return Entry(source, "", "is a link to a folder")
    return _file(source, path, suffixes)


def _file(source: str, path: str, suffixes: Sequence[str]) -> Entry:
    if Path(source).suffix.lower() in suffixes:
        return Entry(source, path)
    return Entry(source, "", f"is not of a type that is read ({', '.join(sorted(suffixes))})")


def _escape(name: str) -> str:
    return "".join(
        letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _UNNAMEABLE else letter
        for letter in name
    )


def read_bytes(path: str, most: int) -> bytes:
    """The bytes of a regular file of at most ``most`` bytes. Raises Unreadable for anything else."""
    # O_NONBLOCK: opening a FIFO would wait for its writer; O_NOFOLLOW: the path was resolved, a link now is a swap.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        # Before opening, which devices may take for a command; and again on what was opened.
        regular = stat.S_ISREG(os.lstat(path).st_mode)
        if regular:
            with os.fdopen(os.open(path, flags), "rb") as file:
                found = os.fstat(file.fileno())
                regular = stat.S_ISREG(found.st_mode)
                if regular and found.st_size > most:
                    raise _too_large(most)
                # As much as there should be, then the rest, if it grows: room for the most costs more than most files.
                raw = file.read(found.st_size) if regular else b""
                raw += file.read(most + 1 - len(raw)) if regular and file.peek(1) else b""
    except OSError as error:
        raise Unreadable(f"cannot be read ({cause(error)})") from error
    if not regular:
        raise Unreadable("is not a regular file")
    if len(raw) > most:
        raise _too_large(most)
    return raw


def _too_large(most: int) -> Unreadable:
    return Unreadable(f"is larger than {most // 1024**2} MB")


def cause(error: OSError) -> str:
    """What the system says, to stand in parentheses."""
    return (error.strerror or type(error).__name__).lower()
