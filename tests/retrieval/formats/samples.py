"""Small files of each format, made by hand where a library could not make what is wanted."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import docx
from docx.document import Document

Words = tuple[float, float, float, str]
"""x and y in points from the lower left corner, font size, text."""


def lines(*texts: str, top: float = 800, left: float = 50, size: float = 11, leading: float = 14) -> list[Words]:
    """Lines of a paragraph, one under the other."""
    return [(left, top - leading * number, size, text) for number, text in enumerate(texts)]


def pdf(pages: Sequence[Sequence[Words]], *, title: str = "", compress: bool = False) -> bytes:
    """A PDF whose pages hold these words; a page without words is empty."""
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    info = f"<< /Title ({title}) >>" if title else "<< >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        info.encode("latin-1"),
    ]
    for number, words in enumerate(pages):
        shown = "\n".join(f"/F1 {size:g} Tf 1 0 0 1 {x:g} {y:g} Tm ({_escape(text)}) Tj" for x, y, size, text in words)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {6 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(stream(f"BT\n{shown}\nET".encode("cp1252"), compress=compress))
    return pdf_of(objects, "/Info 4 0 R")


def stream(content: bytes, *, compress: bool = False, more: str = "") -> bytes:
    """A stream object's body."""
    if compress:
        content, more = zlib.compress(content, 9), f"/Filter /FlateDecode {more}"
    return f"<< /Length {len(content)} {more}>>\nstream\n".encode() + content + b"\nendstream"


def pdf_of(objects: Sequence[bytes], trailer: str = "", root: str = "1 0 R") -> bytes:
    """A PDF of these objects, numbered from 1."""
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root {root} {trailer} >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def saved(document: Document) -> bytes:
    """A document of python-docx as a file."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def simple_docx(*paragraphs: str) -> bytes:
    """A Word document of paragraphs."""
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    return saved(document)


def docx_of(body: str, *, prolog: str = "") -> bytes:
    """A Word document whose body is this XML; ``prolog`` stands before the root element."""
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    xml = f'{prolog}<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>'
    return with_member(simple_docx("x"), "word/document.xml", xml.encode())


def with_member(archive: bytes, name: str, content: bytes) -> bytes:
    """The zip file with a member replaced or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            if member.filename != name:
                new.writestr(member, old.read(member))
        new.writestr(name, content)
    return buffer.getvalue()


def write(root: Path, name: str, content: bytes | str) -> Path:
    """A file under ``root``, its folders made."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


CONTAINER = '<?xml version="1.0"?><container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
PACKAGE = """<?xml version="1.0"?><package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>
<dc:title>Il libro del porto</dc:title><dc:language>it</dc:language></metadata><manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="two" href="text/due%20.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/uno.xhtml#a" media-type="application/xhtml+xml"/>
<item id="css" href="a.css" media-type="text/css"/>
</manifest><spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="css"/><itemref idref="two"/>
<itemref idref="one"/><itemref idref="gone"/></spine></package>"""
BOOK = {
    "META-INF/container.xml": CONTAINER,
    "OEBPS/book.opf": PACKAGE,
    "OEBPS/nav.xhtml": "<p>Indice",
    "OEBPS/text/uno.xhtml": "<html><head><title/><script src='x'/></head><body><h1>Uno</h1><p>Prima<br/>pagina.</p>",
    "OEBPS/text/due .xhtml": "<html><body><h1>Due</h1><a id='x'/><p>Seconda pagina.</p></body></html>",
    "OEBPS/a.css": "p {}",
}


def epub(**changes: str | None) -> bytes:
    """A book with members replaced, or left out for None; named without their folder, "." written "_"."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, own in BOOK.items():
            content = changes.get(name.rpartition("/")[2].replace(".", "_"), own)
            if content is not None:
                archive.writestr(name, content)
    return buffer.getvalue()
