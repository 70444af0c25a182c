"""Where Discord is. The library has no option for it: its two addresses are attributes of classes."""

from __future__ import annotations

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route

_REST, _GATEWAY = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY


def use_rest(base_url: str) -> None:
    """Send every request of this process's clients below an address. Call before login."""
    Route.BASE = base_url.rstrip("/")


async def use_gateway(http: HTTPClient) -> None:
    """Begin sessions where this REST API says. Call after login, before the first connection.

    The library asks for that address itself, but not when it begins a session anew, and never with Discord's own.
    """
    if Route.BASE == _REST:
        DiscordWebSocket.DEFAULT_GATEWAY = _GATEWAY
        return
    _, url, _ = await http.get_bot_gateway()
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
