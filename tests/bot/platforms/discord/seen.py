"""What the tests of the Discord adapter look at: answers, and everything that was sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from bot.markup.discord import Button
from tests.bot.markup import discord_rules
from tests.standin.discord.model import COMPONENTS_V2, SUPPRESS_EMBEDS, Call, Channel, Interaction, Message, User
from tests.standin.discord.server import DiscordServer
from tests.standin.fonte import Fonte

Json = dict[str, Any]
ABOUT = "Ask about this"
"""The command in the menu of a message."""
HELPERS = "helpers"
"""The name of the one role that tests let the bot call."""
_MESSAGE, _UPDATE, _FORM = 4, 7, 9
"""Types of first answers to interactions."""
_CALLBACK = "POST /interactions/{}/{}/callback"
_SENDING = (
    _CALLBACK,
    "POST /channels/{}/messages",
    "PATCH /channels/{}/messages/{}",
    "POST /webhooks/{}/{}",
    "PATCH /webhooks/{}/{}/messages/{}",
)
_HANDLERS = ("discord.py: on_", "CommandTree-", "discord-ui-")
"""How the library names the tasks in which events are handled."""
_HEARTBEAT = 1


@dataclass
class Sent:
    """A message as it went to Discord, whether or not Discord took it."""

    name: str
    """Of the route."""
    body: Json
    call: Call = field(repr=False)

    @property
    def content(self) -> str | list[Json]:
        """Components, or else Markdown."""
        return self.body.get("components") or self.body.get("content") or ""

    @property
    def mentions(self) -> set[str]:
        """Whom it calls: ``@1``, ``&1`` (a role), ``#1`` (a channel), ``everyone``."""
        return discord_rules.mentions(self.content)

    @property
    def links(self) -> set[str]:
        return discord_rules.links(self.content)

    @property
    def shown(self) -> str:
        return discord_rules.shown(self.content)


# ---------------------------------------------------------------- waiting


async def answers(discord: DiscordServer, channel: Channel, count: int = 1) -> list[Message]:
    """The bot's messages in a channel or thread, once there are so many."""

    def enough() -> list[Message]:
        found = discord.world.answers(channel)
        return found if len(found) >= count else []

    return await discord.wait_for(enough)


async def reply(discord: DiscordServer, message: Message) -> Message:
    """The bot's first reply to a message, once there is one."""
    found = await discord.wait_for(lambda: discord.world.replies_to(message))
    return found[0]


async def response(discord: DiscordServer, interaction: Interaction) -> Message:
    """What a command or button is answered with, once it is."""

    def there() -> Message | None:
        return interaction.response if interaction.state == "answered" else None

    return await discord.wait_for(there)


async def rest(discord: DiscordServer, *bots: Fonte, hanging: bool = False) -> None:
    """Wait until everything Discord sent was taken and everything the bots do about it is done.

    ``hanging``: some calls may never be answered.
    """
    while True:
        before = _events(discord)
        await taken(discord)
        while handlers := [task for task in asyncio.all_tasks() if task.get_name().startswith(_HANDLERS)]:
            await asyncio.wait(handlers)
        for bot in bots:
            await bot.idle()
        if not hanging:
            await discord.wait_for(lambda: discord.world.idle(discord.rest.calls))
        if _events(discord) == before:
            return


async def taken(discord: DiscordServer) -> None:
    """Wait until the bot has heard of everything: asked for a heartbeat, it tells which event was the last.

    A connection that is being made is waited for: what was missed meanwhile is told on it.
    """
    opening = discord.gateway.connections
    await discord.wait_for(lambda: all(c.session is not None or c.state != "open" for c in opening))
    for connection in [connection for connection in discord.gateway.open if connection.state == "open"]:
        session = connection.session
        assert session is not None
        asked = session.seq
        connection.send(_HEARTBEAT)

        def heard(connection: Any = connection, asked: int = asked) -> bool:
            beats = [body.get("d") or 0 for body in connection.received if body["op"] == _HEARTBEAT]
            return connection.state != "open" or max(beats, default=0) >= asked

        await discord.wait_for(heard)


def _events(discord: DiscordServer) -> int:
    return sum(session.seq for session in discord.gateway.sessions)


# ---------------------------------------------------------------- asking and pressing


async def answered(
    discord: DiscordServer, bot: Fonte, text: str = "When is it?", *, user: User | None = None, channel: Any = None
) -> tuple[Message, Message]:
    """A question that names the bot, and its answer."""
    world = discord.world
    question = world.say(user or world.alice, channel or world.general, f"{world.mention} {text}")
    answer = await reply(discord, question)
    await rest(discord, bot)
    return question, answer


async def pressed(discord: DiscordServer, user: User, message: Message, button: str) -> Message:
    """What a button says to who presses it."""
    return await response(discord, discord.world.click(user, message, button))


async def form(discord: DiscordServer, user: User, message: Message) -> Interaction:
    """What opened the form that asks why an answer did not help."""
    opened = discord.world.click(user, message, Button.NOT_HELPFUL)
    await discord.wait_for(lambda: opened.modal)
    return opened


# ---------------------------------------------------------------- looking


def key(question: Message) -> str:
    """What the ledger calls a question."""
    return f"discord:message:{question.id}"


def link(discord: DiscordServer, message: Message) -> str:
    """Where a message of a server is."""
    return f"https://discord.com/channels/{discord.world.guild.id}/{message.channel}/{message.id}"


def buttons(message: Message) -> list[str]:
    """What the buttons under a message do."""
    return [button["custom_id"].partition(":")[0] for button in message.buttons]


def private(discord: DiscordServer, user: User) -> list[Message]:
    """What only this person sees, but for what is still being thought about."""
    return [message for message in discord.world.ephemerals(user) if not message.loading]


def words(message: Message) -> str:
    """What a person reads, in one line."""
    return read(message).replace("\n", " ")


def read(message: Message) -> str:
    """What a person reads."""
    return discord_rules.shown(message.components or message.content)


def sent(discord: DiscordServer) -> list[Sent]:
    """Every message the bot sent, in order."""
    found = [Sent(call.name, call.body, call) for call in discord.rest.calls if call.body and call.name in _SENDING]
    for message in found:
        if message.name == _CALLBACK:
            message.body = message.body.get("data", {}) if message.body["type"] in (_MESSAGE, _UPDATE) else {}
    return [message for message in found if message.body]


def flaws(discord: DiscordServer) -> list[str]:
    """What no message of the bot's may have, and what it may not do, whatever was asked."""
    world = discord.world
    helpers = {role.id for guild in world.guilds.values() for role in guild.roles.values() if role.name == HELPERS}
    found = [*discord.violations]
    for message in sent(discord):
        found += [f"{fault}: {message}" for fault in _faults(message, helpers)]
    for call in discord.calls("POST", "callback"):
        if call.body["type"] == _FORM:
            found += [f"{fault}: a form" for fault in discord_rules.modal_faults(call.body["data"])]
    for message in world.messages.values():
        pings = message.mentions_called
        if message.author is world.bot and (pings.users or pings.everyone or set(pings.roles) - helpers):
            found.append(f"pings {pings}: {message.shown!r}")
    return found


def _faults(message: Sent, helpers: set[str]) -> list[str]:
    found = []
    components, content = message.body.get("components") or [], message.body.get("content") or ""
    if components:
        found += discord_rules.faults(components)
    if content:
        found += discord_rules.text_faults(content)
    if not message.body.get("flags", 0) & (COMPONENTS_V2 | SUPPRESS_EMBEDS):
        found.append("unfolds")
    allowed = message.body.get("allowed_mentions") or {"parse": ["everything"]}
    roles = set(allowed.get("roles") or ())
    if allowed.get("parse") != [] or allowed.get("users") or allowed.get("replied_user") or roles - helpers:
        found.append(f"may call {allowed}")
    calls = {name for name in message.mentions if name[0] != "@" and name.removeprefix("&") not in roles}
    if calls:
        found.append(f"calls {sorted(calls)}")
    return found
