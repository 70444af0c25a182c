"""Python and the installed packages, beside what the program's own metadata asks for."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import TYPE_CHECKING

from retrieval.distributions import installed_twice
from retrieval.inspection.finding import Finding, count, ok, warning, wrong

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PYTHON, PACKAGES = "python", "packages"
PROGRAM = "fonte"
EXTRAS = ("milvus", "plot", "postgres")
"""Of what only some settings and options need: looked at where it is installed."""
_AGAIN = "Run `pip install -e .` in the program's folder."
_STAND_INS = {"faiss-cpu": "faiss-gpu"}
"""What may be installed in place of a package."""


def inspect_python() -> Iterator[Finding]:
    """Whether this Python is new enough."""
    found = platform.python_version()
    wanted = _wanted_python()
    if wanted is None:
        yield warning(PYTHON, f"Python {found}; the program is not installed, so nothing says what it needs.", _AGAIN)
        return
    from packaging.specifiers import SpecifierSet

    if SpecifierSet(wanted).contains(found, prereleases=True):
        yield ok(PYTHON, f"Python {found}.")
    else:
        yield wrong(PYTHON, f"Python {found}, but {wanted} is needed.", "Make the virtual environment anew with that.")


def _wanted_python() -> str | None:
    try:
        return metadata(PROGRAM)["Requires-Python"]
    except (PackageNotFoundError, KeyError):
        return None


def inspect_packages() -> Iterator[Finding]:
    """Whether every package is there in a version that fits; of extras, only those that are there."""
    from packaging.requirements import Requirement

    try:
        every = [Requirement(text) for text in requires(PROGRAM) or ()]
    except PackageNotFoundError:
        yield warning(PACKAGES, "The program is not installed, so nothing says which packages it needs.", _AGAIN)
        return
    needed = [item for item in every if item.name != PROGRAM and _asked(item, "")]
    extras = [item for item in every if item.name != PROGRAM and item not in needed]
    findings = [finding for item in needed if (finding := _inspect(item, optional=False))]
    wanted = [item for item in extras if any(_asked(item, extra) for extra in EXTRAS)]
    findings += [finding for item in wanted if (finding := _inspect(item, optional=True))]
    if installed_twice():
        findings.append(
            wrong(
                PACKAGES,
                "faiss-cpu and faiss-gpu are both installed and overwrite each other's files.",
                "Run `pip uninstall faiss-cpu faiss-gpu`, then `pip install` the one you want.",
            )
        )
    yield from findings or [ok(PACKAGES, f"All {count(len(needed), 'package')} are there in versions that fit.")]


def _asked(item: Requirement, extra: str) -> bool:
    return item.marker is None or item.marker.evaluate({"extra": extra})


def _inspect(item: Requirement, *, optional: bool) -> Finding | None:
    """What is wrong with one package."""
    names = (item.name, _STAND_INS.get(item.name, ""))
    found = next(((name, there) for name in names if name and (there := _version(name)) is not None), None)
    install = f'Run `pip install "{item.name}{item.specifier}"`.'
    if found is None:
        return None if optional else wrong(PACKAGES, f"{item.name} is not installed.", install)
    name, there = found
    if item.specifier.contains(there, prereleases=True):
        return None
    detail = f"{name} {there} is installed, but {item.specifier} is needed."
    return warning(PACKAGES, detail, install) if optional else wrong(PACKAGES, detail, install)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
