"""Searching an index; the hashing embedder stands for the model."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import astuple
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval import index as index_module
from retrieval.analysis import Bag, analyse_document
from retrieval.chunking import split
from retrieval.columns import Columns
from retrieval.documents import make_document
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.errors import IndexCorrupt, ModelError
from retrieval.index import LISTED, Index
from retrieval.lexical import Bm25
from retrieval.manifest import Manifest
from retrieval.protocols import Floats
from retrieval.stores import StoreKind, build_store
from retrieval.types import Chunk, Document, Features, Query, QuestionKind, Reading, SearchResult

EMBEDDER = HashingEmbedder()
TEXTS = {
    "sea.txt": "The lighthouse keeper counts the ships.\nFog hides the harbour in November. Ada King paid 40 dollars.",
    "bread.txt": "Il fornaio accende il forno alle quattro.\n\nIl pane nero costa tre euro al chilo. Lo compra Rosa.",
    "stars.txt": "A comet crossed the valley in 1811.\n\n\nNobody in the village slept that night. It was May.",
    "guide.md": (
        "# Porto\n\nLe barche partono all'alba.\n\n## Tariffe\n\nUn ormeggio costa 40 euro. Chi ritarda paga il doppio."
        "\n\n## Orari\n\nIl porto apre alle sei e chiude alle venti.\n"
    ),
    "odd.txt": "日本語の文章です。🎈🎈\n\u0301e\u0301 \t x\u00a0y … “Ha detto: ‘no’”.\n" * 3,
    "twin.txt": "The lighthouse keeper counts the ships. Chips are scarce, says Oracle.",
}
QUESTIONS = [
    "Who counts the ships?",
    "Quanto costa il pane nero?",
    "When did the comet cross the valley?",
    "Quanto costa un ormeggio?",
    "a che ora apre il porto",
    "How much does a mooring cost?",
    "ships ships ships",
    "日本語",
    "Oracle",
]
HOSTILE = [
    "the of and which",
    "di che il perché è",
    "?!... —",
    "x",
    "",
    " ",
    "🎈",
    "这座灯塔在哪里？",
    "'" * 50,
    "\x00\ud83d",
    "zq9 " * 500,
    "".join(chr(33 + (n * 7919) % 5000) for n in range(2000)),
]


def documents(texts: dict[str, str]) -> list[Document]:
    return [make_document(source, text, markdown=source.endswith(".md")) for source, text in texts.items()]


def parts(read: Sequence[Document]) -> tuple[Columns, Bm25, Floats]:
    chunks: list[tuple[int, Chunk]] = []
    bags: list[Bag] = []
    for row, document in enumerate(read):
        passages = split(document, EMBEDDER.count_tokens, 24)
        chunks.extend((row, passage) for passage in passages)
        bags.extend(analyse_document(document, passages))
    sentences = [read[row].text[start:end] for row, chunk in chunks for start, end in chunk.sentences]
    return Columns.from_chunks(chunks), Bm25.build(bags), EMBEDDER.embed_documents(sentences)


@cache
def index(kind: StoreKind = "exact") -> Index:
    read = documents(TEXTS)
    columns, lexical, vectors = parts(read)
    return Index(read, columns, lexical, build_store(vectors, kind), EMBEDDER)


def search(text: str, scope: frozenset[str] | None = None) -> SearchResult:
    return index().search_many([Query(text, scope)])[0]


def check(result: SearchResult, within: Index) -> None:
    """What every result promises."""
    texts = {document.source: document.text for document in within.documents}
    titles = {document.source: document.title for document in within.documents}
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)
    assert len({(hit.source, hit.start) for hit in result.hits}) == len(result.hits) <= LISTED
    assert len(set(result.sources)) == len(result.sources) <= LISTED
    assert {hit.source for hit in result.hits} <= set(result.sources)
    assert result.sources[:1] == tuple(hit.source for hit in result.hits[:1])
    assert 0 <= result.support <= 1
    assert np.isfinite(astuple(result.features)).all()
    for hit in result.hits:
        text = texts[hit.source]
        assert hit.title == titles[hit.source]
        assert text[hit.start : hit.end] == hit.text
        assert 0 <= hit.score <= 1 + 1e-9
        assert hit.lexical >= 0
        assert hit.dense == max(sentence.dense for sentence in hit.sentences)
        last = hit.start
        for sentence in hit.sentences:
            assert last <= sentence.start < sentence.end <= hit.end
            assert sentence.line == text[: sentence.start].count("\n") + 1
            assert -1.001 <= sentence.dense <= 1.001
            assert 0 <= sentence.lexical <= 1 + 1e-9
            assert all(sentence.start <= start < end <= sentence.end for start, end in sentence.answers)
            last = sentence.end


# --- what is found -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", QUESTIONS + HOSTILE)
def test_every_result_keeps_its_promises(question: str) -> None:
    check(search(question), index())


@settings(max_examples=50)
@given(st.text(max_size=100) | st.lists(st.sampled_from(" ".join(TEXTS.values()).split())).map(" ".join))
def test_any_question_gets_a_result(question: str) -> None:
    check(search(question), index())


def test_the_passage_that_answers_comes_first() -> None:
    for question, source, answer in (
        ("Quanto costa il pane nero?", "bread.txt", "tre euro"),
        ("When did the comet cross the valley?", "stars.txt", "1811"),
        ("Quanto costa un ormeggio?", "guide.md", "40 euro"),
    ):
        result = search(question)
        hit = result.hits[0]
        best = max(hit.sentences, key=lambda sentence: sentence.score)
        start, end = best.answers[0]
        assert (hit.source, hit.text[start - hit.start : end - hit.start]) == (source, answer)
        assert not result.foreign
    assert search("Quanto costa un ormeggio?").hits[0].heading == ("Porto", "Tariffe")
    assert search("Chi paga il doppio?").kind is QuestionKind.PERSON


def test_a_heading_finds_its_passage() -> None:
    assert search("le tariffe").hits[0].heading == ("Porto", "Tariffe")


def test_a_question_in_another_language_than_the_best_passage_is_told() -> None:
    result = search("How much do Rosa and the fornaio pay?", frozenset({"bread.txt"}))
    assert (result.language, result.hits[0].language, result.foreign) == ("en", "it", True)
    result = search("Rosa", frozenset({"bread.txt"}))
    assert (result.language, result.foreign) == (None, False)


def test_support_is_higher_for_what_the_documents_say() -> None:
    assert search("Quanto costa il pane nero?").support > search("Quanto pesa la balena azzurra?").support
    assert search("When did the comet cross the valley?").support > search("When did Napoleon sleep?").support


def test_the_limit_bounds_the_hits_and_not_the_sources() -> None:
    wide, narrow = (index().search_many([Query("il porto e le tariffe")], limit)[0] for limit in (10, 1))
    assert narrow.hits[0].text == wide.hits[0].text
    assert len(narrow.hits) == 1
    assert narrow.sources == wide.sources
    assert len(narrow.sources) > 1


def test_at_most_ten_sources_are_listed() -> None:
    read = documents({f"{row}.txt": f"Boat number {row} carries bread and salt." for row in range(LISTED + 3)})
    columns, lexical, vectors = parts(read)
    made = Index(read, columns, lexical, build_store(vectors, "exact"), EMBEDDER)
    (result,) = made.search_many([Query("Which boat carries bread?")], 2)
    check(result, made)
    assert (len(result.hits), len(result.sources)) == (2, LISTED)


def test_no_question_no_result() -> None:
    assert index().search_many([]) == []


# --- scope -------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.sampled_from(QUESTIONS), st.frozensets(st.sampled_from([*TEXTS, "unknown.txt", "../sea.txt"])))
def test_nothing_outside_the_scope_shows(question: str, scope: frozenset[str]) -> None:
    result = search(question, scope)
    check(result, index())
    assert set(result.sources) <= scope
    assert {hit.source for hit in result.hits} <= scope
    assert result == search(question, scope & set(TEXTS))
    if not scope & set(TEXTS):
        assert (result.hits, result.sources, result.support, result.features) == ((), (), 0.0, Features())
    else:
        assert result.hits


@pytest.mark.parametrize("question", QUESTIONS + HOSTILE)
def test_a_scope_of_everything_is_no_scope(question: str) -> None:
    assert search(question, frozenset(TEXTS)) == search(question)


def test_a_scope_reaches_what_better_documents_would_hide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "DEPTH", 1)
    monkeypatch.setattr(index_module, "SENTENCE_DEPTH", 1)
    for source in TEXTS:
        result = search("Who counts the ships?", frozenset({source}))
        check(result, index())
        assert result.sources == (source,)


# --- read by several threads ---------------------------------------------------------------------------------------


class Fake:
    """A reader that says something of its own of every pair, and remembers who asked."""

    def __init__(self, broken: str | None = None) -> None:
        self.threads: set[str] = set()
        self.broken = broken

    def read(self, question: str, text: str) -> Reading:
        self.threads.add(threading.current_thread().name)
        if question == self.broken:
            raise ModelError("The reader failed.")
        return Reading((len(question) * 7 + len(text)) % 11 - 5.0, (0, 3) if len(text) > 3 else None)


def test_several_questions_are_read_aside_and_each_gets_its_own_reading() -> None:
    reader, aside = Fake(), Fake()
    made = index().read_by(reader, lambda: aside)
    queries = [Query(question) for question in QUESTIONS + HOSTILE]
    together = made.search_many(queries)
    assert not reader.threads
    assert len(aside.threads) in (1, 2)
    assert all(name.startswith("reader") for name in aside.threads)
    assert together == [made.search_many([query])[0] for query in queries]
    assert reader.threads == {threading.current_thread().name}
    assert index().read_by(reader).search_many(queries) == together


def test_a_reader_that_fails_for_one_fails_the_batch() -> None:
    made = index().read_by(Fake(), lambda: Fake(broken=QUESTIONS[1]))
    with pytest.raises(ModelError):
        made.search_many([Query(question) for question in QUESTIONS])


# --- one index, however made and asked ---------------------------------------------------------------------------


def test_a_batch_is_answered_as_its_questions_one_by_one() -> None:
    scopes = [None, frozenset(["sea.txt", "bread.txt"]), frozenset[str](), frozenset(["guide.md"])]
    queries = [Query(question, scopes[row % 4]) for row, question in enumerate(QUESTIONS + HOSTILE)]
    results = index().search_many(queries)
    assert results == [index().search_many([query])[0] for query in queries]
    assert index().search_many(queries[::-1]) == results[::-1]


def test_every_store_gives_the_same_results() -> None:
    scoped = [Query(question, frozenset(["sea.txt", "twin.txt", "guide.md"])) for question in QUESTIONS]
    queries = [Query(question) for question in QUESTIONS + HOSTILE] + scoped
    for ours, theirs in zip(index("exact").search_many(queries), index("faiss").search_many(queries), strict=True):
        check(theirs, index("faiss"))
        assert theirs.sources == ours.sources
        assert [(hit.source, hit.text) for hit in theirs.hits] == [(hit.source, hit.text) for hit in ours.hits]
        np.testing.assert_allclose(astuple(theirs.features), astuple(ours.features), atol=1e-5)
        assert theirs.support == pytest.approx(ours.support, abs=1e-5)


MANIFEST = Manifest(1, "2026-01-01T00:00:00+00:00", EMBEDDER.spec, "1", {}, {}, 0, 0, {})


def test_an_index_survives_storage(tmp_path: Path) -> None:
    index("faiss").save(tmp_path)
    again = Index.load(tmp_path, MANIFEST, EMBEDDER)
    assert again.documents == index().documents
    assert again.manifest is MANIFEST
    queries = [Query(question) for question in QUESTIONS] + [Query("porto", frozenset(["guide.md"]))]
    assert again.search_many(queries) == index("faiss").search_many(queries)


@pytest.mark.parametrize("damage", ['[{"source": "a.txt"}]', "[[]]", '[{"sections": 1}]', "[1]"])
def test_documents_that_are_none_are_refused(tmp_path: Path, damage: str) -> None:
    index("faiss").save(tmp_path)
    (tmp_path / "documents.json").write_text(damage)
    with pytest.raises(IndexCorrupt, match="--rebuild"):
        Index.load(tmp_path, MANIFEST, EMBEDDER)


def test_parts_that_do_not_belong_together_are_refused() -> None:
    read = documents(TEXTS)
    columns, lexical, vectors = parts(read)
    other_columns, other_lexical, other_vectors = parts(read[:1])
    for mixed in (
        (columns, lexical, other_vectors),
        (columns, other_lexical, vectors),
        (other_columns, lexical, vectors),
        (columns, lexical, np.eye(len(vectors), 8, dtype=np.float32)),
    ):
        with pytest.raises(IndexCorrupt, match=re.escape("python -m bot index --rebuild")):
            Index(read, mixed[0], mixed[1], build_store(mixed[2], "exact"), EMBEDDER)


WORDS = st.sampled_from("ship harbour porto pane 40 euro Oslo fog nebbia . ? il the \n\n".split(" "))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.lists(WORDS, min_size=1, max_size=30).map(" ".join), min_size=1, max_size=6), st.data())
def test_any_documents_can_be_searched(texts: list[str], data: st.DataObject) -> None:
    read = documents({f"{row}.txt": f"Title. {text}" for row, text in enumerate(texts)})
    columns, lexical, vectors = parts(read)
    made = Index(read, columns, lexical, build_store(vectors, "exact"), EMBEDDER)
    question = data.draw(st.lists(WORDS, max_size=6).map(" ".join))
    scope = data.draw(st.none() | st.frozensets(st.sampled_from([document.source for document in read])))
    (result,) = made.search_many([Query(question, scope)])
    check(result, made)
    assert scope is None or set(result.sources) <= scope
