"""Variables that nobody reads and that look like ours misspelt."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import parse_stream

from bot.settings.loading import variables

_ALIKE, _VERY_ALIKE = 0.8, 0.9
"""Least similarity of names (difflib's ratio): of one that begins like a group of ours, and of any other."""
_OURS = ("SEEDS_", "EMBEDDING_", "INDEX_", "MILVUS_", "ANSWER_", "SLACK_", "DISCORD_")


def misspelt(env_file: Path | None = Path(".env")) -> Iterator[tuple[str, str]]:
    """Names in the environment and in ``env_file``, each with the variable that may be meant."""
    known = variables()
    for name in sorted({*os.environ, *_names(env_file)} - known.keys()):
        upper = name.upper()
        alike = _ALIKE if upper.startswith(_OURS) else _VERY_ALIKE
        for meant in get_close_matches(upper, known, n=1, cutoff=alike):
            yield name, meant


def _names(env_file: Path | None) -> set[str]:
    """The names in a file; none where it cannot be read, which is told elsewhere."""
    try:
        text = env_file.read_text(encoding="utf-8-sig") if env_file else ""
    except (OSError, UnicodeDecodeError):
        return set()
    return {binding.key for binding in parse_stream(io.StringIO(text)) if binding.key}
