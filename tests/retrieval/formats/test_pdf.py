from __future__ import annotations

import re

import pytest

from retrieval.formats.extracted import Extracted, Unreadable
from retrieval.formats.pdf import extract
from tests.retrieval.formats.samples import lines, pdf


def read(raw: bytes) -> Extracted:
    return extract(raw, 1_000_000)


def page_texts(found: Extracted) -> list[str]:
    ends = [*found.pages[1:], len(found.text)]
    return [found.text[start:end].strip() for start, end in zip(found.pages, ends, strict=True)]


def test_lines_are_joined_into_paragraphs() -> None:
    found = read(
        pdf(
            [
                [
                    *lines("Il porto", size=18),
                    *lines(
                        "Il porto apre alle otto e chiude alle venti, d'estate",
                        "anche più tardi, salvo avviso.",
                        top=770,
                    ),
                    *lines("Le tariffe sono giornaliere (caffè incluso).", top=710),
                ]
            ]
        )
    )
    assert found.text == (
        "Il porto\n\nIl porto apre alle otto e chiude alle venti, d'estate anche più tardi, salvo avviso.\n\n"
        "Le tariffe sono giornaliere (caffè incluso)."
    )
    assert found.pages == (0,)
    assert found.headings == ()


def test_a_paragraph_ends_where_its_last_line_is_short_or_the_next_is_indented() -> None:
    found = read(
        pdf(
            [
                [
                    *lines(
                        "Una riga lunga quanto basta a riempire la pagina,",
                        "poi finisce.",
                        "Un altro paragrafo, lungo quanto la riga di sopra.",
                    ),
                    *lines("Rientrato di un poco, questo ne comincia un altro", top=758, left=65),
                    *lines("e va avanti.", top=744),
                ]
            ]
        )
    )
    assert found.text.split("\n\n") == [
        "Una riga lunga quanto basta a riempire la pagina, poi finisce.",
        "Un altro paragrafo, lungo quanto la riga di sopra.",
        "Rientrato di un poco, questo ne comincia un altro e va avanti.",
    ]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (("le infor-", "mazioni"), "le informazioni"),
        (("un ben-", "noto caso, anzi ben-noto"), "un ben-noto caso, anzi ben-noto"),
        (("l'accordo Roma-", "Berlino"), "l'accordo Roma-Berlino"),
        (("il COVID-", "19"), "il COVID-19"),
    ],
)
def test_words_broken_at_the_end_of_a_line(page: tuple[str, ...], text: str) -> None:
    assert read(pdf([lines(*page)])).text == text


def test_items_of_a_list_are_apart() -> None:
    assert read(pdf([lines("Serve:", "- acqua", "- luce", "1. rete", "2. altro")])).text == (
        "Serve:\n\n- acqua\n\n- luce\n\n1. rete\n\n2. altro"
    )


def test_pages_begin_where_their_text_does_and_paragraphs_go_on_over_them() -> None:
    found = read(
        pdf([lines("Prima pagina.", "Il treno parte dalla"), lines("stazione alle otto."), [], lines("Quarta.")])
    )
    assert found.text == "Prima pagina.\n\nIl treno parte dalla stazione alle otto.\n\nQuarta."
    assert page_texts(found) == ["Prima pagina.\n\nIl treno parte dalla", "stazione alle otto.", "", "Quarta."]
    assert found.text[found.pages[1] :].startswith("stazione")


def test_a_word_broken_at_the_turn_of_a_page_is_put_together() -> None:
    found = read(pdf([lines("Chiedere le infor-"), lines("mazioni al molo."), lines("Fine -"), lines("qui.")]))
    assert found.text == "Chiedere le informazioni al molo.\n\nFine - qui."
    assert page_texts(found) == ["Chiedere le infor", "mazioni al molo.", "Fine -", "qui."]


def test_pages_at_the_end_without_text_are_counted() -> None:
    assert page_texts(read(pdf([[], lines("Due."), []]))) == ["", "Due.", ""]


def test_running_heads_and_page_numbers_are_left_out() -> None:
    pages = [
        [*lines("Annuario 2026"), *lines(f"Testo della pagina {word}.", top=700), *lines(f"- {number} -", top=30)]
        for number, word in enumerate(("uno", "due", "tre"), 8)
    ]
    assert page_texts(read(pdf(pages))) == [
        # Where it stands first it may be the title.
        "Annuario 2026\n\nTesto della pagina uno.",
        "Testo della pagina due.",
        "Testo della pagina tre.",
    ]


def test_heads_with_the_number_of_the_page_are_left_out_whatever_else_they_say() -> None:
    heads = ("1", "Capitolo 1: il porto 2", "3 Annuario del 2026", "Capitolo 2: i moli 4")
    pages = [
        [*lines(head), *lines(f"Nel 2026 la pagina {word}.", top=700)] for head, word in zip(heads, "abcd", strict=True)
    ]
    assert page_texts(read(pdf(pages))) == [f"Nel 2026 la pagina {word}." for word in "abcd"]


def test_an_item_goes_on_in_lines_of_another_size_than_its_bullet() -> None:
    page = [
        (50, 800, 6, "-"),
        (60, 800, 11, "acqua potabile, che si paga"),
        (60, 786, 11, "a parte"),
        *lines("- luce", top=772),
    ]
    assert read(pdf([page])).text == "- acqua potabile, che si paga a parte\n\n- luce"


def test_sizes_are_those_that_are_seen() -> None:
    raw = pdf([[*lines("Titolo", size=18), *lines("Il testo segue", "su due righe.", top=780)]])
    # The same, with a font of size 1 that is enlarged.
    enlarged = re.sub(rb"/F1 (\d+) Tf 1 0 0 1", rb"/F1 1 Tf \1 0 0 \1", raw).replace(b"/Length ", b"/Length 9")
    assert read(raw).text == read(enlarged).text == "Titolo\n\nIl testo segue su due righe."


def test_two_pages_keep_the_lines_they_share() -> None:
    assert read(pdf([lines("Uguale", "uno."), lines("Uguale", "due.")])).text.count("Uguale") == 2


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Guida al porto", "Guida al porto"),
        ("Microsoft Word - bozza.doc", ""),
        ("bozza.indd", ""),
        ("Untitled", ""),
        ("", ""),
    ],
)
def test_the_title_is_the_authors_not_the_programs(title: str, found: str) -> None:
    assert read(pdf([lines("Testo.")], title=title)).title == found


def test_compressed_pages_are_read() -> None:
    assert read(pdf([lines("Testo.")], compress=True)).text == "Testo."


ENCRYPTION = f"<< /Filter /Standard /V 1 /R 2 /O <{'41' * 32}> /U <{'42' * 32}> /P -4 >>"


def encrypted() -> bytes:
    """A PDF that asks for a password: the one that opens it is unknown."""
    raw = pdf([lines("Segreto.")])
    return raw.replace(b"/Info 4 0 R", f"/Encrypt {ENCRYPTION} /ID [<41><41>]".encode())


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is no PDF"),
        (b"GIF89a", "is no PDF"),
        (b"%PDF-1.7\n" + bytes(100), "is damaged, or no PDF"),
        (encrypted(), "is encrypted"),
        (pdf([[]]), "holds no text that could be read, only pictures (is it a scan?)"),
        (pdf([]), "is damaged, or no PDF"),
    ],
)
def test_what_cannot_be_read_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(raw)
    assert str(refusal.value) == reason


def test_too_much_text_is_refused() -> None:
    with pytest.raises(Unreadable, match=r"^holds more than 10 characters of text$"):
        extract(pdf([lines("Undici caratteri.")]), 10)
