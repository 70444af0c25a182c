from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.standin.slack.rate import PostingRate
from tests.standin.slack.server import SlackServer
from tests.standin.slack.workspace import Workspace


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(rate=PostingRate(0)) as server:
        yield server


@pytest.fixture
def workspace(slack: SlackServer) -> Workspace:
    return slack.workspace


@pytest.fixture
def client(slack: SlackServer) -> AsyncWebClient:
    """Without the SDK's own second try, so that one call is one request."""
    return AsyncWebClient(token=slack.bot_token, base_url=slack.base_url, retry_handlers=[])
