from __future__ import annotations

import docx
import pytest

from retrieval.formats.docx import extract
from retrieval.formats.extracted import Extracted, Unreadable
from tests.retrieval.formats.samples import docx_of, saved, simple_docx, with_member


def read(raw: bytes) -> Extracted:
    return extract(raw, 1_000_000)


def headings(found: Extracted) -> list[tuple[int, str]]:
    return [(level, found.text[start:end]) for level, start, end in found.headings]


def paragraph(content: str) -> str:
    return f"<w:p>{content}</w:p>"


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def test_a_document_with_headings_lists_and_a_table() -> None:
    document = docx.Document()
    document.add_heading("Manuale del porto", 0)
    document.add_paragraph("Il porto apre alle 8.")
    document.add_heading("Tariffe", 1)
    document.add_heading("Barche", 2)
    first = document.add_paragraph("Le tariffe sono ")
    first.add_run("giornaliere").bold = True
    first.add_run(".\tSempre.\nAnche d'estate.")
    table = document.add_table(2, 2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells), ("Barca", "Euro", "8 m", "20"), strict=True
    ):
        cell.text = text
    document.add_paragraph("acqua", style="List Bullet")
    document.add_paragraph("luce", style="List Bullet")
    document.add_paragraph("Fine.")
    found = read(saved(document))
    assert found.text == (
        "Manuale del porto\n\nIl porto apre alle 8.\n\nTariffe\n\nBarche\n\n"
        "Le tariffe sono giornaliere. Sempre.\nAnche d'estate.\n\n"
        "| Barca | Euro |\n| 8 m | 20 |\n\n- acqua\n- luce\n\nFine."
    )
    assert found.title == "Manuale del porto"
    assert headings(found) == [(1, "Manuale del porto"), (1, "Tariffe"), (2, "Barche")]


def test_the_title_is_that_of_the_properties_where_none_is_written() -> None:
    document = docx.Document()
    document.core_properties.title = "Dalle proprietà"
    document.add_heading("Uno", 1)
    assert read(saved(document)).title == "Dalle proprietà"
    document.core_properties.title = ""
    assert read(saved(document)).title == "Uno"


def test_a_style_made_of_a_heading_is_a_heading() -> None:
    document = docx.Document()
    own = document.styles.add_style("Capitolo", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = document.styles["Heading 2"]
    document.add_paragraph("Primo", style="Capitolo")
    document.add_paragraph("testo")
    assert headings(read(saved(document))) == [(2, "Primo")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (paragraph(run("a") + f"<w:ins>{run('b')}</w:ins><w:del><w:r><w:delText>c</w:delText></w:r></w:del>"), "ab"),
        (paragraph(f"{run('a')}<w:moveFrom>{run('b')}</w:moveFrom><w:moveTo>{run('c')}</w:moveTo>"), "ac"),
        (paragraph(run("a") + run("nascosto", "<w:vanish/>") + run("b", '<w:vanish w:val="0"/>')), "ab"),
        (
            f"<w:sdt><w:sdtContent>{paragraph(run('dentro'))}</w:sdtContent></w:sdt>{paragraph(run('fuori'))}",
            "dentro\n\nfuori",
        ),
        (paragraph(f"<w:hyperlink>{run('link')}</w:hyperlink><w:r><w:noBreakHyphen/><w:t>x</w:t></w:r>"), "link-x"),
        (paragraph("<w:r><w:instrText>PAGE</w:instrText></w:r>" + run("7")), "7"),
        (
            "<w:tbl><w:tr><w:tc><w:p/></w:tc><w:tc>"
            + paragraph(run("a"))
            + paragraph(run("b"))
            + f"<w:tbl><w:tr><w:tc>{paragraph(run('c'))}</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>",
            "|  | a b c |",
        ),
        (
            paragraph("<w:pPr><w:numPr><w:ilvl w:val='1'/><w:numId w:val='3'/></w:numPr></w:pPr>" + run("voce"))
            + paragraph("<w:pPr><w:numPr><w:ilvl w:val='0'/><w:numId w:val='3'/></w:numPr></w:pPr>" + run("altra")),
            "  - voce\n- altra",
        ),
    ],
)
def test_what_documents_are_made_of(body: str, text: str) -> None:
    assert read(docx_of(body)).text == text


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is damaged, or not what its name says"),
        (b"PK\x03\x04 no zip", "is damaged, or not what its name says"),
        (simple_docx("x")[:-30], "is damaged, or not what its name says"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "is encrypted, or of an old Word format"),
        (with_member(simple_docx("x"), "word/document.xml", b"<no"), "is damaged, or no Word document"),
        (with_member(simple_docx("x"), "word/media/a.bin", bytes(30_000_000)), "unpacks to more than is allowed"),
        (simple_docx(), "holds no text"),
        (simple_docx("", "  "), "holds no text"),
    ],
)
def test_what_is_no_document_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(raw)
    assert str(refusal.value) == reason


def test_entities_are_neither_fetched_nor_multiplied() -> None:
    external = '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    assert read(docx_of(paragraph(run("a&e;b")), prolog=external)).text == "ab"
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    with pytest.raises(Unreadable):
        read(docx_of(paragraph(run("&e11;")), prolog=f'<!DOCTYPE d [<!ENTITY e0 "ha">{bomb}]>'))
