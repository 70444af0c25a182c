"""Reading corpora and question sets, right ones and wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import SourceError
from retrieval.evaluate import LabelledQuestion, read_corpus, read_questions

QUESTION = {"id": "1", "question": "Why?", "lang": "en", "answers": ["x"], "gold_ids": ["a"], "answerable": True}
ROW = {"id": "a", "title": "Ships", "text": "A ship.\r\nAnother."}


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def test_a_corpus_row_is_a_document(tmp_path: Path) -> None:
    path = lines(tmp_path / "corpus.jsonl", "\ufeff" + json.dumps(ROW), "", ROW | {"id": "b", "title": "Boats"})
    first, second = read_corpus(path)
    assert (first.source, first.title, first.text) == ("a", "Ships", "A ship.\nAnother.")
    assert (second.source, second.title, second.text) == ("b", "Boats", first.text)
    assert first.digest != second.digest


def test_questions_are_read_in_order(tmp_path: Path) -> None:
    unanswerable = QUESTION | {"id": "2", "lang": "it", "answers": [], "gold_ids": [], "answerable": False}
    path = lines(
        tmp_path / "questions.jsonl", QUESTION, unanswerable | {"kind": "near"}, " ", unanswerable | {"id": "3"}
    )
    assert read_questions(path) == [
        LabelledQuestion("1", "Why?", "en", ("x",), frozenset("a"), True, ""),
        LabelledQuestion("2", "Why?", "it", (), frozenset(), False, "near"),
        LabelledQuestion("3", "Why?", "it", (), frozenset(), False, "unanswerable"),
    ]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("{", "is not JSON"),
        ("[1]", "must be a JSON object"),
        ('"x"', "must be a JSON object"),
        ({"id": ""}, '"id"'),
        ({"id": 7}, '"id"'),
        ({"question": "  "}, '"question"'),
        ({"lang": "fr"}, '"lang" must be one of en, it'),
        ({"lang": ["it"]}, '"lang"'),
        ({"lang": None}, '"lang"'),
        ({"answers": "x"}, '"answers"'),
        ({"answers": [1]}, '"answers"'),
        ({"gold_ids": None}, '"gold_ids"'),
        ({"answerable": "yes"}, '"answerable"'),
        ({"answerable": 1}, '"answerable"'),
    ],
)
def test_a_wrong_question_is_named_by_file_and_line(tmp_path: Path, wrong: Any, named: str) -> None:
    row = wrong if isinstance(wrong, str) else QUESTION | wrong
    path = lines(tmp_path / "questions.jsonl", QUESTION, "", row)
    with pytest.raises(SourceError) as raised:
        read_questions(path)
    assert f"{path}, line 3" in str(raised.value)
    assert named in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("missing", ["id", "title", "text"])
def test_a_wrong_corpus_row_is_named_by_file_and_line(tmp_path: Path, missing: str) -> None:
    path = lines(tmp_path / "corpus.jsonl", ROW, {name: value for name, value in ROW.items() if name != missing})
    with pytest.raises(SourceError) as raised:
        list(read_corpus(path))
    assert f"{path}, line 2" in str(raised.value)
    assert f'"{missing}"' in str(raised.value)


@pytest.mark.parametrize("missing", ["question", "lang", "answers", "gold_ids", "answerable"])
def test_every_field_of_a_question_is_needed(tmp_path: Path, missing: str) -> None:
    path = lines(tmp_path / "questions.jsonl", {name: value for name, value in QUESTION.items() if name != missing})
    with pytest.raises(SourceError, match=f'line 1: .*"{missing}"'):
        read_questions(path)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"missing\.jsonl cannot be read"):
        read_questions(tmp_path / "missing.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe8"}')
    with pytest.raises(SourceError, match=r"latin\.jsonl is not UTF-8 text\."):
        list(read_corpus(tmp_path / "latin.jsonl"))
    with pytest.raises(SourceError, match=r"empty\.jsonl holds no questions\."):
        read_questions(lines(tmp_path / "empty.jsonl", "", ""))
