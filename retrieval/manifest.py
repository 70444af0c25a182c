"""What an index was made of and how its vectors are searched: frozen, slotted, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Device = Literal["cpu", "cuda", "auto"]
"""Where something is computed; auto: on a GPU where there is one."""

Precision = Literal["auto", "float32", "int8"]
"""Of the numbers that the model computes with; auto: 8 bits where retrieval.embedders.precision finds that they pay."""

StoreKind = Literal["faiss", "exact", "milvus"]
"""Where vectors lie."""

Consistency = Literal["strong", "session", "bounded", "eventually"]
"""What a search in Milvus sees of what was written last."""


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What makes two vectors comparable; equal specs mean equal vector spaces."""

    model: str
    """Name or folder as configured."""
    revision: str
    """Digest of the weights and of everything else that shapes the vectors, hex."""
    dimension: int
    max_tokens: int
    """Longest input the model reads, special tokens and prompt included."""
    query_prompt: str
    document_prompt: str


@dataclass(frozen=True, slots=True)
class Milvus:
    """How a Milvus is reached; see retrieval/stores/MILVUS.md."""

    uri: str
    """http://HOST:PORT, https://HOST:PORT, or the path of a file of Milvus Lite, which ends in .db; holds no secret."""
    token: str = field(default="", repr=False)
    """USER:PASSWORD or an API key; empty where Milvus asks for none."""
    timeout: float = 10.0
    """Seconds that a call may take, its repetitions included."""
    consistency: Consistency = "bounded"
    """What a search sees of what was written last."""
    prefix: str = "fonte"
    """The names of all collections begin with it."""


@dataclass(frozen=True, slots=True)
class VectorSearch:
    """How vectors are searched, and what was measured of it when it was made. By default all are compared."""

    asked: str = "auto"
    """INDEX_TYPE: auto or a FAISS factory string."""
    target: float = 0.99
    """INDEX_RECALL, of the 10 nearest."""
    type: str = "Flat"
    """The factory string of the index that nominates; Flat for none."""
    probes: tuple[int, int] = (0, 0)
    """Its nprobe or efSearch where up to 10 and where up to 200 are wanted, 0 where it has neither."""
    candidates: tuple[int, int] = (0, 0)
    """Vectors then compared exactly."""
    recall: tuple[float, float] = (1.0, 1.0)
    """Share of the 10 and of the 200 nearest that was found for queries it was not made from."""
    trained: int = 0
    """Vectors it was made of at first."""
    changed: int = 0
    """Vectors added and deleted since."""
    store: StoreKind = "faiss"
    """VECTOR_STORE: where the vectors lie. Of Milvus's own indexes nothing was measured; ``recall`` then says 1."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was built from and how; written beside its files as JSON."""

    format: int
    """Version of the folder's layout."""
    created: str
    """UTC time, ISO 8601."""
    embedder: EmbedderSpec
    chunking: str
    """Identifies the reader, splitter and analysis; another value means a rebuild."""
    sources: dict[str, str]
    """Source -> digest of its raw bytes."""
    skipped: dict[str, str]
    """Source -> reason."""
    chunks: int
    sentences: int
    files: dict[str, tuple[int, str]]
    """File name in the folder -> (size in bytes, SHA-256 hex)."""
    search: VectorSearch = VectorSearch(asked="")
    """Of an index made before this was written down, nothing was asked."""
    refused: dict[str, str] = field(default_factory=dict)
    """Of those skipped for what is in them: source -> digest of its raw bytes."""
