"""What nobody needs any more in an index folder, removed beside those who read."""

from __future__ import annotations

from pathlib import Path

from retrieval.build import index_folder
from retrieval.embedding import DRAFT, remove_draft
from retrieval.errors import RetrievalError
from retrieval.lock import Notify, silent, writing
from retrieval.manifest import Milvus
from retrieval.publish import last_good, leftovers, remove_leftovers, remove_old
from retrieval.remote import Remote, discarding
from retrieval.sharing import held
from retrieval.storage import MANIFEST, current, versions
from retrieval.stores.entities import claimed

BESIDE = 2
"""Versions that are kept: the current one, and one to fall back on."""


def tidy(data_dir: Path, *, milvus: Milvus | None = None, notify: Notify = silent) -> None:
    """Remove what killed builds left, and versions that are superseded and that nobody reads any more.

    What only such a version held in ``milvus`` is deleted there; where that fails ``notify`` is told. Does nothing
    while another process writes, which does the same, and where the folder cannot be written.
    """
    root = index_folder(data_dir)
    try:
        # Looked at before the lock is taken, as reading a version may take long: a build would be turned away.
        newest, fallback = _needed(root)
        if not (leftovers(root) or (root / DRAFT).exists() or newest):
            return
        with writing(root, brief=True):
            remove_leftovers(root)
            remove_draft(root)
            if newest is not None and current(root) == newest:
                collection = claimed(root)
                there = Remote(milvus, collection) if milvus and collection else None
                remove_old(root, newest, fallback, discarding(root, milvus, there, notify))
    except RetrievalError:  # another's to write, read-only, or without a version that serves
        return


def _needed(root: Path) -> tuple[Path | None, Path | None]:
    """The current version and the one to fall back on; None where no other one could go. Raises RetrievalError."""
    if len(versions(root)) <= BESIDE:
        return None, None
    newest = current(root)
    kept = (newest, fallback := last_good(root, newest))
    unread = [folder for folder in versions(root) if folder not in kept and not held(folder / MANIFEST)]
    return (newest, fallback) if unread else (None, None)
