from __future__ import annotations

import pytest

from retrieval.formats.extracted import Extracted, Unreadable
from retrieval.formats.html import decode, extract


def read(page: str | bytes) -> Extracted:
    return extract(page.encode() if isinstance(page, str) else page, 1_000_000)


def headings(found: Extracted) -> list[tuple[int, str]]:
    return [(level, found.text[start:end]) for level, start, end in found.headings]


PAGE = """<!DOCTYPE html>
<html lang="it"><head><title> Guida
 al porto </title><style>p { color: red }</style><script>var a = "<p>no</p>"</script></head>
<body>
<nav><a href="/">Home</a> <a href="javascript:alert(1)">Mappa</a></nav>
<h1>Il <em>porto</em></h1>
<p>Il porto apre   alle
8. <b>Sempre</b>.<br>Anche d&#39;estate &amp; d'inverno.</p>
<h2>Tariffe</h2>
<table><caption>Listino</caption>
<thead><tr><th>Barca<th>Euro</tr></thead>
<tr><td>fino a <b>8</b> m</td><td>20</td></tr>
<tr><td>oltre</td><td><p>35</p></td></tr>
</table>
<ul><li>acqua<li><p>luce <i>elettrica</i></p><ol><li>220 V<li>380 V</ol><li>rete</ul>
<dl><dt>VHF<dd>canale 12</dl>
<pre>uno
  due</pre>
<p hidden>nascosto</p><p style="color:red; display : none">nascosto</p><div aria-hidden="true">nascosto</div>
<p style="visibility:hidden">nascosto</p><noscript>nascosto</noscript><template><p>nascosto</p></template>
<!-- nascosto --><svg><title>nascosto</title><text>nascosto</text></svg><dialog>nascosto</dialog>
Fine.
</body></html>"""


def test_a_page_as_a_browser_would_show_it() -> None:
    found = read(PAGE)
    assert found.text == (
        "Home Mappa\n\n"
        "Il porto\n\n"
        "Il porto apre alle 8. Sempre.\nAnche d'estate & d'inverno.\n\n"
        "Tariffe\n\n"
        "Listino\n\n"
        "| Barca | Euro |\n| fino a 8 m | 20 |\n| oltre | 35 |\n\n"
        "- acqua\n- luce elettrica\n  1. 220 V\n  2. 380 V\n- rete\n\n"
        "VHF\n- canale 12\n\n"
        "uno\n  due\n\n"
        "Fine."
    )
    assert found.title == "Guida al porto"
    assert headings(found) == [(1, "Il porto"), (2, "Tariffe")]
    assert found.pages == ()


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title></title><h2>Uno</h2><h1>Due</h1>x", "Uno"),
        ("<h1>Solo</h1>", "Solo"),
        ("<p>Niente", ""),
        ("<svg><title>Disegno</title></svg><p>x", ""),
    ],
)
def test_the_title_is_the_pages_own_or_its_first_heading(page: str, title: str) -> None:
    assert read(page).title == title


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<table><tr><td><h2>A</h2><p>uno</p></td><td><p>due</p></td></tr></table>", "A\n\nuno\n\ndue"),
        ("<table><tr><td><table><tr><td>a<td>b</table><td>c</table>", "| a | b |\n\nc"),
        ("<table><tr><td><td>b</table><table><tr><td>c<td></table>", "|  | b |\n\n| c |  |"),
        ("<h1><div>Un <p>titolo</p></div></h1>testo", "Un titolo\n\ntesto"),
        ("<ul><li><h3>x</h3>y</ul>", "- x\n  y"),
        ("<li>sciolto", "sciolto"),
        ("<td>solo<tr>", "solo"),
        ("a<div>b</div>c<span>d</span>e", "a\n\nb\n\ncde"),
        ("uno&nbsp;due&shy;tre&#0;&#x202e;", "uno duetre\ufffd\u202e"),
        ("<p>x<script>y", "x"),
        ("&lt;b&gt; non un tag", "<b> non un tag"),
        ("<textarea>detto</textarea><select><option>a<option>b</select>", "detto\n\na\n\nb"),
        ("<details><summary>Più</summary>sotto</details>", "Più\n\nsotto"),
        ("testo senza niente", "testo senza niente"),
    ],
)
def test_what_pages_are_made_of(page: str, text: str) -> None:
    assert read(page).text == text


@pytest.mark.parametrize(
    "page", ["", "<p>", "<script>x</script>", "<body hidden><p>x", "<!-- x -->", "<title>x</title>"]
)
def test_a_page_that_shows_nothing_is_refused(page: str) -> None:
    with pytest.raises(Unreadable, match=r"^holds no text$"):
        read(page)


def test_a_page_of_too_much_text_is_refused() -> None:
    with pytest.raises(Unreadable, match=r"^holds more than 1,000 characters of text$"):
        extract(b"<p>parola" * 1_000, 1_000)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("perché €".encode(), "perché €"),
        ("perché €".encode("utf-8-sig"), "perché €"),
        ("perché €".encode("utf-16"), "perché €"),
        ("perché €".encode("cp1252"), "perché €"),
        (b"<meta charset=iso-8859-1>" + "perché €".encode("cp1252"), "<meta charset=iso-8859-1>perché €"),
        (b'<meta charset="koi8-r">' + "мир".encode("koi8-r"), '<meta charset="koi8-r">мир'),
        (b"<meta charset=utf-8>caff\xe8", "<meta charset=utf-8>caff\ufffd"),
        (b"<meta charset=punycode>\xe8", "<meta charset=punycode>è"),
        (b"<meta charset=nonsense>\xe8", "<meta charset=nonsense>è"),
    ],
)
def test_encodings_of_pages(raw: bytes, text: str) -> None:
    assert decode(raw) == text


def test_a_page_nested_deeper_than_python_recurses_is_read() -> None:
    assert read("<div>" * 3_000 + "x").text == "x"
    assert read("<table><tr><td>" * 300 + "x").text == "x"
    assert read("<ul><li>" * 3_000 + "x").text.endswith("- x")
