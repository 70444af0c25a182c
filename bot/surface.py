"""What a chat platform offers to the core: ways to show things, each of which may fail in a few known ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.claims import Asked, Claim, Feedback, Turn
from bot.types import Reply


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the bot says in its own words in place of an answer, or until there is one."""

    text: str
    final: bool = True
    """False for a placeholder."""


@dataclass(frozen=True, slots=True)
class Shared:
    """An answer given in private that the asker shows to the channel."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Escalated:
    """A question that ``user`` wants a person to answer."""

    turn: Turn
    user: str


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What a person thinks of an answer."""

    turn: Turn
    feedback: Feedback


Body = Reply | Notice | Shared | Escalated | Forwarded
"""What a message says; the surface decides how it looks there."""


def is_final(body: Body) -> bool:
    """Whether this is the last word, and no placeholder."""
    return not isinstance(body, Notice) or body.final


@dataclass(frozen=True, slots=True)
class Found:
    """A reply that is on the platform already."""

    reply: str
    """The platform's id of the message."""
    complete: bool
    """It shows the answer to the claim's version, not a placeholder or an older version."""
    stream: bool = False
    """An open stream of the bot's that bears no mark: whose it is, the ledger must tell."""


class Surface(Protocol):
    """One platform. Every method may raise a DeliveryError; what it does by itself, it does at most once."""

    def traceable(self, asked: Asked) -> bool:
        """Whether ``find`` can tell if a reply to this arrived; else a reply is sent at most once, come what may."""
        ...

    async def acknowledge(self, asked: Asked) -> None:
        """Tell the platform that the answer to a command is on its way, where it waits for that; no harm when repeated.

        Called once the command is claimed and will be answered, before anything else is shown.
        """
        ...

    async def post(self, claim: Claim, body: Body) -> str:
        """Show a new message where the claim belongs and return its id (empty for a private one)."""
        ...

    async def open(self, claim: Claim) -> str:
        """Begin a reply that shows itself to be in the making (a stream); Unsupported where there is no such thing."""
        ...

    async def close(self, claim: Claim, reply: str, body: Body) -> None:
        """Complete a reply that was opened."""
        ...

    async def update(self, claim: Claim, reply: str, body: Body) -> None:
        """Change a message."""
        ...

    async def delete(self, claim: Claim, reply: str) -> None:
        """Delete a message, and whatever was attached to it."""
        ...

    async def find(self, claim: Claim) -> tuple[Found, ...]:
        """Replies to the claim that are on the platform: those marked with its key, else the bot's open streams in
        the same thread, oldest first. Empty where it is not ``traceable``."""
        ...

    async def whisper(self, asked: Asked, text: str) -> None:
        """Say something to the asker alone."""
        ...

    async def show_work(self, asked: Asked, text: str) -> None:
        """Show that the bot is at work (``text`` where there is room for words) until a reply or ``hide_work``."""
        ...

    async def hide_work(self, asked: Asked) -> None:
        """Take away what ``show_work`` showed; does nothing where nothing is shown."""
        ...

    async def locale(self, asked: Asked) -> str | None:
        """The asker's locale, where the platform tells it."""
        ...
