"""Which distribution of FAISS is installed, found out without importing it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution


def installed_twice() -> bool:
    """Whether both distributions of FAISS are installed, of which each has overwritten files of the other."""
    return _has("faiss-cpu") and _has("faiss-gpu")


def _has(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
