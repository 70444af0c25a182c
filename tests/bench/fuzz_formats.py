"""Feed damaged files to the readers of formats: ``python -m tests.bench.fuzz_formats --seconds 60``.

Sample files are damaged by a seeded generator and read as documents are, in the child process. Says how many gave text,
how many were refused and why, and how many children died of it; ends with exit status 1 if anything got through that
must not (an exception, a text that does not fit its own headings or pages).
"""

from __future__ import annotations

import argparse
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from time import monotonic

from retrieval.formats.extracted import Extracted, Unreadable
from retrieval.formats.sandbox import Limits, Sandbox
from tests.retrieval.formats.samples import epub, lines, pdf, simple_docx, with_member

TOKENS = [
    *(
        b"<div>",
        b"</table>",
        b"<table><tr><td>",
        b"<!--",
        b"<script>",
        b"&#x110000;",
        b"<svg>",
        b"<ul><li>",
        b"<p hidden>",
    ),
    *(
        b"endobj",
        b"stream",
        b" R ",
        b"<< ",
        b" >>",
        b"/Length 0",
        b"/Filter /FlateDecode",
        b"/Kids [2 0 R]",
        b"/Count 9999",
    ),
    *(
        b"<w:p>",
        b"<w:tbl>",
        b"<w:sdtContent>",
        b"<!DOCTYPE a>",
        b"PK\x05\x06",
        b"\0",
        b"\xff\xfe",
        b"99999999999",
        b"-1",
    ),
]
PAGE = b"""<!DOCTYPE html><html><head><title>Porto</title><meta charset="utf-8"></head><body><h1>Il porto</h1>
<p>Il porto <b>apre</b> alle otto &amp; chiude.<table><tr><th>a<th>b<tr><td>1<td>2</table><ul><li>uno<li>due<ol><li>tre
</ol></ul><pre>x\n y</pre><div style="display:none">no</div></body></html>"""

MAIN = {".docx": "word/document.xml", ".epub": "OEBPS/text/uno.xhtml"}
"""Of a format that is a zip file the member that holds the text."""

Mutation = Callable[[Random, bytearray, bytes], None]


def samples() -> dict[str, list[bytes]]:
    """Whole files by suffix."""
    table = b"<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    word = simple_docx("Un documento intero.", "Con due paragrafi.")
    body = zipfile.ZipFile(io.BytesIO(word)).read("word/document.xml")
    pages = [lines("Il porto apre alle otto e chiu-", "de alle venti."), [], lines("Terza pagina.")]
    return {
        ".csv": [b'Nome;Prezzo\nVela;1,50\n"Remo ""lungo""";2\n'],
        ".epub": [epub()],
        ".html": [PAGE, PAGE * 20],
        ".srt": [b"1\n00:00:01,000 --> 00:00:02,000\n<i>Si</i> salpa.\n\n2\n00:00:03,000 --> 00:00:04,000\nOra.\n"],
        ".pdf": [pdf(pages, title="Porto"), pdf(pages, compress=True)],
        ".docx": [word, with_member(word, "word/document.xml", body.replace(b"<w:sectPr", table + b"<w:sectPr", 1))],
    }


def flip(random: Random, raw: bytearray, other: bytes) -> None:
    """Change some bytes."""
    for _ in range(random.choice((1, 4, 32))):
        raw[random.randrange(len(raw))] = random.randrange(256)


def cut(random: Random, raw: bytearray, other: bytes) -> None:
    """Take a stretch out, or the end."""
    start = random.randrange(len(raw))
    end = len(raw) if random.random() < 0.3 else start + random.randrange(1, 200)
    del raw[start:end]


def repeat(random: Random, raw: bytearray, other: bytes) -> None:
    """Repeat a stretch, perhaps very often."""
    start = random.randrange(len(raw))
    part = raw[start : start + random.randrange(1, 60)]
    raw[start:start] = part * random.choice((1, 10, 1_000, 20_000))


def insert(random: Random, raw: bytearray, other: bytes) -> None:
    """Put tokens in that mean something to a parser."""
    for _ in range(random.choice((1, 3, 10))):
        place = random.randrange(len(raw) + 1)
        raw[place:place] = random.choice(TOKENS)


def number(random: Random, raw: bytearray, other: bytes) -> None:
    """Replace a number."""
    found = list(re.finditer(rb"\d+", raw))
    if found:
        match = random.choice(found)
        raw[match.start() : match.end()] = random.choice((b"0", b"-1", b"4294967295", b"9" * 30, b"1e99"))


def splice(random: Random, raw: bytearray, other: bytes) -> None:
    """Go on with the rest of another file."""
    raw[random.randrange(len(raw)) :] = other[random.randrange(len(other)) :]


MUTATIONS: Sequence[Mutation] = (flip, cut, repeat, insert, number, splice)


def damaged(random: Random, suffix: str, whole: dict[str, list[bytes]]) -> bytes:
    """A file of the format, damaged once to three times; of a zip file often one member, put back whole."""
    raw = random.choice(whole[suffix])
    other = random.choice(whole[random.choice(list(whole))])
    if suffix in (".docx", ".epub") and random.random() < 0.8:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        name = random.choice([MAIN[suffix]] * 5 + archive.namelist())
        return with_member(raw, name, mutate(random, archive.read(name), other))
    return mutate(random, raw, other)


def mutate(random: Random, raw: bytes, other: bytes) -> bytes:
    """A few mutations, one after the other."""
    found = bytearray(raw)
    for _ in range(random.randint(1, 3)):
        if found:
            random.choice(MUTATIONS)(random, found, other)
    return bytes(found)


def check(found: Extracted) -> None:
    """Raises AssertionError where a text does not fit its own headings and pages."""
    found.text.encode()
    ends = [0, *(place for _, start, end in found.headings for place in (start, end))]
    if ends != sorted(ends) or ends[-1] > len(found.text) or list(found.pages) != sorted(found.pages):
        raise AssertionError(f"headings {found.headings[:5]}, pages {found.pages[:5]} of {len(found.text)} characters")


def fuzz(seconds: float, seed: int, limits: Limits) -> tuple[dict[str, Counter[str]], list[str]]:
    """Outcomes by suffix, and what must not have happened."""
    random, whole = Random(seed), samples()
    outcomes: dict[str, Counter[str]] = {suffix: Counter() for suffix in whole}
    wrong: list[str] = []
    end = monotonic() + seconds
    with Sandbox(limits) as sandbox:
        while monotonic() < end:
            suffix = random.choice(list(whole))
            raw = damaged(random, suffix, whole)
            try:
                check(sandbox.extract(raw, suffix))
                outcome = "text"
            except Unreadable as error:
                outcome = str(error)
            except Exception as error:
                outcome = f"WRONG {type(error).__name__}"
                wrong.append(f"{suffix} {raw[:80]!r}: {error!r}")
            outcomes[suffix][outcome] += 1
    return outcomes, wrong


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60, help="how long to go on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=5, help="seconds that one file may take")
    options = parser.parse_args()
    limits = Limits(seconds=options.limit, memory=512 << 20, characters=2_000_000)
    outcomes, wrong = fuzz(options.seconds, options.seed, limits)
    died = sum(
        count
        for counts in outcomes.values()
        for reason, count in counts.items()
        if reason.startswith(("made its reader crash", "takes longer", "needs more memory"))
    )
    files = sum(counts.total() for counts in outcomes.values())
    summary = {"seed": options.seed, "files": files, "children that died": died, "wrong": len(wrong)}
    print(json.dumps(summary | {suffix: dict(counts.most_common()) for suffix, counts in outcomes.items()}, indent=1))
    for line in wrong[:20]:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
