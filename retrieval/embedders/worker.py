"""Runs retrieval.embedders.export and .quantize in processes of their own and understands how they ended.

Not for torch alone: what making a model takes, no process that goes on would ever give back.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.embedders.bundle import Refusal, tools, write_bundle
from retrieval.embedders.parity import SAMPLE_LIMIT
from retrieval.embedders.sources import Source, revision
from retrieval.errors import ModelError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """What the child left behind."""

    target: Path
    """Holds a bundle or a refusal."""
    revision: str
    folder: Path
    """Where the model's own files are."""


def export_in_child(source: Source, workspace: Path, sample: Sequence[str]) -> Made:
    """Export a model into a new folder inside the empty folder ``workspace``.

    Raises ModelError when the model cannot be had. A child that dies in another way, for want of memory say, makes a
    refusal, as long as the model is there to be served by sentence-transformers.
    """
    target = workspace / "target"
    target.mkdir()
    request = {
        "name": source.name,
        "folder": None if source.folder is None else str(source.folder),
        "weights": source.weights,
        "target": str(target.absolute()),
        "sample": list(sample[:SAMPLE_LIMIT]),
    }
    made, last = _run("export", request, workspace)
    if made is None:
        return _died(source, workspace / "refused", last)
    return Made(target, made["revision"], Path(made["folder"]))


def make_int8_in_child(model: str, folder: Path, workspace: Path, sample: Sequence[str]) -> None:
    """Write the 8-bit form of the bundle in ``folder`` beside it; ``workspace`` is an empty folder.

    Raises ModelError where it differs too much from the float32 one, or the child died, OSError when the folder cannot
    be written.
    """
    request = {"model": model, "folder": str(folder.absolute()), "sample": list(sample[:SAMPLE_LIMIT])}
    made, last = _run("quantize", request, workspace)
    if made is None:
        raise ModelError(f"The 8-bit form of the model {model} could not be made ({last}): set float32.")
    if "refused" in made:
        raise OSError(*made["refused"])


def _run(module: str, request: Mapping[str, object], workspace: Path) -> tuple[dict[str, Any] | None, str]:
    """What a child answers, None where it dies before it does, and what it said last.

    Raises ModelError where the answer is one.
    """
    answer = workspace / "answer.json"
    child = subprocess.run(  # noqa: S603 - this program's own modules
        [sys.executable, "-W", "ignore", "-m", f"retrieval.embedders.{module}"],
        input=json.dumps({**request, "answer": str(answer.absolute())}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=_environment(),
        check=False,
    )
    _log.debug("The child %s ended with %d: %s", module, child.returncode, child.stdout)
    made: dict[str, Any] | None = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else None
    if made is not None and "error" in made:
        raise ModelError(made["error"])
    return made, (child.stdout.strip().splitlines() or [f"exit status {child.returncode}"])[-1]


def _died(source: Source, target: Path, last: str) -> Made:
    if source.folder is None:
        raise ModelError(f"The model {source.name} could not be fetched and prepared ({last}).")
    target.mkdir()
    write_bundle(
        target, Refusal(f"its export broke off ({last}); deleting the cache folder lets it be tried again", tools())
    )
    return Made(target, revision(source.folder), source.folder)


def _environment() -> dict[str, str]:
    # The child must find this package however the parent did, from an installed copy or beside the current folder.
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    # Where others use the cores too, torch's waiting threads otherwise take three times the work's own CPU time.
    return {"OMP_WAIT_POLICY": "passive", **os.environ, "PYTHONPATH": path}
