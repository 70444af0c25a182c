"""How replies look: as lines of a terminal, as Slack and Discord messages. Pure."""

from __future__ import annotations

from bot.markup.lines import (
    MAX_EXCERPT,
    Line,
    Piece,
    Role,
    clean,
    dump_json,
    duration,
    emphasise,
    layout,
    plain,
    shorten,
    to_json,
)

__all__ = [
    "MAX_EXCERPT",
    "Line",
    "Piece",
    "Role",
    "clean",
    "dump_json",
    "duration",
    "emphasise",
    "layout",
    "plain",
    "shorten",
    "to_json",
]
