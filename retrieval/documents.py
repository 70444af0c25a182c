"""Files as documents: which are read, as what text, under what title, in what sections."""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from retrieval.errors import SourceError
from retrieval.language import detect_language
from retrieval.markdown import Heading, find_headings, plain_text, read_front_matter
from retrieval.sentences import sentence_spans
from retrieval.types import Document, Section, Skipped

TEXT_SUFFIXES = frozenset({".txt", ".text"})
MARKDOWN_SUFFIXES = frozenset({".md", ".markdown"})
MAX_BYTES = 20 * 1024 * 1024
TITLE_LENGTH = 80
"""Characters that a title made of a sentence is shortened to."""

_MARKERS = re.compile(r"\A(?:(?:[>*+#-]+|\d+[.)])\s+)+")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNNAMEABLE = ("Cc", "Cs")
"""Unicode categories: control characters, and the surrogates that stand for undecodable bytes."""
_TITLE_SEARCH = 300
"""Characters in which the first sentence is looked for."""


@dataclass(frozen=True, slots=True)
class _Entry:
    source: str
    path: str
    """Real path to open; empty where the entry is skipped."""
    reason: str | None = None


class _UnreadableError(Exception):
    """Why one file is skipped, as a clause."""


def read_documents(
    root: Path, exclude: Sequence[str] = (), known: Mapping[str, Document] | None = None
) -> Iterator[Document | Skipped]:
    """Read every file under ``root``, sorted by POSIX relative path; an empty folder yields nothing.

    Hidden files and folders are passed over without a word; any other file that is not read is Skipped with the
    reason. ``exclude`` holds shell patterns (``*``, ``?``, ``[...]``; ``*`` matches ``/`` too) for relative paths of
    files and folders. A document of ``known``, by source, is taken as it is where the file still holds the same bytes:
    finding titles and sections takes most of the time. Raises SourceError at once if ``root`` is missing, not a folder
    or cannot be listed.
    """
    try:
        os.scandir(root).close()
    except FileNotFoundError:
        raise SourceError(f'There is no folder "{root}": create it and put .txt or .md files into it.') from None
    except NotADirectoryError:
        raise SourceError(f'"{root}" is not a folder: name a folder that holds .txt or .md files.') from None
    except OSError as error:
        raise SourceError(f'The folder "{root}" cannot be listed ({_cause(error)}): make it readable.') from error
    return _read_entries(sorted(_walk(root, exclude), key=lambda entry: entry.source), known or {})


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


# ---------------------------------------------------------------- the folder


def _walk(root: Path, exclude: Sequence[str]) -> Iterator[_Entry]:
    inside = os.path.realpath(root)
    folders = [("", inside)]
    while folders:
        parent, folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            yield _Entry(parent.rstrip("/"), "", f"is a folder that cannot be listed ({_cause(error)})")
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            source = parent + entry.name
            try:
                found = _classify(entry, source, inside, exclude)
            except OSError as error:
                found = _Entry(source, "", f"cannot be read ({_cause(error)})")
            if found is None:
                folders.append((f"{source}/", entry.path))
            else:
                yield found


def _classify(entry: os.DirEntry[str], source: str, inside: str, exclude: Sequence[str]) -> _Entry | None:
    """One entry of a folder; None for a folder to descend into. Raises OSError."""
    if any(unicodedata.category(letter) in _UNNAMEABLE for letter in entry.name):
        return _Entry(_escape(source), "", "has a name that is not UTF-8 or holds control characters")
    pattern = next((pattern for pattern in exclude if fnmatchcase(source, pattern.rstrip("/"))), None)
    if pattern is not None:
        return _Entry(source, "", f'is excluded by "{pattern}"')
    if entry.is_symlink():
        return _follow(entry, source, inside)
    if entry.is_dir(follow_symlinks=False):
        return None
    return _file(source, entry.path)


def _follow(link: os.DirEntry[str], source: str, inside: str) -> _Entry:
    try:
        path = os.path.realpath(link.path, strict=True)
    except OSError:
        return _Entry(source, "", "is a link that leads nowhere")
    if os.path.commonpath((inside, path)) != inside:
        return _Entry(source, "", "is a link that leads out of the folder")
    if Path(path).is_dir():
        return _Entry(source, "", "is a link to a folder")
    return _file(source, path)


def _file(source: str, path: str) -> _Entry:
    if Path(source).suffix.lower() in TEXT_SUFFIXES | MARKDOWN_SUFFIXES:
        return _Entry(source, path)
    known = ", ".join(sorted(TEXT_SUFFIXES | MARKDOWN_SUFFIXES))
    return _Entry(source, "", f"is not of a type that is read ({known})")


def _escape(name: str) -> str:
    return "".join(
        letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _UNNAMEABLE else letter
        for letter in name
    )


def _read_entries(entries: Sequence[_Entry], known: Mapping[str, Document]) -> Iterator[Document | Skipped]:
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.reason is not None:
            yield Skipped(entry.source, entry.reason)
            continue
        try:
            raw = _read_bytes(entry.path)
            digest = hashlib.sha256(raw).hexdigest()
            before = known.get(entry.source)
            same = before if before is not None and before.digest == digest else None
            text = same.text if same else _decode(raw)
        except _UnreadableError as error:
            yield Skipped(entry.source, str(error))
            continue
        if digest in seen:
            yield Skipped(entry.source, f'has the same content as "{seen[digest]}"')
            continue
        seen[digest] = entry.source
        if same is None:
            markdown = Path(entry.source).suffix.lower() in MARKDOWN_SUFFIXES
            same = make_document(entry.source, text, digest=digest, markdown=markdown)
        yield same


def _read_bytes(path: str) -> bytes:
    # O_NONBLOCK: opening a FIFO would wait for its writer; O_NOFOLLOW: the path was resolved, a link now is a swap.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        # Before opening, which devices may take for a command; and again on what was opened.
        regular = stat.S_ISREG(os.lstat(path).st_mode)
        if regular:
            with os.fdopen(os.open(path, flags), "rb") as file:
                found = os.fstat(file.fileno())
                regular = stat.S_ISREG(found.st_mode)
                # As much as there should be, then the rest: room for MAX_BYTES costs more than most files.
                raw = file.read(min(found.st_size, MAX_BYTES)) if regular else b""
                raw += file.read(MAX_BYTES + 1 - len(raw)) if regular and file.peek(1) else b""
    except OSError as error:
        raise _UnreadableError(f"cannot be read ({_cause(error)})") from error
    if not regular:
        raise _UnreadableError("is not a regular file")
    if len(raw) > MAX_BYTES:
        raise _UnreadableError(f"is larger than {MAX_BYTES // 1024**2} MB")
    return raw


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode("utf-16") if raw.startswith(_UTF16) else raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _UnreadableError("is not text (UTF-8)") from None
    if "\0" in text:
        raise _UnreadableError("is not text (it holds NUL characters)")
    if not text.strip():
        raise _UnreadableError("is empty")
    return text


def _cause(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def document_fields(document: Document) -> dict[str, object]:
    """The document as plain values for JSON."""
    return {
        "source": document.source,
        "title": document.title,
        "text": document.text,
        "digest": document.digest,
        "sections": [[list(section.heading), section.start, section.end] for section in document.sections],
        "url": document.url,
    }


def document_from(fields: dict[str, Any]) -> Document:
    """What document_fields made; ``fields`` is used up. Raises KeyError, TypeError or ValueError for anything else."""
    # An index of before documents had URLs lacks the field: it is stale, but its vectors are taken over.
    sections = tuple(Section(tuple(heading), start, end) for heading, start, end in fields.pop("sections"))
    return Document(**fields, sections=sections)
