"""What a build makes of documents, step by step, is what one would make of all of them at once."""

from __future__ import annotations

import itertools
import tracemalloc
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval import embedding
from retrieval.analysis import analyse_document
from retrieval.assemble import Assembled, assemble
from retrieval.build import build_index, index_folder
from retrieval.chunking import split
from retrieval.columns import Sentences
from retrieval.documents import make_document, read_documents
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.lock import silent
from retrieval.manifest import VectorSearch
from retrieval.progress import Step, unwatched
from retrieval.reuse import last_index, sentence_keys
from retrieval.types import Document
from tests.bench.drawn import sentences as drawn

EMBEDDER = HashingEmbedder()
LINES = [
    "The keeper counts the ships.",
    "Fog hides the harbour.",
    "Il pane costa tre euro.",
    "# Part one",
    "",
    "All is well.",
]
TEXTS = st.dictionaries(
    st.sampled_from(["a.md", "b.md", "c.md", "d.md", "e.md"]),
    st.lists(st.sampled_from(LINES), min_size=1, max_size=12).map("\n\n".join).filter(str.strip),
    min_size=1,
)


def made(texts: dict[str, str]) -> list[Document]:
    return [make_document(source, text, markdown=True) for source, text in texts.items()]


def assembled(read: Sequence[Document], root: Path, *, after: bool = False) -> Assembled:
    root.mkdir(parents=True, exist_ok=True)
    last = last_index(root, EMBEDDER, silent) if after else None
    return assemble(read, last, EMBEDDER, VectorSearch(asked="Flat"), "seeds", unwatched, root)


def check(found: Assembled, read: Sequence[Document]) -> None:
    """Compare with everything made at once, in lists."""
    passages = [split(document, EMBEDDER.count_tokens, EMBEDDER.spec.max_tokens) for document in read]
    chunks = [(row, chunk) for row, own in enumerate(passages) for chunk in own]
    bags = [bag for document, own in zip(read, passages, strict=True) for bag in analyse_document(document, own)]
    spans = [(row, span) for row, chunk in chunks for span in chunk.sentences]
    texts = [read[row].text[start:end] for row, (start, end) in spans]
    columns, words = found.index.columns, found.index.lexical
    assert columns.document.tolist() == [row for row, _ in chunks]
    assert columns.sentence_start.tolist() == [start for _, (start, _) in spans]
    assert columns.sentence_end.tolist() == [end for _, (_, end) in spans]
    assert [columns.headings[row] for row in columns.heading] == [chunk.heading for _, chunk in chunks]
    assert list(Sentences(read, columns)) == texts
    np.testing.assert_array_equal(found.keys, sentence_keys(texts))
    np.testing.assert_array_equal(found.index.store.vectors(np.arange(len(texts))), EMBEDDER.embed_documents(texts))
    postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for passage, bag in enumerate(bags):
        for term, frequency in bag.frequencies.items():
            postings[f"{bag.language}:{term}"].append((passage, frequency))
    assert words.vocabulary == tuple(sorted(postings))
    flat = [entry for term in words.vocabulary for entry in postings[term]]
    assert words.passages.tolist() == [passage for passage, _ in flat]
    np.testing.assert_array_equal(words.frequencies, np.array([frequency for _, frequency in flat], dtype=np.float32))
    assert words.offsets.tolist() == np.cumsum([0, *(len(postings[term]) for term in words.vocabulary)]).tolist()
    terms = [[f"{bag.language}:{term}" for term in sentence] for bag in bags for sentence in bag.sentences]
    ends = words.sentence_offsets.tolist()
    held = [words.sentence_terms[start:end] for start, end in itertools.pairwise(ends)]
    assert [[words.vocabulary[row] for row in own] for own in held] == terms


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(TEXTS, TEXTS)
def test_the_parts_are_those_of_all_documents_at_once(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, str], new: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("assembled")
    check(assembled(made(old), folder / "first"), made(old))
    build_index(made(old), folder, EMBEDDER, where="seeds", search=VectorSearch(asked="Flat"))
    check(assembled(made(new), index_folder(folder), after=True), made(new))


def test_documents_that_have_not_changed_are_in_memory_once(tmp_path: Path) -> None:
    build_index(made({"a.md": "One.", "b.md": "Two."}), tmp_path, EMBEDDER, where="seeds")
    read = made({"a.md": "One.", "b.md": "Too.", "c.md": "Three."})
    last = last_index(index_folder(tmp_path), EMBEDDER, silent, alike=read)
    assert last is not None
    same, other = last.index.documents
    assert same is read[0]
    assert other == made({"b.md": "Two."})[0]


def test_progress_tells_files_passages_and_sentences(tmp_path: Path) -> None:
    seen: list[Step] = []
    read = made({"a.md": "One. Two.\n\n# Part\n\n" + "Three is a sentence. " * 30, "b.md": "Four."})
    report = build_index(read, tmp_path, EMBEDDER, where="seeds", progress=seen.append)
    counts = [(step.files, step.passages, step.sentences) for step in seen if step.stage != "read"]
    assert counts == sorted(counts)
    assert counts[0] == (2, 0, 0)
    assert counts[-1] == (2, report.chunks, report.sentences)
    embed = [step for step in seen if step.stage == "embed"]
    assert {step.total for step in embed} == {report.embedded}
    assert report.embedded < report.sentences


def test_reading_tells_how_many_of_how_many_files_were_looked_at(tmp_path: Path) -> None:
    for name, text in {"a.txt": "One.", "b.txt": "One.", "c.bin": "\0", "d.txt": "", "e.md": "Two."}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    told: list[tuple[int, int]] = []
    read = list(read_documents(tmp_path, progress=lambda done, total: told.append((done, total))))
    assert len(read) == 5
    assert told == [(done, 5) for done in range(6)]


def test_a_sentence_takes_less_memory_than_its_vector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What grows with the folder are some hundred bytes a sentence; a vector alone has a thousand."""
    monkeypatch.setattr(embedding, "COPY_ROWS", 256)
    texts = list(drawn(6000, 8, 1))

    def peak(count: int) -> int:
        read = [
            make_document(f"{row}.txt", " ".join(texts[row : row + 10]), markdown=False) for row in range(0, count, 10)
        ]
        tracemalloc.start()
        found = assembled(read, tmp_path)
        assert found.index.columns.sentences > 0.98 * count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(6000)  # fills caches
    assert peak(6000) - peak(2000) < 4000 * 4 * EMBEDDER.spec.dimension * 0.8
