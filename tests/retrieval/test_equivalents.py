"""Things with several names: what a question's name for one meets in passages that use another."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.analysis import Bag, TermKind, analyse, question_terms
from retrieval.equivalents import Named, _groups, _terms, named
from retrieval.language import LANGUAGES
from retrieval.lexical import Bm25
from retrieval.match import Match
from retrieval.types import Language
from tests.retrieval.other_words import only_add

STEEL = "Il CEO di Acciai Riuniti è Dario Conti."
WATER = "L'amministratrice delegata di Acque Chiare è Lia Sala."


def bags(*sentences: str, language: Language = "it") -> list[Bag]:
    return [analyse(language, (), (sentence,), ()) for sentence in sentences]


def match(bm25: Bm25, question: str, own: Language = "it", language: Language = "it") -> Match:
    return bm25.match(question_terms(question, own, language), language, None, named(question, own, language))


def test_forms_are_found_by_stem_and_the_longest_wins() -> None:
    (thing,) = named("Who were the chief executive officers?", "en", "en")
    assert thing.terms == ("chief", "execut", "offic")
    assert ("ceo",) in thing.others
    assert ("chief", "execut") in thing.others
    assert thing.terms not in thing.others


@pytest.mark.parametrize(
    ("question", "language", "proper"),
    [("Chi guida l'UE?", "it", True), ("Quanto vale il PIL?", "it", False), ("When did the USSR end?", "en", True)],
)
def test_names_are_told_from_kinds(question: str, language: Language, proper: bool) -> None:
    assert [thing.proper for thing in named(question, language, language)] == [proper]


@pytest.mark.parametrize("question", ["Ai soci serve un modulo?", "Il numero uno di chi?", "Who gave it to us?"])
def test_grammar_is_no_short_form(question: str) -> None:
    assert named(question, "en" if question.startswith("Who") else "it", "it") == []


@pytest.mark.parametrize(
    "question", ["Chi è l'amministratore delegato di Acciai Riuniti?", "Chi è il CEO di Acque Chiare?"]
)
def test_either_name_finds_the_passage_with_the_other(question: str) -> None:
    bm25 = Bm25.build(bags(STEEL, WATER, "Il porto apre alle nove."))
    found = match(bm25, question)
    right = 0 if "Acciai" in question else 1
    scores = bm25.scores([found])
    assert int(scores.argmax()) == right
    assert bm25.held([slice(right, right + 1)], found).all()
    without = bm25.match(question_terms(question, "it", "it"), "it")
    assert scores[right] > bm25.scores([without])[right]


def test_a_thing_weighs_the_same_by_a_long_name_as_by_its_short_one() -> None:
    bm25 = Bm25.build(bags(STEEL, "Il porto apre alle nove."))
    short, long = match(bm25, "Chi è il CEO?"), match(bm25, "Chi è l'amministratore delegato?")
    assert long.idf.sum() == pytest.approx(short.idf.sum())
    assert not short.names.any()
    bm25 = Bm25.build(bags("L'ONU firma.", "Il porto apre alle nove."))
    short, long = match(bm25, "Chi firma per l'ONU?"), match(bm25, "Chi firma per le Nazioni Unite?")
    assert long.idf[1:].sum() == pytest.approx(short.idf[1:].sum())  # after "firma"


def test_all_words_of_the_other_name_must_stand_there() -> None:
    bm25 = Bm25.build(bags("Le nazioni firmano.", "Le Nazioni Unite firmano."))
    found = match(bm25, "Chi ha firmato per l'ONU?")
    held = bm25.held([slice(0, 2)], found)
    place = found.terms.index("onu")
    assert held[:, place].tolist() == [False, True]


def test_english_short_forms_meet_italian_long_ones() -> None:
    bm25 = Bm25.build(bags("L'intelligenza artificiale cambia il lavoro.", "Il lavoro è tanto."))
    assert int(bm25.scores([match(bm25, "How does AI change things?", "en")]).argmax()) == 0


WORDS = ("CEO", "amministratore", "delegato", "porto", "ONU", "Nazioni", "Unite")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
SENTENCES = st.lists(TEXTS, min_size=1, max_size=6)


def test_what_is_left_of_a_form_without_grammar_does_not_stand_for_it() -> None:
    bm25 = Bm25.build(bags("Il Regno Unito firma.", "Gli Stati Uniti d'America firmano."))
    found = match(bm25, "Chi ha firmato per gli USA?")
    assert bm25.held([slice(0, 2)], found)[:, found.terms.index("usa")].tolist() == [False, True]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_thing_is_part_of_another_by_name(language: Language) -> None:
    rows = range(len(_groups()))
    for row, other in permutations(rows, 2):
        for terms, more in product(_terms(row, language), _terms(other, language)):
            assert not set(terms) <= set(more), (terms, more)


@given(SENTENCES, SENTENCES.map(" ".join))
def test_other_names_only_add_and_never_pass_the_bound(sentences: list[str], question: str) -> None:
    bm25 = Bm25.build(bags(*sentences))
    found = match(bm25, question)
    only_add(bm25, found, len(sentences))


def test_a_thing_whose_terms_the_question_lacks_changes_nothing() -> None:
    bm25 = Bm25.build(bags(STEEL))
    question = {"porto": TermKind.WORD}
    other = bm25.match(question, "it", None, [Named(("ceo",), (("acciai",),), proper=False)])
    np.testing.assert_array_equal(other.idf, bm25.match(question, "it").idf)
    assert other.substitutes == ()
