"""The passage table: from chunks to columns, through storage and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.columns import ARRAYS, Columns
from retrieval.errors import IndexCorrupt
from retrieval.language import LANGUAGES
from retrieval.storage import load_arrays, load_json, load_list, save_arrays, save_json, save_list
from retrieval.types import Chunk

HEADINGS = [(), ("Prices",), ("Prices", "Cloud"), ("Prezzi",)]


@st.composite
def chunk_lists(draw: st.DrawFn) -> list[tuple[int, Chunk]]:
    """Chunks of up to four documents, in order."""
    chunks = []
    for document in range(draw(st.integers(0, 4))):
        end = 0
        for _ in range(draw(st.integers(0, 4))):
            start = end + draw(st.integers(0, 3))
            spans = []
            end = start
            for _ in range(draw(st.integers(1, 4))):
                spans.append((end, end + draw(st.integers(1, 50))))
                end = spans[-1][1]
            heading, language = draw(st.sampled_from(HEADINGS)), draw(st.sampled_from(LANGUAGES))
            chunks.append((document, Chunk(start, end, "x" * (end - start), heading, language, tuple(spans))))
    return chunks


def rows(columns: Columns) -> list[tuple[object, ...]]:
    """Each passage as columns give it."""
    return [
        (
            int(columns.document[row]),
            int(columns.start[row]),
            int(columns.end[row]),
            columns.headings[columns.heading[row]],
            columns.language_of(row),
            tuple(
                (int(columns.sentence_start[sentence]), int(columns.sentence_end[sentence]))
                for sentence in range(columns.first_sentence[row], columns.first_sentence[row + 1])
            ),
        )
        for row in range(len(columns))
    ]


@given(chunk_lists())
def test_columns_hold_what_the_chunks_held(chunks: list[tuple[int, Chunk]]) -> None:
    columns = Columns.from_chunks(chunks)
    assert rows(columns) == [
        (document, chunk.start, chunk.end, chunk.heading, chunk.language, chunk.sentences) for document, chunk in chunks
    ]
    assert columns.sentences == sum(len(chunk.sentences) for _, chunk in chunks)
    assert len(set(columns.headings)) == len(columns.headings)
    owners = [row for row, (_, chunk) in enumerate(chunks) for _ in chunk.sentences]
    assert columns.passage_of_sentences().tolist() == owners


@given(chunk_lists())
def test_columns_survive_storage(tmp_path_factory: pytest.TempPathFactory, chunks: list[tuple[int, Chunk]]) -> None:
    columns = Columns.from_chunks(chunks)
    folder: Path = tmp_path_factory.mktemp("columns")
    save_arrays(folder, columns.arrays())
    save_json(folder / "headings.json", columns.headings)
    again = Columns.from_arrays(load_arrays(folder, ARRAYS), load_json(folder / "headings.json"), 4)
    assert rows(again) == rows(columns)
    for name, array in columns.arrays().items():
        assert again.arrays()[name].dtype == array.dtype


@given(st.lists(st.one_of(st.text(), st.dictionaries(st.text(), st.integers() | st.none()))))
def test_a_list_is_written_as_json_entry_by_entry(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    folder: Path = tmp_path_factory.mktemp("lists")
    save_json(folder / "at-once.json", values)
    save_list(folder / "one-by-one.json", iter(values))
    assert (folder / "one-by-one.json").read_bytes() == (folder / "at-once.json").read_bytes()
    assert list(load_list(folder / "at-once.json")) == values


@pytest.mark.parametrize(
    "content", [b"", b"[", b"[1", b"[1,", b"[1,]", b"[1]x", b"[1] ", b"{}", b"1", b"\xff", b"[1 ,2]"]
)
def test_what_is_no_list_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.json").write_bytes(content)
    with pytest.raises(IndexCorrupt, match=r"list\.json is not"):
        list(load_list(tmp_path / "list.json"))


def sample() -> dict[str, NDArray[Any]]:
    chunks = [
        (0, Chunk(0, 9, "x" * 9, (), "it", ((0, 4), (5, 9)))),
        (1, Chunk(0, 5, "x" * 5, ("A",), "en", ((0, 5),))),
    ]
    return dict(Columns.from_chunks(chunks).arrays())


DAMAGE: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    **{name: lambda column: column[:-1] for name in ARRAYS},
    "document ": lambda column: column + 1,
    "document  ": lambda column: column - 1,
    "heading ": lambda column: column + 1,
    "heading  ": lambda column: column - 1,
    "language ": lambda column: column + len(LANGUAGES),
    "first_sentence ": lambda column: column + 1,
    "first_sentence  ": lambda column: column * np.array([1, 0, 1]),
    "first_sentence   ": lambda column: np.zeros(0, dtype=column.dtype),
}


@pytest.mark.parametrize("damaged", DAMAGE)
def test_columns_that_do_not_fit_together_are_refused(damaged: str) -> None:
    arrays = sample()
    assert len(Columns.from_arrays(arrays, [[], ["A"]], 2)) == 2
    arrays[damaged.strip()] = DAMAGE[damaged](arrays[damaged.strip()])
    with pytest.raises(IndexCorrupt, match=re.escape("python -m bot index --rebuild")):
        Columns.from_arrays(arrays, [[], ["A"]], 2)


def test_sentences_without_a_passage_are_refused() -> None:
    arrays = {name: column[:0] for name, column in sample().items()} | {"first_sentence": np.zeros(1, dtype=np.int64)}
    assert len(Columns.from_arrays(arrays, [], 0)) == 0
    arrays |= {name: np.zeros(1, dtype=np.int32) for name in ("sentence_start", "sentence_end")}
    with pytest.raises(IndexCorrupt):
        Columns.from_arrays(arrays, [], 0)
