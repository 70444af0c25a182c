"""What the benchmarks share: processes of their own, figures and tables.

Only light modules are imported here: the kernel counts the memory of the process that starts another as the least of
the other's peak.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from math import ceil, floor
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""The repository: where ``python -m`` finds the program and the benchmarks."""
MB = 1_000_000
PACKAGES = ("faiss-cpu", "onnxruntime", "sentence-transformers", "torch")


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended."""

    seconds: float
    """From just before it was started to its end."""
    peak: int
    """Largest resident memory it ever had, in bytes."""
    status: int
    output: bytes
    """What it wrote to stdout."""


def environment(**extra: str) -> dict[str, str]:
    """The environment of measured processes: this one's, offline, and with byte code kept as installations keep it."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "HF_HUB_OFFLINE": "1", **extra}


def run(arguments: Sequence[str], env: Mapping[str, str]) -> Finished:
    """Run ``python`` with the arguments from the repository's root, stdout piped, stderr left as it is."""
    started = perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, cwd=ROOT, env=env)
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    status, peak = wait(process)
    return Finished(perf_counter() - started, peak, status, output)


def wait(process: subprocess.Popen[Any]) -> tuple[int, int]:
    """Exit status and peak resident memory in bytes of a process that has ended or is about to.

    On Linux the peak is at least what this process held when it started the other, so it has to be small itself.
    """
    # Popen.wait would reap it and lose what it used.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def memory(pid: int) -> tuple[int, int]:
    """Resident and unique (private) memory of a living process, in bytes."""
    import psutil  # type: ignore[import-untyped]

    found = psutil.Process(pid).memory_full_info()
    return int(found.rss), int(found.uss)


@contextmanager
def workspace(folder: Path | None) -> Iterator[Path]:
    """The folder given, made where it is missing, or a temporary one."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        yield Path(name)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` in [0, 1] of the values lie, interpolated linearly."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low, high = ordered[floor(place)], ordered[ceil(place)]
    return low + (high - low) * (place - floor(place))


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """``median (min-max)``."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def machine() -> dict[str, Any]:
    """What figures depend on, the load of the last minute included: other work on the cores slows all sides."""
    return {
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "load": round(os.getloadavg()[0], 2),
        "packages": {name: version(name) for name in PACKAGES},
    }


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns aligned, the first to the left and figures to the right."""
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [heads, rule, *rows]
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |" for line in lines
    )


def last_object(output: bytes) -> dict[str, Any]:
    """The JSON object on the last line of a process's output."""
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found
