"""The platforms of tests.bench.adapter: their stand-ins, what runs against them, and how a question is put."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from time import perf_counter
from typing import Any, Protocol

from tests.standin.discord.server import DiscordServer
from tests.standin.slack.server import SlackServer


class Asked(Protocol):
    """A question that was put."""

    def answered(self) -> bool: ...

    async def acknowledged(self) -> list[float]:
        """Wait for the acknowledgement of every copy of it; seconds from the question to each."""
        ...


class Chat(Protocol):
    """One platform; ``server`` is its stand-in, an object of the kind that ``standin`` makes."""

    sides: dict[str, tuple[str, ...]]
    """Arguments of Python, by name; the first is the bare library, which the others are compared with."""

    def standin(self) -> AbstractAsyncContextManager[Any]: ...

    def settings(self, server: Any) -> dict[str, str]:
        """Variables that lead a bot there."""
        ...

    async def ready(self, server: Any) -> None:
        """Wait until a bot is connected and can be asked."""
        ...

    def ask(self, server: Any, text: str, *, command: bool) -> Asked:
        """Put a question in a channel of its own, by mention or, where that is what is acknowledged, by ``command``."""
        ...


class _InSlack:
    def __init__(self, server: SlackServer, text: str) -> None:
        w = server.workspace
        self._server = server
        self._first = len(w.deliveries)
        self._channel = w.add_channel(f"q{len(w.channels)}")
        self._message = w.say(w.alice, self._channel, f"{w.mention} {text}")

    def answered(self) -> bool:
        return bool(self._server.workspace.answers(self._channel, self._message.ts))

    async def acknowledged(self) -> list[float]:
        await self._server.settled(60)
        return [delivery.latency or 0.0 for delivery in self._server.workspace.deliveries[self._first :]]


class Slack:
    """Socket Mode; every message is acknowledged."""

    sides = {  # noqa: RUF012
        "bolt echo": ("-m", "tests.bench.echo_bot"),
        "fonte echo": ("-m", "tests.bench.echo_fonte", "slack"),
        "fonte": ("-m", "bot", "slack"),
    }

    def standin(self) -> SlackServer:
        return SlackServer(epoch=None)

    def settings(self, server: SlackServer) -> dict[str, str]:
        return {
            "SLACK_BOT_TOKEN": server.bot_token,
            "SLACK_APP_TOKEN": server.app_token,
            "SLACK_API_BASE_URL": server.base_url,
        }

    async def ready(self, server: SlackServer) -> None:
        await server.connected(within=120)

    def ask(self, server: SlackServer, text: str, *, command: bool) -> Asked:
        return _InSlack(server, text)


class _InDiscord:
    def __init__(self, server: DiscordServer, text: str, *, command: bool) -> None:
        w = server.world
        self._server = server
        self._began = perf_counter()
        channel = w.add_channel(f"q{len(w.channels)}")
        self._interaction = w.slash(w.alice, channel, "ask", {"question": text}) if command else None
        self._message = None if command else w.say(w.alice, channel, f"{w.mention} {text}")

    def answered(self) -> bool:
        if self._message is not None:
            return bool(self._server.world.replies_to(self._message))
        return self._interaction is not None and self._interaction.state == "answered"

    async def acknowledged(self) -> list[float]:
        interaction = self._interaction
        assert interaction is not None
        await self._server.wait_for(lambda: interaction.state != "pending", 60)
        return [perf_counter() - self._began]


class Discord:
    """The gateway; a command is acknowledged by its deferral."""

    sides = {  # noqa: RUF012
        "discord.py echo": ("-m", "tests.bench.echo_discord"),
        "fonte echo": ("-m", "tests.bench.echo_fonte", "discord"),
        "fonte": ("-m", "bot", "discord"),
    }

    def standin(self) -> DiscordServer:
        return DiscordServer(per_second=1_000_000)

    def settings(self, server: DiscordServer) -> dict[str, str]:
        return {"DISCORD_BOT_TOKEN": server.token, "DISCORD_API_BASE_URL": server.base_url}

    async def ready(self, server: DiscordServer) -> None:
        await server.gateway.connected(within=120)
        await server.wait_for(lambda: server.calls("PUT", "/commands", handled=True), 120)

    def ask(self, server: DiscordServer, text: str, *, command: bool) -> Asked:
        return _InDiscord(server, text, command=command)
