"""Questions in one language and passages in the other: words that meet by translation."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.analysis import Bag, analyse, foreign_stems, question_terms
from retrieval.language import is_stop_word
from retrieval.lexical import Bm25
from retrieval.match import Match
from retrieval.translations import LONGEST, SIDES, concepts, translated
from retrieval.types import Language
from tests.retrieval.other_words import only_add

LIBRARY = "Il prestito di un libro dura trenta giorni."
BANK = "La banca concede un prestito alle imprese."
RIVER = "Sulla riva del fiume crescono i salici."


def bags(*sentences: str, language: Language = "it") -> list[Bag]:
    return [analyse(language, (), (sentence,), ()) for sentence in sentences]


def match(bm25: Bm25, question: str, own: Language = "en", language: Language = "it") -> Match:
    return bm25.match(
        question_terms(question, own, language),
        language,
        foreign_stems(question, own, language),
        translated(question, own, language),
    )


def best(question: str, *sentences: str, own: Language = "en", language: Language = "it") -> int:
    bm25 = Bm25.build(bags(*sentences, language=language))
    return int(bm25.scores([match(bm25, question, own, language)]).argmax())


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ("How many days is a book lent for?", 0),
        ("Which bank gives loans to companies?", 1),
        ("What grows on the bank of the river?", 2),
    ],
)
def test_an_english_question_finds_the_italian_passage(question: str, right: int) -> None:
    assert best(question, LIBRARY, BANK, RIVER) == right


def test_an_italian_question_finds_the_english_passage() -> None:
    sentences = ("A book is lent for thirty days.", "The ferry leaves at nine.")
    assert best("Quanti giorni si può tenere un libro?", *sentences, own="it", language="en") == 0


def test_a_translation_counts_as_the_word_itself() -> None:
    bm25 = Bm25.build(bags(LIBRARY, RIVER))
    found = match(bm25, "Which river?")
    assert found.terms == ("river",)
    assert bm25.held([slice(0, 2)], found).tolist() == [[False], [True]]
    asked = bm25.match(question_terms("Quale fiume?", "it", "it"), "it")
    assert bm25.scores([found])[1] == pytest.approx(bm25.scores([asked])[1])


def others(
    question: str, own: Language = "en", language: Language = "it"
) -> dict[tuple[str, ...], set[tuple[str, ...]]]:
    return {thing.terms: set(thing.others) for thing in translated(question, own, language)}


def test_a_name_is_not_translated_as_a_word() -> None:
    assert ("mel",) in others("Who eats an apple?")[("apple",)]
    assert ("apple",) not in others("Who runs Apple?")
    assert ("mel",) in others("WHO EATS AN APPLE?")[("apple",)]


def test_hyphens_and_elisions_part_words() -> None:
    assert ("scop", "lucr") in others("Is it a non-profit company?")[("non", "profit")]
    assert ("mother", "law") in others("Chi è la suocera?", "it", "en")[("suocera",)]


@pytest.mark.parametrize("question", ["When did Germany surrender?", "when did germany surrender"])
def test_names_have_names_in_the_other_language(question: str) -> None:
    (thing,) = [thing for thing in translated(question, "en", "it") if thing.terms == ("germany",)]
    assert thing.others == (("german",),)
    assert thing.proper


def test_a_phrase_goes_before_its_words_where_passages_have_it() -> None:
    question = "Is there a credit card?"
    bm25 = Bm25.build(bags("Si paga con carta di credito.", "La carta e il credito."))
    assert [sorted(substitute.places) for substitute in match(bm25, question).substitutes] == [[0, 1]]
    bm25 = Bm25.build(bags("La carta si ricicla."))
    assert [substitute.places for substitute in match(bm25, question).substitutes] == [(1,)]


def test_words_that_have_one_cognate_keep_their_translations() -> None:
    # Both "implement" and "implementation" meet "implementazione"; the river is still a "fiume".
    bm25 = Bm25.build(bags("L'implementazione segue il fiume."))
    found = match(bm25, "Who implements the implementation by the river?")
    assert len(found.terms) == 2
    assert bm25.held([slice(0, 1)], found).all()


# --- the list ----------------------------------------------------------------------------------------------------


def test_every_line_has_words_for_both_languages() -> None:
    assert len(concepts()) > 2000
    for concept in concepts():
        for language, forms in zip(SIDES, concept, strict=True):
            assert len(set(forms)) == len(forms), concept
            for form in forms:
                assert 1 <= len(form.words) <= LONGEST, form
                assert not all(is_stop_word(word, language) for word in form.words), form


def test_no_line_stands_twice() -> None:
    lines = [tuple(frozenset(form.words for form in forms) for forms in concept) for concept in concepts()]
    assert len(set(lines)) == len(lines)


COMMON = sorted({" ".join(form.words) for concept in concepts()[::40] for form in concept[0]})
MEANT = sorted({" ".join(form.words) for concept in concepts()[::40] for form in concept[1]})


@given(
    st.lists(st.lists(st.sampled_from(MEANT), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=6),
    st.lists(st.sampled_from(COMMON), min_size=1, max_size=6).map(" ".join),
)
def test_translations_only_add_and_never_pass_the_bound(sentences: list[str], question: str) -> None:
    bm25 = Bm25.build(bags(*sentences))
    found = match(bm25, question)
    only_add(bm25, found, len(sentences))
    assert set(chain.from_iterable(substitute.places for substitute in found.substitutes)) <= set(
        range(len(found.terms))
    )
    assert np.isfinite(found.idf).all()
