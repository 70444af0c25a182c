"""A document's own address: which are taken, and that they come out with what is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import index as index_module
from retrieval.build import build_index, open_index, refresh
from retrieval.documents import make_document, read_documents
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.markdown import read_front_matter
from retrieval.protocols import Floats
from retrieval.types import Document, Query
from retrieval.urls import MAX_URL, http_url

BODY = "# Porto\n\nUn ormeggio costa 40 euro al giorno.\n"
OWN = "https://porto.example/tariffe"


def front(*lines: str) -> Document:
    return make_document("porto.md", "\n".join(["---", *lines, "---", BODY]), markdown=True)


class Counting(HashingEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.embedded: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        self.embedded.extend(texts)
        return super().embed_documents(texts)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return HashingEmbedder().embed_documents(texts)


# --- which are taken ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com/a/b.html?c=d&e=f#g",
        "HTTPS://Example.com/",
        "http://localhost:8080/x",
        "https://it.wikipedia.org/wiki/Perché",
        "https://[::1]/x",
        "https://example.com/" + "a" * (MAX_URL - 20),
    ],
)
def test_addresses_of_the_web_are_taken_as_they_are(url: str) -> None:
    assert http_url(url) == url
    assert http_url(f"  {url}\n") == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "/guide/porto",
        "//example.com/x",
        "ftp://example.com/x",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https:example.com",
        "https:///path",
        "https://?x",
        "https://...",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com@evil.example/",
        "https://example.com:port/",
        "https://example.com:99999/",
        "https://[::1/x",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://example.com/\tx",
        "https://example.com/\x00",
        "https://example.com/\u202egpj.exe",
        "https://example.com/\u00a0x",
        "https://example.com/\ud83d",
        "https://example.com/<!channel>",
        "https://example.com/x|label",
        "https://example.com\\@evil.example/",
        'https://example.com/"onclick',
        "https://example\uff0fcom@evil/",
        "https://example.com/" + "a" * MAX_URL,
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert http_url(text) is None


@given(st.text(max_size=60) | st.from_regex(r"https?://[ -~]{0,30}", fullmatch=True))
def test_what_is_taken_is_fit_for_a_link(text: str) -> None:
    url = http_url(text)
    if url is not None:
        parts = urlsplit(url)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert parts.username is None
        assert parts.password is None
        assert url.isprintable()
        assert not set(url) & set(' <>"|\\')
        assert len(url) <= MAX_URL


# --- where it stands ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        [f"url: {OWN}"],
        [f'url: "{OWN}"'],
        [f"URL: {OWN}"],
        [f"source_url: {OWN}"],
        [f"link: {OWN}"],
        [f"permalink: {OWN}"],
        ["link: https://elsewhere.example/", f"url: {OWN}"],
        ["url: /porto", f"link: {OWN}"],
        ["url: [a, b]", "source_url: {a: b}", f"link: {OWN}"],
        # No YAML, because of the title.
        ["title: Porto: una guida", f"url: {OWN}"],
        ["title: Porto: una guida", "url: /porto", f'Link: "{OWN}"'],
    ],
)
def test_front_matter_gives_the_address(lines: list[str]) -> None:
    assert front(*lines).url == OWN


@pytest.mark.parametrize(
    "lines",
    [
        ["title: Porto"],
        ["url:"],
        ["url: /porto"],
        ["url: javascript:alert(1)"],
        ["url: https://user:secret@porto.example/"],
        ["homepage: https://porto.example/"],
        ["title: Porto: una guida", "url: ftp://porto.example/"],
        ["title: Porto", "nested:", f"  url: {OWN}"],
    ],
)
def test_without_a_usable_one_there_is_none(lines: list[str]) -> None:
    assert front(*lines).url is None


def test_only_front_matter_of_markdown_counts() -> None:
    text = f"---\nurl: {OWN}\n---\n{BODY}"
    assert make_document("porto.txt", text, markdown=False).url is None
    assert make_document("porto.md", f"Prima\n\n{text}", markdown=True).url is None


def test_a_title_is_found_as_before() -> None:
    matter = read_front_matter(f"---\ntitle:  Il  porto\nurl: {OWN}\n---\n")
    assert (matter.title, matter.url) == ("Il porto", OWN)


# --- through the index -------------------------------------------------------------------------------------------


def test_a_hit_has_its_documents_address(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "porto.md").write_text(f"---\nurl: {OWN}\n---\n{BODY}", "utf-8")
    (seeds / "pane.md").write_text("# Pane\n\nIl pane nero costa tre euro al chilo.\n", "utf-8")
    build_index(read_documents(seeds), tmp_path, HashingEmbedder(), where="seeds")
    index = open_index(tmp_path, HashingEmbedder())
    assert {document.source: document.url for document in index.documents} == {"porto.md": OWN, "pane.md": None}
    hits = index.search_many([Query("Quanto costa un ormeggio o il pane nero?")])[0].hits
    assert {hit.source: hit.url for hit in hits} == {"porto.md": OWN, "pane.md": None}


def test_a_changed_address_is_taken_over_without_embedding_anything(tmp_path: Path) -> None:
    embedder = Counting()
    refresh([front(f"url: {OWN}")], tmp_path, embedder, where="seeds")
    embedder.embedded.clear()
    for url in ("https://porto.example/nuovo", None):
        changed = front(f"url: {url}" if url else "title: Porto")
        index, report = refresh([changed], tmp_path, embedder, where="seeds")
        assert report.changed == ("porto.md",)
        assert [document.url for document in index.documents] == [url]
        assert {hit.url for hit in index.search_many([Query("ormeggio")])[0].hits} == {url}
    assert embedder.embedded == []


def test_an_index_of_before_addresses_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = Counting()
    with monkeypatch.context() as before:
        for module in ("build", "reuse"):
            before.setattr(f"retrieval.{module}.PREPARATION", "1.1")
        fields = index_module.document_fields
        before.setattr(
            index_module,
            "document_fields",
            lambda document: {name: value for name, value in fields(document).items() if name != "url"},
        )
        refresh([replace(front(f"url: {OWN}"), url=None)], tmp_path, embedder, where="seeds")
    embedder.embedded.clear()
    index, report = refresh([front(f"url: {OWN}")], tmp_path, embedder, where="seeds")
    assert report.published
    assert [document.url for document in index.documents] == [OWN]
    assert embedder.embedded == []
