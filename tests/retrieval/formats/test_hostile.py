from __future__ import annotations

from pathlib import Path

import pytest

from retrieval.chunking import split
from retrieval.documents import read_documents
from retrieval.formats.sandbox import Limits, Sandbox
from retrieval.types import Document, Skipped
from tests.retrieval.formats.hostile import HEALTHY, write_hostile

LIMITS = Limits(seconds=2, memory=384 << 20, characters=1_000_000)

HARMLESS = {
    "docx/external.docx": "ab",
    "docx/controls.docx": "\u202ertl\u202c \u200b testo",
    "html/hidden.html": None,
    "html/script.html": "testo",
    "html/javascript.html": "premi",
    "html/entity-long.html": None,
    "html/deepest.html": None,
    "html/binary.html": None,
    "pdf/javascript.pdf": "Testo.",
    "pdf/flate-bomb.pdf": None,
    "pdf/encrypted.pdf": None,
    "pdf/scan.pdf": None,
    "docx/bomb-member.docx": None,
    "docx/laughs.docx": None,
    "text/latin.txt": "perché no",
    "text/broken-utf8.txt": None,
}
"""Hostile file -> the text that may come of it, None where there must be none."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    names = write_hostile(folder)
    assert len(names) == len(set(names)) >= 100
    return folder


@pytest.fixture(scope="module")
def items(folder: Path) -> dict[str, Document | Skipped]:
    return {item.source: item for item in read_documents(folder, sandbox=Sandbox(LIMITS))}


def test_every_file_is_read_or_skipped_with_a_reason(folder: Path, items: dict[str, Document | Skipped]) -> None:
    visible = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert len(items) == len(visible)
    for item in items.values():
        if isinstance(item, Skipped):
            assert item.reason
            assert item.reason.isprintable()
            assert len(item.reason) < 150


def test_every_healthy_file_is_read(items: dict[str, Document | Skipped]) -> None:
    found = {name: items[name] for name in HEALTHY}
    assert {name: item.text for name, item in found.items() if isinstance(item, Document)} == {
        name: text for name, (_, text) in HEALTHY.items()
    }


def test_hostile_files_give_only_what_they_show(items: dict[str, Document | Skipped]) -> None:
    found = {name: items[name] for name in HARMLESS}
    assert {name: item.text if isinstance(item, Document) else None for name, item in found.items()} == HARMLESS


def test_nothing_read_can_break_what_comes_after(items: dict[str, Document | Skipped]) -> None:
    for item in items.values():
        if not isinstance(item, Document):
            continue
        assert item.text.strip()
        assert "root:" not in item.text
        assert not set(item.text) & {"\0", "\x1b", "\r"}
        item.text.encode()
        position = 0
        for section in item.sections:
            assert position <= section.start <= section.end <= len(item.text)
            position = section.end
        assert list(item.pages) == sorted(item.pages)


def test_passages_of_what_was_read_slice_it_exactly(items: dict[str, Document | Skipped]) -> None:
    for item in items.values():
        if isinstance(item, Document) and len(item.text) < 5_000:
            for chunk in split(item, lambda texts: [len(text.split()) + 2 for text in texts], 64):
                assert item.text[chunk.start : chunk.end] == chunk.text
                assert all(chunk.start <= start < end <= chunk.end for start, end in chunk.sentences)
