"""``python -m bot restore``: puts back what a backup holds, after all of it was looked at."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bot.backup import archive
from bot.backup.archive import Contents
from bot.backup.making import ledger_file
from bot.errors import BotError, ConfigError
from bot.ledger import guard
from bot.ledger.copying import check_copy, put
from bot.library import RESTORING, milvus_of, models_folder
from bot.markup import clean
from bot.platforms.console import complain
from bot.settings import Settings
from retrieval.build import index_folder
from retrieval.errors import IndexCorrupt, IndexStale
from retrieval.lock import writing
from retrieval.sharing import Held, workspace
from retrieval.snapshot import collection_file, reinstate
from retrieval.storage import MANIFEST, load_version, parse_manifest, verify_checksums

SPARE = 10**7
"""Bytes that are to stay free."""

Tell = Callable[[str], None]


def run(settings: Settings, file: Path, *, force: bool) -> int:
    """Restore a backup, print what was done, and return the exit status. Raises BotError."""
    for line in restore(settings, file, force=force, tell=complain):
        print(clean(line))
    return 0


def restore(settings: Settings, file: Path, *, force: bool, tell: Tell) -> list[str]:
    """Put back what a backup holds; a sentence for each thing that was done.

    Nothing is touched before all of the backup was read and found whole. ``force`` lets it go into a DATA_DIR that is
    not empty: what is there is kept beside what is put in its place. Raises ConfigError, IndexLocked, RetrievalError.
    """
    data_dir = settings.data_dir
    contents = archive.verify(file, _room(data_dir))
    ledger = ledger_file(settings) if contents.ledger else None
    if not force and (filled := _filled(data_dir, ledger)) is not None:
        raise ConfigError(
            f"{filled} is there already: let DATA_DIR name an empty folder, or restore over it with --force, which "
            "keeps the ledger that is there under another name."
        )
    if contents.ledger and ledger is None:
        tell("The backup's ledger is not restored, as DATABASE_URL names PostgreSQL.")
    try:
        with ExitStack() as stack:
            data_dir.mkdir(parents=True, exist_ok=True)
            stack.enter_context(guard.replacing(ledger) if ledger else Held(None))
            stack.enter_context(writing(index_folder(data_dir)))
            stage = stack.enter_context(workspace(data_dir, RESTORING))
            if archive.extract(file, stage) != contents:
                raise BotError(f"{file} changed while it was read: nothing was restored; try again.")
            return _put_back(settings, file, contents, stage, ledger, tell)
    except OSError as error:
        raise ConfigError(
            f"{file} could not be restored into {data_dir} ({error.strerror or error}): make room or allow writing "
            "there, then restore it again with --force."
        ) from error


def _put_back(
    settings: Settings, file: Path, contents: Contents, stage: Path, ledger: Path | None, tell: Tell
) -> list[str]:
    """Each part in one step, CURRENT of the index last: who is killed in between restores once more."""
    version = _checked_index(file, contents, stage, tell)
    if ledger is not None:
        check_copy(stage / archive.LEDGER)
    told = [f"From a backup made at {contents.created}, by version {contents.program}."]
    told += _put_models(stage / archive.MODELS, models_folder(settings.data_dir))
    if ledger is not None:
        kept = put(stage / archive.LEDGER, ledger)
        beside = f"; the one that was there is kept as {kept}: delete it once it is not needed" if kept else ""
        told.append(f"The ledger: {ledger}{beside}.")
    if version is not None:
        told.append(_put_index(settings, contents, version, stage, tell))
    return told


def _checked_index(file: Path, contents: Contents, stage: Path, tell: Tell) -> Path | None:
    """The index in a backup, None where there is none of use."""
    if not contents.index:
        return None
    version = stage / archive.INDEX / contents.index
    listed = {Path(name).name for name in contents.members if Path(name).parent.name == version.name}
    try:
        # Its names are compared first: those that were listed are plain ones, which lead nowhere else.
        manifest = parse_manifest(version / MANIFEST, (version / MANIFEST).read_bytes()) if MANIFEST in listed else None
        if manifest is None or {MANIFEST, *manifest.files} != listed:
            raise archive.bad(file, "its index is not what its manifest tells of")
        verify_checksums(version, load_version(version))
    except IndexCorrupt:
        raise archive.bad(file, "its index is not whole") from None
    except IndexStale:
        tell("The backup's index is another version's and is not restored: `python -m bot index` makes it anew.")
        return None
    return version


def _put_index(settings: Settings, contents: Contents, version: Path, stage: Path, tell: Tell) -> str:
    beside = collection_file(settings.data_dir)
    named = stage / archive.INDEX / beside.name
    if named.exists() and not beside.exists():
        named.replace(beside)
    folder = reinstate(settings.data_dir, version, milvus=milvus_of(settings), notify=tell)
    if contents.vectors == "milvus":
        tell("Its vectors lie in Milvus: where its collection lacks them, the index is made anew at the next start.")
    return f"The index: version {folder.name}, as {contents.index} was."


def _put_models(source: Path, target: Path) -> list[str]:
    """Those that are not there."""
    if not source.is_dir():
        return []
    target.mkdir(parents=True, exist_ok=True)
    lacking = [path for path in sorted(source.iterdir()) if not (target / path.name).exists()]
    for path in lacking:
        shutil.move(path, target / path.name)
    return [f"Prepared models: {len(lacking)} files or folders that were not there."]


def _filled(data_dir: Path, ledger: Path | None) -> Path | None:
    """What is there already; locks and what killed processes left do not count."""
    if ledger is not None and ledger.exists():
        return ledger
    for folder in (data_dir, index_folder(data_dir)):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not path.name.startswith(".") and path != index_folder(data_dir):
                return path
    return None


def _room(data_dir: Path) -> int:
    """Bytes that a backup may take."""
    place = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    if not place.is_dir():
        raise ConfigError(f"DATA_DIR is {data_dir}, but {place} is not a folder: let DATA_DIR name a folder.")
    # The ledger is written twice, to be put in its place in one step.
    return (shutil.disk_usage(place).free - SPARE) // 2
