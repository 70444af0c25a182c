"""The API's routes, by method and path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.standin.discord.model import Call

if TYPE_CHECKING:
    from tests.standin.discord.world import World

Handler = Callable[["World", Call], Any]
"""Gives what is answered: an object or a list, None for 204."""
MAJOR = ("channels", "guilds")
WITH_TOKEN = ("webhooks", "interactions")


@dataclass(frozen=True)
class Route:
    name: str
    """Like ``POST /channels/{}/messages``."""
    handler: Handler
    authorized: bool
    """Whether it needs the bot's token; elsewhere a token in the path does."""

    def match(self, method: str, parts: list[str]) -> tuple[str, ...] | None:
        """What stands in the places of ``{}``, or None."""
        own_method, path = self.name.split(" ")
        own = path.strip("/").split("/")
        if own_method != method or len(own) != len(parts):
            return None
        if any(mine not in ("{}", theirs) for mine, theirs in zip(own, parts, strict=True)):
            return None
        return tuple(theirs for mine, theirs in zip(own, parts, strict=True) if mine == "{}")

    def bucket(self, ids: tuple[str, ...]) -> str:
        """The name of the limit that a call counts against: routes count for each top-level resource."""
        top = self.name.split("/")[1]
        if top in WITH_TOKEN:
            return f"{self.name} {ids[0]}/{ids[1]}"
        return f"{self.name} {ids[0]}" if top in MAJOR and ids else self.name


ROUTES: list[Route] = []


def route(name: str, *, authorized: bool = True) -> Callable[[Handler], Handler]:
    """Register what answers a route."""

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(name, handler, authorized))
        # What is spelt out comes before what may be anything.
        ROUTES.sort(key=lambda entry: entry.name.count("{}"))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    parts = path.strip("/").split("/")
    for entry in ROUTES:
        ids = entry.match(method, parts)
        if ids is not None:
            return entry, ids
    return None
