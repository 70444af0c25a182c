"""Runs one check after the other; whatever happens in one, the others are done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from bot.doctor.configuration import Configuration, inspect_configuration
from bot.doctor.environment import inspect_packages, inspect_python
from bot.doctor.parts import PARTS
from bot.doctor.services import SERVICES
from bot.doctor.subject import Check, Subject
from bot.redaction import configure_logging, redact
from retrieval.inspection.finding import Finding, warning, wrong

CHECKS: tuple[Check, ...] = (*PARTS, *SERVICES)

_log = logging.getLogger(__name__)


def examine(*, offline: bool, checks: tuple[Check, ...] = CHECKS) -> Iterator[Finding]:
    """Look at everything. Findings hold no secret, and each is one line."""
    # Before the settings are known, nothing but their own sentences can be said, and those show no secret.
    configure_logging("error")
    yield from _guarded("python", inspect_python)
    yield from _guarded("packages", inspect_packages)
    found: list[Configuration] = []

    def configuration() -> Iterator[Finding]:
        found.append(inspect_configuration())
        yield from found[0].findings

    yield from _guarded("settings", configuration)
    known = found[0] if found else Configuration(None, frozenset(), [])
    subject = Subject(known.settings, offline=offline) if known.settings is not None else None
    for check in checks:
        yield from _examine(check, subject, known.wrong)


def _examine(check: Check, subject: Subject | None, wrong_names: frozenset[str]) -> Iterator[Finding]:
    hindered = sorted(name for name in wrong_names if name.startswith(check.needs))
    if check.alone is not None and (subject is None or hindered):
        yield from _guarded(check.name, check.alone)
    elif subject is None:
        yield warning(check.name, "Not looked at, as no settings could be read.", "Correct the settings first.")
    elif hindered:
        names = " and ".join(hindered)
        yield warning(check.name, f"Not looked at, as it depends on {names}.", f"Correct {names} first.")
    else:
        yield from _guarded(check.name, lambda: check.look(subject))


def _guarded(name: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        for finding in look():
            yield replace(finding, detail=_line(finding.detail), remedy=_line(finding.remedy))
    except ImportError as error:
        _log.debug("traceback", exc_info=error)
        yield wrong(name, _line(f"A package is missing or broken ({error})."), "Install the program's packages again.")
    except Exception as error:
        _log.debug("traceback", exc_info=error)
        yield wrong(
            name,
            _line(f"This check itself failed ({type(error).__name__}: {error})."),
            "Run it again with LOG_LEVEL=debug, and report what it says.",
        )


def _line(text: str) -> str:
    return " ".join(redact(text).split())
