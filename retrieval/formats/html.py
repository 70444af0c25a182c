"""HTML as text: what a browser would show, without its looks. Owns selectolax."""

from __future__ import annotations

import codecs
import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from retrieval.encoding import CONTROLS
from retrieval.formats.extracted import Extracted, Unreadable, Writer, one_line, table_row

Markup = LexborHTMLParser
"""Parsed from text; asked with ``css`` and ``css_first``."""

_UNSHOWN = frozenset(
    "script style template noscript head iframe object embed svg canvas audio video datalist -comment".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form header hgroup hr html legend li main menu nav ol option p pre search section summary table tbody td "
    "tfoot th thead tr ul h1 h2 h3 h4 h5 h6".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset(("ul", "ol", "menu", "dir", "dl"))
_ITEMS = frozenset(("li", "dt", "dd"))
_LAYOUT = "table, h1, h2, h3, h4, h5, h6, p + p + p"
"""A table with one of these inside arranges a page; its cells are no data."""
_MAX_INDENT = 8

_UNSEEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))\b", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD_BYTES = 4096
"""Where a declaration of the encoding is looked for."""
# Python knows more codecs than those of web pages, among them some that take quadratic time.
_WEB_CODECS = re.compile(r"(?:iso8859-\d+|cp\d+|koi8-[rut]|mac-\w+|gb\w+|big5\w*|shift_jis\w*|euc_\w+|iso2022_jp\w*)\Z")


def extract(raw: bytes, max_chars: int) -> Extracted:
    """The text of a page. Raises Unreadable where there is none, or too much."""
    writer = Writer(max_chars)
    title = write_page(decode(raw), writer)
    return writer.finish(title or writer.first_heading)


def write_page(page: str, writer: Writer) -> str:
    """Write all that a page shows; its own title. Raises Unreadable where that is too much."""
    parser = Markup(page)
    if parser.root is not None:
        _Walker(writer).walk(parser.root)
    title = parser.css_first("title")
    # A drawing's title is none of the page.
    return "" if title is None or _inside(title, "svg") else one_line(title.text(deep=True))


def decode(raw: bytes) -> str:
    """By byte order mark, else as UTF-8 if it is, else as the page declares, else as Windows-1252.

    Raises Unreadable for what is no text in any of these.
    """
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return raw[len(bom) :].decode(encoding, "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    declared = _CHARSET.search(raw[:_HEAD_BYTES])
    if declared is None and CONTROLS.search(raw):
        raise Unreadable("is not text")
    try:
        name = codecs.lookup(declared[1].decode("ascii", "ignore")).name if declared else "cp1252"
    except LookupError:
        name = "cp1252"
    if name == "utf-8":
        # A page in UTF-8 with a few wrong bytes, not one in another encoding.
        return raw.decode("utf-8", "replace")
    # As browsers have it, Latin-1 is Windows-1252.
    return raw.decode(name if _WEB_CODECS.match(name) and name != "iso8859-1" else "cp1252", "replace")


def _inside(node: LexborNode, tag: str) -> bool:
    above = node.parent
    while above is not None:
        if above.tag == tag:
            return True
        above = above.parent
    return False


def _hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if not attributes:
        return node.tag == "dialog"
    if "hidden" in attributes or (attributes.get("aria-hidden") or "").strip().lower() == "true":
        return True
    style = attributes.get("style")
    return bool(style and _UNSEEN.search(style)) or (node.tag == "dialog" and "open" not in attributes)


class _Walker:
    """Goes through a page once, without recursion: pages may be nested as deep as memory allows."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._inline: list[str] = []
        """Text since the last block began or ended."""
        self._whole: int | None = None
        """Identity of the heading or cell whose text is to be one line, whatever blocks are in it."""
        self._pre = 0
        self._lists: list[tuple[str, int]] = []
        """Tag and number of items so far of the lists around, outermost first."""
        self._marker: str | None = None
        """What the next line of a list begins with."""
        self._tables: list[bool] = []
        """Of the tables around: whether each holds data."""
        self._cells: list[str] | None = None
        """Those of the row of data so far."""
        self._group = 0
        """Number of the table or outermost list: its lines stand together."""

    def walk(self, root: LexborNode) -> None:
        """Write all that is in ``root``."""
        node: LexborNode | None = root
        depth = 0
        while node is not None:
            child = None
            if self._enter(node):
                child = node.first_child
                if child is None:
                    self._leave(node)
            if child is not None:
                node, depth = child, depth + 1
                continue
            while node is not None and node.next is None and depth > 0:
                node, depth = node.parent, depth - 1
                if node is not None:
                    self._leave(node)
            node = node.next if node is not None and depth > 0 else None
        self._flush()

    def _enter(self, node: LexborNode) -> bool:
        """Take in a node; whether its children and its end are to be seen."""
        tag = node.tag or ""
        if tag == "-text":
            text = node.text_content or ""
            self._inline.append(text if self._pre else _SPACE.sub(" ", text))
            return False
        if tag == "br":
            self._inline.append("\n")
            return False
        if tag in _UNSHOWN or not tag or _hidden(node):
            return False
        if tag in _BLOCKS:
            self._open(tag, node)
        return True

    def _open(self, tag: str, node: LexborNode) -> None:
        if self._whole is not None:
            self._inline.append(" ")
            return
        self._flush()
        if (tag in _HEADINGS and not self._lists) or (tag in ("td", "th") and self._cells is not None):
            self._whole = node.mem_id
        elif tag == "pre":
            self._pre += 1
        elif tag == "table":
            self._tables.append(not _arranges(node))
            self._group += 1
        elif tag == "tr" and self._tables and self._tables[-1]:
            self._cells = []
        elif tag in _LISTS:
            self._group += not self._lists
            self._lists.append((tag, 0))
        elif tag in _ITEMS and self._lists:
            self._marker = self._next_marker(tag)

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag not in _BLOCKS:
            return
        if self._whole is not None:
            self._inline.append(" ")
            if node.mem_id == self._whole:
                self._close_whole(tag)
            return
        self._flush()
        if tag == "pre":
            self._pre -= 1
        elif tag == "tr" and self._cells is not None:
            if any(self._cells):
                self._writer.line(table_row(self._cells), self._group)
            self._cells = None
        elif tag == "table":
            self._tables.pop()
        elif tag in _LISTS:
            self._lists.pop()
        elif tag in _ITEMS:
            self._marker = None

    def _close_whole(self, tag: str) -> None:
        text = one_line("".join(self._inline))
        self._inline, self._whole = [], None
        if tag in _HEADINGS:
            self._writer.heading(_HEADINGS[tag], text)
        elif self._cells is not None:
            self._cells.append(text)

    def _next_marker(self, tag: str) -> str:
        kind, count = self._lists[-1]
        self._lists[-1] = kind, count + 1
        indent = "  " * min(len(self._lists) - 1, _MAX_INDENT)
        if tag == "dt":
            return indent
        return indent + (f"{count + 1}. " if kind == "ol" else "- ")

    def _flush(self) -> None:
        """Write what has gathered: as a paragraph, or as a line of the list around."""
        text = "".join(self._inline)
        self._inline = []
        if self._pre:
            # The first line keeps its indentation.
            self._writer.line(text.strip("\n"), object())
        elif self._lists:
            if words := one_line(text):
                indent = "  " * min(len(self._lists), _MAX_INDENT)
                self._writer.line((indent if self._marker is None else self._marker) + words, self._group)
                self._marker = None
        else:
            self._writer.paragraph("\n".join(filter(None, map(one_line, text.split("\n")))))


def _arranges(table: LexborNode) -> bool:
    """Whether a table lays out a page instead of holding data."""
    # Of its children: a node's search finds the node itself, too.
    return any(part.css_first(_LAYOUT) is not None for part in table.iter())
