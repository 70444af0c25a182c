"""The 8-bit form of a model: near the float32 one, made once, the same whatever stands beside a text."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from retrieval.embedders import load_embedder, quantize
from retrieval.embedders.bundle import INT8, Bundle, read_bundle, read_int8
from retrieval.embedders.onnx import OnnxEmbedder
from retrieval.errors import DeviceError, ModelError


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny models' wild weights round less well than trained ones."""
    monkeypatch.setattr(quantize, "MIN_COSINE", 0.9)


def load(model: Path, cache: Path, told: list[str] | None = None) -> OnnxEmbedder:
    notify = (lambda _: None) if told is None else told.append
    embedder = load_embedder(str(model), cache, precision="int8", notify=notify)
    assert isinstance(embedder, OnnxEmbedder)
    return embedder


def test_the_default_model_keeps_its_vectors_nearly(default_cache: Path, default_model: OnnxEmbedder) -> None:
    embedder = load_embedder("all-MiniLM-L6-v2", default_cache, precision="int8")
    assert embedder.spec.revision == default_model.spec.revision + "-int8"
    texts = [
        "Who signed the treaty?",
        "Quanto costa l'abbonamento annuale alla biblioteca comunale?",
        "Bread rises because yeast turns sugar into carbon dioxide.",
        "Il ricorso va presentato entro sessanta giorni dalla notifica.",
    ]
    ours, theirs = embedder.embed_queries(texts), default_model.embed_queries(texts)
    cosines = (ours * theirs).sum(axis=1)
    assert (cosines > 0.997).all()
    assert (cosines < 1.0 - 1e-5).all()  # it is another model, after all
    # Asking for float32 again gives float32.
    again = load_embedder("all-MiniLM-L6-v2", default_cache)
    assert np.array_equal(again.embed_queries(texts), theirs)


@pytest.mark.usefixtures("near", "rounding_here", "copying")
def test_it_is_made_once_and_announced(tiny: Path, prepared: Path) -> None:
    told: list[str] = []
    first = load(tiny, prepared, told)
    assert told == [f"Preparing the 8-bit form of the model {tiny}, once ..."]
    second = load(tiny, prepared, told)
    assert len(told) == 1
    assert np.array_equal(first.embed_documents(["text"]), second.embed_documents(["text"]))


@pytest.mark.usefixtures("near", "rounding_here", "in_process")
def test_a_new_model_is_exported_and_rounded_at_once(tiny: Path, cache: Path) -> None:
    told: list[str] = []
    load(tiny, cache, told)
    assert told == [f"Preparing the model {tiny}, once ..."]


@pytest.mark.usefixtures("near", "rounding_here", "copying")
def test_a_text_has_one_vector_whatever_stands_beside_it(tiny: Path, prepared: Path, texts: list[str]) -> None:
    embedder = load(tiny, prepared)
    together = embedder.embed_documents(texts)
    alone = np.concatenate([embedder.embed_documents([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.usefixtures("near", "rounding_here", "copying")
@pytest.mark.parametrize("damage", ["cut", "foreign", "gone", "float32 made anew"])
def test_a_damaged_form_is_made_anew(damage: str, tiny: Path, prepared: Path) -> None:
    wanted = load(tiny, prepared).embed_documents(["text"])
    (folder,) = (path for path in prepared.glob("*/"))
    bundle = read_bundle(folder)
    assert isinstance(bundle, Bundle)
    path = folder / INT8
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "foreign":
        path.write_bytes(b"x" * path.stat().st_size)
    elif damage == "gone":
        path.unlink()
    else:
        text = (folder / "int8.json").read_text()
        (folder / "int8.json").write_text(text.replace(bundle.files["model.onnx"][1], "0" * 64))
    told: list[str] = []
    assert np.array_equal(load(tiny, prepared, told).embed_documents(["text"]), wanted)
    assert len(told) == 1
    assert read_int8(folder, bundle) is not None


@pytest.mark.usefixtures("copying", "rounding_here")
def test_a_model_that_rounds_badly_is_one_sentence(tiny: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "MIN_COSINE", 1.0)
    for _ in range(2):
        with pytest.raises(ModelError, match=r"^EMBEDDING_PRECISION=int8 changes the model .* too much \(cosine 0\."):
            load(tiny, prepared)


def test_what_has_no_export_has_no_8_bit_form(make_model: object, cache: Path, in_process: list[str]) -> None:
    model = make_model(left_padding=True)  # type: ignore[operator]
    with pytest.raises(ModelError, match=r"^EMBEDDING_PRECISION=int8 cannot be had of the model"):
        load_embedder(str(model), cache, precision="int8")


def test_it_is_not_for_the_gpu(cache: Path) -> None:
    with pytest.raises(DeviceError, match="EMBEDDING_PRECISION=int8 is for the processor"):
        load_embedder("all-MiniLM-L6-v2", cache, precision="int8", device="cuda")


@pytest.mark.usefixtures("copying")
def test_a_child_that_cannot_write_or_dies_is_one_sentence(
    tiny: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_embedder(str(tiny), prepared)
    (folder,) = prepared.glob("*/")
    (folder / INT8).mkdir()
    with pytest.raises(ModelError, match=r"^The folder for prepared models .* cannot be used \(Is a directory"):
        load(tiny, prepared)
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(ModelError, match=r"^The 8-bit form of the model .* could not be made \(exit status 1\)"):
        load(tiny, prepared)
    assert not list(prepared.glob(".making-*"))
