"""What nobody needs any more in an index folder, removed beside those who read."""

from __future__ import annotations

from pathlib import Path

from retrieval.build import index_folder
from retrieval.errors import RetrievalError
from retrieval.lock import Notify, silent, writing
from retrieval.manifest import Milvus
from retrieval.publish import leftovers, remove_leftovers, remove_old
from retrieval.remote import Remote, discarding
from retrieval.storage import current, versions
from retrieval.stores.entities import claimed

BESIDE = 2
"""Versions that are kept: the current one, and one to fall back on."""


def tidy(data_dir: Path, *, milvus: Milvus | None = None, notify: Notify = silent) -> None:
    """Remove what killed builds left, and versions that are superseded and that nobody reads any more.

    What only such a version held in ``milvus`` is deleted there; where that fails ``notify`` is told. Does nothing
    while another process writes, which does the same, and where the folder cannot be written.
    """
    root = index_folder(data_dir)
    if not (leftovers(root) or len(versions(root)) > BESIDE):
        return
    try:
        with writing(root):
            remove_leftovers(root)
            newest, collection = current(root), claimed(root)
            if len(versions(root)) <= BESIDE:
                return
            there = Remote(milvus, collection) if milvus and collection else None
            remove_old(root, newest, None, discarding(root, milvus, there, notify))
    except RetrievalError:  # another's to write, read-only, or without a version that serves
        return
