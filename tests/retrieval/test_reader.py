"""The shipped reader: what it promises of any text, that it reads, and what happens when its files are damaged."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrieval
from retrieval.errors import ModelError
from retrieval.reader import load_reader
from retrieval.reader.card import CARD, MODEL, TOKENIZER
from retrieval.reader.model import OnnxReader

FOLDER = Path(retrieval.__file__).parent / "reader"
MOST = 30_000_000
"""Bytes that the files may take together."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "reader"
    folder.mkdir()
    for name in (CARD, MODEL, TOKENIZER):
        shutil.copy(FOLDER / name, folder / name)
    return folder


def test_the_files_are_small_and_say_what_they_are() -> None:
    card = json.loads((FOLDER / CARD).read_text("utf-8"))
    assert set(card["files"]) == {MODEL, TOKENIZER}
    assert sum((FOLDER / name).stat().st_size for name in card["files"]) < MOST
    assert "Licence" in (FOLDER / "LICENSE.md").read_text("utf-8")


def test_it_is_opened_once() -> None:
    assert load_reader() is load_reader()


@pytest.mark.parametrize(
    ("question", "text", "words"),
    [
        (
            "Who bought the bakery?",
            "In May the bakery was bought by Halden Foods for two million dollars.",
            "Halden Foods",
        ),
        (
            "Chi ha comprato il forno?",
            "A maggio il forno è stato comprato dalla Rossi Alimentari per due milioni.",
            "Rossi",
        ),
        ("When did the bridge open?", "The bridge, which cost 4 million, opened on 3 June 1911.", "3 June 1911"),
        ("Quanto è costato il ponte?", "Il ponte, aperto nel 1911, costò 4 milioni di lire.", "4 milioni"),
        ("Quando è stato aperto il ponte?", "The bridge, which cost 4 million, opened on 3 June 1911.", "1911"),
    ],
)
def test_it_marks_the_words_that_answer(question: str, text: str, words: str) -> None:
    found = load_reader().read(question, text)
    assert found.span
    assert words in text[slice(*found.span)]
    assert found.span[1] - found.span[0] < len(text) - 10


@pytest.mark.parametrize(
    ("question", "answers", "other"),
    [
        ("How much did the bridge cost?", "The bridge cost 4 million pounds.", "The bridge opened in 1911."),
        ("Chi dirige il museo?", "Il museo è diretto da Anna Verri.", "Il museo ha sede in un ex convento."),
        ("Where was she born?", "She was born in Leeds in 1902.", "She died in 1979 after a long illness."),
    ],
)
def test_a_sentence_that_answers_reads_better_than_one_that_does_not(question: str, answers: str, other: str) -> None:
    reader = load_reader()
    assert reader.read(question, answers).answers > reader.read(question, other).answers


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200), st.text(max_size=400))
def test_any_text_gets_a_finite_reading_with_whole_words(question: str, text: str) -> None:
    reading = load_reader().read(question, text)
    assert math.isfinite(reading.answers)
    if reading.span:
        start, end = reading.span
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert not (start and text[start - 1].isalnum() and text[start].isalnum())
        assert not (end < len(text) and text[end - 1].isalnum() and text[end].isalnum())


def test_a_reading_does_not_depend_on_what_was_read_before() -> None:
    question, text = "When did the bridge open?", "The bridge opened in 1911."
    first = load_reader().read(question, text)
    load_reader().read("Who repaired it?", "It was repaired again and again, at great expense, until 1950.")
    assert load_reader().read(question, text) == first


def test_a_text_without_end_is_read_up_to_a_limit() -> None:
    found = load_reader().read("When? " * 500, "The bridge opened in 1911. " * 2_000)
    assert math.isfinite(found.answers)


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_damaged_file_is_told_in_one_sentence(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name} is damaged: install the program again"):
        OnnxReader(copy)


@pytest.mark.parametrize("name", [CARD, MODEL, TOKENIZER])
def test_a_missing_file_is_told(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(OSError, match=name):
        OnnxReader(copy)
