"""PDF as text, page by page. Owns pypdfium2."""

from __future__ import annotations

import ctypes
import math
import re

import pypdfium2
from pypdfium2 import raw as pdfium

from retrieval.formats.extracted import Extracted, Unreadable, Writer, one_line, too_much_text
from retrieval.formats.flow import Line, find_edges, join_lines, paragraphs

MAX_PAGES = 20_000

_HYPHEN = "\ufffe"
"""What PDFium gives for a hyphen at the end of a line, line break included."""
_BREAKS = re.compile(f"(\r\n|[\r\n{_HYPHEN}])")
_BROKEN = re.compile(r"[^\W\d_]-\Z")
_NO_TITLE = re.compile(
    r"(?:microsoft word|microsoft powerpoint|powerpoint presentation|untitled|senza titolo|document\d*\Z)"
    r"|\.(?:docx?|pdf|pptx?|xlsx?|odt|rtf|tex|dvi|indd|qxd|html?|txt)\Z",
    re.IGNORECASE,
)
"""Titles that programs give, not authors."""


def extract(raw: bytes, max_chars: int) -> Extracted:
    """The text of all pages. Raises Unreadable where there is none, too much, or a password is needed."""
    if b"%PDF-" not in raw[:1024]:
        raise Unreadable("is no PDF")
    try:
        document = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        raise Unreadable(_refusal(error, raw)) from error
    count = len(document)
    if count > MAX_PAGES:
        raise Unreadable(f"has more than {MAX_PAGES:,} pages")
    if count == 0:
        raise Unreadable("has no pages")
    pages: list[list[Line]] = []
    length = 0
    for number in range(count):
        pages.append(_read_page(document, number))
        length += sum(len(line.text) for line in pages[-1])
        if length > max_chars:
            raise too_much_text(max_chars)
    if not length:
        raise Unreadable("holds no text that could be read, only pictures (is it a scan?)")
    title = one_line(document.get_metadata_value("Title") or "")
    return _write(pages, Writer(max_chars), "" if _NO_TITLE.search(title) else title)


def _refusal(error: pypdfium2.PdfiumError, raw: bytes) -> str:
    # PDFium may leave the code of the last file's error standing.
    if b"/Encrypt" in raw and error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
        return "is encrypted"
    return "is damaged, or no PDF"


def _write(pages: list[list[Line]], writer: Writer, title: str) -> Extracted:
    edges = find_edges(pages)
    known = "\n".join(line.text for page in pages for line in page)
    open_end = broken = False
    for page, edge in zip(pages, edges, strict=True):
        writer.page()
        kept = [line for place, line in enumerate(page) if place not in edge]
        blocks = [join_lines(lines, known) for lines in paragraphs(kept)]
        for place, block in enumerate(filter(None, blocks)):
            if place == 0 and open_end and block[0].islower():
                # The last paragraph goes on over the turn of the page.
                writer.continued(block, broken=broken)
            else:
                writer.paragraph(block)
            open_end = block[-1].isalpha() or block[-1] in ",;-–"
            broken = bool(_BROKEN.search(block))
    return writer.finish(title)


def _read_page(document: pypdfium2.PdfDocument, number: int) -> list[Line]:
    """Lines in PDFium's order; none where the page is damaged."""
    try:
        page = document[number]
        try:
            text_page = page.get_textpage()
            try:
                return _lines(text_page.get_text_range(), text_page.raw)
            finally:
                text_page.close()
        finally:
            page.close()
    except pypdfium2.PdfiumError:
        return []


def _lines(text: str, page: object) -> list[Line]:
    lines = []
    pieces = _BREAKS.split(text)
    start = 0
    for piece, end in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        words = one_line(piece)
        if words:
            first = start + len(piece) - len(piece.lstrip())
            last = start + len(piece.rstrip()) - 1
            lines.append(_measured(words, end == _HYPHEN, page, first, last))
        start += len(piece) + len(end)
    return lines


def _measured(words: str, hyphen: bool, page: object, first: int, last: int) -> Line:
    """A line with where it begins and ends, as far as PDFium tells; in points, from the page's lower left corner."""
    begin, end = _origin(page, first), _origin(page, last)
    if begin is None or end is None:
        return Line(words, hyphen)
    return Line(words, hyphen, begin[0], end[0], begin[1], max(begin[2], end[2]), True)


def _origin(page: object, place: int) -> tuple[float, float, float] | None:
    """Place and font size of the character at an offset of the page's text, or None."""
    index = pdfium.FPDFText_GetCharIndexFromTextIndex(page, place)
    x, y = ctypes.c_double(), ctypes.c_double()
    if index < 0 or not pdfium.FPDFText_GetCharOrigin(page, index, ctypes.byref(x), ctypes.byref(y)):
        return None
    # The size that a program names may be 1, and all enlarged by a matrix.
    size, matrix = float(pdfium.FPDFText_GetFontSize(page, index)), pdfium.FS_MATRIX()
    if pdfium.FPDFText_GetMatrix(page, index, ctypes.byref(matrix)):
        size *= math.hypot(matrix.c, matrix.d)
    return x.value, y.value, size
