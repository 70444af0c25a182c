"""How an index lies on disk, and how it is read. retrieval.publish changes it.

    ROOT/CURRENT                     one line: the name of the version that serves
    ROOT/000007-0123456789abcdef/    a version: manifest.json and the files it lists, never changed once named
    ROOT/COLLECTION                  where vectors lie in Milvus: see retrieval.stores.entities
    ROOT/.lock, ROOT/.lock.pid       see retrieval.lock
    ROOT/.embedded                   what a build has embedded, while it runs and after it was broken off: see
                                     retrieval.spool
    ROOT/.building-*, ROOT/.removing-*, ROOT/.vectors
                                     left by a killed build; the next one, or a bot that serves, removes them

Whoever reads a version holds its manifest.json (see retrieval.sharing); what somebody holds is not removed.
A version's name is its number and the first 16 hex digits of its manifest's SHA-256; the manifest holds size and
SHA-256 of every other file, so CURRENT vouches for every byte. This module knows folders and files, not what they mean.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexCorrupt, IndexMissing, IndexStale, StoreUnavailable
from retrieval.lock import Notify, silent
from retrieval.manifest import EmbedderSpec, Manifest, VectorSearch
from retrieval.sharing import Busy, Held, share

FORMAT = 1
"""Version of the layout described above and of the files inside; another one means a rebuild."""

SMALL_FILE = 1 << 20
"""Bytes. Up to here a file's checksum is verified at every load (under 1 ms), beyond only by verify_checksums."""

CURRENT = "CURRENT"
MANIFEST = "manifest.json"
_VERSION = re.compile(r"(\d{6,})-([0-9a-f]{16})")
_REBUILD = "rebuild it with `python -m bot index --rebuild`"

T = TypeVar("T")
Opener = Callable[[Path, Manifest], T]


def corrupt(path: Path, why: str) -> IndexCorrupt:
    """The error for a damaged index file; ``why`` is a clause such as ``"is shorter than it should be"``."""
    return IndexCorrupt(f"The index file {path} {why}: {_REBUILD}.")


def versions(root: Path) -> list[Path]:
    """The complete versions in ``root``, newest first, whether or not CURRENT names them."""
    try:
        folders = [path for path in root.iterdir() if _VERSION.fullmatch(path.name) and path.is_dir()]
    except OSError:
        return []
    return sorted(folders, key=number, reverse=True)


def number(version: Path) -> int:
    """The running number in a version's name."""
    return int(version.name.split("-")[0])


def current(root: Path) -> Path:
    """The folder of the version that CURRENT names.

    Raises IndexMissing when nothing has been published, IndexCorrupt when CURRENT is damaged or lost.
    """
    pointer = root / CURRENT
    try:
        name = pointer.read_text(encoding="utf-8").removesuffix("\n")
    except FileNotFoundError:
        if versions(root):
            raise corrupt(pointer, "is missing") from None
        raise IndexMissing(f"There is no index in {root} yet: build it with `python -m bot index`.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise corrupt(pointer, f"cannot be read ({_reason(error)})") from error
    if not _VERSION.fullmatch(name):
        raise corrupt(pointer, "does not name a version of the index")
    return root / name


def hold(folder: Path) -> Held:
    """Keep a version from being removed, by any process, until what is returned is released or let go of.

    Raises IndexCorrupt where it has been removed or is being removed.
    """
    path = folder / MANIFEST
    try:
        return share(path)
    except (Busy, FileNotFoundError):
        raise corrupt(path, "is missing") from None
    except OSError as error:
        raise corrupt(path, f"cannot be read ({_reason(error)})") from error


def load_version(folder: Path) -> Manifest:
    """The manifest of one version, after checking that each file is there, has its size and, if small, its checksum.

    Raises IndexStale for another format, IndexCorrupt naming the file otherwise.
    """
    path = folder / MANIFEST
    raw = _read(path)
    named = _VERSION.fullmatch(folder.name)
    if named is None or hashlib.sha256(raw).hexdigest()[:16] != named[2]:
        raise corrupt(path, "has been changed")
    manifest = parse_manifest(path, raw)
    for name, (size, sha) in manifest.files.items():
        _check(folder / name, size, sha if size <= SMALL_FILE else None)
    return manifest


def verify_checksums(folder: Path, manifest: Manifest) -> None:
    """Read every file of a version and compare it with its checksum.

    A version that a newer one has replaced, and a writer removed meanwhile, counts as whole. Raises IndexCorrupt naming
    the file.
    """
    try:
        for name, (size, sha) in manifest.files.items():
            _check(folder / name, size, sha)
    except IndexCorrupt:
        if folder.exists() or not _superseded(folder):
            raise


def load_current(root: Path, opener: Opener[T]) -> T:
    """``opener(folder, manifest)`` of the current version, which nobody removes meanwhile.

    A version that is replaced and removed while it is being opened is not an error: the new one is opened instead.
    Raises IndexMissing, IndexStale, IndexCorrupt, and what ``opener`` raises.
    """
    while True:
        folder = current(root)
        try:
            return _open(folder, opener)
        except IndexCorrupt:
            if not _superseded(folder):
                raise


def load_manifest(root: Path) -> tuple[Path, Manifest]:
    """Folder and manifest of the current version. Raises IndexMissing, IndexStale or IndexCorrupt."""
    return load_current(root, lambda folder, manifest: (folder, manifest))


def load_good(root: Path, opener: Opener[T], notify: Notify = silent) -> T:
    """As load_current, but a current version that is damaged, or whose Milvus is out of reach, is passed over, after
    one sentence to ``notify``, for the newest other one that opens. Raises the current version's error when none does.
    """
    try:
        return load_current(root, opener)
    except (IndexCorrupt, StoreUnavailable) as error:
        for folder in versions(root):
            try:
                opened = _open(folder, opener)
            except (IndexCorrupt, IndexStale, StoreUnavailable):
                continue
            notify(f"{str(error).removesuffix('.')}; until then the last good one, {folder.name}, is used.")
            return opened
        raise


def _open(folder: Path, opener: Opener[T]) -> T:
    with hold(folder):
        manifest = load_version(folder)
        try:
            return opener(folder, manifest)
        except OSError as error:
            raise corrupt(folder, f"cannot be read ({_reason(error)})") from error


def _superseded(folder: Path) -> bool:
    try:
        return current(folder.parent) != folder
    except (IndexMissing, IndexCorrupt):
        return False


def _check(path: Path, size: int, sha: str | None) -> None:
    try:
        found = path.stat().st_size
        if found != size:
            raise corrupt(path, f"has {found} bytes instead of {size}")
        if sha is not None and digest(path) != sha:
            raise corrupt(path, "has been changed")
    except FileNotFoundError:
        raise corrupt(path, "is missing") from None
    except OSError as error:
        raise corrupt(path, f"cannot be read ({_reason(error)})") from error


def digest(path: Path) -> str:
    """SHA-256 of a file's content, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise corrupt(path, "is missing") from None
    except OSError as error:
        raise corrupt(path, f"cannot be read ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def parse_manifest(path: Path, raw: bytes) -> Manifest:
    """The manifest that stands in ``path`` as ``raw``. Raises IndexStale for another format, else IndexCorrupt."""
    try:
        fields = json.loads(raw)
        found = fields["format"]
        if found != FORMAT:
            raise IndexStale(f"The index in {path.parent} has format {found}, this version reads {FORMAT}: {_REBUILD}.")
        files = {str(name): (int(size), str(sha)) for name, (size, sha) in fields.pop("files").items()}
        embedder = EmbedderSpec(**fields.pop("embedder"))
        if "search" in fields:
            fields["search"] = search_from(fields["search"])
        return Manifest(**fields, embedder=embedder, files=files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise corrupt(path, "is not an index manifest") from error


def search_from(fields: Mapping[str, Any]) -> VectorSearch:
    """A VectorSearch that was written as JSON. Raises TypeError or AttributeError for anything else."""
    found: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return VectorSearch(**found)


def save_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write each array to ``<name>.npy``. Raises OSError."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load_arrays(folder: Path, names: Iterable[str], mmap: bool = True) -> dict[str, NDArray[Any]]:
    """The arrays written by save_arrays, read-only and mapped into memory if ``mmap``. Raises IndexCorrupt."""
    loaded: dict[str, NDArray[Any]] = {}
    for name in names:
        path = folder / f"{name}.npy"
        try:
            # As a plain array: indexing a memmap object costs several times as much.
            loaded[name] = np.asarray(np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False))
        except FileNotFoundError:
            raise corrupt(path, "is missing") from None
        except Exception as error:  # NumPy reads the header with Python's tokenizer, whose errors it lets through
            raise corrupt(path, "is not an array file") from error
    return loaded


def save_json(path: Path, value: object) -> None:
    """Write ``value`` as JSON. Raises OSError."""
    path.write_bytes(json.dumps(value, separators=(",", ":")).encode("ascii"))


def save_list(path: Path, values: Iterable[object]) -> None:
    """Write what save_json would for a list of the values, one at a time. Raises OSError."""
    with path.open("wb") as file:
        file.write(b"[")
        for row, value in enumerate(values):
            file.write((b"," if row else b"") + json.dumps(value, separators=(",", ":")).encode("ascii"))
        file.write(b"]")


def load_list(path: Path) -> Iterator[Any]:
    """The values that save_list wrote, made one at a time. Raises IndexCorrupt."""
    try:
        text = _read(path).decode("ascii")
        scan, place, before = json.JSONDecoder().raw_decode, 0, "["
        while text != "[]" and text[place : place + 1] == before:
            value, place = scan(text, place + 1)
            before = ","
            yield value
    except ValueError as error:
        raise corrupt(path, "is not JSON") from error
    if text != "[]" and text[place:] != "]":
        raise corrupt(path, "is not a list as this program writes it")


def load_json(path: Path) -> Any:
    """The value written by save_json. Raises IndexCorrupt."""
    try:
        return json.loads(_read(path))
    except ValueError as error:
        raise corrupt(path, "is not JSON") from error
