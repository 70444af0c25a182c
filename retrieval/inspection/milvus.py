"""The Milvus that holds the vectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from retrieval.build import index_folder
from retrieval.errors import IndexCorrupt, IndexMissing, IndexStale, StoreUnavailable
from retrieval.index import VECTORS
from retrieval.inspection.finding import Finding, Status, ok, told, warning, wrong
from retrieval.manifest import Milvus
from retrieval.storage import load_manifest
from retrieval.stores import kind_at

MILVUS = "milvus"


def inspect_milvus(milvus: Milvus, data_dir: Path, *, offline: bool) -> Iterator[Finding]:
    """Whether Milvus answers, and whether it has the collection of the current index."""
    if milvus.uri.endswith(".db"):
        yield _lite(Path(milvus.uri))
        return
    if offline:
        yield ok(MILVUS, f"{milvus.uri}: not asked, because of --offline.")
        return
    # Not client_for, which keeps a client for as long as the process lives.
    from retrieval.stores.milvus_client import Client

    client = Client(milvus)
    collection = _collection(data_dir)
    try:
        dimension = client.dimension(collection or milvus.prefix)
    except StoreUnavailable as error:
        yield told(MILVUS, Status.WRONG, error)
        return
    if collection is None:
        yield ok(MILVUS, f"{client.name} answers; the current index has no vectors there yet.")
    elif dimension is None:
        yield wrong(
            MILVUS,
            f"{client.name} answers, but has no collection {collection}, where the vectors of the index should be.",
            "Run `python -m bot index --rebuild`, or correct MILVUS_URI.",
        )
    else:
        yield ok(MILVUS, f"{client.name} answers and has the collection {collection}.")


def _lite(file: Path) -> Finding:
    """Opening the file would take it from a bot that serves, and change it."""
    if file.exists():
        return ok(MILVUS, f"Milvus Lite: {file} is there; it is not opened, as only one process can.")
    return warning(MILVUS, f"Milvus Lite: there is no {file} yet.", "Run `python -m bot index`, which makes it.")


def _collection(data_dir: Path) -> str | None:
    """Where the vectors of the current index lie; None where not in Milvus."""
    from retrieval.stores.milvus import saved

    try:
        folder, _ = load_manifest(index_folder(data_dir))
        return saved(folder / VECTORS)[0] if kind_at(folder / VECTORS) == "milvus" else None
    except (IndexMissing, IndexStale, IndexCorrupt):
        return None  # told by the check of the index
