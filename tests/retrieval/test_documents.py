from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieval import documents, markdown
from retrieval.documents import document_fields, document_from, make_document, read_documents
from retrieval.errors import SourceError
from retrieval.types import Document, Section, Skipped

SEEDS = Path(__file__).parents[2] / "seeds"


def write(root: Path, name: str, content: str | bytes = "Una frase.") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def skipped(root: Path, *exclude: str) -> dict[str, str]:
    return {item.source: item.reason for item in read_documents(root, exclude) if isinstance(item, Skipped)}


def read(root: Path, *exclude: str) -> dict[str, Document]:
    return {item.source: item for item in read_documents(root, exclude) if isinstance(item, Document)}


# ---------------------------------------------------------------- the folder


def test_files_come_sorted_by_relative_path_and_hidden_ones_not_at_all(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.md", "a.TXT", "a/b/c.markdown", "c.text", ".hidden.txt", ".git/x.txt", "a/.b/y.md"):
        write(tmp_path, name, name)
    assert [item.source for item in read_documents(tmp_path)] == [
        "a.TXT",
        "a/b/c.markdown",
        "a/z.md",
        "b.txt",
        "c.text",
    ]
    assert not skipped(tmp_path)


def test_an_empty_folder_yields_nothing(tmp_path: Path) -> None:
    assert list(read_documents(tmp_path)) == []


def test_a_root_that_cannot_be_read_is_one_sentence_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        SourceError,
        match=r"^There is no folder \".*none\": create it and put \.txt, \.md, \.html, \.pdf or \.docx files",
    ):
        read_documents(tmp_path / "none")
    with pytest.raises(SourceError, match=r"a\.txt\" is not a folder"):
        read_documents(write(tmp_path, "a.txt"))

    def deny(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(documents.os, "scandir", deny)
    with pytest.raises(SourceError, match=r"cannot be listed \(permission denied\)"):
        read_documents(tmp_path)


NO_SUCH_TYPE = (
    "is not of a type that is read "
    "(.csv, .docx, .epub, .htm, .html, .markdown, .md, .pdf, .srt, .text, .tsv, .txt, .vtt)"
)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "a.exe",
            b"MZ",
            NO_SUCH_TYPE,
        ),
        (
            "noext",
            b"x",
            NO_SUCH_TYPE,
        ),
        ("a.txt", b"", "is empty"),
        ("a.txt", b" \r\n\t\xc2\xa0", "is empty"),
        ("a.txt", b"\xef\xbb\xbf", "is empty"),
        ("a.txt", "è così perché".encode()[:-1], "is not text (UTF-8 or Windows-1252)"),
        ("a.txt", "мир".encode("cp1251"), "is not text (UTF-8 or Windows-1252)"),
        ("a.txt", "日本語".encode("shift_jis"), "is not text (UTF-8 or Windows-1252)"),
        ("a.txt", b"caff\xe8\x00", "is not text (UTF-8 or Windows-1252)"),
        ("a.txt", b"caff\xe8\x1b[31m", "is not text (UTF-8 or Windows-1252)"),
        ("a.txt", bytes(range(0x60, 0xC0)), "is not text (UTF-8 or Windows-1252)"),
        ("a.txt", b"\xff\xfe\x00", "is not text (UTF-8 or Windows-1252)"),
        ("a.txt", b"ab\x00c", "is not text (it holds NUL characters)"),
        ("a.txt", "ciao".encode("utf-32"), "is not text (it holds NUL characters)"),
        ("a.txt", b"x" * 101, "is larger than 0 MB"),
        ("a\nb\x1b.txt", b"x", "has a name that is not UTF-8 or holds control characters"),
    ],
)
def test_what_is_not_read_is_named_with_its_reason(
    name: str, content: bytes, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 100)
    write(tmp_path, name, content)
    source = name.replace("\n", "\\n").replace("\x1b", "\\x1b")
    assert list(read_documents(tmp_path)) == [Skipped(source, reason)]


def test_a_file_of_the_largest_size_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 100)
    write(tmp_path, "a.txt", b"x" * 100)
    assert set(read(tmp_path)) == {"a.txt"}


def test_a_second_file_with_the_same_bytes_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "uguale")
    write(tmp_path, "b.md", "uguale")
    write(tmp_path, "c.txt", "uguale\n")
    assert set(read(tmp_path)) == {"a.txt", "c.txt"}
    assert skipped(tmp_path) == {"b.md": 'has the same content as "a.txt"'}


def test_excluded_files_and_folders_are_named(tmp_path: Path) -> None:
    for name in ("keep.txt", "draft.txt", "old/a.txt", "old/b.txt", "sub/draft.txt"):
        write(tmp_path, name, name)
    assert skipped(tmp_path, "*draft*", "old/") == {
        "draft.txt": 'is excluded by "*draft*"',
        "old": 'is excluded by "old/"',
        "sub/draft.txt": 'is excluded by "*draft*"',
    }


def test_files_of_other_formats_are_found_as_text_files_are(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, "a.html", "<h1>Titolo</h1><p>Uno.")
    write(root, "sub/B.HTM", "<p>Due.")
    write(root, ".hidden.html", "<p>No.")
    write(root, "draft.html", "<p>Bozza.")
    write(root, "z.html", "<h1>Titolo</h1><p>Uno.")
    (root / "out.html").symlink_to(write(tmp_path, "secret.html", "<p>segreto"))
    found = read(root, "draft*")
    assert {name: document.text for name, document in found.items()} == {
        "a.html": "Titolo\n\nUno.",
        "sub/B.HTM": "Due.",
    }
    assert found["a.html"].sections == (Section(("Titolo",), 6, 12),)
    assert skipped(root, "draft*") == {
        "draft.html": 'is excluded by "draft*"',
        "out.html": "is a link that leads out of the folder",
        "z.html": 'has the same content as "a.html"',
    }


def test_links_are_followed_inside_the_folder_only(tmp_path: Path) -> None:
    root = tmp_path / "root"
    # As Kubernetes mounts a ConfigMap: a visible link through a hidden folder.
    write(root, "..2026/mounted.txt", "montato")
    (root / "..data").symlink_to("..2026")
    (root / "mounted.txt").symlink_to("..data/mounted.txt")
    write(root, "sub/own.txt", "proprio")
    (root / "loop").symlink_to(root)
    (root / "gone.txt").symlink_to("nowhere.txt")
    (root / "self.txt").symlink_to("self.txt")
    (root / "out.txt").symlink_to(write(tmp_path, "secret.txt", "segreto"))
    (root / "outdir").symlink_to(tmp_path)
    assert set(read(root)) == {"mounted.txt", "sub/own.txt"}
    assert skipped(root) == {
        "gone.txt": "is a link that leads nowhere",
        "loop": "is a link to a folder",
        "out.txt": "is a link that leads out of the folder",
        "outdir": "is a link that leads out of the folder",
        "self.txt": "is a link that leads nowhere",
    }


@pytest.mark.parametrize(("name", "limit"), [("a.txt", 20), ("a.pdf", 100), ("a.html", 100)])
def test_a_file_of_two_gigabytes_is_not_read(
    name: str, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with write(tmp_path, name).open("r+b") as file:
        file.truncate(2 << 30)
    monkeypatch.setattr(documents.hashlib, "sha256", None)
    assert skipped(tmp_path) == {name: f"is larger than {limit} MB"}


@pytest.mark.parametrize("name", ["pipe.html", "pipe.pdf", "pipe.docx"])
def test_a_fifo_of_any_format_is_skipped(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    assert skipped(tmp_path) == {name: "is not a regular file"}


def test_a_fifo_is_skipped_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert skipped(tmp_path) == {"pipe.txt": "is not a regular file"}


def test_a_name_that_is_not_utf8_is_printable_in_the_report(tmp_path: Path) -> None:
    write(tmp_path, os.fsdecode(b"caff\xe8.txt"))
    assert skipped(tmp_path) == {"caff\\udce8.txt": "has a name that is not UTF-8 or holds control characters"}


def test_files_and_folders_without_permission_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.txt", "uno")
    write(tmp_path, "b.txt", "due")
    write(tmp_path, "closed/c.txt", "tre")
    opened, listed = os.open, os.scandir

    def deny_open(path: str, flags: int) -> int:
        if path.endswith("a.txt"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags)

    def deny_scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(documents.os, "open", deny_open)
    monkeypatch.setattr(documents.os, "scandir", deny_scandir)
    items = list(read_documents(tmp_path))
    monkeypatch.undo()
    assert [item for item in items if isinstance(item, Skipped)] == [
        Skipped("a.txt", "cannot be read (permission denied)"),
        Skipped("closed", "is a folder that cannot be listed (permission denied)"),
    ]
    assert [item.source for item in items if isinstance(item, Document)] == ["b.txt"]


# ---------------------------------------------------------------- text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_the_content_decoded_with_plain_newlines(encoding: str, tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "perché")
    raw = f"  {decomposed} 🤖\r\nuno\rdue\u2028tre\n\n".encode(encoding)
    write(tmp_path, "a.txt", raw)
    document = read(tmp_path)["a.txt"]
    assert document.text == f"  {decomposed} 🤖\nuno\ndue\u2028tre\n\n"
    assert document.digest == hashlib.sha256(raw).hexdigest()
    assert [(s.heading, s.start, s.end) for s in document.sections] == [((), 0, len(document.text))]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_text_of_before_unicode_is_read(encoding: str, tmp_path: Path) -> None:
    text = "Perché il caffè è così caro?\nNon c'è più, «mai più», disse il curé."
    write(tmp_path, "a.txt", text.encode(encoding))
    write(tmp_path, "b.md", f"# Città\n\n{text}".encode(encoding))
    write(tmp_path, "c.txt", "costa 5 €, disse – “caro”".encode("cp1252"))
    found = read(tmp_path)
    assert found["a.txt"].text == text
    assert found["b.md"].title == "Città"
    assert found["c.txt"].text == "costa 5 €, disse – “caro”"


def test_only_the_byte_order_mark_itself_is_removed(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "\ufeff\ufeffciao\ufeff".encode())
    assert read(tmp_path)["a.txt"].text == "\ufeffciao\ufeff"


def test_documents_are_the_same_after_they_were_stored() -> None:
    document = Document("a.pdf", "t", "uno due", "0" * 64, (Section(("A",), 0, 7),), pages=(0, 4, 7))
    assert document_from(json.loads(json.dumps(document_fields(document)))) == document


def test_the_seed_has_its_first_sentence_as_title() -> None:
    (document,) = read(SEEDS).values()
    raw = (SEEDS / document.source).read_bytes()
    assert document.text == raw.decode()
    assert document.title == "In un importante cambiamento nel panorama dell’intelligenza artificiale…"


def test_a_made_document_keeps_its_title_and_digests_its_text() -> None:
    document = make_document("row-1", "# Non un titolo\r\nTesto", title="Amazzonia", markdown=False)
    assert document.title == "Amazzonia"
    assert document.text == "# Non un titolo\nTesto"
    assert document.digest == hashlib.sha256(document.text.encode()).hexdigest()
    assert document.sections[0].heading == ()


# ---------------------------------------------------------------- titles


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: Dal frontespizio\n---\n# Dal testo\nx", "Dal frontespizio"),
        ("---\ntitle: Roma: una storia\n---\nx", "Roma: una storia"),
        ('---\ntitle: "1984"\ndate: 2024-99-99\n---\nx', "1984"),
        ("---\ntitle: >\n  su due\n  righe\n...\nx", "su due righe"),
        ("---\ntitle: [a, b]\n---\n# Titolo\nx", "Titolo"),
        ("---\ntitle: ''\n---\n# Titolo\nx", "Titolo"),
        ("---\nauthor: Anna\n---\nPrima frase. Seconda.", "Prima frase."),
        ("Testo prima.\n\n## **Il** [mio](http://x.it) `titolo` &amp; altro #\n", "Il mio titolo & altro"),
        ("Sottolineato\n===\nx", "Sottolineato"),
        ("#\n\n## Secondo\n", "Secondo"),
        ("![](figura.png)\n\nPoi una **frase** qui. E una seconda.", "Poi una frase qui."),
        ("- *Primo* punto\n- secondo", "Primo punto"),
        ("> Una citazione.\n", "Una citazione."),
    ],
)
def test_the_title_of_a_markdown_file(text: str, title: str) -> None:
    assert make_document("a.md", text, markdown=True).title == title


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\n\n  Il dott. Rossi\nvenne. Poi partì.", "Il dott. Rossi venne."),
        ("Il treno\n\nEra notte.", "Il treno"),
        ("***\n\nEra notte.", "Era notte."),
        ("Era \x1b[31mnotte\x07.", "Era [31mnotte ."),
        ("parola " * 40, "parola " * 10 + "parola…"),
        ("x" * 200, "x" * 79 + "…"),
        ("…", "…"),
        ("", "a.txt"),
    ],
)
def test_the_title_of_a_text_is_its_first_sentence_shortened(text: str, title: str) -> None:
    assert make_document("a.txt", text, markdown=False).title == title


# ---------------------------------------------------------------- sections


def sections(text: str) -> list[tuple[tuple[str, ...], str]]:
    document = make_document("a.md", text, markdown=True)
    return [(section.heading, document.text[section.start : section.end].strip()) for section in document.sections]


def test_headings_nest_and_bodies_leave_them_out() -> None:
    text = """---
title: x
---
prima
# A
di A
### A1
di A1
## A2 ##
di A2

B
=
di B

sotto B
---
di C
"""
    assert sections(text) == [
        ((), "prima"),
        (("A",), "di A"),
        (("A", "A1"), "di A1"),
        (("A", "A2"), "di A2"),
        (("B",), "di B"),
        (("B", "sotto B"), "di C"),
    ]


def test_what_only_looks_like_a_heading_is_text() -> None:
    text = "# A\n```sh\n# commento\n```\n> # citato\n\n- # in lista\n\n    # rientrato\n\n#senza spazio\n"
    assert sections(text) == [(("A",), text.removeprefix("# A\n").strip())]


def test_a_paragraph_above_a_rule_is_no_heading() -> None:
    text = "# A\n" + "Un lungo paragrafo. " * 15 + "\n---\nDue righe\nnon di più.\n---\nDopo."
    assert sections(text) == [(("A",), text.removeprefix("# A\n"))]


def test_headings_alone_are_the_text() -> None:
    assert sections("# A\n## B\n") == [((), "# A\n## B")]


def test_a_markdown_file_too_long_to_search_is_one_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "MAX_CHARS", 10)
    assert sections("# A\nparola parola") == [((), "# A\nparola parola")]


@pytest.mark.parametrize(
    "front",
    [
        "title: !!python/object/apply:os.system ['false']",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ntitle: &d [*c, *d]",
        "a: &a {k: v}\nb: &b {<<: [*a, *a]}\nc: {<<: [*b, *b]}",
        "title: " + "[" * 15_000,
        "title: " + "{a: " * 4_000,
        "title: \x01",
        "? [a, b]\n: c\ntitle: x",
        "title: " + "9" * 10_000,
        "- a\n- b",
        "solo testo",
        "title: x\n" * 4_000,
        "",
    ],
)
def test_hostile_front_matter_harms_nothing(front: str) -> None:
    document = make_document("a.md", f"---\n{front}\n---\n\n# Titolo\n\nIl corpo.\n", markdown=True)
    assert document.text[document.sections[-1].start : document.sections[-1].end].strip() == "Il corpo."
    assert document.sections[-1].heading[-1] == "Titolo"
    assert 0 < len(document.title) <= 81


PIECES = st.sampled_from(
    "# ¦## ¦###### ¦---\n¦===\n¦```\n¦~~~\n¦\n¦\n\n¦> ¦- ¦1. ¦    ¦\t¦title: x\n"
    "¦...\n¦[a]: b\n¦<!--¦<div>¦**¦`¦|a|\n¦\0¦\r¦ciao¦a b. ".split("¦")
)
SOUP = st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join)


@settings(deadline=None)
@given(SOUP, st.booleans())
@example("- " * 20_000, True)
@example("> " * 20_000 + "# x", True)
@example("\n".join(" " * depth + "- a" for depth in range(300)), True)
@example("# " + "[" * 50_000, True)
@example("\ud800", False)
def test_sections_are_ordered_and_leave_out_headings_only(text: str, is_markdown: bool) -> None:
    document = make_document("a", text, markdown=is_markdown)
    position = 0
    assert document.title.strip()
    assert document.sections
    for section in document.sections:
        assert position <= section.start <= section.end <= len(document.text)
        position = section.end
    if not is_markdown:
        assert [(s.heading, s.start, s.end) for s in document.sections] == [((), 0, len(document.text))]
