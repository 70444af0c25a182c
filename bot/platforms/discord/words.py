"""A Discord message's text as its author sees it, without the mentions of the bot. Pure.

Discord writes mentions, emoji and commands between angle brackets:
https://discord.com/developers/docs/reference#message-formatting
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.markup.entities import join_around

_TOKEN = re.compile(
    r"<(?:@!?(?P<user>\d{1,20})|@&(?P<role>\d{1,20})|#(?P<channel>\d{1,20})|a?:(?P<emoji>\w{1,64}):\d{1,20}"
    r"|/(?P<command>[^<>:]{1,100}):\d{1,20}|(?P<url>https?://[^<>\s]+))>"
)

Name = Callable[[str, str], str]
"""The name of the user, role or channel (the first argument) with this id; empty where nobody knows."""


def decode(text: str, bot: str, bot_roles: frozenset[str], name: Name) -> str:
    """The text without the mentions of the bot and of its own roles; other mentions become words."""
    # The text between the bot's mentions.
    stretches: list[list[str]] = [[]]
    done = 0
    for token in _TOKEN.finditer(text):
        stretches[-1].append(text[done : token.start()])
        done = token.end()
        if token["user"] == bot or token["role"] in bot_roles:
            stretches.append([])
        else:
            stretches[-1].append(_words(token, name))
    stretches[-1].append(text[done:])
    return join_around(["".join(stretch) for stretch in stretches])


def _words(token: re.Match[str], name: Name) -> str:
    kind = token.lastgroup or ""
    value = token[kind]
    match kind:
        case "user" | "role":
            return f"@{name(kind, value) or kind}"
        case "channel":
            return f"#{name(kind, value) or kind}"
        case "emoji":
            return f":{value}:"
        case "command":
            return f"/{value}"
        case _:
            return value
