"""A bot on a folder of its own, and a doctor that looks at it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import doctor as command
from bot import redaction
from bot.settings import variables

Line = dict[str, str]


class Doctor:
    """``doctor("index", VAR=value)``: what is found by one check, or by all, with these settings."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.seeds, self.data = folder, folder / "docs", folder / "data"
        self.status = -1
        """The exit status."""
        self.report: dict[str, Any] = {}
        self.said = ""
        """All that was printed, to either stream."""
        self._patch, self._capsys = patch, capsys

    def __call__(self, check: str = "", /, *, offline: bool = False, **settings: str) -> list[Line]:
        for name, value in settings.items():
            self._patch.setenv(name, value)
        self._capsys.readouterr()
        self.status = command.run(offline=offline, as_json=True)
        out, err = self._capsys.readouterr()
        self.said = out + err
        self.report = json.loads(out)
        return [line for line in self.report["checks"] if check in ("", line["check"])]


@pytest.fixture
def quiet_logging() -> Iterator[None]:
    """Puts back what the command does to the logging of this process."""
    root = logging.getLogger()
    loggers = [root, *(logging.getLogger(name) for name in ("bot", "retrieval", *redaction.LIBRARIES))]
    levels, handlers = [logger.level for logger in loggers], root.handlers[:]
    yield
    root.handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    redaction.install(())


@pytest.fixture
def doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], quiet_logging: None
) -> Doctor:
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    found = Doctor(tmp_path, monkeypatch, capsys)
    found.seeds.mkdir()
    (found.seeds / "deal.txt").write_text("The deal is worth 38 billion dollars.\n", encoding="utf-8")
    for name, value in {"SEEDS_DIR": "docs", "DATA_DIR": "data", "EMBEDDING_MODEL": "hashing"}.items():
        monkeypatch.setenv(name, value)
    return found


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder below one, with its time and content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
        if not path.is_symlink()
    }


def statuses(lines: list[Line]) -> list[str]:
    return [line["status"] for line in lines]


async def look(doctor: Doctor, check: str, **options: Any) -> list[Line]:
    """The doctor runs event loops of its own, so it gets a thread of its own."""
    return await asyncio.to_thread(doctor, check, **options)
