"""Finds passages in documents. Values and errors are here at once; what computes is imported when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from retrieval.errors import (
    IndexCorrupt,
    IndexLocked,
    IndexMissing,
    IndexStale,
    ModelError,
    RetrievalError,
    SourceError,
)
from retrieval.types import Document, Hit, Query, SearchResult, SentenceHit, Skipped

if TYPE_CHECKING:
    from retrieval.build import build_index, check_index, index_folder, open_index, refresh
    from retrieval.documents import make_document, read_documents
    from retrieval.embedders import load_embedder
    from retrieval.index import Index
    from retrieval.outcome import BuildReport

__all__ = [
    "BuildReport",
    "Document",
    "Hit",
    "Index",
    "IndexCorrupt",
    "IndexLocked",
    "IndexMissing",
    "IndexStale",
    "ModelError",
    "Query",
    "RetrievalError",
    "SearchResult",
    "SentenceHit",
    "Skipped",
    "SourceError",
    "build_index",
    "check_index",
    "index_folder",
    "load_embedder",
    "make_document",
    "open_index",
    "read_documents",
    "refresh",
]

_HOMES = {
    "BuildReport": "outcome",
    "build_index": "build",
    "check_index": "build",
    "index_folder": "build",
    "open_index": "build",
    "refresh": "build",
    "make_document": "documents",
    "read_documents": "documents",
    "load_embedder": "embedders",
    "Index": "index",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
