from __future__ import annotations

from collections.abc import Callable

import pytest
import sentencex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieval.sentences import sentence_spans
from retrieval.types import Language

# "¦" stands where a sentence is expected to start.
ITALIAN = [
    "Il dott. Rossi e la sig.ra Bianchi sono qui. ¦L'avv. Neri parla con l'on. Verdi.",
    "Vedi art. 5 e pag. 12, n. 5, fig. 3, ecc. ¦Nel 44 a.C. Cesare morì. ¦Nacque nel 63 d. C. a Roma.",
    "Vale 3.5 milioni di euro. ¦Costa 1.000.000 di euro. ¦Erano le 10.30 del mattino.",
    "La S.p.A. Fiat fu fondata nel 1899. ¦Visse negli U.S.A. dal 1950.",
    "J. R. R. Tolkien scrisse molto. ¦È un'opera di G. Verdi. ¦Il compositore G. Puccini nacque a Lucca.",
    "La frutta contiene vitamina C. ¦Poi bevve. ¦Sconfisse Carlo V. ¦Nel 1530 arrivò.",
    "Ecco le cellule T. ¦Le altre no. ¦L'uomo usò i raggi X. ¦Tesla non arrivò mai. ¦Anna aprì il bar.",
    "La basilica di S. Pietro è a Roma. ¦I F.lli Rossi vendono pane.",
    "«Vieni qui.» ¦Poi uscì. ¦Disse: «Vieni qui. Subito!» e uscì. ¦“Va bene.”",
    "Ha detto di no. ¦I figli risero. ¦Cfr. il vol. 2 e il n. 7.",
    "Poi... niente. ¦E poi… basta. ¦E poi… ¦Basta. ¦Davvero?! ¦Sì.",
    "(Vedi sopra.) ¦Poi andò. ¦Rossi (n. 1950) visse a Siena.",
    "È l'iPhone. ¦iPad pure. ¦Il sito www.esempio.it è chiuso.",
    "Il batterio Y. pestis è la causa. ¦Lo studio di J. F. D. Shrewsbury lo nega.",
    "Il museo (ad es. quello di Torino) è aperto. ¦Il 1. maggio è festa.",
]
ENGLISH = [
    "Dr. Smith met Mr. Jones vs. Mrs. Brown. ¦See No. 5 and Fig. 3. ¦He said no. ¦I left.",
    "It cost 3.5 million. ¦The U.S. Army came. ¦He lives in the U.S. ¦She left at 5 p.m. ¦Then he slept.",
    "Apple Inc. was founded in 1976. ¦Roe v. Wade was decided in 1973. ¦Use tools, e.g. This or i.e. That.",
    "J. R. R. Tolkien wrote it. ¦George W. Bush won. ¦Robert J. Shiller agreed. ¦St. Louis is big.",
    "He took vitamin C. ¦Then he slept. ¦In Jan. 2005 it rained. ¦See Vol. 3 and Sect. 9.",
    '“Come here. Now!” he said. ¦She said "No." ¦Then she left. ¦Wait... what? ¦Well… ¦Yes.',
    "It was built.[citation needed] ¦Then it fell.[1][2] ¦The end. ¦(He was late.)",
    "I have an iPhone. ¦eBay is a site. ¦Ph.D. students like it.",
]
LINES = [
    "Una frase che va\na capo e finisce. ¦Un'altra.",
    "Prima riga senza punto\n\n¦Seconda riga",
    "Elenco:\n¦- uno\n¦- due\n  con seguito\n¦* tre",
    "1. Primo\n¦2. Secondo\n   ancora\n¦3. Terzo",
    "a) nei casi previsti dal comma\n7. ¦Il resto\n¦b) in ogni altro",
    "# Titolo\n¦Testo sotto.",
    "| a | b |\n|---|---|\n¦| c. D | d |\n¦Testo sotto.",
    "Titolo breve\n¦Questo è un paragrafo lungo che continua per un bel po'\ne va a capo.",
    "Nome: Mario Rossi\n¦Tel.: 055 1234\n¦Città: Roma",
    "La capitale dello stato fu spostata dopo la guerra a\nRoma.",
    "alfa.txt     il primo\n¦beta.txt     il secondo\n             e il suo seguito",
    "ciao. ¦come va? ¦bene grazie",
]


def sentences(text: str, language: Language) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, language)]


@pytest.mark.parametrize(
    ("marked", "language"),
    [*((text, "it") for text in ITALIAN), *((text, "en") for text in ENGLISH), *((text, "it") for text in LINES)],
)
def test_sentence_starts(marked: str, language: Language) -> None:
    assert sentences(marked.replace("¦", ""), language) == [part.strip() for part in marked.split("¦")]


def test_a_long_quotation_is_split_at_the_sentences_inside() -> None:
    inner = [f"Il punto numero {number} riguarda la libertà di tutti i cittadini del regno." for number in range(6)]
    assert sentences("Disse: «" + " ".join(inner) + "» Poi tacque.", "it") == [
        f"Disse: «{inner[0]}",
        *inner[1:5],
        f"{inner[5]}»",
        "Poi tacque.",
    ]


def test_a_no_break_space_before_a_full_stop_neither_raises_nor_prints(capfd: pytest.CaptureFixture[str]) -> None:
    assert sentences("Plan A\u00a0. But the rest", "en")[-1].endswith("rest")
    assert capfd.readouterr().err == ""


def test_a_panic_of_the_segmenter_falls_back_to_punctuation(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        pass

    def panic(language: str, text: str) -> None:
        raise Panic(text)

    monkeypatch.setattr(sentencex, "get_sentence_boundaries", panic)
    assert sentences("Il dott. Rossi venne. Disse: «No!» Poi uscì? Sì", "it") == [
        "Il dott. Rossi venne.",
        "Disse: «No!»",
        "Poi uscì?",
        "Sì",
    ]


def test_an_interrupt_is_not_taken_for_a_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(language: str, text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sentencex, "get_sentence_boundaries", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sentence_spans("Una frase.", "it")


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("Il dott. Rossi ha visto la signora Bianchi. ", 3_000), ("parola ", 1), ("a", 1), ("Dr. ", 1)],
)
def test_a_huge_paragraph_is_segmented_in_pieces_that_do_not_show(
    unit: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = 0
    real: Callable[[str, str], list[dict[str, int]]] = sentencex.get_sentence_boundaries

    def measured(language: str, text: str) -> list[dict[str, int]]:
        nonlocal longest
        longest = max(longest, len(text))
        return real(language, text)

    monkeypatch.setattr(sentencex, "get_sentence_boundaries", measured)
    assert len(sentence_spans(unit * 3_000, "it")) == expected
    assert longest <= 4_000


FRAGMENTS = st.sampled_from(
    '. ¦! ¦…¦\n¦\n\n¦- ¦1. ¦| a |¦# ¦«¦»¦"¦(¦)¦[1] ¦ Dr. ¦ a.C. ¦U.S. ¦J. ¦\u00a0¦\u200b¦\u202e¦\0¦\t¦\u2028¦Ciao¦the'
    "¦è¦中。¦3.5¦e\u0301¦\U0001f468\u200d\U0001f469¦---¦```".split("¦")
)
HOSTILE = st.lists(FRAGMENTS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=40).map("".join)


@settings(deadline=None)
@given(HOSTILE, st.sampled_from(["it", "en"]))
@example("A\u00a0. B", "en")
@example(" \u2028\n.\x1c.", "it")
@example(". " * 5_000, "en")
def test_spans_are_ascending_disjoint_trimmed_and_cover_the_text(text: str, language: Language) -> None:
    spans = sentence_spans(text, language)
    position = 0
    for start, end in spans:
        assert position <= start < end <= len(text)
        assert not text[position:start].strip()
        assert text[start:end].strip() == text[start:end]
        position = end
    assert not text[position:].strip()
    for start, end in spans:
        assert "\n\n" not in text[start:end]
