"""What a new index shares with the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import documents, reuse, storage
from retrieval.build import build_index, index_folder
from retrieval.documents import make_document, read_documents
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.reuse import known_documents, match_keys, sentence_keys
from retrieval.storage import current
from retrieval.types import Document

SENTENCES = st.lists(st.sampled_from("abcdef"), max_size=12)


@given(SENTENCES, SENTENCES)
def test_every_sentence_is_found_where_it_stood_and_where_it_stands_now(old: list[str], new: list[str]) -> None:
    shared = match_keys(sentence_keys(old), sentence_keys(new))
    assert shared.first.tolist() == [new.index(text) for text in new]
    assert [old[row] if row >= 0 else None for row in shared.known] == [text if text in old else None for text in new]
    moved = shared.moved.tolist()
    for row, text in enumerate(old):
        # The first of equal sentences moves to the first, the second to the second.
        places = [place for place, other in enumerate(new) if other == text]
        earlier = old[:row].count(text)
        assert moved[row] == (places[earlier] if earlier < len(places) else -1)


def test_unchanged_files_are_known_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, root = tmp_path / "seeds", index_folder(tmp_path)
    folder.mkdir()
    assert known_documents(root) == {}
    for name in ("a.txt", "b.md", "c.txt"):
        (folder / name).write_text(f"# The {name} keeper counts the ships.", encoding="utf-8")
    build_index(read_documents(folder), tmp_path, HashingEmbedder(), where="seeds")
    (folder / "a.txt").write_text("Fog hides the harbour.", encoding="utf-8")
    (folder / "c.txt").rename(folder / "d.txt")
    fresh, made, make = list(read_documents(folder)), [], documents.make_document

    def counting(source: str, text: str, **rest: Any) -> Document:
        made.append(source)
        return make(source, text, **rest)

    monkeypatch.setattr(documents, "make_document", counting)
    assert list(read_documents(folder, known=known_documents(root))) == fresh
    assert made == ["a.txt", "d.txt"]


def test_documents_that_are_damaged_or_of_other_rules_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = make_document("a.txt", "The lighthouse keeper counts the ships.", markdown=False)
    build_index([document], tmp_path, HashingEmbedder(), where="seeds")
    root = index_folder(tmp_path)
    assert known_documents(root) == {"a.txt": document}
    with monkeypatch.context() as patch:
        patch.setattr(reuse, "PREPARATION", "another")
        assert known_documents(root) == {}
    # Beyond a size, damage shows in no other way than by the checksum.
    monkeypatch.setattr(storage, "SMALL_FILE", 0)
    path = current(root) / "documents.json"
    path.write_bytes(path.read_bytes().replace(b"keeper", b"sleeps"))
    assert known_documents(root) == {}
