"""Formats that are more than text: each is read by a module of its own, in a child process with limits.

A reader is a module with ``extract(raw: bytes, max_chars: int) -> Extracted`` that raises Unreadable. Only the child
(worker.py) imports one; the parent (sandbox.py) sees names of modules and what comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

READERS: Mapping[str, str] = MappingProxyType(
    {
        ".csv": "retrieval.formats.csv_table",
        ".docx": "retrieval.formats.docx",
        ".epub": "retrieval.formats.epub",
        ".htm": "retrieval.formats.html",
        ".html": "retrieval.formats.html",
        ".pdf": "retrieval.formats.pdf",
        ".srt": "retrieval.formats.subtitles",
        ".tsv": "retrieval.formats.csv_table",
        ".vtt": "retrieval.formats.subtitles",
    }
)
"""Suffix, lower case -> name of the module that reads such files."""
