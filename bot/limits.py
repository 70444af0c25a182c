"""Who may ask, how often, and how many may wait."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bot.claims import Asked, Trigger

WINDOW = 60.0
"""Seconds over which a person's questions are counted."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who gets answers where; an empty set allows all. A direct message is in no channel and no team."""

    channels: frozenset[str] = frozenset()
    """A channel stands for its threads too."""
    users: frozenset[str] = frozenset()
    """People; who is neither here nor has one of the ``roles`` gets no answer."""
    teams: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def allows(self, asked: Asked, roles: Collection[str] = ()) -> bool:
        """``roles``: those of the asker, as far as the platform tells."""
        direct = asked.trigger is Trigger.DIRECT or not asked.team
        here = direct or not self.channels or not self.channels.isdisjoint((asked.channel, asked.thread))
        team = direct or not self.teams or asked.team in self.teams
        anybody = not self.users and not self.roles
        return here and team and (anybody or asked.user in self.users or not self.roles.isdisjoint(roles))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is answered."""

    per_minute: int = 10
    """Questions of one person in WINDOW seconds; 0 is no limit."""
    queue: int = 100
    """Questions at work or waiting; more are turned away."""
    concurrent: int = 16
    """Questions that are answered at the same time; the search itself gathers them into batches."""
