from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.embedders.hashing import HashingEmbedder

EMBEDDER = HashingEmbedder()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=60), max_size=6))
def test_vectors_are_unit_rows_whatever_the_text(texts: list[str]) -> None:
    vectors = EMBEDDER.embed_documents(texts)
    assert vectors.shape == (len(texts), EMBEDDER.spec.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_array_equal(EMBEDDER.embed_queries([text])[0], vector)


def test_another_process_gets_the_same_vectors() -> None:
    code = "from retrieval.embedders.hashing import *; print(HashingEmbedder().embed_queries(['città'])[0].tolist())"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        for seed in "01"
    ]
    assert runs[0].stdout == runs[1].stdout == f"{EMBEDDER.embed_queries(['CITTÀ'])[0].tolist()}\n"


def test_texts_with_common_words_and_stems_are_close() -> None:
    query, same, stem, other = EMBEDDER.embed_documents(
        ["the signed treaty", "a treaty, signed", "treaties signing", "bread and yeast"]
    )
    assert query @ same > query @ stem > query @ other


def test_words_are_counted_and_cut() -> None:
    limit = EMBEDDER.spec.max_tokens
    words = [f"w{number}" for number in range(limit + 5)]
    assert EMBEDDER.count_tokens([" ".join(words), "", "D'accordo, 42!"]) == [limit + 5, 0, 3]
    cut, whole = EMBEDDER.embed_documents([" ".join(words), " ".join(words[:limit])])
    np.testing.assert_array_equal(cut, whole)
