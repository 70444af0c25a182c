"""What questions ask for, and spans in the form of an answer."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.language import LANGUAGES, stem, terms, words
from retrieval.questions import answer_spans, classify
from retrieval.types import Language, QuestionKind

PERSON, PLACE, TIME, DURATION, SHARE, QUANTITY, MONEY, REASON, MANNER, NAME, OTHER = QuestionKind


# --- kinds -------------------------------------------------------------------------------------------------------

ITALIAN = [
    ("Chi ha firmato l'accordo?", PERSON),
    ("Da chi è guidata OpenAI?", PERSON),
    ("Con chi ha rotto la partnership?", PERSON),
    ("Chi è il CEO di Microsoft?", PERSON),
    ("Chi è Sam Altman?", OTHER),
    ("Chi era Émile Zola?", OTHER),
    ("Cos'è AWS?", OTHER),
    ("Cos’è AWS?", OTHER),
    ("Cosa sono i chip AI?", OTHER),
    ("Quando scade il contratto?", TIME),
    ("Quand'è iniziata la guerra?", TIME),
    ("Quand’è iniziata la guerra?", TIME),
    ("In che anno è nata l'azienda?", TIME),
    ("Entro quale data sarà completata l'implementazione?", TIME),
    ("A che ora apre il museo?", TIME),
    ("Quanto vale l'accordo?", MONEY),
    ("Quanto costa il biglietto?", MONEY),
    ("Quanti soldi ha investito Amazon?", MONEY),
    ("Quanto ha pagato il cliente?", MONEY),
    ("Qual è il prezzo del biglietto?", MONEY),
    ("Di quanto sono aumentate le azioni?", QUANTITY),
    ("Quanti utenti ha ChatGPT?", QUANTITY),
    ("Quante persone lavorano qui?", QUANTITY),
    ("Quant'è alta la torre?", QUANTITY),
    ("Quant’è alta la torre?", QUANTITY),
    ("Qual è la popolazione di Roma?", QUANTITY),
    ("Quanto dura l'accordo?", DURATION),
    ("Quanto è durata la guerra?", DURATION),
    ("Per quanto tempo vale la garanzia?", DURATION),
    ("Entro quanti giorni si restituisce un libro?", DURATION),
    ("Quanto ci vuole per arrivare?", DURATION),
    ("Qual è la durata del prestito?", DURATION),
    ("Quanti anni ha il direttore?", QUANTITY),
    ("Quanto è lungo il ponte?", QUANTITY),
    ("Quale percentuale delle azioni è stata venduta?", SHARE),
    ("Dove si trovano i data center?", PLACE),
    ("Dov'è il museo?", PLACE),
    ("Dov’è il museo?", PLACE),
    ("In quale città si trova?", PLACE),
    ("Perché gli investitori sono preoccupati?", REASON),
    ("perche gli investitori sono preoccupati", REASON),
    ("Per quale motivo ha chiuso?", REASON),
    ("Come mai ha chiuso?", REASON),
    ("Come funziona il prestito?", MANNER),
    ("In che modo si paga?", MANNER),
    ("Quale chatbot ha sviluppato Anthropic?", NAME),
    ("Con quali aziende ha stretto accordi?", NAME),
    ("Che cosa ha detto Altman?", NAME),
    ("Cosa è successo quando OpenAI ha rotto con Microsoft?", NAME),
    ("Chi parlava mentre contava quanto costa il cloud?", PERSON),
    ("Parlami di OpenAI", OTHER),
    ("OpenAI", OTHER),
]
ENGLISH = [
    ("Who signed the deal?", PERSON),
    ("To whom was it sold?", PERSON),
    ("Whose chips does it use?", PERSON),
    ("Who is the CEO of Microsoft?", PERSON),
    ("Who is Sam Altman?", OTHER),
    ("When does the contract expire?", TIME),
    ("What year was the company founded?", TIME),
    ("In which century did it fall?", TIME),
    ("How much is the deal worth?", MONEY),
    ("how much is the deal worth", MONEY),
    ("How much did Amazon pay?", MONEY),
    ("What is the price of a ticket?", MONEY),
    ("How much water is in the tank?", QUANTITY),
    ("How many users does ChatGPT have?", QUANTITY),
    ("How tall is the tower?", QUANTITY),
    ("What percentage of the shares was sold?", SHARE),
    ("What is the approximate proportion of women?", SHARE),
    ("How long does the contract last?", DURATION),
    ("How many days do I have to return a book?", DURATION),
    ("For how long is the warranty valid?", DURATION),
    ("How old is the director?", QUANTITY),
    ("What is the population of Rome?", QUANTITY),
    ("Where are the data centres?", PLACE),
    ("In what country is it?", PLACE),
    ("Why are investors worried?", REASON),
    ("For what reason did it close?", REASON),
    ("How does the loan work?", MANNER),
    ("Which chatbot did Anthropic develop?", NAME),
    ("What happened when OpenAI left Microsoft?", NAME),
    ("Who asked when it would open?", PERSON),
    ("Tell me about OpenAI", OTHER),
    ("", OTHER),
]


@pytest.mark.parametrize(("question", "kind"), ITALIAN)
def test_italian_questions(question: str, kind: QuestionKind) -> None:
    assert classify(question, "it") is kind
    assert classify(unicodedata.normalize("NFD", question), "it") is kind


@pytest.mark.parametrize(("question", "kind"), ENGLISH)
def test_english_questions(question: str, kind: QuestionKind) -> None:
    assert classify(question, "en") is kind


def test_without_a_language_both_are_tried() -> None:
    assert classify("when?", None) is classify("quando?", None) is TIME
    assert classify("38?", None) is OTHER


@given(st.text(max_size=200), st.sampled_from([None, *LANGUAGES]))
def test_any_text_is_of_some_kind(text: str, language: Language | None) -> None:
    assert classify(text, language) in QuestionKind


# --- spans -------------------------------------------------------------------------------------------------------


def spans(kind: QuestionKind, sentence: str, language: Language = "it", known: str = "") -> list[str]:
    return [sentence[start:end] for start, end in answer_spans(kind, sentence, language, set(terms(known, language)))]


DEAL = "OpenAI ha siglato un accordo da 38 miliardi di dollari (33 miliardi di euro) con 300 dipendenti di Amazon."


@pytest.mark.parametrize(
    ("kind", "language", "sentence", "expected"),
    [
        (TIME, "it", "Il museo chiude il 3 maggio 2026 per lavori.", "3 maggio 2026"),
        (TIME, "it", "L'implementazione è prevista entro la fine del 2026.", "entro la fine del 2026"),
        (TIME, "it", "La torre fu costruita nel XII secolo.", "XII secolo"),
        (TIME, "it", "Nacque nel 1452 a Vinci.", "1452"),
        (TIME, "it", "La guerra durò dal 1914-1918 in Europa.", "1914-1918"),
        (TIME, "en", "It opened on May 3rd, 2026 in Rome.", "May 3rd, 2026"),
        (TIME, "en", "It opened on 3 of May 2026 in Rome.", "3 of May 2026"),
        (TIME, "en", "The tower dates from the 12th century.", "12th century"),
        (TIME, "en", "It grew in the 1990s and later.", "1990s"),
        (QUANTITY, "it", "Le azioni sono aumentate del 4%.", "4%"),
        (QUANTITY, "it", "Le azioni sono aumentate dell'1,5% ieri.", "1,5%"),
        (QUANTITY, "it", "La quota è il 12,5 per cento del totale.", "12,5 per cento"),
        (QUANTITY, "it", "Vanta centinaia di milioni di utenti.", "centinaia di milioni di utenti"),
        (QUANTITY, "it", "La strada è lunga 1.234,5 km e stretta.", "1.234,5 km"),
        (QUANTITY, "it", "La casa è grande 80 kmq esatti.", "80 kmq"),
        (MONEY, "it", "Il codice 1,2,3 euro non esiste.", "1,2,3 euro"),
        (QUANTITY, "it", "Servono trecento persone.", "trecento persone"),
        (DURATION, "it", "Il contratto da 38 miliardi vale sette anni.", "sette anni"),
        (DURATION, "it", "Su 300 pagine, il prestito dura un mese intero.", "un mese"),
        (DURATION, "it", "L'attesa è di mezz'ora per 20 persone.", "mezz'ora"),
        (DURATION, "it", "Firma un accordo settennale da 38 miliardi.", "settennale"),
        (DURATION, "it", "La guerra dal 1914 al 1918 costò 9 milioni di vite.", "dal 1914 al 1918"),
        (DURATION, "it", "I 40 coloni vissero lì per secoli.", "per secoli"),
        (DURATION, "en", "New areas, 12 in all, take five to ten years to produce.", "five to ten years"),
        (DURATION, "en", "It signed a seven-year contract worth $38 billion.", "seven-year"),
        (DURATION, "en", "The 3 theatres ran until the end of the 19th century.", "until the end of the 19th century"),
        (DURATION, "en", "The bridge with 12 piers is 1,000 feet long.", "1,000 feet"),
        (SHARE, "it", "Nel 1897 circa il 34% dei 600 abitanti era ebreo.", "34%"),
        (SHARE, "it", "Dei 90 soci due terzi hanno votato.", "due terzi"),
        (SHARE, "en", "In 2015 some 56.2 percent of 900 people agreed.", "56.2 percent"),
        (SHARE, "en", "Of 900 people one in five agreed.", "one in five"),
        (QUANTITY, "en", "The tower is 1,000 feet tall.", "1,000 feet"),
        (QUANTITY, "en", "Some 3.5 million people came.", "3.5 million people"),
        (MONEY, "it", DEAL, "38 miliardi di dollari"),
        (MONEY, "it", "Il biglietto costa 12,50 € a testa.", "12,50 €"),
        (MONEY, "it", "Il biglietto costa tre euro.", "tre euro"),
        (MONEY, "en", "The deal is worth $38 billion over seven years.", "$38 billion"),
        (MONEY, "en", "A ticket costs £4.50 on Sundays.", "£4.50"),
        (MONEY, "en", "The 7 partners raised 20 million dollars.", "20 million dollars"),
        (PERSON, "it", "E ieri Sam Altman ha sorriso.", "Sam Altman"),
        (PERSON, "it", "E ieri Leonardo da Vinci ha sorriso.", "Leonardo da Vinci"),
        (PLACE, "it", "Il museo si trova a Reggio nell'Emilia.", "Reggio"),
        (PLACE, "en", "The tower stands in New York today.", "New York"),
        (NAME, "it", "Ha scelto Oracle, SoftBank, Nvidia, AMD e Broadcom.", "Oracle, SoftBank, Nvidia, AMD e Broadcom"),
        (NAME, "en", "It works with Oracle, SoftBank, AMD, and Broadcom.", "Oracle, SoftBank, AMD, and Broadcom"),
        (NAME, "it", "Il libro si intitola “nome della rosa” in copertina.", "nome della rosa"),
        (REASON, "it", "Ha chiuso perché i costi salivano del 3.5%. Poi no.", "perché i costi salivano del 3.5%"),
        (REASON, "en", "It closed because of the costs; nobody minded.", "because of the costs"),
    ],
)  # fmt: skip
def test_the_likeliest_span(kind: QuestionKind, language: Language, sentence: str, expected: str) -> None:
    assert spans(kind, sentence, language)[0] == expected


def test_every_amount_of_money_and_nothing_else() -> None:
    assert spans(MONEY, DEAL) == ["38 miliardi di dollari", "33 miliardi di euro"]
    assert spans(MONEY, "Ci lavorano 300 persone dal 1998.") == []
    assert "300" in " ".join(spans(QUANTITY, DEAL))


def test_a_number_is_no_length_of_time_and_no_share() -> None:
    assert spans(DURATION, DEAL) == spans(SHARE, DEAL) == []
    assert spans(DURATION, "Nel 2026 arrivano 40 milioni di utenti.") == []
    assert spans(DURATION, "Sono 90 giorni.", known="Quanti giorni?") == ["90 giorni"]
    assert spans(SHARE, "Il 3 maggio ne restano 12.") == []


def test_numbers_and_months_that_are_also_function_words() -> None:
    assert spans(QUANTITY, "Ha due figli.", known="figli") == ["due"]
    assert spans(QUANTITY, "In tutto sono sei.") == ["sei"]
    assert spans(TIME, "It ends in May.", "en") == ["May"]
    assert spans(TIME, "It may end.", "en") == []


def test_an_enumeration_stands_whole_and_in_its_parts() -> None:
    found = spans(NAME, "Ha partnership con Oracle, SoftBank, Nvidia e AMD.")
    assert found[0] == "Oracle, SoftBank, Nvidia e AMD"
    assert {"Oracle", "SoftBank"} <= set(found)


def test_what_only_repeats_the_question_is_no_answer() -> None:
    assert spans(PERSON, "E ieri ha parlato Satya Nadella.", known="Satya Nadella") == []
    assert spans(TIME, "Nel 2026 e nel 2027 si vedrà.", known="2026") == ["2027"]
    assert spans(QUANTITY, "Sono 38 server.", known="i 38 server") == []


def test_what_repeats_the_question_is_cut_from_a_name() -> None:
    sentence = "Ne ha parlato il CEO di Microsoft Satya Nadella."
    assert spans(PERSON, sentence, known="Chi è il CEO di Microsoft?") == ["Satya Nadella"]
    assert spans(NAME, "Lo ha fatto Anthropic (sviluppatore del chatbot Claude).", known="chatbot Anthropic") == [
        "Claude"
    ]


def test_the_span_next_to_the_questions_words_goes_first() -> None:
    sentence = "Con 300 dipendenti e 40 milioni di utenti cresce."
    assert spans(QUANTITY, sentence, known="utenti")[0] == "40 milioni di utenti"
    assert spans(QUANTITY, sentence, known="dipendenti")[0] == "300"


def test_a_lone_first_word_owes_its_capital_to_its_place() -> None:
    assert spans(NAME, "Domani arriva Oracle.")[0] == "Oracle"
    assert spans(PLACE, "Oggi piove a Torino.")[0] == "Torino"


@pytest.mark.parametrize("kind", [MANNER, OTHER])
def test_kinds_without_a_form_have_no_spans(kind: QuestionKind) -> None:
    assert spans(kind, DEAL) == []


def test_a_name_whose_accent_is_a_mark_of_its_own_stays_whole() -> None:
    sentence = unicodedata.normalize("NFD", "E ieri Nicolò Zoëga ha sorriso.")
    assert spans(PERSON, sentence) == [unicodedata.normalize("NFD", "Nicolò Zoëga")]


PARTS = st.lists(
    st.sampled_from(
        "2026 1,5 1.234.567,89 4G 38bn 5 km kmq km² US$ $ € % miliardi di dollari euro per cento fine del secolo XII "
        "maggio May 3rd of the and e , . ; : ( ) “ ” \" ' ’ - – ½ º due cento mila Oracle SoftBank D'Annunzio L’Aquila "
        "Zoë A. perché because per fare nicolo\u0300 ß İ 漢字 🎈 \n \t".split(" ")
    ),
    max_size=12,
)
SENTENCES = st.one_of(PARTS.map(" ".join), PARTS.map("".join), st.text(max_size=80))


@given(
    st.sampled_from(QuestionKind),
    SENTENCES,
    st.sampled_from(LANGUAGES),
    st.lists(st.sampled_from(["2026", "Oracle", "km"])),
)
def test_spans_are_whole_words_of_the_sentence_that_say_something_new(
    kind: QuestionKind, sentence: str, language: Language, known: list[str]
) -> None:
    asked = {term for word in known for term in terms(word, language)}
    found = answer_spans(kind, sentence, language, asked)
    assert len(set(found)) == len(found)
    for start, end in found:
        assert 0 <= start < end <= len(sentence)
        assert not any(first < edge < last for _, first, last in words(sentence) for edge in (start, end))
        assert {stem(word, language) for word, _, _ in words(sentence[start:end])} - asked


# --- hostile text ------------------------------------------------------------------------------------------------

HOSTILE = textwrap.dedent(
    """
    from retrieval.language import detect_language, words
    from retrieval.questions import answer_spans, classify
    from retrieval.types import QuestionKind as Kind

    n = 20_000
    units = ["1", "1,", "1 ", "1-", "1.", " ", "A", "A ", "A, ", "A e ", "Ab. c ", "A.", "A-", "$ ", "l'", "“a", "per "]
    units += ["perché ", "2020 ", "2020-", "XV ", "fine del ", "cento ", "due di ", "e\\u0301", "\\u0301"]
    units += ["un ", "fino a ", "1 to ", "2020 al "]
    texts = [(unit * n)[:n] for unit in units]
    texts += [head + " " * n + "x" for head in ("A", "A e", "1", "$", "2020", "12", "per", "fine", "in", "un")]
    texts += ["A," + " " * n + ";B", "A" + " " * (n // 2) + "," + " " * (n // 2) + ";B"]
    texts += ["A" + "." * n, "per" + "a" * n, "X" * n + "secolo"]
    for text in texts:
        words(text), detect_language(text)
        for kind in (Kind.TIME, Kind.DURATION, Kind.SHARE, Kind.MONEY, Kind.REASON, Kind.NAME):
            answer_spans(kind, text, "it", {"a"})
    for unit in ("how much ", "quanto ", "what is ", "che ", "come ", "chi è ", " ", "1", "A"):
        classify((unit * n)[:2_000], None)
    """
)


def test_hostile_text_takes_no_forever() -> None:
    """A pattern that backtracks exponentially, or by the cube of the length, would not end within the limit."""
    subprocess.run([sys.executable, "-c", HOSTILE], check=True, timeout=60)
