from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bot.platforms.slack.seen import flaws
from tests.standin.fonte import INTERVAL
from tests.standin.slack.rate import PostingRate
from tests.standin.slack.server import SlackServer


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """Slack by the clock on the wall, with its one message a second and channel scaled down; no bursts.

    Whatever the test is about: all that was sent is as Slack wants it, and calls or previews nothing by accident.
    """
    async with SlackServer(rate=PostingRate(INTERVAL * 0.8, burst=1), epoch=None) as server:
        yield server
        assert flaws(server) == []
