"""A bot's folder, and its backups."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.backup import making, restoring
from bot.claims import Asked, Ending, Trigger
from bot.ledger import database_url, open_ledger
from bot.library import open_library
from bot.messages import messages_in
from bot.settings.model import Answer, Embedding, Seeds, Settings


def ask(key: str) -> Asked:
    return Asked(
        key=key,
        platform="slack",
        team="T1",
        channel="C1",
        message=key,
        thread=key,
        user="U1",
        text=f"Question {key}?",
        trigger=Trigger.MENTION,
        asked_at=100.0,
        locale=None,
    )


class Room:
    """A folder with documents, DATA_DIR and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "backup.tar.gz"
        self.seeds = folder / "docs"
        self.seeds.mkdir()
        self.settings = self.at("data")
        self.told: list[str] = []

    def at(self, name: str, **changes: Any) -> Settings:
        fields = {"seeds": Seeds(dir=self.seeds), "embedding": Embedding(model="hashing")}
        return Settings(data_dir=self.folder / name, answer=Answer(reader=False), **(fields | changes))

    @property
    def root(self) -> Path:
        return self.settings.data_dir / "index"

    def index(self, text: str) -> str:
        (self.seeds / "sea.txt").write_text(text, encoding="utf-8")
        return open_library(self.settings, messages_in("en"), self.told.append, lambda *_: None).version

    def asked(self, *keys: str, settings: Settings | None = None) -> None:
        async def claim() -> None:
            async with open_ledger(database_url(None, (settings or self.settings).data_dir)) as ledger:
                for key in keys:
                    await ledger.claim(ask(key), Ending.NOT_FOUND)

        asyncio.run(claim())

    def backup(self, **options: Any) -> list[str]:
        options = {"force": False, "with_models": False, "tell": self.told.append} | options
        return making.make(self.settings, self.file, **options)

    def restore(self, settings: Settings | None = None, *, force: bool = False) -> list[str]:
        return restoring.restore(settings or self.at("other"), self.file, force=force, tell=self.told.append)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path)
    room.index("The harbour was painted blue.")
    room.asked("a", "b")
    room.told.clear()
    return room


def keys(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [key for (key,) in connection.execute("SELECT key FROM claims ORDER BY key")]


def contents(folder: Path) -> dict[str, bytes]:
    """All that lies in a folder but empty files, which are locks."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: raw for name, raw in found.items() if raw}
