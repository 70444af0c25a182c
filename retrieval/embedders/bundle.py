"""A prepared model on disk: what export writes, the hot path serves, and both agree on.

CACHE/<revision>/export.json      the fields of Bundle, or of Refusal where the model could not be exported
CACHE/<revision>/model.onnx       graph and weights, ids -> one vector a text, not yet of unit length
CACHE/<revision>/tokenizer.json   for the tokenizers library
CACHE/<revision>/int8.onnx        an 8-bit form of model.onnx, only where one is used
CACHE/<revision>/int8.json        of what it was made, and how it compares; without a file: badly
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from retrieval.errors import ModelError
from retrieval.manifest import EmbedderSpec, Precision

FORMAT = 2
"""Version of this layout and of the way the graph is made; another one is made anew."""
EXPORT = "export.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
INT8 = "int8.onnx"
_INT8_CARD = "int8.json"
_INT8_FORMAT = 1
"""Version of the way the 8-bit graph is made; another one is made anew."""
INT8_SUFFIX = "-int8"
"""What tells the revision of its vectors from that of the float32 ones."""

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Parity:
    """How an export compares with the original it was made from."""

    texts: int
    min_cosine: float
    """Smallest cosine between the two vectors of one text."""
    order_gap: float
    """Largest loss in the original's score at any of a query's first ten places when ranked by the export."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything the hot path must know besides graph and tokenizer."""

    revision: str
    dimension: int
    max_tokens: int
    query_prompt: str
    document_prompt: str
    inputs: tuple[str, ...]
    """Names of the graph's inputs, int64 ``(batch, tokens)`` each."""
    pad_id: int
    pad_type_id: int
    truncation_side: Side
    parity: Parity
    fused: dict[str, int]
    """Operators the optimizer fused -> how many."""
    made_with: dict[str, str]
    files: dict[str, tuple[int, str]]
    """File name -> (size in bytes, SHA-256 hex)."""
    graph: str = MODEL
    """File name of the graph that is run."""

    def spec(self, model: str) -> EmbedderSpec:
        """The vector space, under the name the model is configured by."""
        return EmbedderSpec(
            model, self.revision, self.dimension, self.max_tokens, self.query_prompt, self.document_prompt
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model is not exported; holds as long as the libraries that made the attempt stay the same."""

    reason: str
    """A clause that completes "is served by sentence-transformers because"."""
    made_with: dict[str, str]


def tools() -> dict[str, str]:
    """The libraries that make an export and their versions, without importing them."""
    return {name: _version(name) for name in ("onnxruntime", "sentence-transformers", "torch", "transformers")}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def read_bundle(folder: Path) -> Bundle | Refusal | None:
    """What the folder holds; None when it is missing, damaged or of another format, and is to be made anew.

    Of the files only the sizes are checked; see verify_checksums.
    """
    try:
        raw = json.loads((folder / EXPORT).read_text(encoding="utf-8"))
        if raw["format"] != FORMAT:
            return None
        if "reason" in raw:
            return Refusal(str(raw["reason"]), dict(raw["made_with"]))
        bundle = _parse(raw)
        whole = all((folder / name).stat().st_size == size for name, (size, _) in bundle.files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return bundle if whole else None


def _parse(raw: Mapping[str, Any]) -> Bundle:
    fields = {name: raw[name] for name in Bundle.__slots__ if name != "graph"}
    files = {name: (int(size), str(digest)) for name, (size, digest) in fields.pop("files").items()}
    if files.keys() != {MODEL, TOKENIZER}:
        raise ValueError(files)
    parity = Parity(**fields.pop("parity"))
    return Bundle(**{**fields, "inputs": tuple(fields["inputs"]), "parity": parity, "files": files})


def write_bundle(folder: Path, content: Bundle | Refusal) -> None:
    """Write export.json and flush the folder's files to disk. Raises OSError."""
    text = json.dumps({"format": FORMAT, **asdict(content)}, indent=1)
    (folder / EXPORT).write_text(text, encoding="utf-8")
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def describe_files(folder: Path) -> dict[str, tuple[int, str]]:
    """Size and checksum of graph and tokenizer, for Bundle.files. Raises OSError."""
    return {name: ((folder / name).stat().st_size, checksum(folder / name)) for name in (MODEL, TOKENIZER)}


def verify_checksums(folder: Path, bundle: Bundle) -> None:
    """Read every file of a bundle and compare its checksum. Raises ModelError naming the file."""
    for name, (_, expected) in bundle.files.items():
        path = folder / name
        try:
            digest = checksum(path)
        except OSError as error:
            raise ModelError(
                f"{path} cannot be read ({error.strerror}): delete {folder} to have it made anew."
            ) from error
        if digest != expected:
            raise ModelError(f"{path} is damaged: delete {folder} to have it made anew.")


def checksum(path: Path) -> str:
    """SHA-256 of a file, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- the 8-bit form ------------------------------------------------------------------------------------------------


def form_of(folder: Path, bundle: Bundle, precision: Precision) -> Bundle | None:
    """What of a float32 bundle serves with a settled precision; None where that is to be made (again)."""
    if precision == "float32":
        return bundle
    return read_int8(folder, bundle) or (bundle if precision == "auto" and int8_refused(folder, bundle) else None)


def read_int8(folder: Path, bundle: Bundle) -> Bundle | None:
    """The 8-bit form beside a float32 bundle; None where there is none."""
    try:
        card = _int8_card(folder, bundle)
        size, digest = card["file"]
        if (folder / INT8).stat().st_size != size:
            return None
        return _int8(bundle, (int(size), str(digest)), Parity(**card["parity"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def int8_refused(folder: Path, bundle: Bundle) -> bool:
    """Whether an 8-bit form of this bundle was made and found to differ too much."""
    card = _int8_card(folder, bundle)
    return bool(card) and "file" not in card


def _int8_card(folder: Path, bundle: Bundle) -> dict[str, Any]:
    """What is noted down of this bundle's 8-bit form; nothing where that is of another one or cannot be read."""
    try:
        card: dict[str, Any] = json.loads((folder / _INT8_CARD).read_text(encoding="utf-8"))
        return card if card["made_of"] == _made_of(bundle) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def int8_of(bundle: Bundle, folder: Path) -> Bundle:
    """The bundle of an 8-bit graph that has just been written, not yet compared. Raises OSError."""
    return _int8(bundle, ((folder / INT8).stat().st_size, checksum(folder / INT8)), bundle.parity)


def write_int8(folder: Path, bundle: Bundle, made: Bundle, parity: Parity) -> None:
    """Let read_int8 find the 8-bit graph ``made`` of ``bundle``. Raises OSError."""
    card = {"file": made.files[INT8], "made_of": _made_of(bundle), "parity": asdict(parity)}
    with (folder / INT8).open("rb+") as file:
        os.fsync(file.fileno())
    (folder / _INT8_CARD).write_text(json.dumps(card), encoding="utf-8")


def refuse_int8(folder: Path, bundle: Bundle) -> None:
    """Let int8_refused know, and drop the graph. Raises OSError."""
    (folder / INT8).unlink(missing_ok=True)
    (folder / _INT8_CARD).write_text(json.dumps({"made_of": _made_of(bundle)}), encoding="utf-8")


def forget_int8(folder: Path) -> None:
    """Have the 8-bit form made anew. Raises OSError."""
    (folder / _INT8_CARD).unlink(missing_ok=True)


def _int8(bundle: Bundle, file: tuple[int, str], parity: Parity) -> Bundle:
    files = {TOKENIZER: bundle.files[TOKENIZER], INT8: file}
    return replace(bundle, revision=bundle.revision + INT8_SUFFIX, graph=INT8, files=files, parity=parity)


def _made_of(bundle: Bundle) -> list[Any]:
    return [_INT8_FORMAT, bundle.files[MODEL][1]]
