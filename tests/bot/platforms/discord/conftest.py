from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bot.platforms.discord.seen import flaws
from tests.standin.discord.server import DiscordServer


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    """Discord, with the pause between two sessions left out.

    Whatever the test is about: all that was sent is as Discord wants it, and calls or previews nothing by accident.
    """
    async with DiscordServer(identify_seconds=0) as server:
        yield server
        assert flaws(server) == []
