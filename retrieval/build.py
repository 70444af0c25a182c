"""Documents in, a published index out. Only sentences that the last index does not hold are embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter

from retrieval.assemble import Assembled, assemble, collect, tell_shortfall
from retrieval.embedding import forget, forget_if_idle, remove_draft
from retrieval.errors import IndexCorrupt, IndexMissing, IndexStale
from retrieval.index import Index
from retrieval.lock import Notify, silent, unwritable, writing
from retrieval.manifest import EmbedderSpec, Manifest, Milvus, VectorSearch
from retrieval.outcome import BuildReport, report_of
from retrieval.progress import Progress, Step, unwatched
from retrieval.protocols import Embedder
from retrieval.publish import publish
from retrieval.remote import discarding, remote
from retrieval.reuse import KEYS, PREPARATION, last_index
from retrieval.storage import (
    FORMAT,
    Opener,
    current,
    hold,
    load_current,
    load_good,
    load_manifest,
    save_arrays,
    verify_checksums,
)
from retrieval.types import Document, Skipped

_ANY = VectorSearch()
"""Whatever suits the number of vectors."""


def index_folder(data_dir: Path) -> Path:
    """Where in DATA_DIR the index lies; see retrieval.storage for what is in it."""
    return data_dir / "index"


def build_index(
    documents: Iterable[Document | Skipped],
    data_dir: Path,
    embedder: Embedder,
    *,
    where: str,
    search: VectorSearch = _ANY,
    milvus: Milvus | None = None,
    rebuild: bool = False,
    verify: bool = False,
    progress: Progress | None = None,
    wait: bool = False,
    notify: Notify = silent,
) -> BuildReport:
    """Make the index in ``data_dir`` one of exactly these documents; does nothing if it is.

    ``where`` names the place the documents come from in messages. ``search`` says what is asked of the search among
    vectors; where that falls short ``notify`` is told. ``milvus`` is where vectors go if it asks for that, and where
    those of the last index may lie. ``rebuild`` reuses nothing. ``verify`` reads all of the index to
    find damage even when the documents have not changed; a damaged index is told to ``notify`` and built anew. ``wait``
    waits for another writer instead of raising IndexLocked. Raises SourceError when there is nothing to index,
    ModelError when the model fails, IndexTypeError for a search that cannot be had, StoreUnavailable when Milvus is
    needed and out of reach, RetrievalError when the folder cannot be written; the last index then stays. Whatever
    ends it, what was embedded is kept, and the next build embeds the rest (see retrieval.spool); ``rebuild`` does not.
    """
    started = perf_counter()
    report_progress = progress or unwatched
    root = index_folder(data_dir)
    read, skipped = collect(documents, where, report_progress)
    target = target_manifest(read, skipped, embedder.spec, search)
    checker = partial(_open, embedder, milvus) if verify else None
    # Looked at before the lock is taken: an index that is current may be read-only, or another's to write.
    if not rebuild and (found := _already(root, target, checker)) is not None:
        forget_if_idle(root)
        return report_of(found, found, skipped, started)
    with writing(root, blocking=wait, notify=notify):
        if not rebuild and (found := _already(root, target, checker)) is not None:
            return report_of(found, found, skipped, started)
        before = _manifest_or_none(root)
        try:
            there = remote(root, search, milvus, embedder.spec, anew=rebuild)
        except OSError as error:
            raise unwritable(root, error) from error
        last = None if rebuild else last_index(root, embedder, notify, milvus, without=there is None, alike=read)
        if rebuild:
            forget(root)
        try:
            made = [assemble(read, last, embedder, search, where, report_progress, root, there)]
            index, embedded, resumed = made[0].index, made[0].embedded, made[0].resumed
            how = replace(index.store.how, asked=search.asked, target=search.target)
            target = replace(target, chunks=len(index.columns), sentences=index.columns.sentences, search=how)
            tell_shortfall(how, notify)
            step = Step("write", 0, 1, len(read), target.chunks, target.sentences)
            report_progress(step)
            fallback = last.folder if last else None
            del index, last  # what is written need not be in memory too while it is read back
            check = partial(_open, embedder, milvus, alike=read)
            _publish(root, made, target, check, fallback, discarding(root, milvus, there, notify))
            forget(root)
            report_progress(replace(step, done=1))
        finally:
            remove_draft(root)
    return report_of(before, target, skipped, started, embedded, resumed)


def open_index(data_dir: Path, embedder: Embedder, notify: Notify = silent, *, milvus: Milvus | None = None) -> Index:
    """The current index; where it is damaged the last good one, after one sentence to ``notify``.

    Raises IndexMissing, IndexStale when it was built with another model or chunking, IndexCorrupt or StoreUnavailable
    when none opens.
    """
    return load_good(index_folder(data_dir), partial(_open, embedder, milvus), notify)


def open_next(data_dir: Path, serving: Index, *, milvus: Milvus | None = None) -> Index:
    """The current index, every file of it verified, with the model of the one that serves: for use in its place.

    No other version is opened where the current one is damaged. Raises IndexMissing, IndexStale when it was built with
    another model or chunking, IndexCorrupt naming the file, StoreUnavailable.
    """

    def opener(folder: Path, manifest: Manifest) -> Index:
        verify_checksums(folder, manifest)
        return _open(serving.embedder, milvus, folder, manifest)

    return load_current(index_folder(data_dir), opener)


def current_version(data_dir: Path) -> str:
    """Name of the version that CURRENT names; empty where there is none or it cannot be told."""
    try:
        return current(index_folder(data_dir)).name
    except (IndexMissing, IndexCorrupt):
        return ""


def refresh(
    documents: Iterable[Document | Skipped],
    data_dir: Path,
    embedder: Embedder,
    *,
    where: str,
    search: VectorSearch = _ANY,
    milvus: Milvus | None = None,
    progress: Progress | None = None,
    wait: bool = False,
    notify: Notify = silent,
) -> tuple[Index, BuildReport]:
    """Build whatever has changed, then open: the index of exactly these documents.

    A current index that turns out damaged on opening is told to ``notify`` and built anew. Raises as build_index and
    open_index do; after a SourceError, IndexLocked or other RetrievalError of the build, open_index may still serve
    the last index.
    """
    entries = list(documents)

    def build(verify: bool) -> BuildReport:
        return build_index(
            entries,
            data_dir,
            embedder,
            where=where,
            search=search,
            milvus=milvus,
            verify=verify,
            progress=progress,
            wait=wait,
            notify=notify,
        )

    report = build(verify=False)
    try:
        return load_current(index_folder(data_dir), partial(_open, embedder, milvus)), report
    except IndexCorrupt:
        report = build(verify=True)
        return open_index(data_dir, embedder, notify, milvus=milvus), report


def check_index(data_dir: Path) -> None:
    """Read all of the current index and compare it with its checksums: for the background, it takes a while.

    Raises IndexCorrupt naming the damaged file, IndexMissing, IndexStale.
    """
    load_current(index_folder(data_dir), verify_checksums)


def _open(
    embedder: Embedder, milvus: Milvus | None, folder: Path, manifest: Manifest, *, alike: Sequence[Document] = ()
) -> Index:
    if manifest.embedder != embedder.spec or manifest.chunking != PREPARATION:
        built = f"The index in {folder} was built with another model or chunking (model {manifest.embedder.model})"
        raise IndexStale(f"{built}: build it anew with `python -m bot index`.")
    index = Index.load(folder, manifest, embedder, milvus, alike)
    index.held = hold(folder)
    return index


def _publish(
    root: Path,
    made: list[Assembled],
    manifest: Manifest,
    check: Opener[Index],
    fallback: Path | None,
    removing: Callable[[Path], None],
) -> None:
    """Publish the one that is made, which leaves the list, and with it memory, when it has been written."""

    def write(folder: Path) -> None:
        assembled = made.pop()
        assembled.index.save(folder)
        save_arrays(folder, {KEYS: assembled.keys})

    publish(root, write, manifest, check=check, fallback=fallback, removing=removing)


# --- what is there -----------------------------------------------------------------------------------------------


def target_manifest(
    read: Sequence[Document], skipped: Sequence[Skipped], spec: EmbedderSpec, search: VectorSearch
) -> Manifest:
    """What an index of these documents, made now, would say of itself before it is made."""
    return Manifest(
        format=FORMAT,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        embedder=spec,
        chunking=PREPARATION,
        sources={document.source: document.digest for document in read},
        skipped={entry.source: entry.reason for entry in skipped},
        refused={entry.source: entry.digest for entry in skipped if entry.digest},
        chunks=0,
        sentences=0,
        files={},
        search=search,
    )


def differing(found: Manifest, target: Manifest) -> tuple[str, ...]:
    """In what an index differs from what it should be of: names of Manifest's fields; none where it is current."""
    made = ("embedder", "chunking", "sources", "skipped", "refused")
    names = [name for name in made if getattr(found, name) != getattr(target, name)]
    if any(getattr(found.search, name) != getattr(target.search, name) for name in ("asked", "target", "store")):
        names.append("search")
    return tuple(names)


def _already(root: Path, target: Manifest, checker: Opener[Index] | None) -> Manifest | None:
    """The current version's manifest if it is of the same documents made in the same way.

    With a ``checker`` it must be whole, too, and opened by it.
    """
    try:
        folder, found = load_manifest(root)
        same = not differing(found, target)
        if same and checker is not None:
            verify_checksums(folder, found)
            checker(folder, found)
    except (IndexMissing, IndexStale, IndexCorrupt):
        return None
    return found if same else None


def _manifest_or_none(root: Path) -> Manifest | None:
    try:
        return load_manifest(root)[1]
    except (IndexMissing, IndexStale, IndexCorrupt):
        return None
