"""BM25: against a dictionary implementation of the same formula, through storage and incrementally."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval import lexical
from retrieval.analysis import CONTEXT, Bag, TermKind, analyse, foreign_stems, question_terms
from retrieval.errors import IndexCorrupt
from retrieval.language import LANGUAGES, terms
from retrieval.lexical import ARRAYS, Bm25
from retrieval.match import Match
from retrieval.postings import Kept
from retrieval.storage import load_arrays, load_json, save_arrays, save_json
from retrieval.types import Language

# Content words of either language or both; the last three are on no passage.
WORDS = ["accordo", "cloud", "chip", "server", "azienda", "investor", "Altman", "2026", "38"]
ABSENT = ["zeppelin", "Zurigo", "1811"]


@st.composite
def passages(draw: st.DrawFn) -> tuple[Language, list[str], list[str], list[str]]:
    text = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
    return (
        draw(st.sampled_from(LANGUAGES)),
        draw(st.lists(text, max_size=2)),
        draw(st.lists(text, min_size=1, max_size=4)),
        draw(st.lists(text, max_size=2)),
    )


CORPORA = st.lists(passages(), max_size=8)
QUESTIONS = st.dictionaries(st.sampled_from(WORDS + ABSENT), st.sampled_from(TermKind), max_size=6)


def build(corpus: Sequence[tuple[Language, list[str], list[str], list[str]]]) -> Bm25:
    return Bm25.build(analyse(*passage) for passage in corpus)


def question_in(language: Language, question: Mapping[str, TermKind]) -> dict[str, TermKind]:
    return {terms(word, language)[0]: kind for word, kind in question.items()}


def matches_of(bm25: Bm25, question: Mapping[str, TermKind]) -> list[Match]:
    return [bm25.match(question_in(language, question), language) for language in LANGUAGES]


def slow_scores(
    corpus: Sequence[tuple[Language, list[str], list[str], list[str]]], question: Mapping[str, TermKind]
) -> list[float]:
    """The formula of the module docstring, word by word, each language a corpus of its own."""
    counts = []
    for language, titles, sentences, context in corpus:
        count: Counter[str] = Counter()
        for texts, weight in ((titles, 1.0), (sentences, 1.0), (context, CONTEXT)):
            for text in texts:
                for term in terms(text, language):
                    count[term] += weight  # type: ignore[assignment]
        counts.append(count)
    scores = []
    for (language, *_), count in zip(corpus, counts, strict=True):
        peers = [other for (its, *_), other in zip(corpus, counts, strict=True) if its == language]
        mean = max(sum(sum(peer.values()) for peer in peers) / len(peers), 1.0)
        score = 0.0
        for term, kind in question_in(language, question).items():
            holding = sum(term in peer for peer in peers)
            counted = math.log(1 + (len(peers) - holding + 0.5) / (holding + 0.5))
            prior = lexical.PRIOR_IDF_NAME if kind is TermKind.NAME else lexical.PRIOR_IDF
            idf = (len(peers) * counted + lexical.PRIOR_PASSAGES * prior) / (len(peers) + lexical.PRIOR_PASSAGES)
            idf *= lexical.GENERIC if kind is TermKind.GENERIC else 1.0
            norm = lexical.K1 * (1 - lexical.B + lexical.B * sum(count.values()) / mean)
            score += idf * count[term] * (lexical.K1 + 1) / (count[term] + norm)
        scores.append(score)
    return scores


# --- scores ------------------------------------------------------------------------------------------------------


@given(CORPORA, QUESTIONS)
def test_scores_are_those_of_the_formula(
    corpus: list[tuple[Language, list[str], list[str], list[str]]], question: dict[str, TermKind]
) -> None:
    bm25 = build(corpus)
    scores = bm25.scores(matches_of(bm25, question))
    assert len(bm25) == len(corpus)
    assert scores.shape == (len(corpus),)
    np.testing.assert_allclose(scores, slow_scores(corpus, question), rtol=1e-5, atol=1e-6)


@given(CORPORA, QUESTIONS, st.randoms(use_true_random=False))
def test_the_order_of_the_passages_changes_no_score(
    corpus: list[tuple[Language, list[str], list[str], list[str]]], question: dict[str, TermKind], chance: random.Random
) -> None:
    order = chance.sample(range(len(corpus)), len(corpus))
    bm25, shuffled = build(corpus), build([corpus[row] for row in order])
    scores = bm25.scores(matches_of(bm25, question))
    np.testing.assert_allclose(shuffled.scores(matches_of(shuffled, question)), scores[order], rtol=1e-5)


@given(CORPORA, QUESTIONS)
def test_no_passage_reaches_the_bound_that_evidence_divides_by(
    corpus: list[tuple[Language, list[str], list[str], list[str]]], question: dict[str, TermKind]
) -> None:
    bm25 = build(corpus)
    for language in LANGUAGES:
        match = bm25.match(question_in(language, question), language)
        scores = bm25.scores([match])
        assert (scores >= 0).all()
        assert (scores <= match.idf.sum() * (lexical.K1 + 1)).all()


def test_a_language_meets_only_its_own_passages() -> None:
    bm25 = build([("it", [], ["cloud"], []), ("en", [], ["cloud"], [])])
    for language in LANGUAGES:
        scores = bm25.scores([bm25.match({"cloud": TermKind.WORD}, language)])
        assert [score > 0 for score in scores] == [language == "it", language == "en"]


def test_more_and_rarer_terms_in_shorter_passages_score_higher() -> None:
    bm25 = build(
        [
            ("en", [], ["chip"], []),
            ("en", [], ["chip server"], []),
            ("en", [], ["server server"], []),
            ("en", [], ["server azienda cloud"], []),
            ("en", [], ["chip chip cloud azienda"], []),
        ]
    )

    def scores(*found: str) -> NDArray[np.float32]:
        return bm25.scores([bm25.match(dict.fromkeys(found, TermKind.WORD), "en")])

    assert scores("chip")[0] > scores("chip")[1]
    assert scores("server")[2] > scores("server")[1] > scores("server")[3]
    both = terms("chip azienda", "en")
    assert int(np.argmax(scores(*both))) == 4
    assert not scores("zeppelin").any()
    assert not scores().any()


# --- matches -----------------------------------------------------------------------------------------------------


def test_a_match_tells_rare_from_common_names_from_words_and_phrasing_from_content() -> None:
    bm25 = build([("en", [], ["chip server"], []), ("en", [], ["server"], []), ("it", [], ["cloud"], [])])

    def idf(term: str, kind: TermKind) -> float:
        return float(bm25.match({term: kind}, "en").idf[0])

    for kind in TermKind:
        assert idf("zeppelin", kind) > idf("chip", kind) > idf("server", kind) > 0
        # On an Italian passage only, so unknown to English.
        assert idf("cloud", kind) == idf("zeppelin", kind)
    assert idf("chip", TermKind.NAME) > idf("chip", TermKind.WORD) > idf("chip", TermKind.GENERIC)
    match = bm25.match({"zeppelin": TermKind.NAME, "chip": TermKind.WORD}, "en")
    assert match.terms == ("zeppelin", "chip")
    assert match.names.tolist() == [True, False]
    assert match.ids[0] == -1
    assert bm25.vocabulary[match.ids[1]] == "en:chip"


@given(CORPORA, QUESTIONS, st.data())
def test_held_says_which_terms_each_sentence_holds(
    corpus: list[tuple[Language, list[str], list[str], list[str]]], question: dict[str, TermKind], data: st.DataObject
) -> None:
    bm25 = build(corpus)
    sentences = [(language, set(terms(sentence, language))) for language, _, texts, _ in corpus for sentence in texts]
    first = data.draw(st.integers(0, len(sentences)))
    last = data.draw(st.integers(first, len(sentences)))
    for match in matches_of(bm25, question):
        held = bm25.held([slice(first, last)], match)
        assert held.shape == (last - first, len(match.terms))
        assert held.tolist() == [
            [language == match.language and term in sentence for term in match.terms]
            for language, sentence in sentences[first:last]
        ]


# --- storage -----------------------------------------------------------------------------------------------------


@given(CORPORA, QUESTIONS)
def test_an_index_survives_storage(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: list[tuple[Language, list[str], list[str], list[str]]],
    question: dict[str, TermKind],
) -> None:
    bm25, folder = build(corpus), tmp_path_factory.mktemp("lexical")
    save_arrays(folder, bm25.arrays())
    save_json(folder / "vocabulary.json", bm25.vocabulary)
    languages = np.array([LANGUAGES.index(language) for language, *_ in corpus], dtype=np.uint8)
    again = Bm25(load_json(folder / "vocabulary.json"), load_arrays(folder, ARRAYS), languages)
    assert again.vocabulary == bm25.vocabulary
    for name, array in bm25.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)
        assert again.arrays()[name].dtype == array.dtype
    np.testing.assert_array_equal(again.scores(matches_of(again, question)), bm25.scores(matches_of(bm25, question)))


def _without_the_last(array: NDArray[Any]) -> NDArray[Any]:
    return array[:-1]


DAMAGE: list[tuple[str, Callable[[NDArray[Any]], NDArray[Any]]]] = [
    *((name, _without_the_last) for name in ARRAYS),
    *((name, lambda array: array[:0]) for name in ARRAYS),
    ("offsets", lambda array: array + 1),
    ("passages", lambda array: array + 1),
    ("passages", lambda array: array - 1),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_arrays_that_do_not_fit_together_are_refused(name: str, damage: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    bm25 = build([("it", ["cloud"], ["chip server", "accordo"], []), ("en", [], ["server"], ["chip"])])
    arrays, languages = bm25.arrays(), np.array([1, 0], dtype=np.uint8)
    assert len(Bm25(bm25.vocabulary, arrays, languages)) == 2
    with pytest.raises(IndexCorrupt, match=re.escape("python -m bot index --rebuild")):
        Bm25(bm25.vocabulary, arrays | {name: damage(arrays[name])}, languages)


def test_a_vocabulary_or_languages_of_another_index_are_refused() -> None:
    bm25 = build([("it", [], ["chip server"], [])])
    for vocabulary, languages in ((bm25.vocabulary[:-1], 1), ((*bm25.vocabulary, "it:x"), 1), (bm25.vocabulary, 2)):
        with pytest.raises(IndexCorrupt):
            Bm25(vocabulary, bm25.arrays(), np.zeros(languages, dtype=np.uint8))


def test_saved_arrays_are_plain_numbers(tmp_path: Path) -> None:
    bm25 = build([("it", [], ["chip server"], [])])
    assert tuple(bm25.arrays()) == ARRAYS
    save_arrays(tmp_path, bm25.arrays())
    assert all(array.dtype.kind in "iuf" for array in load_arrays(tmp_path, ARRAYS).values())


@given(st.lists(passages(), max_size=6), st.lists(passages(), max_size=3), st.randoms(use_true_random=False))
def test_keeping_passages_gives_the_index_that_analysing_all_would(
    before: list[tuple[Language, list[str], list[str], list[str]]],
    added: list[tuple[Language, list[str], list[str], list[str]]],
    chance: random.Random,
) -> None:
    old = [analyse(*passage) for passage in before]
    last = Bm25.build(old)
    firsts = np.cumsum([0, *(len(bag.sentences) for bag in old)]).tolist()
    survivors = [row for row in range(len(old)) if chance.random() < 0.6]
    mixed: list[tuple[Bag, Bag | Kept]] = [
        (old[row], Kept(row, range(firsts[row], firsts[row + 1]))) for row in survivors
    ]
    mixed += [(bag, bag) for bag in (analyse(*passage) for passage in added)]
    chance.shuffle(mixed)
    fresh = Bm25.build([bag for bag, _ in mixed])
    merged = Bm25.build([item for _, item in mixed], last)
    assert merged.vocabulary == fresh.vocabulary
    for name in ARRAYS:
        np.testing.assert_array_equal(merged.arrays()[name], fresh.arrays()[name], err_msg=name)


def test_a_kept_passage_without_the_index_that_holds_it_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the index"):
        Bm25.build([Kept(0, range(1))])


def test_a_question_in_another_language_meets_the_cognates_of_its_words() -> None:
    text = "L'implementazione dell'infrastruttura preoccupa gli investitori di OpenAI."
    index = Bm25.build([analyse("it", [], [text], [])])
    question = "Does the implementation of the infrastructure at OpenAI worry Einstein?"
    asked = question_terms(question, "en", "it")
    alone = index.match(asked, "it")
    helped = index.match(asked, "it", foreign_stems(question, "en", "it"))
    assert {term for term, row in zip(alone.terms, alone.ids, strict=True) if row >= 0} == {"opena"}
    found = {term for term, row in zip(helped.terms, helped.ids, strict=True) if row >= 0}
    assert found == set(terms("implementazione infrastruttura OpenAI", "it"))
    assert len(helped.terms) == len(alone.terms)


@given(st.lists(passages(), min_size=1, max_size=5), st.lists(st.sampled_from(WORDS + ABSENT), min_size=1, max_size=5))
def test_cognates_change_only_terms_that_no_passage_has(
    made: list[tuple[Language, list[str], list[str], list[str]]], wanted: list[str]
) -> None:
    index = Bm25.build([analyse(*passage) for passage in made])
    question = " ".join(wanted)
    asked = question_terms(question, "en", "it")
    plain = index.match(asked, "it")
    helped = index.match(asked, "it", foreign_stems(question, "en", "it"))
    known = {term for term, row in zip(plain.terms, plain.ids, strict=True) if row >= 0}
    assert known <= set(helped.terms)
    assert np.isfinite(helped.idf).all()
