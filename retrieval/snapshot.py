"""One version of an index, taken out of its folder while others build, and put back into one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrieval.build import index_folder
from retrieval.lock import Notify, silent
from retrieval.manifest import Manifest, Milvus
from retrieval.publish import publish
from retrieval.remote import Remote, discarding
from retrieval.sharing import Held
from retrieval.storage import MANIFEST, hold, load_good, load_version, verify_checksums
from retrieval.stores.entities import COLLECTION, claimed


@contextmanager
def snapshot(data_dir: Path, notify: Notify = silent) -> Iterator[tuple[Path, Manifest]]:
    """Folder and manifest of the current version, every file verified, which nobody removes while the block runs.

    Where it is damaged the last good one, after one sentence to ``notify``. Raises IndexMissing, IndexStale,
    IndexCorrupt.
    """

    def opener(folder: Path, manifest: Manifest) -> tuple[Path, Manifest, Held]:
        verify_checksums(folder, manifest)
        return folder, manifest, hold(folder)

    folder, manifest, held = load_good(index_folder(data_dir), opener, notify)
    with held:
        yield folder, manifest


def version_files(folder: Path, manifest: Manifest) -> Iterator[Path]:
    """Every file of a version."""
    yield folder / MANIFEST
    yield from (folder / name for name in manifest.files)


def collection_file(data_dir: Path) -> Path:
    """Where DATA_DIR says in which collection of Milvus its vectors lie; there only where they do."""
    return index_folder(data_dir) / COLLECTION


def reinstate(data_dir: Path, version: Path, *, milvus: Milvus | None = None, notify: Notify = silent) -> Path:
    """Publish a version that lies in another folder of the same disk, whose files are moved; its new folder.

    The caller holds ``writing(index_folder(data_dir))``. The version that was current is kept beside it. Raises
    IndexStale, IndexCorrupt, RetrievalError when the system refuses a write.
    """
    manifest = load_version(version)
    root, collection = index_folder(data_dir), claimed(index_folder(data_dir))

    def write(folder: Path) -> None:
        for name in manifest.files:
            shutil.move(version / name, folder / name)

    there = Remote(milvus, collection) if milvus and collection else None
    return publish(root, write, manifest, removing=discarding(root, milvus, there, notify))
