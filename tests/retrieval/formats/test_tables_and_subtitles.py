from __future__ import annotations

import pytest

from retrieval.formats import csv_table, subtitles
from retrieval.formats.extracted import Unreadable


@pytest.mark.parametrize(
    ("table", "text", "title"),
    [
        ("Nome,Età\nAnna,30\nLuca,\n", "Nome: Anna; Età: 30.\nNome: Luca.", "Nome, Età"),
        ("Nome;Prezzo\nVela;1,50\nRemo;2,00\n", "Nome: Vela; Prezzo: 1,50.\nNome: Remo; Prezzo: 2,00.", "Nome, Prezzo"),
        ("a,b\n1,What?\n2,Stop.\n", "a: 1; b: What?\na: 2; b: Stop.", "a, b"),
        ("a\tb\n1\t2\n", "a: 1; b: 2.", "a, b"),
        ('a,b\n"uno, due","su ""due""\nrighe"\n', 'a: uno, due; b: su "due" righe.', "a, b"),
        ("1,2\n3,4\n", "1; 2.\n3; 4.", ""),
        ("a,a\n1,2\n", "a; a.\n1; 2.", ""),
        ("a,b\n1,2,3\n", "a: 1; b: 2; 3.", "a, b"),
        ("solo\nuna colonna\n", "solo.\nuna colonna.", ""),
        ("a,b\n\n,,\n1,2\n", "a: 1; b: 2.", "a, b"),
    ],
)
def test_rows_of_a_table(table: str, text: str, title: str) -> None:
    found = csv_table.extract(table.encode(), 1_000)
    assert (found.text, found.title) == (text, title)


def test_tables_of_before_unicode_are_read() -> None:
    assert csv_table.extract("Città;Età\nForlì;3\n".encode("cp1252"), 1_000).text == "Città: Forlì; Età: 3."


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is empty"),
        (b"a,b\n", "holds no text"),
        (b"a,\0b\n", "is not text (it holds NUL characters)"),
        (b'a,b\n"' + b"x" * 1_100_000, "is no table that can be made sense of"),
        (b"," * 2_000, "has more than 1,000 columns"),
        (b"x,y\n" * 1_000, "holds more than 1,000 characters of text"),
    ],
)
def test_what_is_no_table_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        csv_table.extract(raw, 1_000)
    assert str(refusal.value) == reason


SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Buongiorno</i> a
tutti.

2
00:00:03,000 --> 00:00:04,000
{\\an8}Oggi parliamo

3
00:00:04,000 --> 00:00:05,000
del porto.

4
00:01:00,000 --> 00:01:02,000
Dopo una pausa.
"""
VTT = """WEBVTT - titolo

NOTE una nota

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.000 align:start
<v Anna>Ciao.

00:02.000 --> 00:03.000
Ciao.

00:03.000 --> 00:04.000
Come <00:03.500><c>va?</c>
"""


def test_subtitles_are_what_is_said() -> None:
    assert (
        subtitles.extract(SRT.encode(), 1_000).text == "Buongiorno a tutti. Oggi parliamo del porto.\n\nDopo una pausa."
    )
    assert subtitles.extract(SRT.replace("\n", "\r\n").encode("utf-16"), 1_000).text.startswith("Buongiorno a tutti.")
    assert subtitles.extract(VTT.encode(), 1_000).text == "Ciao. Come va?"


def test_long_speech_is_parted_between_sentences() -> None:
    cues = "".join(
        f"{n}\n00:{n:02}:00,000 --> 00:{n + 1:02}:00,000\nUna frase abbastanza lunga, la numero {n}, detta piano.\n\n"
        for n in range(20)
    )
    paragraphs = subtitles.extract(cues.encode(), 10_000).text.split("\n\n")
    assert len(paragraphs) == 3
    assert all(paragraph.startswith("Una frase") and paragraph.endswith("piano.") for paragraph in paragraphs)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"solo testo", "holds no subtitles"),
        (b"00:00:01,000 --> 00:00:02,000\n\n", "holds no text"),
        (b"\xff\xfe\xff", "is not text (UTF-8 or Windows-1252)"),
    ],
)
def test_what_are_no_subtitles_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        subtitles.extract(raw, 1_000)
    assert str(refusal.value) == reason
