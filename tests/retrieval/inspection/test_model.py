"""The model's files and what was prepared of them, in good order and in bad."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.embedders.bundle import (
    INT8,
    MODEL,
    TOKENIZER,
    Bundle,
    Parity,
    Refusal,
    describe_files,
    int8_of,
    tools,
    write_bundle,
    write_int8,
)
from retrieval.embedders.sources import revision
from retrieval.inspection.finding import Finding, Status
from retrieval.inspection.model import inspect_model, spec_of

FAITHFUL = Parity(texts=70, min_cosine=0.9999997, order_gap=3e-7)


@pytest.fixture
def model(tmp_path: Path) -> str:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return str(folder)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def export(model: str, cache: Path) -> Path:
    """What stands for the model's export, which nobody runs."""
    return prepare(model, cache, FAITHFUL)


def prepare(model: str, cache: Path, parity: Parity) -> Path:
    folder = cache / revision(Path(model))
    folder.mkdir()
    for name in (MODEL, TOKENIZER):
        (folder / name).write_text(f"the {name}")
    write_bundle(folder, bundle(folder, parity))
    return folder


def bundle(folder: Path, parity: Parity) -> Bundle:
    return Bundle(
        folder.name, 8, 16, "", "", ("input_ids",), 0, 0, "right", parity, {}, tools(), describe_files(folder)
    )


def look(model: str, cache: Path, precision: str = "float32") -> list[Finding]:
    return list(inspect_model(model, cache, precision))  # type: ignore[arg-type]


def last(findings: list[Finding]) -> tuple[Status, str, str]:
    return findings[-1].status, findings[-1].detail, findings[-1].remedy


def test_a_whole_export_is_told_with_its_figures(model, cache, export) -> None:
    weights, made = look(model, cache)
    assert weights.status is made.status is Status.OK
    assert "on 70 texts, cosine at least 0.999999, loss by another order at most 3e-07." in made.detail
    spec = spec_of(model, cache, "float32")
    assert (spec.model, spec.revision, spec.dimension) == (model, export.name, 8)


def test_looking_makes_nothing(model, cache, export, tmp_path) -> None:
    before = sorted(tmp_path.rglob("*"))
    look(model, cache)
    look(model, tmp_path / "nowhere")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_model_that_is_not_prepared_is_a_warning(model, cache) -> None:
    status, detail, remedy = last(look(model, cache))
    assert status is Status.WARNING
    assert "has not been prepared" in detail
    assert "python -m bot index" in remedy
    assert spec_of(model, cache, "float32") is None


def test_a_damaged_file_of_the_export_is_wrong(model, cache, export) -> None:
    (export / MODEL).write_text("THE model.onnx")
    status, detail, remedy = last(look(model, cache))
    assert (status, detail) == (Status.WRONG, f"{export / MODEL} is damaged.")
    assert remedy == f"Delete {export} to have it made anew."


def test_an_incomplete_export_is_a_warning_as_it_is_made_anew(model, cache, export) -> None:
    (export / TOKENIZER).unlink()
    status, detail, _ = last(look(model, cache))
    assert status is Status.WARNING
    assert "incomplete, damaged" in detail


def test_an_export_that_differs_from_its_original_is_wrong(model, cache) -> None:
    prepare(model, cache, replace(FAITHFUL, min_cosine=0.98))
    status, detail, _ = last(look(model, cache))
    assert status is Status.WRONG
    assert "cosine at least 0.9800" in detail


def test_a_model_that_is_not_exported_says_why(model, cache) -> None:
    folder = cache / revision(Path(model))
    folder.mkdir()
    write_bundle(folder, Refusal("it has two heads", tools()))
    status, detail, _ = last(look(model, cache))
    assert status is Status.OK
    assert detail.endswith("is served by sentence-transformers because it has two heads.")
    assert spec_of(model, cache, "float32") is None


def test_the_8_bit_form(model, cache, export) -> None:
    status, detail, _ = last(look(model, cache, "int8"))
    assert status is Status.WARNING
    assert "EMBEDDING_PRECISION" in detail
    (export / INT8).write_text("small")
    exact = bundle(export, FAITHFUL)
    write_int8(export, exact, int8_of(exact, export), replace(FAITHFUL, min_cosine=0.987654))
    status, detail, _ = last(look(model, cache, "int8"))
    assert status is Status.OK
    assert "0.9876" in detail
    assert "not used" in last(look(model, cache))[1]
    assert spec_of(model, cache, "int8").revision == f"{export.name}-int8"
    (export / INT8).write_text("SMALL")
    assert last(look(model, cache, "int8"))[0] is Status.WRONG
    assert last(look(model, cache))[0] is Status.WARNING, "it is not used"


def test_the_published_weights_are_read_as_a_whole(cache, monkeypatch) -> None:
    first, *_ = look("all-MiniLM-L6-v2", cache)
    assert first.status is Status.OK
    assert "published" in first.detail
    monkeypatch.setattr("retrieval.embedders.sources._PACKAGE_WEIGHTS", "0" * 64)
    status, detail, remedy = last(look("all-MiniLM-L6-v2", cache))
    assert status is Status.WRONG
    assert detail.endswith("model.safetensors is not the published one.")
    assert "--force-reinstall" in remedy


def test_a_model_that_is_nowhere(cache) -> None:
    assert last(look("no such model", cache))[0] is Status.WRONG
    assert spec_of("no such model", cache, "float32") is None
    [finding] = look("someone/some-model", cache)
    assert finding.status is Status.WARNING
    assert "has not been fetched" in finding.detail


def test_hashing_needs_nothing(cache) -> None:
    assert last(look("hashing", cache))[0] is Status.OK


def test_what_was_prepared_of_other_models_is_told_with_its_size(model, cache, export) -> None:
    before = look(model, cache)
    (cache / ".making-1").mkdir()
    (cache / ".making-1" / "half").write_bytes(b"x" * 10**7)
    assert look(model, cache) == before
    other = cache / ("0" * 64)
    other.mkdir()
    (other / "model.onnx").write_bytes(b"x" * 3_000_000)
    [told] = [finding for finding in look(model, cache) if finding not in before]
    assert told.status is Status.OK
    assert told.detail == f"1 other model prepared in {cache}: 3 MB, which may be deleted."
