from __future__ import annotations

import pytest

from retrieval.formats.epub import extract
from retrieval.formats.extracted import Extracted, Unreadable
from tests.retrieval.formats.samples import CONTAINER, PACKAGE
from tests.retrieval.formats.samples import epub as book


def read(raw: bytes) -> Extracted:
    return extract(raw, 1_000_000)


def test_pages_in_the_order_of_the_spine() -> None:
    found = read(book())
    assert found.text == "Uno\n\nPrima\npagina.\n\nDue\n\nSeconda pagina."
    assert found.title == "Il libro del porto"
    assert [(level, found.text[start:end]) for level, start, end in found.headings] == [(1, "Uno"), (1, "Due")]


def test_a_book_without_title_has_its_first_heading() -> None:
    assert read(book(book_opf=PACKAGE.replace("dc:title", "dc:x"))).title == "Uno"


def test_pages_that_are_missing_leave_the_others() -> None:
    assert read(book(uno_xhtml=None)).text == "Due\n\nSeconda pagina."


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is damaged, or not what its name says"),
        (book(container_xml=None), "is not what its name says"),
        (book(container_xml="<x/>"), "is damaged, or no EPUB"),
        (book(book_opf=None), "is damaged, or no EPUB"),
        (book(book_opf="<package/>"), "is damaged, or no EPUB"),
        (book(container_xml=CONTAINER.replace("OEBPS/book.opf", "/etc/passwd")), "is damaged, or no EPUB"),
        (book(book_opf=PACKAGE.replace("text/", "../../../../etc/")), "is damaged, or no EPUB"),
        (book(uno_xhtml="<p>", **{"due _xhtml": ""}), "holds no text"),
        (book(uno_xhtml="x" * 30_000_000), "unpacks to more than is allowed"),
    ],
)
def test_what_is_no_book_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(raw)
    assert str(refusal.value) == reason


def test_entities_are_not_multiplied() -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    page = f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY e0 "ha">{bomb}]><html><body><p>a&e11;</p></body></html>'
    assert len(read(book(uno_xhtml=page)).text) < 2_000
