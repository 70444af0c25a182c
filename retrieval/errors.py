"""The errors retrieval raises. Each message is one sentence a person can act on.

RetrievalError
+-- SourceError      the seeds folder or one of its files cannot be used
+-- ModelError       the embedding model cannot be found, verified or run
+-- IndexMissing     no index has been published yet
+-- IndexStale       the index was built with another model, chunking or format
+-- IndexCorrupt     an index file is damaged, missing or foreign
+-- IndexTypeError   INDEX_TYPE names no index that can be made of the vectors
+-- DeviceError      a GPU was asked for that cannot be used
+-- IndexLocked      another process is writing the index
+-- StoreUnavailable Milvus cannot be reached, or does not do what it is asked to
"""

from __future__ import annotations


class RetrievalError(Exception):
    """Base of everything retrieval raises on purpose; ``str(error)`` is fit for users."""


class SourceError(RetrievalError):
    """The seeds folder, or the one file asked for, cannot be used."""


class ModelError(RetrievalError):
    """The embedding model cannot be found, verified, exported or run."""


class IndexMissing(RetrievalError):
    """No index has been published in the data folder yet."""


class IndexStale(RetrievalError):
    """The index was built with another model, chunking or format version."""


class IndexCorrupt(RetrievalError):
    """An index file is damaged, missing or not ours."""


class IndexTypeError(RetrievalError):
    """INDEX_TYPE names no index that FAISS can make of these vectors."""


class DeviceError(RetrievalError):
    """INDEX_DEVICE or EMBEDDING_DEVICE asks for a GPU that is not there or cannot hold what it should."""


class IndexLocked(RetrievalError):
    """Another process holds the data folder's write lock."""


class StoreUnavailable(RetrievalError):
    """Milvus cannot be reached now, refuses what it is asked for, or its client is not installed."""
