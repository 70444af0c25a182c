"""Other programs' way from a question to passages, each in processes of its own: started by tests.bench.rag.

    python -m tests.bench.rag_peers build NAME FOLDER MODEL
    python -m tests.bench.rag_peers serve NAME FOLDER MODEL

FOLDER holds passages.json, MODEL is the folder of a sentence-transformers model. Every library is set up as its own
introduction has it, with the defaults that it chooses, threads included; vectors are normalised for all of them.
``build`` makes the index of the texts, whose vectors are computed once for all peers (they are the same) and kept in
vectors.npy. ``serve`` opens it and answers as tests.bench.serving has it, with the texts of the best passages.

Everything is imported where it is used: a peer pays at its start for what it needs and for nothing else.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench.answering import Ask, answer_lines

TOP = 5

Built = tuple[Callable[[list[str], Any], None], Callable[[], Ask]]
"""Makes an index of texts and their vectors on disk; opens it."""


def langchain(folder: Path, model: str) -> Built:
    from langchain_community.vectorstores import FAISS
    from langchain_huggingface import HuggingFaceEmbeddings

    def embedding() -> Any:
        return HuggingFaceEmbeddings(model_name=model, encode_kwargs={"normalize_embeddings": True})

    def make(texts: list[str], vectors: Any) -> None:
        FAISS.from_embeddings(list(zip(texts, vectors.tolist(), strict=True)), embedding()).save_local(str(folder))

    def load() -> Ask:
        store = FAISS.load_local(str(folder), embedding(), allow_dangerous_deserialization=True)
        return lambda question: [found.page_content for found in store.similarity_search(question, k=TOP)]

    return make, load


def llamaindex(folder: Path, model: str) -> Built:
    from llama_index.core import StorageContext, VectorStoreIndex, load_index_from_storage
    from llama_index.core.schema import TextNode
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from llama_index.vector_stores.faiss import FaissVectorStore

    def make(texts: list[str], vectors: Any) -> None:
        import faiss

        store = FaissVectorStore(faiss_index=faiss.IndexFlatL2(vectors.shape[1]))
        nodes = [TextNode(text=text, embedding=row) for text, row in zip(texts, vectors.tolist(), strict=True)]
        context = StorageContext.from_defaults(vector_store=store)
        index = VectorStoreIndex(nodes, storage_context=context, embed_model=HuggingFaceEmbedding(model))
        index.storage_context.persist(str(folder))

    def load() -> Ask:
        store = FaissVectorStore.from_persist_dir(str(folder))
        context = StorageContext.from_defaults(vector_store=store, persist_dir=str(folder))
        index = load_index_from_storage(context, embed_model=HuggingFaceEmbedding(model))
        retriever = index.as_retriever(similarity_top_k=TOP)
        return lambda question: [found.node.get_content() for found in retriever.retrieve(question)]

    return make, load


def txtai(folder: Path, model: str) -> Built:
    from txtai import Embeddings

    def make(texts: list[str], vectors: Any) -> None:
        import numpy as np

        known = dict(zip(texts, vectors, strict=True))
        embeddings = Embeddings(path=model, content=True)
        embeddings.model.encode = lambda data, *_: np.stack([known[text] for text in data])
        embeddings.index(texts)
        embeddings.save(str(folder))

    def load() -> Ask:
        embeddings = Embeddings()
        embeddings.load(str(folder))
        return lambda question: [found["text"] for found in embeddings.search(question, TOP)]

    return make, load


PEERS = {"langchain": langchain, "llamaindex": llamaindex, "txtai": txtai}
SHARED = ("sentence-transformers", "torch", "faiss-cpu")
PACKAGES = {
    "langchain": ("langchain-community", "langchain-huggingface", *SHARED),
    "llamaindex": ("llama-index-core", *SHARED),
    "txtai": ("txtai", "transformers", *SHARED[1:]),
}


def build(name: str, folder: Path, model: str) -> dict[str, Any]:
    """Make the index of one peer, and say what versions it is made of and how many threads it computes with."""
    from importlib.metadata import version

    import faiss
    import numpy as np
    import torch

    texts, path = json.loads((folder / "passages.json").read_text("utf-8")), folder / "vectors.npy"
    if not path.exists():
        from sentence_transformers import SentenceTransformer

        np.save(path, SentenceTransformer(model).encode(texts, normalize_embeddings=True, show_progress_bar=False))
    make, _ = PEERS[name](folder / name, model)
    started = perf_counter()
    make(texts, np.load(path))
    return {
        "index_s": perf_counter() - started,
        "packages": {package: version(package) for package in PACKAGES[name]},
        "threads": {"torch": torch.get_num_threads(), "faiss": faiss.omp_get_max_threads()},
    }


def main() -> None:
    from transformers.utils.logging import disable_progress_bar

    warnings.simplefilter("ignore")
    disable_progress_bar()
    action, name, folder, model = sys.argv[1:]
    if action == "build":
        print(json.dumps(build(name, Path(folder), model)))
    else:
        answer_lines(PEERS[name](Path(folder) / name, model)[1]())


if __name__ == "__main__":
    main()
