"""Runs retrieval.embedders.export and .quantize in processes of their own and understands how they ended.

Not for torch alone: what making a model takes, 650 MB for the 8-bit form, no process that goes on would ever give back.
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
    target, answer = workspace / "target", workspace / "answer.json"
    target.mkdir()
    request = {
        "name": source.name,
        "folder": None if source.folder is None else str(source.folder),
        "weights": source.weights,
        "target": str(target.absolute()),
        "sample": list(sample[:SAMPLE_LIMIT]),
        "answer": str(answer.absolute()),
    }
    child = _run("export", request)
    _log.debug("The export of %s ended with %d: %s", source.name, child.returncode, child.stdout)
    if answer.exists():
        made = json.loads(answer.read_text(encoding="utf-8"))
        if "error" in made:
            raise ModelError(made["error"])
        return Made(target, made["revision"], Path(made["folder"]))
    return _died(source, workspace / "refused", child)


def make_int8_in_child(model: str, folder: Path, workspace: Path, sample: Sequence[str]) -> None:
    """Write the 8-bit form of the bundle in ``folder`` beside it; ``workspace`` is an empty folder.

    Raises ModelError where it differs too much from the float32 one, or the child died, OSError when the folder cannot
    be written.
    """
    answer = workspace / "answer.json"
    request = {
        "model": model,
        "folder": str(folder.absolute()),
        "sample": list(sample[:SAMPLE_LIMIT]),
        "answer": str(answer.absolute()),
    }
    child = _run("quantize", request)
    _log.debug("The 8-bit form of %s ended with %d: %s", model, child.returncode, child.stdout)
    if not answer.exists():
        raise ModelError(f"The 8-bit form of the model {model} could not be made ({_last(child)}): set float32.")
    made = json.loads(answer.read_text(encoding="utf-8"))
    if "refused" in made:
        raise OSError(*made["refused"])
    if "error" in made:
        raise ModelError(made["error"])


def _run(module: str, request: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this program's own modules
        [sys.executable, "-W", "ignore", "-m", f"retrieval.embedders.{module}"],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=_environment(),
        check=False,
    )


def _last(child: subprocess.CompletedProcess[str]) -> str:
    """What a child that died said last."""
    return (child.stdout.strip().splitlines() or [f"exit status {child.returncode}"])[-1]


def _died(source: Source, target: Path, child: subprocess.CompletedProcess[str]) -> Made:
    last = _last(child)
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
