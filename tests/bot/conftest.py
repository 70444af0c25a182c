from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.standin.processes import Library
from tests.standin.slack.rate import PostingRate
from tests.standin.slack.server import SlackServer


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Documents whose index is built, for bots that run as processes."""
    return Library(tmp_path_factory.mktemp("library"))


@pytest.fixture
def own(tmp_path: Path) -> Library:
    """Documents of this test's own."""
    return Library(tmp_path)


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """A workspace that lets a bot post as fast as it can."""
    async with SlackServer(rate=PostingRate(0), epoch=None) as server:
        yield server
