"""What a stand-in keeps of every request that it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass
class Call:
    """One request by the app."""

    name: str
    """What was called: faults are set for calls of a name."""
    arguments: Json
    at: float
    """Seconds of time.monotonic."""
    connection: int
    """The client's port: the same for all requests on one connection."""
    status: int | None = None
    """None until it was answered; 0 where the connection was cut instead."""
    response: Any = None
    handled: bool = False
    """Whether it took effect, whatever was answered."""
    fault: str = ""
