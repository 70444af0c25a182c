"""Files as documents: which are read, as what text, under what title, in what sections."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retrieval.encoding import decode_text
from retrieval.errors import SourceError
from retrieval.folder import Entry, cause, read_bytes, walk
from retrieval.formats.extracted import Unreadable
from retrieval.formats.sandbox import Sandbox
from retrieval.language import detect_language
from retrieval.markdown import Heading, find_headings, plain_text, read_front_matter
from retrieval.sentences import sentence_spans
from retrieval.types import Document, Section, Skipped

TEXT_SUFFIXES = frozenset({".txt", ".text"})
MARKDOWN_SUFFIXES = frozenset({".md", ".markdown"})
MAX_BYTES = 20 * 1024 * 1024
"""Of a file that is text."""
MAX_FORMAT_BYTES = 100 * 1024 * 1024
"""Of a file of another format, pictures included."""
TITLE_LENGTH = 80
"""Characters that a title made of a sentence is shortened to."""

_KINDS = ".txt, .md, .html, .pdf or .docx"
_PLAIN = TEXT_SUFFIXES | MARKDOWN_SUFFIXES
_MARKERS = re.compile(r"\A(?:(?:[>*+#-]+|\d+[.)])\s+)+")
_TITLE_SEARCH = 300
"""Characters in which the first sentence is looked for."""


def read_documents(
    root: Path,
    exclude: Sequence[str] = (),
    known: Mapping[str, Document | Skipped] | None = None,
    *,
    apart: Callable[[str], Hashable] | None = None,
    sandbox: Sandbox | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[Document | Skipped]:
    """Read every file under ``root``, sorted by POSIX relative path; an empty folder yields nothing.

    Hidden files and folders are passed over without a word; any other file that is not read is Skipped with the
    reason. ``exclude`` holds shell patterns (``*``, ``?``, ``[...]``; ``*`` matches ``/`` too) for relative paths of
    files and folders. A document of ``known``, by source, is taken as it is where the file still holds the same bytes:
    finding titles and sections takes most of the time. What was Skipped for its bytes likewise is again. Files that are
    not plain text are read in a child process, by ``sandbox`` if given, which is closed at the end. Of files with the
    same bytes one is read, or, where ``apart`` tells sources apart that are not shown to the same people, one for each
    value. ``progress`` takes how many files have been looked at and how many there are. Raises SourceError at once if
    ``root`` is missing, not a folder or cannot be listed.
    """
    try:
        os.scandir(root).close()
    except FileNotFoundError:
        raise SourceError(f'There is no folder "{root}": create it and put {_KINDS} files into it.') from None
    except NotADirectoryError:
        raise SourceError(f'"{root}" is not a folder: name a folder that holds {_KINDS} files.') from None
    except OSError as error:
        raise SourceError(f'The folder "{root}" cannot be listed ({cause(error)}): make it readable.') from error
    sandbox = sandbox or Sandbox()
    entries = walk(root, exclude, sorted({*_PLAIN, *sandbox.readers}))
    return _read_entries(sorted(entries, key=lambda entry: entry.source), known or {}, apart, sandbox, progress)


def make_document(
    source: str, text: str, *, digest: str | None = None, title: str | None = None, markdown: bool
) -> Document:
    """A document from decoded text; newlines become ``\\n``.

    ``digest`` defaults to the SHA-256 of the text in UTF-8; ``title`` to front matter (Markdown only), else the first
    heading, else the first sentence shortened, else ``source``. The URL is what front matter gives.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    digest = digest or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    if not markdown:
        sections: tuple[Section, ...] = (Section((), 0, len(text)),)
        return Document(source, title or _sentence_title(text, False) or source, text, digest, sections)
    front = read_front_matter(text)
    headings = find_headings(text, front.end)
    if title is None:
        first = next((heading.text for heading in headings if heading.text), "")
        title = _clean(front.title or "") or _clean(first) or _sentence_title(text[front.end :], True)
    return Document(source, title or source, text, digest, _sections(text, front.end, headings), front.url)


# ---------------------------------------------------------------- sections and titles


def _sections(text: str, start: int, headings: Sequence[Heading]) -> tuple[Section, ...]:
    """The bodies between headings; blank ones are left out unless all are."""
    path: list[Heading] = []
    sections = []
    begin = start
    for heading in (*headings, None):
        end = heading.start if heading else len(text)
        if text[begin:end].strip():
            sections.append(Section(tuple(above.text for above in path if above.text), begin, end))
        if heading:
            while path and path[-1].level >= heading.level:
                path.pop()
            path.append(heading)
            begin = heading.end
    # Headings are all there is: they are the text then.
    return tuple(sections) or (Section((), start, len(text)),)


def _sentence_title(text: str, markdown: bool) -> str:
    head = text.lstrip()[:_TITLE_SEARCH]
    for start, end in sentence_spans(head, detect_language(head) or "en"):
        sentence = head[start:end]
        title = _clean(plain_text(_MARKERS.sub("", sentence, count=1)) if markdown else sentence)
        if any(map(str.isalnum, title)):
            return title
    return _clean(head)


def _clean(title: str) -> str:
    """One line, without control characters, at most TITLE_LENGTH characters, cut between words."""
    printable = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in title)
    line = " ".join(printable.split())
    if len(line) <= TITLE_LENGTH:
        return line
    cut = line.rfind(" ", TITLE_LENGTH // 2, TITLE_LENGTH)
    return line[: cut if cut > 0 else TITLE_LENGTH - 1].rstrip(" ,;:–—-") + "…"


# ---------------------------------------------------------------- the files


def _read_entries(
    entries: Sequence[Entry],
    known: Mapping[str, Document | Skipped],
    apart: Callable[[str], Hashable] | None,
    sandbox: Sandbox,
    progress: Callable[[int, int], None],
) -> Iterator[Document | Skipped]:
    seen: dict[Hashable, str] = {}
    refused: dict[tuple[str, str], str] = {}
    try:
        for row, entry in enumerate(entries):
            progress(row, len(entries))
            if entry.reason is not None:
                yield Skipped(entry.source, entry.reason)
                continue
            suffix = Path(entry.source).suffix.lower()
            try:
                raw = read_bytes(entry.path, MAX_BYTES if suffix in _PLAIN else MAX_FORMAT_BYTES)
            except Unreadable as error:
                yield Skipped(entry.source, str(error))
                continue
            digest = hashlib.sha256(raw).hexdigest()
            same = digest, apart(entry.source) if apart else None
            if same in seen:
                yield Skipped(entry.source, f'has the same content as "{seen[same]}"')
                continue
            try:
                if (reason := refused.get((digest, suffix))) is not None:
                    raise Unreadable(reason)
                document = known.get(entry.source)
                if document is None or document.digest != digest:
                    document = _read_file(entry.source, suffix, raw, digest, sandbox)
                elif isinstance(document, Skipped):
                    raise Unreadable(document.reason)
            except Unreadable as error:
                # A copy of a file that takes all the time allowed takes none.
                refused[digest, suffix] = str(error)
                yield Skipped(entry.source, str(error), digest if error.lasting else "")
                continue
            seen[same] = entry.source
            yield document
        progress(len(entries), len(entries))
    finally:
        sandbox.close()


def _read_file(source: str, suffix: str, raw: bytes, digest: str, sandbox: Sandbox) -> Document:
    """Raises Unreadable."""
    if suffix in _PLAIN:
        return make_document(source, decode_text(raw), digest=digest, markdown=suffix in MARKDOWN_SUFFIXES)
    found = sandbox.extract(raw, suffix)
    if not found.text.strip():
        raise Unreadable("holds no text")
    headings = [Heading(level, _flat(found.text[start:end]), start, end) for level, start, end in found.headings]
    title = _clean(found.title) or _sentence_title(found.text, False) or source
    sections = _sections(found.text, 0, headings)
    return Document(source, title, found.text, digest, sections, pages=found.pages)


def _flat(text: str) -> str:
    return " ".join(text.split())


def document_fields(document: Document) -> dict[str, object]:
    """The document as plain values for JSON."""
    return {
        "source": document.source,
        "title": document.title,
        "text": document.text,
        "digest": document.digest,
        "sections": [[list(section.heading), section.start, section.end] for section in document.sections],
        "url": document.url,
        "pages": list(document.pages),
    }


def document_from(fields: dict[str, Any]) -> Document:
    """What document_fields made; ``fields`` is used up. Raises KeyError, TypeError or ValueError for anything else."""
    # An index of before documents had URLs or pages lacks the field: it is stale, but its vectors are taken over.
    sections = tuple(Section(tuple(heading), start, end) for heading, start, end in fields.pop("sections"))
    return Document(**fields | {"pages": tuple(fields.get("pages", ()))}, sections=sections)
