"""EMBEDDING_PRECISION=auto: 8 bits where they were measured and pay, float32 everywhere else, without a question."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval.embedders import load_embedder, precision, quantize
from retrieval.embedders.bundle import INT8, Bundle, form_of, int8_refused, read_bundle, read_int8
from retrieval.embedders.precision import has_dot_products, settled
from retrieval.manifest import Precision

X86 = "processor\t: 0\nflags\t\t: fpu sse2 avx2 avx512f {flag} sha_ni\nvmx flags\t: vnmi\n\nprocessor\t: 1\n"


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(precision, "_CPUINFO", path)
    return path


@pytest.fixture
def dot_products(cpuinfo: Path) -> None:
    cpuinfo.write_text(X86.format(flag="avx512_vnni"))


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model counts as the one that was measured."""
    monkeypatch.setattr(precision, "is_default", lambda _: True)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        (X86.format(flag="avx512_vnni"), True),
        (X86.format(flag="avx_vnni"), True),
        (X86.format(flag="avx512_vnnix"), False),
        ("processor\t: 0\nFeatures\t: fp asimd asimddp\n", False),
        ("", False),
        ("flags", False),
        ("\udc80flags\t: avx_vnni", False),
    ],
)
def test_the_processor_is_asked_what_it_has(cpuinfo: Path, text: str, there: bool) -> None:
    cpuinfo.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert has_dot_products() is there


def test_a_processor_that_does_not_tell_has_none(cpuinfo: Path) -> None:
    assert not cpuinfo.exists()
    assert not has_dot_products()


@pytest.mark.usefixtures("dot_products")
@pytest.mark.parametrize(
    ("asked", "model", "gpu", "comes_to"),
    [
        ("auto", "all-MiniLM-L6-v2", False, "auto"),
        ("auto", "sentence-transformers/all-MiniLM-L6-v2", False, "auto"),
        ("auto", "all-MiniLM-L6-v2", True, "float32"),
        ("auto", "intfloat/multilingual-e5-small", False, "float32"),
        ("int8", "intfloat/multilingual-e5-small", False, "int8"),
        ("float32", "all-MiniLM-L6-v2", False, "float32"),
    ],
)
def test_eight_bits_are_tried_where_their_cost_is_known(
    asked: Precision, model: str, gpu: bool, comes_to: Precision
) -> None:
    assert settled(asked, model, gpu=gpu) == comes_to


def test_without_dot_products_it_is_float32(cpuinfo: Path) -> None:
    cpuinfo.write_text(X86.format(flag="avx2"))
    assert settled("auto", "all-MiniLM-L6-v2", gpu=False) == "float32"


@pytest.mark.usefixtures("copying", "rounding_here", "dot_products", "everywhere")
def test_auto_serves_the_8_bit_form(tiny: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "MIN_COSINE", 0.9)
    told: list[str] = []
    embedder = load_embedder(str(tiny), cache, precision="auto", notify=told.append)
    assert embedder.spec.revision.endswith("-int8")
    assert told == [f"Preparing the model {tiny}, once ..."]
    forced = load_embedder(str(tiny), cache, precision="int8", notify=told.append)
    assert forced.spec == embedder.spec
    assert len(told) == 1


@pytest.mark.usefixtures("copying", "rounding_here", "dot_products", "everywhere")
def test_what_rounds_badly_is_served_in_float32_and_tried_once(
    tiny: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize, "MIN_COSINE", 1.0)
    exact = load_embedder(str(tiny), prepared)
    told: list[str] = []
    for _ in range(2):
        embedder = load_embedder(str(tiny), prepared, precision="auto", notify=told.append)
        assert embedder.spec == exact.spec
        assert np.array_equal(embedder.embed_queries(["text"]), exact.embed_queries(["text"]))
    assert told == [f"Preparing the 8-bit form of the model {tiny}, once ..."]
    (folder,) = prepared.glob("*/")
    bundle = read_bundle(folder)
    assert isinstance(bundle, Bundle)
    assert int8_refused(folder, bundle)
    assert not (folder / INT8).exists()
    assert form_of(folder, bundle, "auto") == bundle
    assert form_of(folder, bundle, "int8") is None
    # Asked for by name it is tried again, and kept where it is good enough now.
    monkeypatch.setattr(quantize, "MIN_COSINE", 0.9)
    assert load_embedder(str(tiny), prepared, precision="int8").spec.revision.endswith("-int8")
    assert not int8_refused(folder, bundle)
    assert form_of(folder, bundle, "auto") == read_int8(folder, bundle)


@pytest.mark.usefixtures("dot_products", "everywhere", "in_process")
def test_what_has_no_export_is_served_all_the_same(make_model: object, cache: Path) -> None:
    model = make_model(left_padding=True)  # type: ignore[operator]
    embedder = load_embedder(str(model), cache, precision="auto")
    assert embedder.embed_queries(["text"]).shape == (1, embedder.spec.dimension)
