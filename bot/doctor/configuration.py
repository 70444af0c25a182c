"""The settings: each that is wrong, and names that nobody reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.errors import ConfigError
from bot.redaction import configure_logging
from retrieval.inspection.finding import Finding, Status, ok, told, warning

if TYPE_CHECKING:
    from bot.settings import Settings

SETTINGS = "settings"
_WHERE = "Correct it in .env or in the environment; .env.example lists all settings."


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings as far as they are right."""

    settings: Settings | None
    """With defaults in place of wrong values; None where nothing could be read."""
    wrong: frozenset[str]
    """Names of the variables that are wrong."""
    findings: list[Finding]


def inspect_configuration() -> Configuration:
    """Load the settings, and from now on keep their secrets out of the log and of what is found."""
    from bot.settings import inspect_settings, misspelt, secret_values, variables
    from bot.settings.sources import is_secret

    try:
        settings, wrong = inspect_settings()
    except ConfigError as error:
        findings = [told(SETTINGS, Status.WRONG, line, _WHERE) for line in str(error).splitlines()]
        return Configuration(None, frozenset(), findings)
    # Where NAME and NAME_FILE are both set, the secret is not among the settings.
    hidden = {name for name, field in variables().items() if name in wrong and is_secret(field)}
    given = (value for name, value in os.environ.items() if name in hidden)
    level = "debug" if settings.log_level == "debug" else "error"
    configure_logging(level, (*secret_values(settings), *given))
    findings = [told(SETTINGS, Status.WRONG, sentence, _WHERE) for sentence in dict.fromkeys(wrong.values())]
    findings += [
        warning(SETTINGS, f"{name} is set, which nobody reads.", f"If {meant} is meant, correct the name.")
        for name, meant in misspelt()
    ]
    return Configuration(settings, frozenset(wrong), findings or [ok(SETTINGS, "All that is set is right.")])
