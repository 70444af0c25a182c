"""Settings from files and variables, for the tests of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.settings import load_settings


def env_file(folder: Path, text: str) -> Path:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return path


def sentences(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[str]:
    """What is said of these values."""
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings(None)
    return str(caught.value).split("\n")
