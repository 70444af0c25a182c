"""Word documents (.docx) as text. Owns python-docx and what it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.oxml.ns import qn

from retrieval.formats.extracted import Extracted, Unreadable, Writer, one_line, table_row
from retrieval.formats.zips import check_zip

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How a Word file begins that is encrypted, or older than .docx."""

_PARAGRAPH, _TABLE, _ROW, _CELL = (qn(f"w:{tag}") for tag in ("p", "tbl", "tr", "tc"))
_RUN, _TEXT = qn("w:r"), qn("w:t")
_BREAKS = {qn("w:tab"): " ", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_LEFT_OUT = frozenset(
    {
        # Deleted and moved away; a picture's second form, for old programs; how things look, not what they say.
        *(qn(f"w:{tag}") for tag in ("del", "moveFrom", "rPr", "pPr", "tblPr", "trPr", "tcPr", "sectPr", "instrText")),
        "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
    }
)
_CONTENTS = re.compile(r"(?:toc|table of contents)\b", re.IGNORECASE)
_HEADING = re.compile(r"heading ([1-9])\Z", re.IGNORECASE)
_MAX_BASES = 20
"""Styles above a style that are looked through."""


def extract(raw: bytes, max_chars: int) -> Extracted:
    """The text of a document's body. Raises Unreadable where there is none, or it is no such file."""
    if raw.startswith(_OLE):
        raise Unreadable("is encrypted, or of an old Word format")
    check_zip(raw, needed="word/document.xml")
    try:
        document = docx.Document(BytesIO(raw))
        body = document.element.body
    except MemoryError:
        raise
    except Exception as error:
        # python-docx lets out whatever its parts raise: KeyError, ValueError, lxml's and zipfile's own errors.
        raise Unreadable("is damaged, or no Word document") from error
    walker = _Walker(Writer(max_chars), _Styles(document))
    walker.blocks(body)
    return walker.finish(_property_title(document))


def _property_title(document: Any) -> str:
    try:
        return str(document.core_properties.title or "")
    except (ValueError, KeyError):
        return ""


class _Styles:
    """What the styles of paragraphs mean, each looked up once."""

    def __init__(self, document: Any) -> None:
        self._elements = {style.get(qn("w:styleId")): style for style in document.styles.element.findall(qn("w:style"))}
        self._known: dict[str, tuple[str, int]] = {}

    def meaning(self, style: str) -> tuple[str, int]:
        """("heading", level), ("title", 0), ("list", 0), ("contents", 0) or ("text", 0)."""
        if style not in self._known:
            self._known[style] = self._look_up(style)
        return self._known[style]

    def _look_up(self, style: str | None) -> tuple[str, int]:
        for _ in range(_MAX_BASES):
            element = self._elements.get(style)
            if element is None:
                break
            found = self._of_one(element)
            if found is not None:
                return found
            base = element.find(qn("w:basedOn"))
            style = None if base is None else base.get(qn("w:val"))
        return "text", 0

    @staticmethod
    def _of_one(element: Any) -> tuple[str, int] | None:
        name_element = element.find(qn("w:name"))
        # Names of Word's own styles are English in every language's Word.
        name = "" if name_element is None else name_element.get(qn("w:val")) or ""
        if match := _HEADING.match(name):
            return "heading", int(match[1])
        if name.lower() == "title":
            return "title", 0
        if name.lower().startswith("list"):
            return "list", 0
        if _CONTENTS.match(name):
            return "contents", 0
        outline = element.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        level = "" if outline is None else outline.get(qn("w:val")) or ""
        return ("heading", int(level) + 1) if re.fullmatch("[0-8]", level) else None


class _Walker:
    def __init__(self, writer: Writer, styles: _Styles) -> None:
        self._writer = writer
        self._styles = styles
        self._title = ""
        self._group: object = None
        """The list that the last paragraph belongs to."""

    def finish(self, property_title: str) -> Extracted:
        """Raises Unreadable where nothing was written."""
        return self._writer.finish(self._title or one_line(property_title) or self._writer.first_heading)

    def blocks(self, body: Any) -> None:
        """Paragraphs and tables in order, those in content controls too."""
        for element in _nearest(body, (_PARAGRAPH, _TABLE)):
            if element.tag == _TABLE:
                self._table(element)
            else:
                self._paragraph(element)

    def _paragraph(self, element: Any) -> None:
        kind, level = self._styles.meaning(_value(element, "w:pPr/w:pStyle"))
        if kind == "contents":
            return
        numbering = element.find("/".join(map(qn, ("w:pPr", "w:numPr"))))
        numbered = numbering is not None and _value(numbering, "w:numId") != "0"
        text = _text(element)
        if kind == "heading":
            self._writer.heading(level, text)
        elif kind == "title":
            self._title = self._title or one_line(text)
            self._writer.heading(1, text)
        elif (numbered or kind == "list") and one_line(text):
            self._group = self._group or object()
            depth = _value(numbering, "w:ilvl") if numbering is not None else ""
            indent = "  " * min(int(depth), 8) if depth.isascii() and depth.isdigit() else ""
            self._writer.line(f"{indent}- {one_line(text)}", self._group)
            return
        else:
            self._writer.paragraph("\n".join(filter(None, map(one_line, text.split("\n")))))
        self._group = None

    def _table(self, table: Any) -> None:
        """One row a line; what a cell holds, tables too, is one line."""
        group = object()
        for row in _nearest(table, (_ROW,)):
            cells = [one_line(_text(cell)) for cell in _nearest(row, (_CELL,))]
            if any(cells):
                self._writer.line(table_row(cells), group)
        self._group = None


def _value(element: Any, path: str) -> str:
    found = element.find("/".join(map(qn, path.split("/"))))
    return "" if found is None else found.get(qn("w:val")) or ""


def _nearest(element: Any, tags: tuple[str, ...]) -> Iterator[Any]:
    """Descendants of one of the tags that are in no other such, in order."""
    waiting = list(reversed(element))
    while waiting:
        child = waiting.pop()
        if child.tag in tags:
            yield child
        elif child.tag not in _LEFT_OUT:
            waiting.extend(reversed(child))


def _text(element: Any) -> str:
    """What runs inside say: paragraphs inside parted by a line; deleted and hidden text left out."""
    parts: list[str] = []
    waiting = list(reversed(element))
    while waiting:
        child = waiting.pop()
        if child.tag == _TEXT:
            # Entities are left as nodes of their own, and left out.
            parts.extend([child.text or "", *(inner.tail or "" for inner in child)])
        elif child.tag in _BREAKS:
            parts.append(_BREAKS[child.tag])
        elif child.tag not in _LEFT_OUT and not (child.tag == _RUN and _is_hidden(child)):
            if child.tag == _PARAGRAPH:
                parts.append("\n")
            waiting.extend(reversed(child))
    return "".join(parts)


def _is_hidden(run: Any) -> bool:
    vanish = run.find("/".join(map(qn, ("w:rPr", "w:vanish"))))
    return vanish is not None and (vanish.get(qn("w:val")) or "true") not in ("0", "false", "off")
