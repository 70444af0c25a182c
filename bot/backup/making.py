"""``python -m bot backup``: takes a snapshot of DATA_DIR beside whoever uses it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot import __version__
from bot.backup import archive
from bot.backup.archive import Contents, Member
from bot.errors import ConfigError
from bot.ledger.copying import check_copy, copy_ledger
from bot.ledger.url import database_url, sqlite_path
from bot.library import models_folder
from bot.markup import clean
from bot.platforms.console import complain
from bot.settings import Settings
from retrieval.errors import IndexCorrupt, IndexMissing, IndexStale
from retrieval.publish import sync_folder
from retrieval.sharing import workspace
from retrieval.snapshot import collection_file, snapshot, version_files

POSTGRES = "The ledger lies in PostgreSQL and is not in the backup: save it with pg_dump, as the README says."
MILVUS = "The index's vectors lie in Milvus and are not in the backup: save its collection with Milvus's own tools."

_MEGABYTE = 1_000_000

Tell = Callable[[str], None]


@dataclass
class _Taken:
    """What goes into a backup."""

    members: list[Member] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """A sentence about each part."""
    ledger: str = ""
    index: str = ""
    vectors: str = "faiss"


def run(settings: Settings, file: Path, *, force: bool, with_models: bool) -> int:
    """Make a backup, print what is in it, and return the exit status.

    What is not in it for a reason that concerns people is said on stderr. Raises BotError.
    """
    for line in make(settings, file, force=force, with_models=with_models, tell=complain):
        print(clean(line))
    return 0


def make(settings: Settings, file: Path, *, force: bool, with_models: bool, tell: Tell) -> list[str]:
    """Make a backup, whole or not at all; what is in it, a sentence for each part.

    ``force`` replaces a file that is there. Raises ConfigError, LedgerUnavailable.
    """
    if not file.name.endswith(archive.SUFFIXES):
        raise ConfigError(f"{file} must end in .tar.gz, .tgz or .tar.")
    _check_free(file, force=force)
    try:
        with workspace(file.parent, f".{file.name}.making-") as room, ExitStack() as stack:
            taken = _Taken()
            _take_ledger(settings, room, taken, tell)
            _take_index(settings, stack, taken, tell)
            if not (taken.ledger or taken.index):
                raise ConfigError(
                    f"There is nothing to back up: DATA_DIR ({settings.data_dir}) holds neither a ledger nor an index."
                )
            _take_models(settings, taken, wanted=with_models)
            made = room / "archive"
            _write(made, taken, zipped=not file.name.endswith(".tar"))
            _check_free(file, force=force)
            made.replace(file)
            sync_folder(file.parent)
    except OSError as error:
        raise ConfigError(
            f"The backup {file} could not be made ({error.strerror or error}): make room, or name another place."
        ) from error
    size = file.stat().st_size
    amount = f"{size / 1e6:.1f} MB" if size >= _MEGABYTE else f"{size / 1e3:.0f} kB"
    return [f"{file}: {amount}, for its owner alone.", *taken.told]


def _check_free(file: Path, *, force: bool) -> None:
    if file.is_dir():
        raise ConfigError(f"{file} is a folder: name a file.")
    if file.exists() and not force:
        raise ConfigError(f"{file} is there already: name another file, or replace it with --force.")


def _take_ledger(settings: Settings, room: Path, taken: _Taken, tell: Tell) -> None:
    ledger = ledger_file(settings)
    if ledger is None:
        tell(POSTGRES)
        return
    if not ledger.exists():
        taken.told.append("No ledger, as there is none yet.")
        return
    copy = room / archive.LEDGER
    number = copy_ledger(ledger, copy)
    taken.ledger = check_copy(copy)
    taken.members.append(archive.member(archive.LEDGER, copy))
    taken.told.append(f"The ledger, with {number} question{'' if number == 1 else 's'}.")


def _take_index(settings: Settings, stack: ExitStack, taken: _Taken, tell: Tell) -> None:
    """The version is held until the backup is written."""
    try:
        folder, manifest = stack.enter_context(snapshot(settings.data_dir, tell))
    except IndexMissing:
        taken.told.append("No index, as there is none yet.")
        return
    except (IndexCorrupt, IndexStale) as error:
        tell(f"{str(error).removesuffix('.')}; the index is not in the backup.")
        return
    taken.index, taken.vectors = folder.name, manifest.search.store
    for path in version_files(folder, manifest):
        size, sha = manifest.files.get(path.name, (-1, ""))
        name = f"{archive.INDEX}/{folder.name}/{path.name}"
        taken.members.append(Member(name, path, size, sha) if sha else archive.member(name, path))
    count = len(manifest.sources)
    taken.told.append(f"The index: version {folder.name}, of {count} document{'' if count == 1 else 's'}.")
    if manifest.search.store == "milvus":
        tell(MILVUS)
        with_name = collection_file(settings.data_dir)
        if with_name.exists():
            taken.members.append(archive.member(f"{archive.INDEX}/{with_name.name}", with_name))


def _take_models(settings: Settings, taken: _Taken, *, wanted: bool) -> None:
    root = models_folder(settings.data_dir)
    files = sorted(_files(root))
    if not wanted:
        if files:
            taken.told.append("No prepared models, as they are made again when they are needed; see --with-models.")
        return
    taken.members += [archive.member(f"{archive.MODELS}/{path.relative_to(root).as_posix()}", path) for path in files]
    size = sum(path.stat().st_size for path in files)
    taken.told.append(f"Prepared models: {size / 1e6:.0f} MB.")


def _files(root: Path) -> Iterator[Path]:
    """Plain files of models that are prepared: locks and what is being made are hidden."""
    for path in root.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and path.is_file() and not path.is_symlink():
            yield path


def _write(path: Path, taken: _Taken, *, zipped: bool) -> None:
    contents = Contents(
        program=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        ledger=taken.ledger,
        index=taken.index,
        vectors=taken.vectors,
        members={each.name: (each.size, each.sha) for each in taken.members},
    )
    # It holds what people asked.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        archive.write(file, contents, taken.members, zipped=zipped)
        file.flush()
        os.fsync(file.fileno())


def ledger_file(settings: Settings) -> Path | None:
    """The ledger's file, whether or not it is there; None where it lies in PostgreSQL."""
    secret = settings.database_url
    return sqlite_path(database_url(secret.get_secret_value() if secret else None, settings.data_dir))
