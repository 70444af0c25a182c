"""Who may ask, how often, and how many may wait."""

from __future__ import annotations

from dataclasses import dataclass

from bot.claims import Asked, Trigger

WINDOW = 60.0
"""Seconds over which a person's questions are counted."""


@dataclass(frozen=True, slots=True)
class Access:
    """Which channels and people get answers; an empty set allows all. A direct message is no channel."""

    channels: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()

    def allows(self, asked: Asked) -> bool:
        here = not self.channels or asked.channel in self.channels or asked.trigger is Trigger.DIRECT
        return here and (not self.users or asked.user in self.users)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is answered."""

    per_minute: int = 10
    """Questions of one person in WINDOW seconds; 0 is no limit."""
    queue: int = 100
    """Questions at work or waiting; more are turned away."""
    concurrent: int = 16
    """Questions that are answered at the same time; the search itself gathers them into batches."""
