"""The file of a backup: a tar archive, gzipped or not, of plain files that its first member lists with their checksums.

    manifest.json                       see Contents
    ledger.db                           the ledger, one file of SQLite's
    index/COLLECTION                    where vectors lie in Milvus: see retrieval.stores.entities
    index/000007-0123456789abcdef/...   one version of the index: see retrieval.storage
    models/...                          prepared models

Whatever reads it takes every byte for hostile: members that are no plain files, that the list does not name or whose
size is another are refused before anything is written. The headers are read one by one and by hand: what tarfile does
with links, sparse files and extended headers (whose size nobody bounds) is not wanted here.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

from bot.errors import BotError, ConfigError

FORMAT = 1
MANIFEST, LEDGER, INDEX, MODELS = "manifest.json", "ledger.db", "index", "models"
SUFFIXES = (".tar.gz", ".tgz", ".tar")
LEVEL = 3
"""Of gzip: vectors hardly shrink at any level, and texts do well enough."""
MAX_MANIFEST = 1 << 24
"""Bytes: room for a hundred thousand members."""
CHUNK = 1 << 20
TAR = tarfile.GNU_FORMAT
"""Which alone has room in a header for more than 8 GiB, as the vectors of a large index take; names are short."""
_GZIP = b"\x1f\x8b"
_SHA = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"(?!\.)[^\x00-\x1f\x7f/\\:]{1,200}")
"""A name within a path; none that is hidden, leads elsewhere, or means a drive or a stream."""
_KNOWN = re.compile(rf"{LEDGER}|{INDEX}/COLLECTION|{INDEX}/\d{{6,}}-[0-9a-f]{{16}}/[^/]+|{MODELS}/.+")

Members = dict[str, tuple[int, str]]
"""Name in the archive -> (size in bytes, SHA-256 hex)."""


class BadArchive(ConfigError):
    """The file is damaged, or no backup of this program."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds."""

    program: str
    """Version of the program that made it."""
    created: str
    """UTC time, ISO 8601."""
    ledger: str
    """The ledger's revision; empty where it was left out."""
    index: str
    """Name of the index's version; empty where there was none."""
    vectors: str
    """Where the index's vectors lie: "faiss" for the archive itself, or "milvus"."""
    members: Members
    """All members but the manifest."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file to be put into an archive."""

    name: str
    path: Path
    size: int
    sha: str


def bad(path: Path, why: str) -> BadArchive:
    """The error for an archive; ``why`` is a clause."""
    return BadArchive(
        f"{path} is damaged or no backup of this program ({why}): use another backup; nothing was changed."
    )


def member(name: str, path: Path) -> Member:
    """A member that holds a file as it is now. Raises OSError."""
    with path.open("rb") as file:
        return Member(name, path, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def write(file: IO[bytes], contents: Contents, members: list[Member], *, zipped: bool) -> None:
    """Write an archive. Raises OSError, BotError where a file is not what its member says any more."""
    # Neither name nor time of the file: two backups of one state are equal but for the manifest.
    stream = cast("IO[bytes]", gzip.GzipFile("", "wb", LEVEL, file, mtime=0)) if zipped else file
    with tarfile.open(fileobj=stream, mode="w", format=TAR) as tar:
        raw = _sealed(contents)
        tar.addfile(_header(MANIFEST, len(raw)), BytesIO(raw))
        for each in members:
            with each.path.open("rb") as source:
                hashed = _Hashed(source)
                tar.addfile(_header(each.name, each.size), cast("IO[bytes]", hashed))
            if hashed.sha.hexdigest() != each.sha:
                raise BotError(f"{each.path} changed or cannot be read whole: nothing was backed up; try again.")
    if zipped:
        stream.close()


class _Hashed:
    """What is read from a file is hashed on its way."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha = hashlib.sha256()

    def read(self, size: int) -> bytes:
        chunk = self._file.read(size)
        self.sha.update(chunk)
        return chunk


def _header(name: str, size: int) -> tarfile.TarInfo:
    if len(name.encode("utf-8", "surrogateescape")) > tarfile.LENGTH_NAME:  # it would need a second header
        raise BotError(f"{name} has too long a name to be backed up: nothing was backed up.")
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = size, 0o600, int(time.time())
    return header


def _sealed(contents: Contents) -> bytes:
    fields = {"format": FORMAT, **asdict(contents)}
    return _plain({**fields, "checksum": hashlib.sha256(_plain(fields)).hexdigest()})


def _plain(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, indent=1).encode("ascii")


# --- reading -------------------------------------------------------------------------------------------------------


def verify(path: Path, room: int) -> Contents:
    """What an archive holds, once every byte of it was read and compared.

    Raises BadArchive, ConfigError also where it holds more than ``room`` bytes.
    """
    return _walk(path, lambda _name, _chunk: None, room)


def extract(path: Path, folder: Path) -> Contents:
    """Write every member below an empty folder, as ``verify`` would have it, and return what the archive holds.

    Raises BadArchive, ConfigError, and OSError when the system refuses a write.
    """
    files: dict[str, IO[bytes]] = {}

    def take(name: str, chunk: bytes) -> None:
        if name not in files:
            for file in files.values():
                file.close()
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            files[name] = target.open("xb")
        files[name].write(chunk)

    try:
        return _walk(path, take)
    finally:
        for file in files.values():
            file.close()


def _walk(path: Path, take: Callable[[str, bytes], None], room: int | None = None) -> Contents:
    """Read an archive from its beginning to its end; ``take`` is given the content of members, piece by piece."""
    with _opened(path) as read:
        name, size = _next(path, read)
        if name != MANIFEST or size > MAX_MANIFEST:
            raise bad(path, "it does not begin with a manifest")
        contents = _parse(path, b"".join(_content(path, read, size)))
        left = dict(contents.members)
        needed = sum(size for size, _ in left.values())
        if room is not None and needed > room:
            raise ConfigError(f"{path} holds {needed / 1e9:.2f} GB, and there is room for {room / 1e9:.2f}: make room.")
        while left:
            name, size = _next(path, read)
            expected, sha = left.pop(name, (-1, ""))
            if size != expected:
                raise bad(path, f"its manifest tells of no such member as {name[:100]!a}")
            found = hashlib.sha256()
            take(name, b"")
            for chunk in _content(path, read, size):
                found.update(chunk)
                take(name, chunk)
            if found.hexdigest() != sha:
                raise bad(path, f"{name} has been changed")
        # To the end, where gzip has its own checksum; nothing but the zeros of a last record follows.
        if read(CHUNK).strip(b"\0") or read(1):
            raise bad(path, "more follows than its manifest tells of")
    return contents


@contextmanager
def _opened(path: Path) -> Iterator[Callable[[int], bytes]]:
    """How to read an archive, unzipped; what goes wrong in that becomes BadArchive."""
    try:
        with path.open("rb") as file:
            zipped = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if zipped else file

            def read(size: int) -> bytes:
                try:
                    return stream.read(size)
                except (OSError, EOFError, zlib.error) as error:
                    raise bad(path, f"it cannot be read: {error}") from error

            yield read
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        if error.filename != str(path):
            raise
        raise ConfigError(f"{path} cannot be read ({error.strerror}): name the file of a backup.") from error


def _next(path: Path, read: Callable[[int], bytes]) -> tuple[str, int]:
    """Name and size of the next member, which is a plain file."""
    raw = read(tarfile.BLOCKSIZE)
    try:
        header = tarfile.TarInfo.frombuf(raw, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        why = "it ends too early" if len(raw) < tarfile.BLOCKSIZE or not raw.strip(b"\0") else "it is no tar archive"
        raise bad(path, why) from error
    if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or header.size < 0:
        raise bad(path, f"{header.name[:100]!a} is no plain file")
    return header.name, header.size


def _content(path: Path, read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    left = size
    while left:
        chunk = read(min(left, CHUNK))
        if not chunk:
            raise bad(path, "it ends too early")
        left -= len(chunk)
        yield chunk
    read(-size % tarfile.BLOCKSIZE)


def _parse(path: Path, raw: bytes) -> Contents:
    try:
        fields = json.loads(raw)
        checksum = fields.pop("checksum")
        if hashlib.sha256(_plain(fields)).hexdigest() != checksum:
            raise bad(path, "its manifest has been changed")
        if fields.pop("format") != FORMAT:
            raise ConfigError(
                f"{path} was made by another version of this program ({fields['program']!s:.40}): use that."
            )
        members = {str(name): (int(size), str(sha)) for name, (size, sha) in fields.pop("members").items()}
        contents = Contents(**{name: str(value) for name, value in fields.items()}, members=members)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise bad(path, "its manifest cannot be read") from error
    _check_parts(path, contents)
    for name, (size, sha) in members.items():
        if not (
            _KNOWN.fullmatch(name) and all(map(_PART.fullmatch, name.split("/"))) and size >= 0 and _SHA.fullmatch(sha)
        ):
            raise bad(path, f"its manifest lists {name[:100]!a}, which no backup holds")
    return contents


def _check_parts(path: Path, contents: Contents) -> None:
    """Raises BadArchive where the members are not those of one ledger and of one version."""
    versions = {name.split("/")[1] for name in contents.members if name.startswith(f"{INDEX}/")} - {"COLLECTION"}
    parts = {LEDGER} & contents.members.keys(), versions
    if tuple(map(bool, parts)) != (bool(contents.ledger), bool(contents.index)) or versions - {contents.index}:
        raise bad(path, "its manifest contradicts itself")
