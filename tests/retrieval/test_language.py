"""Words and their offsets, the terms made of them, and telling Italian from English."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrieval.language import (
    LANGUAGES,
    detect_language,
    is_generic,
    is_stop_word,
    stem,
    straight,
    term_spans,
    terms,
    words,
)
from retrieval.types import Language

APOSTROPHES = "'’‘ʼ`´ʹ"
TRICKY = st.text(
    alphabet=st.sampled_from("abdLlIİıßﬁŉſéè\u0301\u0300 .,'’‘ʼ`´ʹ-_0123４½²sStTdDnNuU漢字🎈\n"), max_size=60
)
TEXTS = TRICKY | st.text(max_size=60)


def found(text: str) -> list[str]:
    return [word for word, _, _ in words(text)]


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dell'intelligenza", ["intelligenza"]),
        ("L'Aquila c'era un'altra", ["aquila", "era", "altra"]),
        ("quest’anno all’inizio", ["anno", "inizio"]),
        ("OpenAI's chatbot isn't Altman’s", ["openai", "chatbot", "isn", "altman"]),
        ("the investors' money", ["the", "investors", "money"]),
        ("O'Brien e O’Brien", ["o'brien", "e", "o'brien"]),
        ("un po' d'acqua", ["un", "po", "acqua"]),
        ("'quoted' `code` ´x´", ["quoted", "code", "x"]),
        ("3.5 1,000 1.234.567,89 12.", ["3.5", "1,000", "1.234.567,89", "12"]),
        ("un calo dell'1,5% e l’8,25", ["un", "calo", "1,5", "e", "8,25"]),
        ("snake_case state-of-the-art", ["snake", "case", "state", "of", "the", "art"]),
        ("ﬁne Ⅳ ４２ STRASSE straße", ["fine", "iv", "42", "strasse", "strasse"]),
        ("GPT4 38bn", ["gpt4", "38bn"]),
        ("", []),
        ("... — ?!", []),
        ("你好，世界 🎈", ["你好", "世界"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize("text", ["perché la città è già lì", "Zoë's naïve café", "L’Oréal può"])
def test_accents_written_as_marks_of_their_own_make_the_same_words(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    assert apart != text
    assert found(apart) == found(text)
    assert [unicodedata.normalize("NFC", apart[start:end]) for _, start, end in words(apart)] == [
        text[start:end] for _, start, end in words(text)
    ]


@given(TEXTS)
@example("İ's İ’s l'İ")
@example("l's d'm ' '' l''x")
def test_offsets_point_to_the_word_in_the_text_as_given(text: str) -> None:
    last = 0
    for word, start, end in words(text):
        assert last <= start < end <= len(text)
        assert word == unicodedata.normalize("NFKC", straight(text[start:end])).casefold()
        assert not text[start].isspace()
        assert text[start] not in APOSTROPHES
        assert text[end - 1] not in APOSTROPHES
        last = end


@given(TEXTS, st.sampled_from(APOSTROPHES))
def test_every_sort_of_apostrophe_is_the_same(text: str, apostrophe: str) -> None:
    assert words(text) == words(straight(text)) == words(straight(text).replace("'", apostrophe))
    assert len(straight(text)) == len(text)


@given(TEXTS)
def test_every_letter_and_digit_that_is_no_elision_or_possessive_is_in_a_word(text: str) -> None:
    plain = "".join(" " if character in APOSTROPHES else character for character in text)
    covered = {place for _, start, end in words(plain) for place in range(start, end)}
    assert {place for place, character in enumerate(plain) if character.isalnum()} <= covered


# --- terms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("it", "l'accordo", "gli accordi"),
        ("it", "dell’azienda", "AZIENDE"),
        ("it", "la città universitaria", "citta universitarie"),
        ("it", "società", "societa"),
        ("it", "lunedì", "Lunedi"),
        ("en", "the company's agreements", "COMPANIES, their agreement"),
        ("en", "a naïve café", "naive cafe"),
    ],
)
def test_forms_of_a_word_share_a_term(language: Language, one: str, other: str) -> None:
    assert terms(one, language) == terms(other, language) != []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("it", "Che cos'è e perché non c'è più? Com'era, dov'è, quand'è, di chi sono?"),
        ("it", "CHE COS’È? QUANT’ERA, ED È ANCH’ESSO COSÌ?"),
        ("en", "What is it, and why isn't it there? Who's who? Which of them would've been theirs?"),
    ],
)
def test_function_words_and_question_words_are_no_terms(language: Language, text: str) -> None:
    assert terms(text, language) == []


def test_terms_keep_order_and_repetition() -> None:
    assert terms("server after server, cloud before server", "en") == ["server", "server", "cloud", "server"]


@given(TEXTS, st.sampled_from(LANGUAGES))
def test_term_spans_are_the_words_without_function_words(text: str, language: Language) -> None:
    kept = [(stem(word, language), start, end) for word, start, end in words(text) if not is_stop_word(word, language)]
    assert term_spans(text, language) == kept
    assert terms(text, language) == [term for term, _, _ in kept]


@given(TEXTS, st.sampled_from(LANGUAGES))
def test_terms_know_neither_case_nor_accent_encoding(text: str, language: Language) -> None:
    plain = "".join(character for character in text if character.isascii() or character in "éèàùòì")
    assert terms(plain.upper(), language) == terms(plain, language)
    assert terms(unicodedata.normalize("NFD", plain), language) == terms(plain, language)


def test_the_phrasing_of_questions_is_generic_but_still_a_term() -> None:
    for word in ("vale", "costa"):
        assert is_generic(word, "it")
        assert terms(word, "it")
    for word in ("worth", "called"):
        assert is_generic(word, "en")
        assert terms(word, "en")
    assert not is_generic("accordo", "it")
    assert not is_generic("agreement", "en")


# --- languages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "Chi è Sam Altman?",
        "Quanto vale l'accordo?",
        "Quanto vale l’accordo?",
        "Dove si trova?",
        "Quando scade il contratto?",
        "Perché Amazon?",
        "Che cos'è AWS?",
        "Dov'è Broadcom?",
        "Quale chatbot ha sviluppato Anthropic?",
        "Con quali aziende?",
        "Quanti utenti ha ChatGPT?",
        "E la società?",
        "Di cosa parla il documento?",
        "AMAZON, QUANTO HA INVESTITO?",
        "Is it vero che il CEO di OpenAI è Altman?",
        "È vero?",
    ],
)
def test_italian_questions(question: str) -> None:
    assert detect_language(question) == "it"
    assert detect_language(unicodedata.normalize("NFD", question)) == "it"


@pytest.mark.parametrize(
    "question",
    [
        "Who is Sam Altman?",
        "How much is the deal worth?",
        "Where is it?",
        "When does the contract expire?",
        "Why Amazon?",
        "What's AWS?",
        "Which chatbot did Anthropic develop?",
        "How many users does ChatGPT have?",
        "WHO OWNS IT?",
        "Tell me about the dell'Arte company and what they do",
    ],
)
def test_english_questions(question: str) -> None:
    assert detect_language(question) == "en"


@pytest.mark.parametrize(
    "text", ["", "?!", "OpenAI", "AWS 2026", "38", "Nvidia, AMD, Broadcom", "你好吗？", "🎈", "a in me"]
)
def test_neutral_text_has_no_language(text: str) -> None:
    assert detect_language(text) is None


@given(st.text(max_size=200))
def test_any_text_is_in_one_of_the_languages_or_none(text: str) -> None:
    assert detect_language(text) in (None, *LANGUAGES)
