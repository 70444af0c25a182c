"""What the tests of faults share: the faults, and questions that meet them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.bot.platforms.trials import NETWORK
from tests.standin.faults import Fault
from tests.standin.fonte import Fonte
from tests.standin.slack.faults import Error, RateLimited
from tests.standin.slack.model import Channel, Message
from tests.standin.slack.server import SlackServer

FAULTS: dict[str, Callable[[], Fault]] = {
    "429": lambda: RateLimited(0.05),
    "internal error": lambda: Error("internal_error"),
    "fatal error after": lambda: Error("fatal_error", after=True),
    **NETWORK,
}


class Trial:
    """Every fault happens to a method's first call about a channel of its own, in which one question is asked."""

    def __init__(self, slack: SlackServer, method: str) -> None:
        self.slack = slack
        self.channels = {name: slack.workspace.add_channel(f"f{number}") for number, name in enumerate(FAULTS)}
        self.questions: dict[str, Message] = {}
        for name, make in FAULTS.items():
            slack.fail(method, make(), where=named(self.channels[name]))

    def ask(self) -> None:
        w = self.slack.workspace
        self.questions = {name: w.say(w.alice, c, f"{w.mention} When is it?") for name, c in self.channels.items()}

    async def shown(self) -> None:
        """Wait until something stands in every thread."""
        w = self.slack.workspace
        await self.slack.wait_for(lambda: all(w.answers(m.channel, m.ts) for m in self.questions.values()))

    def found(self) -> dict[str, list[str]]:
        """First lines of what stands in the channels."""
        answers = self.slack.workspace.answers
        return {name: [first(m) for m in answers(channel)] for name, channel in self.channels.items()}

    def all(self, *texts: str) -> dict[str, list[str]]:
        return {name: list(texts) for name in self.channels}


def named(channel: Channel) -> Callable[[Any], bool]:
    """Picks calls about a channel."""
    return lambda arguments: channel.id in (arguments.get("channel"), arguments.get("channel_id"))


def first(message: Message) -> str:
    """The first line of what a message shows."""
    return message.shown.strip().partition("\n")[0] if message.streaming != "in_progress" else "(a stream)"


async def rest(slack: SlackServer, bot: Fonte) -> None:
    """Wait until all that Slack sent was taken and the bot is at nothing, though some calls may hang for ever."""
    sent = -1
    while sent != len(slack.workspace.deliveries):
        sent = len(slack.workspace.deliveries)
        await slack.settled()
        await bot.idle()


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the bot try again at once, and give up on a silent Slack soon."""
    monkeypatch.setattr("bot.delivery.FIRST_RETRY", 0.01)
    monkeypatch.setattr("bot.platforms.slack.client.TIMEOUT", aiohttp.ClientTimeout(total=0.3))
