"""The terms of passages and of questions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.analysis import CONTEXT, Bag, TermKind, analyse, analyse_document, question_terms
from retrieval.chunking import split
from retrieval.documents import make_document
from retrieval.language import LANGUAGES, terms
from retrieval.lexical import Bm25
from retrieval.types import Chunk, Language

# --- passages ----------------------------------------------------------------------------------------------------


def test_a_bag_adds_up_sentences_titles_and_at_less_weight_the_rest_of_the_paragraph() -> None:
    bag = analyse("it", ["L'accordo"], ["L'accordo sull'accordo", "I server e i server"], ["Un accordo per i chip"])
    assert bag == Bag(
        "it",
        {"accord": 3 + CONTEXT, "server": 2, "chip": CONTEXT},
        (("accord",), ("server",)),
    )


def chunks_of(text: str, *spans: tuple[int, int]) -> list[Chunk]:
    return [Chunk(start, end, text[start:end], (), "en", ((start, end),)) for start, end in spans]


def test_context_is_what_was_cut_from_the_same_paragraph() -> None:
    text = "Chips are scarce. Servers wait.\nClouds gather."
    bags = analyse_document(
        make_document("a.txt", text, title="Harbour", markdown=False), chunks_of(text, (0, 17), (18, 31), (32, 46))
    )
    stems = {name: terms(name, "en")[0] for name in ("chips", "servers", "clouds", "harbour")}
    assert [bag.frequencies.get(stems["chips"]) for bag in bags] == [1.0, CONTEXT, None]
    assert [bag.frequencies.get(stems["servers"]) for bag in bags] == [CONTEXT, 1.0, None]
    assert [bag.frequencies.get(stems["clouds"]) for bag in bags] == [None, None, 1.0]
    assert [bag.frequencies.get(stems["harbour"]) for bag in bags] == [1.0, 1.0, 1.0]
    assert all(stems["harbour"] not in sentence for bag in bags for sentence in bag.sentences)


def test_a_title_taken_from_the_text_is_not_counted_again() -> None:
    text = "Chips are scarce this year. Servers wait."
    derived = make_document("a.txt", text, markdown=False)
    (bag,) = analyse_document(derived, chunks_of(text, (0, len(text))))
    assert set(bag.frequencies.values()) == {1.0}


def test_headings_count_for_their_passages_and_the_title_counts_once() -> None:
    text = "# Harbour\n\nThe boats leave at dawn.\n\n## Tariffs\n\nA mooring costs 40 euros.\n"
    document = make_document("a.md", text, markdown=True)
    chunks = split(document, lambda texts: [len(part.split()) for part in texts], 64)
    bags = dict(zip([chunk.heading[-1] for chunk in chunks], analyse_document(document, chunks), strict=True))
    harbour, tariff = terms("harbour tariff", "en")
    assert bags["Harbour"].frequencies[harbour] == 1.0
    assert tariff not in bags["Harbour"].frequencies
    assert bags["Tariffs"].frequencies[harbour] == bags["Tariffs"].frequencies[tariff] == 1.0


# --- questions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        (
            "Quanto vale l’accordo tra OpenAI e Amazon nel 2026?",
            "it",
            {"vale": "GENERIC", "accordo": "WORD", "OpenAI": "NAME", "Amazon": "NAME", "2026": "NAME"},
        ),
        (
            "How much is the deal with Amazon worth?",
            "en",
            {"deal": "WORD", "Amazon": "NAME", "worth": "GENERIC"},
        ),
        # The first word owes its capital to its place, unless it holds another.
        ("Servers where?", "en", {"servers": "WORD"}),
        ("OpenAI where?", "en", {"OpenAI": "NAME"}),
        ("servers and Servers", "en", {"servers": "WORD"}),
        # A shouting writer's capitals say nothing, a shouting writer's digits do.
        ("AMAZON SPENT 38 BILLIONS", "en", {"amazon": "WORD", "spent": "WORD", "38": "NAME", "billions": "WORD"}),
        ("Che cos'è?", "it", {}),
        ("?!", "en", {}),
        ("你好 🎈", "en", {"你好": "WORD"}),
    ],
)
def test_the_terms_of_a_question(question: str, language: Language, expected: dict[str, str]) -> None:
    found = question_terms(question, language, language)
    assert found == {terms(word, language)[0]: TermKind[kind] for word, kind in expected.items()}


def test_a_question_in_another_language_loses_its_own_function_words_and_meets_the_passages_stems() -> None:
    found = question_terms("Quando è arrivato il report dell'azienda sui server?", "it", "en")
    assert list(found) == terms("arrivato report azienda server", "en")


def test_a_question_of_no_language_is_read_in_the_passages() -> None:
    assert list(question_terms("the accordi", None, "en")) == terms("accordi", "en")
    assert list(question_terms("gli accordi", None, "it")) == terms("accordi", "it")


@given(st.text(max_size=80), st.sampled_from([None, *LANGUAGES]), st.sampled_from(LANGUAGES))
def test_any_question_gives_terms_that_can_be_looked_up(
    question: str, question_language: Language | None, language: Language
) -> None:
    bm25 = Bm25.build(analyse(each, [], ["chip"], []) for each in LANGUAGES)
    found = question_terms(question, question_language, language)
    match = bm25.match(found, language)
    assert match.terms == tuple(found)
    assert np.isfinite(match.idf).all()
    assert np.isfinite(bm25.scores([match])).all()
    if question_language in (None, language):
        assert set(found) == set(terms(question, language))
