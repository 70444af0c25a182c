"""From files of every format to a citation that slices the stored text and names the page."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.build import open_index, refresh
from retrieval.documents import read_documents
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.reuse import known_documents, known_refusals
from retrieval.types import Document, Hit, Query
from tests.retrieval.formats.samples import lines, pdf, simple_docx, write

FILLER = "A sentence about nothing at all that fills the page a little more."
PAGES = [
    [*lines("The lighthouse of Genoa is 77 metres tall."), *lines(FILLER, top=740)],
    [],
    [
        *lines("The harbour opens at eight and closes", "at twenty every day of the week.", top=780),
        *lines(FILLER, top=700),
    ],
    [*lines(*["Boats pay ten euros a night for a berth."] * 3, leading=40)],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    write(folder, "guide.pdf", pdf(PAGES, title="Guide to the port"))
    write(folder, "rules.html", "<title>Rules</title><h1>Dogs</h1><h2>Leads</h2><p>Dogs walk on a lead on the pier.")
    write(folder, "notes.docx", simple_docx("The crane lifts forty tonnes."))
    write(folder, "plain.txt", "The customs office is closed on Sundays.")
    return folder


def best(folder: Path, data: Path, question: str) -> Hit:
    index = open_index(data, HashingEmbedder())
    hit = index.search_many([Query(question)])[0].hits[0]
    documents = {document.source: document for document in index.documents}
    assert documents[hit.source].text[hit.start : hit.end] == hit.text
    return hit


@pytest.mark.parametrize(
    ("question", "source", "heading", "pages"),
    [
        ("How tall is the lighthouse of Genoa?", "guide.pdf", (), {1}),
        ("When does the harbour open and close?", "guide.pdf", (), {3}),
        ("What do boats pay for a berth?", "guide.pdf", (), {4}),
        ("Where do dogs walk on a lead?", "rules.html", ("Dogs", "Leads"), {None}),
        ("How many tonnes does the crane lift?", "notes.docx", (), {None}),
        ("When is the customs office closed?", "plain.txt", (), {None}),
    ],
)
def test_a_sentence_is_found_with_its_page(
    question: str, source: str, heading: tuple[str, ...], pages: set[int | None], folder: Path, tmp_path: Path
) -> None:
    refresh(read_documents(folder), tmp_path / "data", HashingEmbedder(), where="seeds")
    hit = best(folder, tmp_path / "data", question)
    sentence = max(hit.sentences, key=lambda sentence: sentence.score)
    assert (hit.source, hit.heading, {sentence.page}) == (source, heading, pages)
    # A passage may begin on an earlier page than its best sentence.
    assert (hit.page is None) == (sentence.page is None)


def test_stored_documents_are_whole_and_known_again(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    read = [item for item in read_documents(folder) if isinstance(item, Document)]
    index, _ = refresh(read, data, HashingEmbedder(), where="seeds")
    assert list(index.documents) == read
    known = known_documents(data / "index")
    assert known == {document.source: document for document in read}
    assert known["guide.pdf"].pages[0] == 0
    assert len(known["guide.pdf"].pages) == 4
    again = list(read_documents(folder, known=known))
    assert all(item is known[item.source] for item in again)
    _, report = refresh(again, data, HashingEmbedder(), where="seeds")
    assert not report.published


def test_files_that_were_refused_are_known_until_they_change(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert known_refusals(data / "index") == {}
    write(folder, "scan.pdf", pdf([[]]))
    write(folder, "old.doc", b"x")
    refresh(read_documents(folder), data, HashingEmbedder(), where="seeds")
    known = known_refusals(data / "index")
    assert list(known) == ["scan.pdf"]
    assert known["scan.pdf"].digest == hashlib.sha256(pdf([[]])).hexdigest()
    _, report = refresh(read_documents(folder, known=known), data, HashingEmbedder(), where="seeds")
    assert not report.published
    write(folder, "scan.pdf", pdf([[], []]))
    _, report = refresh(read_documents(folder, known=known), data, HashingEmbedder(), where="seeds")
    assert known_refusals(data / "index")["scan.pdf"].digest == hashlib.sha256(pdf([[], []])).hexdigest()


def test_an_index_of_before_there_were_pages_is_made_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    read = [item for item in read_documents(folder) if isinstance(item, Document)]
    with monkeypatch.context() as before:
        for module in ("build", "reuse"):
            before.setattr(f"retrieval.{module}.PREPARATION", "2.1")
        refresh([replace(document, pages=()) for document in read], data, HashingEmbedder(), where="seeds")
    assert known_documents(data / "index") == {}
    index, report = refresh(read, data, HashingEmbedder(), where="seeds")
    assert report.published
    assert report.embedded == 0
    assert [document.pages for document in index.documents] == [document.pages for document in read]
