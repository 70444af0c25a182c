"""Embedders behind one protocol, and the way to the fastest faithful one for a model.

A model is exported for onnxruntime once, in a process of its own; from then on torch is not imported. A model that
cannot be exported faithfully is served by sentence-transformers.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.embedders.accelerated import AcceleratedEmbedder, has_gpu
from retrieval.embedders.bundle import Bundle, Refusal, form_of, read_bundle, tools
from retrieval.embedders.hashing import NAME as HASHING
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.embedders.precision import settled
from retrieval.embedders.sources import Source, locate, recall, remember, remembered, revision
from retrieval.errors import DeviceError, ModelError
from retrieval.lock import Notify, silent
from retrieval.manifest import Device, Precision
from retrieval.protocols import Embedder

_log = logging.getLogger(__name__)


_LOCK = ".lock"
_MAKING = ".making-"
REVISION = re.compile(r"[0-9a-f]{64}")
"""Names of the folders that hold what was prepared of a model."""
_PATIENCE_S = 1800.0
"""How long to wait for another process that prepares a model: a slow download included."""


def load_embedder(
    model: str,
    cache_dir: Path,
    *,
    threads: int = 0,
    device: Device = "cpu",
    precision: Precision = "float32",
    notify: Notify = silent,
    sample: Sequence[str] = (),
) -> Embedder:
    """The embedder of a model: the default's name, a folder, a name on the Hugging Face hub, or ``hashing``.

    ``cache_dir`` keeps what was prepared, for all models; it may be deleted at any time. Preparing takes some seconds,
    once, and ``notify`` is told before; ``sample``, some texts of the corpus, then joins the comparison of export and
    original. ``threads`` 0 leaves their number to the embedder. ``device`` "cuda" embeds many documents on a GPU,
    "auto" does where there is one. ``precision`` "int8" is faster, not quite the same and for the CPU alone (see
    retrieval.embedders.quantize), "auto" takes it where it pays (see retrieval.embedders.precision). Raises ModelError
    when the model cannot be found, verified, fetched or run, or ``cache_dir`` cannot be written, DeviceError when there
    is no GPU for "cuda".
    """
    if threads < 0:
        raise ValueError(f"threads must be 0 or more, not {threads}.")
    gpu = embeds_on_gpu(device, precision)
    if model == HASHING:
        return HashingEmbedder()
    precision = settled(precision, model, gpu=gpu)
    wanted = _Wanted(locate(model), cache_dir, threads, device if gpu else "cpu", precision, notify)
    try:
        embedder = _serve(wanted)
        if embedder is None:
            with _locked(cache_dir, notify):
                # Another process may have prepared it meanwhile.
                embedder = _serve(wanted) or _prepared(wanted, sample)
    except OSError as error:
        raise ModelError(
            f"The folder for prepared models {cache_dir} cannot be used ({error.strerror or error}): "
            "make room or allow writing there, or use another data folder."
        ) from error
    if embedder is None:
        raise ModelError(f"The model {model} was prepared in {cache_dir} but cannot be loaded from there.")
    return embedder


def embeds_on_gpu(device: Device, precision: Precision) -> bool:
    """Whether many documents would be embedded on a GPU. Raises DeviceError where "cuda" cannot be had."""
    if device == "cuda" and precision == "int8":
        raise DeviceError("EMBEDDING_PRECISION=int8 is for the processor: set EMBEDDING_DEVICE=cpu, or float32.")
    gpu = device != "cpu" and precision != "int8" and has_gpu()
    if device == "cuda" and not gpu:
        raise DeviceError(
            "EMBEDDING_DEVICE=cuda, but no NVIDIA GPU answers: check its driver, or set EMBEDDING_DEVICE=cpu."
        )
    return gpu


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What load_embedder was asked for."""

    source: Source
    cache_dir: Path
    threads: int
    device: Device
    """The GPU only where there is one."""
    precision: Precision
    """Settled: "auto" is 8 bits, or float32 where those cannot be had."""
    notify: Notify


def _prepared(wanted: _Wanted, sample: Sequence[str]) -> Embedder | None:
    """Prepare what _serve lacks, and serve it. The caller holds the lock."""
    exact = replace(wanted, precision="float32", device="cpu")
    if fresh := _serve(exact) is None:
        wanted.notify(_announcement(wanted.source))
        _prepare(wanted.source, wanted.cache_dir, sample)
    if wanted.precision != "float32":
        if not fresh:
            wanted.notify(f"Preparing the 8-bit form of the model {wanted.source.name}, once ...")
        _prepare_int8(wanted, sample)
    return _serve(wanted)


def _serve(wanted: _Wanted) -> Embedder | None:
    """The embedder as far as it has been prepared, None if it is to be prepared (again)."""
    source, cache_dir = wanted.source, wanted.cache_dir
    known = recall(source, cache_dir)
    if known is not None:
        found, folder = known.revision, Path(known.folder)
    elif source.folder is not None and any(cache_dir.glob("*/")):
        found, folder = revision(source.folder), source.folder
        with suppress(OSError):  # a read-only cache serves all the same, only not as fast
            remember(source, folder, found, cache_dir)
    else:
        return None
    content = read_bundle(cache_dir / found)
    if isinstance(content, Bundle):
        bundle = form_of(cache_dir / found, content, wanted.precision)
        embedder = _open_bundle(source, cache_dir / found, bundle, wanted.threads) if bundle else None
        if embedder is None or wanted.device == "cpu" or not folder.is_dir():
            return embedder
        return AcceleratedEmbedder(
            embedder,
            partial(_open_original, wanted, folder, found, "cuda"),
            forced=wanted.device == "cuda",
            notify=wanted.notify,
        )
    if isinstance(content, Refusal) and content.made_with == tools() and folder.is_dir():
        if wanted.precision == "int8":
            raise ModelError(
                f"EMBEDDING_PRECISION=int8 cannot be had of the model {source.name}, which is served by "
                f"sentence-transformers because {content.reason}: set float32."
            )
        _log.warning("The model %s is served by sentence-transformers because %s.", source.name, content.reason)
        return _open_original(wanted, folder, found, wanted.device)
    return None


def _open_bundle(source: Source, folder: Path, bundle: Bundle, threads: int) -> Embedder | None:
    from retrieval.embedders.onnx import OnnxEmbedder

    try:
        return OnnxEmbedder(source.name, folder, bundle, threads=threads)
    except ModelError as error:
        _log.warning("%s It is made anew.", error)
        return None


def _open_original(wanted: _Wanted, folder: Path, found: str, device: Device) -> Embedder:
    from retrieval.embedders.sentence import load_sentence_transformer

    return load_sentence_transformer(wanted.source, folder, found, threads=wanted.threads, device=device)


def _prepare(source: Source, cache_dir: Path, sample: Sequence[str]) -> None:
    """Put the source's bundle or refusal where _serve looks for it. The caller holds the lock."""
    from retrieval.embedders.worker import export_in_child

    for leftover in cache_dir.glob(f"{_MAKING}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    workspace = Path(tempfile.mkdtemp(prefix=_MAKING, dir=cache_dir))
    try:
        made = export_in_child(source, workspace, sample)
        final = cache_dir / made.revision
        if final.exists():
            final.rename(workspace / "replaced")
        made.target.rename(final)
        remember(source, made.folder, made.revision, cache_dir)
        # What was made for files that have changed since serves nobody any more.
        for old in {path.name for path in cache_dir.glob("*/")} - remembered(cache_dir):
            if REVISION.fullmatch(old):
                shutil.rmtree(cache_dir / old, ignore_errors=True)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _prepare_int8(wanted: _Wanted, sample: Sequence[str]) -> None:
    """Put the 8-bit form where _serve looks for it. The caller holds the lock."""
    from retrieval.embedders.worker import make_int8_in_child

    known = recall(wanted.source, wanted.cache_dir)
    folder = wanted.cache_dir / (known.revision if known else "")
    if not isinstance(read_bundle(folder), Bundle):
        return
    workspace = Path(tempfile.mkdtemp(prefix=_MAKING, dir=wanted.cache_dir))
    try:
        make_int8_in_child(wanted.source.name, folder, workspace, sample)
    except ModelError as error:
        if wanted.precision == "int8":
            raise
        _log.info("%s is served in float32: %s", wanted.source.name, error)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def remove_leftovers(cache_dir: Path) -> None:
    """Remove what killed processes left of models that they prepared; nothing while one is being prepared.

    Raises OSError.
    """
    if not any(cache_dir.glob(f"{_MAKING}*")):
        return
    with suppress(Timeout), FileLock(cache_dir / _LOCK, timeout=0):
        for left in cache_dir.glob(f"{_MAKING}*"):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(cache_dir: Path, notify: Notify) -> Iterator[None]:
    cache_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache_dir / _LOCK)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            notify("Another process is preparing a model; waiting until it has finished.")
            lock.acquire(timeout=_PATIENCE_S)
    except Timeout as error:
        raise ModelError(
            f"Another process has been preparing a model in {cache_dir} for {_PATIENCE_S / 60:.0f} minutes: "
            "end it, then try again."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _announcement(source: Source) -> str:
    if source.folder is None:
        return f"Fetching the model {source.name} from the Hugging Face hub and preparing it, once ..."
    return f"Preparing the model {source.name}, once ..."
