"""What the tests of the Slack adapter look at: answers, and everything that was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.bot.markup import slack_rules
from tests.standin.fonte import Fonte
from tests.standin.slack.model import Channel, Message
from tests.standin.slack.server import SlackServer

Json = dict[str, Any]
_MESSAGES = ("chat.postMessage", "chat.postEphemeral", "chat.update", "chat.stopStream", "response_url")


@dataclass
class Sent:
    """A message as it went to Slack, whether or not Slack took it."""

    method: str
    text: str
    blocks: list[Json]
    arguments: Json = field(repr=False)

    @property
    def mentions(self) -> set[str]:
        """Whom it calls: ``@U1``, ``!here``, ``!subteam^S1``, ``#C1``."""
        return slack_rules.mentions(self.text, self.blocks)

    @property
    def links(self) -> set[str]:
        return slack_rules.links(self.text, self.blocks)


async def answers(slack: SlackServer, channel: Channel | str, ts: str = "", count: int = 1) -> list[Message]:
    """The bot's messages in a thread, or in the channel where none is named, once there are so many."""

    def enough() -> list[Message]:
        found = slack.workspace.answers(channel, ts)
        return found if len(found) >= count else []

    return await slack.wait_for(enough)


async def private(slack: SlackServer, user: Any, count: int = 1) -> list[Message]:
    """What only this person sees, once it is so many messages."""

    def enough() -> list[Message]:
        found = slack.workspace.ephemerals_for(user)
        return found if len(found) >= count else []

    return await slack.wait_for(enough)


async def rest(slack: SlackServer, bot: Fonte) -> None:
    """Wait until everything Slack sent was taken and everything the bot does about it is done."""
    while True:
        before = len(slack.workspace.deliveries)
        await slack.settled()
        await bot.idle()
        await slack.wait_for(lambda: all(call.status is not None for call in slack.api.calls))
        if len(slack.workspace.deliveries) == before:
            return


def sent(slack: SlackServer) -> list[Sent]:
    """Every message the bot sent, in order."""
    return [
        Sent(call.method, call.arguments.get("text") or "", call.arguments.get("blocks") or [], call.arguments)
        for call in slack.api.calls
        if call.method in _MESSAGES and ("text" in call.arguments or "blocks" in call.arguments)
    ]


def flaws(slack: SlackServer) -> list[str]:
    """What no message of the bot's may have, whatever was asked."""
    found = []
    for message in sent(slack):
        text = message.text if message.method != "chat.stopStream" else "a stream has none"
        if message.blocks:
            found += [f"{message.method}: {fault}" for fault in slack_rules.faults(text, message.blocks)]
        calls = {name for name in message.mentions if name[0] == "#" or name in ("!here", "!channel", "!everyone")}
        if calls:
            found.append(f"{message.method} calls {sorted(calls)}: {message.text!r}")
        public = message.method == "chat.postMessage" or message.arguments.get("response_type") == "in_channel"
        if public and not (message.arguments.get("unfurl_links") is message.arguments.get("unfurl_media") is False):
            found.append(f"unfurls: {message.text!r}")
        if message.method == "chat.update" and message.arguments.get("parse") != "none":
            found.append(f"makes links of names and addresses: {message.text!r}")
    return found
