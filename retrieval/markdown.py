"""What of a Markdown file is not running text: front matter and headings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import yaml
from markdown_it import MarkdownIt

from retrieval.urls import http_url

MAX_CHARS = 1_000_000
"""Longer files are not searched for headings: hostile input costs about 5 s and 0.5 GB per million characters."""
_MAX_FRONT_MATTER = 20_000
_MAX_HEADING = 200
"""Longer ones, in characters, and those of several lines are text above a rule: Markdown takes it for a heading."""

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"\s*[A-Za-z_][\w-]*[ \t]*:(?:[ \t]|$)", re.MULTILINE)
_TITLE_LINE = re.compile(r"^title[ \t]*:[ \t]+([^\s\[{&*!|>%@`].*)$", re.MULTILINE | re.IGNORECASE)
_URL_KEYS = ("url", "source_url", "link", "permalink")
"""Keys under which an address is looked for, the likeliest to be the document's own first."""
_URL_LINE = re.compile(rf"^({'|'.join(_URL_KEYS)})[ \t]*:[ \t]+[\"']?(https?:[^\s\"']+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The YAML block a file may open with."""

    end: int
    """Offset behind its closing line; 0 where there is none."""
    title: str | None
    url: str | None = None
    """The document's own address, where it is one that http_url takes."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at the top level of the file: not in a quotation, list or code block."""

    level: int
    """1 to 6."""
    text: str
    """Plain, in one line, perhaps empty."""
    start: int
    """Offset of its first line."""
    end: int
    """Offset behind its last line, underline included."""


def read_front_matter(text: str) -> FrontMatter:
    """Find front matter, its title and its URL. Whatever it holds, nothing is raised; one that is no YAML is searched
    for lines that give them."""
    match = _FRONT_MATTER.match(text[:_MAX_FRONT_MATTER])
    if not match:
        return FrontMatter(0, None)
    try:
        # BaseLoader's constructor knows strings, lists and mappings only: no tags, no dates, no merge keys to blow up.
        data = yaml.BaseLoader(match[1]).get_single_data()
    except (yaml.YAMLError, RecursionError, ValueError):
        if not _KEY.match(match[1]):
            return FrontMatter(0, None)
        # The usual slip is an unquoted colon: "title: Rome: a history".
        line = _TITLE_LINE.search(match[1])
        title = line[1].strip(" \"'") if line else None
        return FrontMatter(match.end(), title, _first_url(dict(_URL_LINE.findall(match[1]))))
    if not isinstance(data, dict):
        return FrontMatter(0, None)
    title = data.get("title", data.get("Title"))
    title = " ".join(title.split()) or None if isinstance(title, str) else None
    return FrontMatter(match.end(), title, _first_url(data))


def _first_url(data: Mapping[object, object]) -> str | None:
    # Keys can be lists, which BaseLoader makes strings of no use here, and are written in any case: "URL", "Link".
    named = {key.lower(): value for key, value in data.items() if isinstance(key, str)}
    values = (named.get(key) for key in _URL_KEYS)
    # "permalink" is often a path on some site, and a "link" anything: the first that is an address counts.
    return next((url for value in values if isinstance(value, str) and (url := http_url(value))), None)


def find_headings(text: str, start: int = 0) -> list[Heading]:
    """Headings (ATX and underlined) from offset ``start`` on, in order; none in a text beyond MAX_CHARS."""
    if len(text) - start > MAX_CHARS:
        return []
    tokens = _blocks().parse(text[start:])
    offsets = [start]
    while (newline := text.find("\n", offsets[-1])) >= 0:
        offsets.append(newline + 1)
    offsets.append(len(text))
    headings = []
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open" or opening.level or opening.map is None:
            continue
        if len(inline.content) <= _MAX_HEADING and "\n" not in inline.content:
            first, stop = opening.map
            heading = Heading(int(opening.tag[1]), plain_text(inline.content), offsets[first], offsets[stop])
            headings.append(heading)
    return headings


def plain_text(markup: str) -> str:
    """A line of Markdown without its markup, in one line."""
    tokens = _inline().parseInline(markup)
    words = []
    for token in (child for inline in tokens for child in inline.children or ()):
        if token.type in ("text", "text_special", "code_inline", "image"):
            words.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            words.append(" ")
    return " ".join("".join(words).split())


@cache
def _blocks() -> MarkdownIt:
    parser = MarkdownIt("commonmark").disable("reference")
    # Inline markup costs most of the time and matters in headings alone.
    parser.core.ruler.disable("inline")
    return parser


@cache
def _inline() -> MarkdownIt:
    return MarkdownIt("commonmark")
