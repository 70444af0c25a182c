from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.sets.house import write
from tests.standin.discord.server import DiscordServer


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(identify_seconds=0) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the documents."""
    write(tmp_path)
    return tmp_path
