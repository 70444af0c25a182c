"""The folder where everything is kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from retrieval.inspection.finding import Finding, ok, warning, wrong

DISK = "disk"
LEAST = 200 * 10**6
"""Bytes below which a model cannot be prepared and hardly an index built."""
LITTLE = 10**9


def inspect_disk(data_dir: Path) -> Finding:
    """Whether DATA_DIR, or the folder it would be made in, can be written, and how much space there is."""
    place = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    if not place.is_dir():
        return wrong(DISK, f"DATA_DIR is {data_dir}, but {place} is not a folder.", "Let DATA_DIR name a folder.")
    if not os.access(place, os.W_OK | os.X_OK):
        return wrong(
            DISK,
            f"DATA_DIR ({data_dir}) cannot be written.",
            "Allow writing there, or let DATA_DIR name another folder.",
        )
    free = shutil.disk_usage(place).free
    done = "written" if place == data_dir.absolute() else "made"
    told = f"DATA_DIR ({data_dir}) can be {done}; {free / 1e9:.1f} GB are free"
    if free < LEAST:
        return wrong(DISK, f"{told}.", "Make room, or let DATA_DIR name a folder on another disk.")
    if free < LITTLE:
        return warning(DISK, f"{told}, which is little.", "Make room before the documents grow.")
    return ok(DISK, f"{told}.")
