"""The embedding model: its files, and what was prepared of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.embedders import REVISION
from retrieval.embedders.bundle import (
    Bundle,
    Parity,
    Refusal,
    form_of,
    int8_refused,
    read_bundle,
    read_int8,
    verify_checksums,
)
from retrieval.embedders.hashing import NAME as HASHING
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.embedders.parity import MIN_COSINE, faithful
from retrieval.embedders.sources import Source, check_weights, locate, recall, revision
from retrieval.errors import ModelError
from retrieval.inspection.finding import Finding, Status, count, ok, told, warning, wrong
from retrieval.manifest import EmbedderSpec, Precision

MODEL, INT8 = "model", "int8"
_PREPARE = "Run `python -m bot index`, which prepares it once."


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What lies in the cache of a model."""

    folder: Path
    content: Bundle | Refusal | None


def inspect_model(model: str, cache_dir: Path, precision: Precision) -> Iterator[Finding]:
    """The model's weights, its export, how that compares with the original, and its 8-bit form where one is wanted.

    ``precision`` is a settled one, see retrieval.embedders.precision.
    """
    if model == HASHING:
        yield ok(MODEL, "hashing needs no files, and understands nothing: for tests and dry runs.")
        return
    try:
        source = locate(model)
        check_weights(source)
        prepared = _prepared(source, cache_dir)
    except ModelError as error:
        yield told(MODEL, Status.WRONG, error)
        return
    yield _weights(source, prepared)
    yield from _others(cache_dir, prepared)
    if prepared is None:
        if source.folder is not None:
            yield warning(MODEL, f"{source.name} has not been prepared in {cache_dir} yet.", _PREPARE)
        return
    yield _export(source, prepared)
    if isinstance(prepared.content, Bundle):
        yield from _int8(prepared.folder, prepared.content, precision)


def spec_of(model: str, cache_dir: Path, precision: Precision) -> EmbedderSpec | None:
    """The model's vector space, without loading it; None where that is not known before it is prepared.

    ``precision`` is a settled one, see retrieval.embedders.precision.
    """
    if model == HASHING:
        return HashingEmbedder().spec
    try:
        source = locate(model)
        prepared = _prepared(source, cache_dir)
    except ModelError:
        return None
    if prepared is None or not isinstance(prepared.content, Bundle):
        return None
    exact = prepared.content
    bundle = form_of(prepared.folder, exact, precision)
    return bundle.spec(source.name) if bundle else None


def _prepared(source: Source, cache_dir: Path) -> _Prepared | None:
    """Raises ModelError where the model's files cannot be read."""
    known = recall(source, cache_dir)
    if known is not None:
        found = known.revision
    elif source.folder is not None and any(cache_dir.glob("*/")):
        found = revision(source.folder)
    else:
        return None
    folder = cache_dir / found
    return _Prepared(folder, read_bundle(folder)) if folder.is_dir() else None


def _weights(source: Source, prepared: _Prepared | None) -> Finding:
    if source.weights is not None:
        return ok(MODEL, f"{source.name}: the weights are the published ones (SHA-256).")
    if source.folder is not None:
        return ok(MODEL, f"{source.name}: read from that folder; nobody has published a checksum of it.")
    if prepared is not None:
        return ok(MODEL, f"{source.name}: fetched from the Hugging Face hub.")
    return warning(
        MODEL,
        f"{source.name} has not been fetched from the Hugging Face hub yet.",
        "Run `python -m bot index` while the hub can be reached, which fetches and prepares it once.",
    )


def _others(cache_dir: Path, prepared: _Prepared | None) -> Iterator[Finding]:
    """What was prepared of models that are set no more: it stays, as they may be set again."""
    others = [
        folder
        for folder in cache_dir.glob("*/")
        if REVISION.fullmatch(folder.name) and (prepared is None or folder != prepared.folder)
    ]
    size = sum(path.stat().st_size for folder in others for path in folder.rglob("*") if path.is_file())
    if size:
        what = count(len(others), "other model")
        yield ok(MODEL, f"{what} prepared in {cache_dir}: {size / 1e6:.0f} MB, which may be deleted.")


def _export(source: Source, prepared: _Prepared) -> Finding:
    content = prepared.content
    if content is None:
        return warning(
            MODEL, f"The export in {prepared.folder} is incomplete, damaged or another version's.", f"{_PREPARE}"
        )
    if isinstance(content, Refusal):
        return ok(MODEL, f"{source.name} is served by sentence-transformers because {content.reason}.")
    try:
        verify_checksums(prepared.folder, content)
    except ModelError as error:
        return told(MODEL, Status.WRONG, error)
    if not faithful(content.parity):
        return wrong(
            MODEL,
            f"The export differs from the original: {_figures(content.parity)}.",
            f"Delete {prepared.folder} to have it made anew.",
        )
    return ok(MODEL, f"Its export is whole and true to the original: {_figures(content.parity)}.")


def _int8(folder: Path, exact: Bundle, precision: Precision) -> Iterator[Finding]:
    bundle = read_int8(folder, exact)
    if bundle is None:
        if int8_refused(folder, exact):
            if precision == "int8":
                yield wrong(INT8, "The model's 8-bit form differs too much.", "Set EMBEDDING_PRECISION=float32.")
            elif precision == "auto":
                yield ok(INT8, "The model's 8-bit form differs too much, so it is served in float32.")
        elif precision != "float32":
            yield warning(INT8, "The 8-bit form that EMBEDDING_PRECISION asks for is not there.", _PREPARE)
        return
    try:
        verify_checksums(folder, bundle)
    except ModelError as error:
        yield told(INT8, Status.WARNING if precision == "float32" else Status.WRONG, error)
        return
    use = ", and not used: the model is served in float32" if precision == "float32" else ""
    yield ok(INT8, f"The 8-bit form is whole{use}: {_figures(bundle.parity)}.")


def _figures(parity: Parity) -> str:
    return (
        f"on {count(parity.texts, 'text')}, cosine at least {_floor(parity.min_cosine)}, "
        f"loss by another order at most {parity.order_gap:.1g}"
    )


def _floor(cosine: float) -> str:
    """Never rounded up to what it is not."""
    digits = 6 if cosine >= MIN_COSINE else 4
    return f"{int(cosine * 10**digits) / 10**digits:.{digits}f}"
