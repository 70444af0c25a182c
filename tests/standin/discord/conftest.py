from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.standin.discord.server import DiscordServer
from tests.standin.discord.world import World


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordServer]:
    """Where the library looks for Discord. Apps may identify again at once."""
    async with DiscordServer(identify_seconds=0) as running:
        monkeypatch.setattr(Route, "BASE", running.base_url)
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(running.gateway.url))
        yield running


@pytest.fixture
def world(server: DiscordServer) -> World:
    return server.world


@pytest.fixture
async def api(server: DiscordServer) -> AsyncIterator[Any]:
    """Calls of the API as they are: ``await api("GET", "/users/@me")`` gives status and body."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {server.token}"}) as session:

        async def call(method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
            async with session.request(method, server.base_url + path, json=body, **options) as answer:
                return answer.status, await answer.json() if answer.status != 204 else None

        yield call
