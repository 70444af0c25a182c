"""Books (EPUB): pages of HTML in a zip file, in the order in which they are to be read."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from io import BytesIO
from urllib.parse import unquote, urlsplit

from retrieval.formats.extracted import Extracted, Unreadable, Writer, one_line
from retrieval.formats.html import Markup, decode, write_page
from retrieval.formats.zips import check_zip

_CONTAINER = "META-INF/container.xml"
_PROTECTED = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html")
_DAMAGED = "is damaged, or no EPUB"
# To a parser of HTML, "<title/>" has no end.
_CLOSED = re.compile(r"<([A-Za-z][\w:.-]*)(\s[^<>]*)?/>")
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())


def extract(raw: bytes, max_chars: int) -> Extracted:
    """The text of a book's pages. Raises Unreadable where there is none, it is protected, or no such file."""
    check_zip(raw, needed=_CONTAINER)
    writer = Writer(max_chars)
    try:
        with zipfile.ZipFile(BytesIO(raw)) as book:
            root = _parse(book, _CONTAINER).css_first("rootfile")
            path = (root.attributes.get("full-path") or "") if root is not None else ""
            package = _parse(book, path)
            pages = _pages(package, posixpath.dirname(path))
            read = 0
            for page in pages:
                if page in book.NameToInfo:
                    write_page(_opened(decode(book.read(page))), writer)
                    read += 1
            if not read:
                raise Unreadable("is protected" if _PROTECTED in book.NameToInfo else _DAMAGED)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, ValueError) as error:
        raise Unreadable(_DAMAGED) from error
    title = package.css_first(r"dc\:title")
    return writer.finish(one_line(title.text(deep=False)) if title is not None else writer.first_heading)


def _parse(book: zipfile.ZipFile, name: str) -> Markup:
    # XML read as HTML knows no entities that could be multiplied or fetched.
    return Markup(_opened(decode(book.read(name))))


def _opened(markup: str) -> str:
    """With an end for every element that XML closes in its beginning."""

    def reopen(match: re.Match[str]) -> str:
        name = match[1]
        return match[0] if name.lower() in _VOID else f"<{name}{match[2] or ''}></{name}>"

    return _CLOSED.sub(reopen, markup)


def _pages(package: Markup, folder: str) -> list[str]:
    """Names of the pages in the zip file, in reading order, each once."""
    items = {}
    for item in package.css("item"):
        found = item.attributes
        if found.get("media-type") in _PAGES and "nav" not in (found.get("properties") or "").split():
            target = unquote(urlsplit(found.get("href") or "").path)
            items[found.get("id")] = posixpath.normpath(posixpath.join(folder, target))
    order = [items.get(reference.attributes.get("idref")) for reference in package.css("itemref")]
    return list(dict.fromkeys(name for name in order if name is not None))
