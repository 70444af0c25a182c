"""Text drawn by rich, for stdout: coloured where that is a terminal, plain where it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 160
"""Columns where stdout is no terminal."""


def drawn(draw: Callable[[Console], None]) -> str:
    """What ``draw`` prints, as text: rich would end the program by itself when whoever reads the output stops."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    buffer = _Buffer(sys.stdout.encoding)
    width = None if terminal else PLAIN_WIDTH
    draw(Console(file=buffer, force_terminal=terminal, width=width, highlight=False))
    return buffer.getvalue()


class _Buffer(StringIO):
    """Tells rich which encoding the text will have: it draws with ASCII where that is not UTF-8."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding
