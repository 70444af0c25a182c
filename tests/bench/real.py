"""A folder of real text, made of documentation that is installed or unpacked on this machine.

What is text (.txt, .text, .rst, .md, .py, compressed too) becomes .txt or .md, cut at a size; pages (.html) are taken
whole where they are not much larger. Nothing is taken twice, and the same folders give the same files.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

SUFFIXES = {".txt": ".txt", ".text": ".txt", ".rst": ".txt", ".py": ".txt", ".md": ".md", ".html": ".html"}
"""What is taken, and as what."""
LEAST = 400
"""Bytes below which a file is no document."""
PAGE = 6
"""How many times the size a page of HTML may have: much of it is not text."""
FOLDER = 500
"""Files in each subfolder."""


def collect(sources: Sequence[Path], target: Path, files: int, size: int) -> int:
    """Fill ``target`` with up to ``files`` files of at most ``size`` bytes of text each; how many there are.

    A folder that is there already is taken as it is.
    """
    if target.exists():
        return sum(1 for path in target.rglob("*") if path.is_file())
    count = 0
    for count, (suffix, raw) in enumerate(_texts(sources, size), 1):
        folder = target / f"{count // FOLDER:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{count:06}{suffix}").write_bytes(raw)
        if count == files:
            break
    return count


def _texts(sources: Sequence[Path], size: int) -> Iterator[tuple[str, bytes]]:
    seen: set[bytes] = set()
    for path in _spread(sources):
        packed = path.suffix == ".gz"
        suffix = SUFFIXES[(path.with_suffix("") if packed else path).suffix]
        try:
            raw = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
            raw.decode()
        except (OSError, EOFError, UnicodeDecodeError):
            continue
        if suffix == ".html":
            if len(raw) > PAGE * size:
                continue
        elif len(raw) > size:
            raw = raw[: raw.rfind(b"\n", 0, size) + 1]
        digest = hashlib.sha256(raw).digest()
        if len(raw) >= LEAST and digest not in seen:
            seen.add(digest)
            yield suffix, raw


def _spread(sources: Sequence[Path]) -> Iterator[Path]:
    """All files that may be taken: those of the first folder first, each folder's in an order that mixes its own."""
    for source in sources:
        found = (path for path in source.rglob("*") if _fits(path))
        yield from sorted(found, key=lambda path: hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).digest())


def _fits(path: Path) -> bool:
    name = path.with_suffix("") if path.suffix == ".gz" else path
    return name.suffix in SUFFIXES and path.is_file() and not path.is_symlink()
