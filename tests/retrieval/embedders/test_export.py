"""What is exported equals its original; what cannot be, stays with it. On tiny models."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.embedders import export, load_embedder
from retrieval.embedders.bundle import Bundle, Refusal, read_bundle
from retrieval.embedders.export import export_model
from retrieval.embedders.onnx import OnnxEmbedder
from retrieval.embedders.sentence import (
    SentenceTransformerEmbedder,
    load_sentence_transformer,
    open_model,
    prompts_of,
)
from retrieval.embedders.sources import Source, revision
from retrieval.errors import ModelError

MakeModel = Callable[..., Path]

PROMPTS = {"query": "Who signed: ", "passage": "Bread: "}
EXPORTABLE: list[dict[str, Any]] = [
    {},
    {"pooling": "cls", "normalize": False},
    {"pooling": "max", "dense": True},
    {"pooling": "mean_sqrt_len_tokens", "lower": True},
    {"pooling": "lasttoken"},
    {"dense": True, "normalize": False, "prompts": PROMPTS},
]


def name_of(how: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in how.items()) or "plain"


def source_of(folder: Path) -> Source:
    return Source(str(folder), folder)


def original_of(folder: Path) -> SentenceTransformerEmbedder:
    """As users get it where there is no export: not opened for export."""
    return load_sentence_transformer(source_of(folder), folder, revision(folder))


def exported(folder: Path, target: Path) -> Bundle | Refusal | None:
    target.mkdir()
    model = open_model("tiny", folder, for_export=True)
    export_model(SentenceTransformerEmbedder(model, "tiny", revision(folder), prompts_of(folder)), target)
    return read_bundle(target)


@pytest.mark.parametrize("how", EXPORTABLE, ids=name_of)
def test_an_export_equals_its_original_whatever_the_batch(
    make_model: MakeModel, texts: list[str], tmp_path: Path, how: dict[str, Any]
) -> None:
    folder = make_model(**how)
    original = original_of(folder)
    bundle = exported(folder, tmp_path / "target")
    assert isinstance(bundle, Bundle), bundle
    ours = OnnxEmbedder("tiny", tmp_path / "target", bundle)
    assert ours.spec == replace(original.spec, model="tiny")
    np.testing.assert_allclose(ours.embed_documents(texts), original.embed_documents(texts), atol=1e-5)
    np.testing.assert_allclose(ours.embed_queries(texts), original.embed_queries(texts), atol=1e-5)
    assert ours.count_tokens(texts) == original.count_tokens(texts)
    assert bundle.fused["Attention"] == 2
    alone = np.concatenate([ours.embed_documents([text]) for text in texts])
    np.testing.assert_allclose(ours.embed_documents(texts[::-1] * 5), np.tile(alone[::-1], (5, 1)), atol=1e-5)


def test_vectors_have_unit_length_without_a_normalize_module(make_model: MakeModel, texts: list[str]) -> None:
    vectors = original_of(make_model(normalize=False)).embed_documents(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize(
    ("prompts", "default", "expected"),
    [
        (None, None, ("", "")),
        ({"query": "q: ", "document": "d: "}, None, ("q: ", "d: ")),
        ({"query": "q: ", "passage": "p: "}, None, ("q: ", "p: ")),
        ({"query": "q: ", "document": "", "passage": "p: "}, None, ("q: ", "p: ")),
        ({"query": "q: ", "passage": "p: ", "other": "o: "}, "other", ("q: ", "p: ")),
        ({"query": "q: ", "document": ""}, "query", ("q: ", "")),
        ({"query": "q: "}, "query", ("q: ", "q: ")),
        ({"other": "o: "}, "other", ("o: ", "o: ")),
        ({"other": "o: "}, None, ("", "")),
    ],
)
def test_prompts_come_from_the_models_configuration(
    tmp_path: Path, prompts: dict[str, str] | None, default: str | None, expected: tuple[str, str]
) -> None:
    config = {"prompts": prompts, "default_prompt_name": default}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(config))
    assert prompts_of(tmp_path) == expected


def test_prompts_reach_the_model(make_model: MakeModel) -> None:
    prompted = original_of(make_model(prompts=PROMPTS))
    plain = original_of(make_model())
    assert (prompted.spec.query_prompt, prompted.spec.document_prompt) == ("Who signed: ", "Bread: ")
    np.testing.assert_allclose(prompted.embed_queries(["ok"]), plain.embed_queries(["Who signed: ok"]), atol=1e-6)
    np.testing.assert_allclose(prompted.embed_documents(["ok"]), plain.embed_documents(["Bread: ok"]), atol=1e-6)
    assert prompted.count_tokens(["ok"]) == plain.count_tokens(["Bread: ok"])


def test_a_broken_configuration_is_one_sentence(tmp_path: Path) -> None:
    for content in ("{", "[]", '{"prompts": 3}'):
        (tmp_path / "config_sentence_transformers.json").write_text(content)
        with pytest.raises(ModelError, match=r"config_sentence_transformers\.json cannot be read"):
            prompts_of(tmp_path)


def static_model(folder: Path) -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {word: place for place, word in enumerate(["[UNK]", "ok", "the", "treaty", "signed"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = np.random.default_rng(0).normal(size=(len(words), 16)).astype(np.float32)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
    model.save(str(folder), create_model_card=False)
    return folder


def test_a_model_without_a_transformer_is_served_by_sentence_transformers(
    tmp_path: Path, in_process: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder = static_model(tmp_path / "static")
    for _ in range(2):
        caplog.clear()
        embedder = load_embedder(str(folder), tmp_path / "cache")
        assert isinstance(embedder, SentenceTransformerEmbedder)
        assert "served by sentence-transformers because its first module is not a text transformer" in caplog.text
    assert len(in_process) == 1, "the refusal is remembered"
    vectors = embedder.embed_documents(["the treaty", "", "nothing known"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.count_tokens(["the treaty", ""]) == [2, 0]
    assert embedder.embed_queries([]).shape == (0, 16)


def test_a_refusal_holds_only_for_the_libraries_that_gave_it(
    tmp_path: Path, in_process: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = static_model(tmp_path / "static")
    load_embedder(str(folder), tmp_path / "cache")
    monkeypatch.setattr("retrieval.embedders.bundle._version", lambda _name: "99")
    load_embedder(str(folder), tmp_path / "cache")
    assert len(in_process) == 2


def test_pooling_that_leaves_the_prompt_out_is_refused(make_model: MakeModel, tmp_path: Path) -> None:
    with_prompt = exported(make_model(include_prompt=False, prompts={"query": "Who: "}), tmp_path / "prompted")
    assert isinstance(with_prompt, Refusal)
    assert "leaves the prompt out" in with_prompt.reason
    assert [path.name for path in (tmp_path / "prompted").iterdir()] == ["export.json"]
    assert isinstance(exported(make_model(include_prompt=False), tmp_path / "plain"), Bundle)


def test_padding_on_the_left_is_refused(make_model: MakeModel, tmp_path: Path) -> None:
    refusal = exported(make_model(left_padding=True), tmp_path / "target")
    assert isinstance(refusal, Refusal)
    assert "pads on the left" in refusal.reason


def test_weights_too_large_for_one_file_are_refused(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_MAX_BYTES", 1000)
    refusal = exported(make_model(), tmp_path / "target")
    assert isinstance(refusal, Refusal)
    assert "one ONNX file" in refusal.reason


def test_an_unfaithful_export_is_refused(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = export._write_graph

    def write_another(model: Any, path: Path) -> Any:
        weight = model[0].auto_model.encoder.layer[0].output.dense.weight
        weight.data[0, :4] += 0.5
        result = write(model, path)
        weight.data[0, :4] -= 0.5
        return result

    monkeypatch.setattr(export, "_write_graph", write_another)
    refusal = exported(make_model(), tmp_path / "target")
    assert isinstance(refusal, Refusal)
    assert "differs" in refusal.reason


def test_an_exporter_that_fails_is_a_refusal(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise RuntimeError("operator aten::nothing is unknown.\nlots of detail")

    monkeypatch.setattr("torch.onnx.export", fail)
    refusal = exported(make_model(), tmp_path / "target")
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "it cannot be exported: operator aten::nothing is unknown"


def test_exporting_says_nothing(
    make_model: MakeModel, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    exported(make_model(), tmp_path / "target")
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_both_paths_have_the_same_spec_and_refuse_what_is_not_finite(
    make_model: MakeModel, tmp_path: Path, in_process: list[str]
) -> None:
    folder = shutil.copytree(make_model(), tmp_path / "model")
    assert load_embedder(str(folder), tmp_path / "cache").spec == original_of(folder).spec
    broken = original_of(folder)
    broken.model[0].auto_model.embeddings.word_embeddings.weight.data[:] = np.nan
    with pytest.raises(ModelError, match="not finite"):
        broken.embed_documents(["ok"])


def test_a_folder_that_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "unheard-of"}')
    with pytest.raises(ModelError, match="could not be loaded") as caught:
        open_model("x", tmp_path)
    assert "\n" not in str(caught.value)
