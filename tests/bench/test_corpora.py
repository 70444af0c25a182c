"""The corpora that benchmarks make: of what they say they are made, and the same every time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retrieval.chunking import split
from retrieval.embedders.hashing import HashingEmbedder
from tests.bench import drawn, growth_side, rag, rag_sides, reindex


def test_words_are_distinct_and_frequent_ones_come_first() -> None:
    words = drawn.vocabulary().tolist()
    assert len(set(words)) == len(words) == drawn.VOCABULARY
    texts = list(drawn.sentences(2000, 10, 1))
    assert texts == list(drawn.sentences(2000, 10, 1))
    assert texts != list(drawn.sentences(2000, 10, 2))
    assert {len(text.split()) for text in texts} == set(range(5, 16))
    found = " ".join(texts).lower().replace(".", "").split()
    assert found.count("the") > 10 * found.count(words[100])


@pytest.mark.parametrize(("chunks", "sentences"), [(1, 1), (25, 1), (12, 3)])
def test_chunks_of_drawn_documents_lie_where_they_say(chunks: int, sentences: int) -> None:
    made = list(growth_side.documents(chunks, sentences))
    parts = [(document.text, chunk) for document, own in made for chunk in own]
    assert len(parts) == chunks
    for text, chunk in parts:
        assert text[chunk.start : chunk.end] == chunk.text
        assert [text[a:b][-1] for a, b in chunk.sentences] == ["."] * sentences
        assert " ".join(text[a:b] for a, b in chunk.sentences) == chunk.text


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """Development sets with one document of six sentences each, in two of them the same."""
    for number, name in enumerate(rag_sides.SETS):
        (tmp_path / name).mkdir()
        same = min(number, 2)
        text = " ".join(
            f"The {word} keeper of house {same} counts the ships." for word in "one two red old sad big".split()
        )
        row = {"id": f"{name}-1", "title": f"House {same}", "text": text, "lang": "en"}
        (tmp_path / name / "corpus.jsonl").write_text(json.dumps(row), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("count", [1, 3, 20])
def test_a_corpus_has_exactly_so_many_passages_and_none_twice(sets: Path, count: int) -> None:
    embedder = HashingEmbedder()
    documents, made = rag_sides.gather(sets, count, embedder)
    chunks = [
        chunk.text for each in documents for chunk in split(each, embedder.count_tokens, embedder.spec.max_tokens)
    ]
    assert len(set(chunks)) == len(chunks) == count
    assert made == max(0, count - 3)
    assert sum(document.source.startswith("drawn-") for document in documents) == made


def test_an_answer_is_there_if_any_passage_holds_it() -> None:
    asked = [rag.Asked("a", "en", ("Ten", "eleven")), rag.Asked("b", "en", ("two",)), rag.Asked("c", "en", ())]
    assert rag.hits(asked, [["nothing", "at ten"], ["none"], ["ten"]]) == 0.5


def test_a_change_adds_one_sentence_that_is_new(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    reindex.write(seeds, 10, 35)
    before = {path.name: path.read_text("utf-8") for path in seeds.iterdir()}
    assert sum(text.count(".") for text in before.values()) == 35
    for turn in range(3):
        reindex.change(seeds, turn)
    after = {path.name: path.read_text("utf-8") for path in seeds.iterdir()}
    assert sum(text.count(".") for text in after.values()) == 38
    assert sum(text != before[name] for name, text in after.items()) == 3
