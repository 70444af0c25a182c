"""Which precision a model is served in where none is set."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from retrieval.embedders.sources import is_default
from retrieval.manifest import Precision

_CPUINFO = Path("/proc/cpuinfo")
_FLAGS = re.compile(r"^flags\s*:(.*)$", re.MULTILINE)
_DOT_PRODUCTS = {"avx512_vnni", "avx_vnni"}
"""Linux's names, arch/x86/include/asm/cpufeatures.h. ARM has its like, on which nothing was measured."""


def settled(precision: Precision, model: str, *, gpu: bool) -> Precision:
    """What ``precision`` comes to here: "auto" stays where 8 bits are to be tried, else it is float32.

    They are with the default model alone, since what they cost was measured with it (tests/bench/RESULTS.md), on
    processors that were made for them, and not where a GPU embeds the documents.
    """
    if precision != "auto":
        return precision
    return "auto" if is_default(model) and not gpu and has_dot_products() else "float32"


def has_dot_products() -> bool:
    """Whether the processor is known to multiply 8-bit integers fast and without saturating; Linux on x86-64 tells."""
    with suppress(OSError):
        found = _FLAGS.search(_CPUINFO.read_text(encoding="ascii", errors="replace"))
        return found is not None and not _DOT_PRODUCTS.isdisjoint(found[1].split())
    return False
