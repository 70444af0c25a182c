"""Which sentence is taken for the answer, and what is measured of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.language import terms
from retrieval.lexical import K1
from retrieval.match import Match
from retrieval.questions import answer_spans
from retrieval.ranking import DOUBT, FORM, LEAD, READ_ONE, READ_SEVERAL, Candidate, rank, words_beside
from retrieval.types import Features, Language, QuestionKind, Reading

ASKED = {"contract": 3.0, "harbour": 2.0, "Oslo": 4.0, "2026": 4.0}
"""A question's words and their idf; "Oslo" and "2026" look like names."""


def candidate(
    *texts: str,
    asked: Mapping[str, float] = ASKED,
    fused: float = 0.5,
    bm25: float = 0.0,
    cosines: Sequence[float] | None = None,
    language: Language = "en",
) -> Candidate:
    question = tuple(terms(word, language)[0] for word in asked)
    match = Match(
        language,
        question,
        np.array([not word.islower() for word in asked], dtype=np.bool_),
        np.arange(len(asked), dtype=np.int64),
        np.array(list(asked.values()), dtype=np.float64),
    )
    held = np.array([[term in terms(text, language) for term in question] for text in texts], dtype=np.bool_)
    similar = np.array([0.3] * len(texts) if cosines is None else cosines, dtype=np.float32)
    return Candidate(fused, bm25, match, held.reshape(len(texts), len(asked)), similar, texts)


# --- the best sentence -------------------------------------------------------------------------------------------


def test_nothing_found_ranks_nothing() -> None:
    ranked = rank(QuestionKind.PERSON, [])
    assert (ranked.best, ranked.spans, ranked.features) == (-1, (), Features())
    assert ranked.scores.shape == ranked.coverage.shape == (0,)


@given(st.lists(st.sets(st.sampled_from(sorted(ASKED))), min_size=1, max_size=8), st.sampled_from(QuestionKind))
def test_all_else_equal_the_sentence_that_covers_most_is_best(words: list[set[str]], kind: QuestionKind) -> None:
    texts = [" ".join(sorted(some)) for some in words]
    ranked = rank(kind, [candidate(text) for text in texts])
    share = [sum(ASKED[word] for word in some) / sum(ASKED.values()) for some in words]
    np.testing.assert_allclose(ranked.coverage, share)
    assert share[ranked.best] == pytest.approx(max(share))
    assert ranked.scores[ranked.best] == ranked.scores.max()


def test_all_else_equal_the_nearest_vector_or_the_best_passage_is_best() -> None:
    texts = ["One says so.", "Two say so.", "Three say so."]
    assert rank(QuestionKind.OTHER, [candidate(*texts, cosines=[0.1, 0.7, 0.2])]).best == 1
    passages = [candidate(text, fused=fused) for text, fused in zip(texts, [0.2, 0.4, 0.9], strict=True)]
    assert rank(QuestionKind.OTHER, passages).best == 2


def test_what_the_sentence_before_holds_counts_unless_the_sentence_holds_it_too() -> None:
    texts = ["Nothing here.", "Nothing there.", "The contract.", "It was signed."]
    scores = rank(QuestionKind.OTHER, [candidate(*texts)]).scores
    assert scores[2] > scores[3] > scores[0] == scores[1]
    scores = rank(QuestionKind.OTHER, [candidate("The contract.", "A contract.")]).scores
    assert scores[0] == pytest.approx(scores[1])
    # Nothing is carried over from one passage to the next.
    scores = rank(QuestionKind.OTHER, [candidate("The contract."), candidate("Signed."), candidate("Sealed.")]).scores
    assert scores[1] == scores[2]


@pytest.mark.parametrize(
    ("kind", "plain", "formed"),
    [
        (QuestionKind.MONEY, "The contract is worth a lot.", "The contract is worth 38 dollars."),
        (QuestionKind.QUANTITY, "The contract is long.", "The contract has 38 pages."),
        (QuestionKind.TIME, "The contract ends soon.", "The contract ends in May."),
        (QuestionKind.PERSON, "the contract was signed.", "the contract was signed by Ada King."),
        (QuestionKind.PLACE, "the contract was signed.", "the contract was signed in Turin."),
    ],
)
def test_the_form_of_an_answer_breaks_ties(kind: QuestionKind, plain: str, formed: str) -> None:
    assert kind in FORM
    ranked = rank(kind, [candidate(plain), candidate(formed)])
    assert ranked.best == 1
    assert ranked.spans[0] == ()
    assert ranked.spans[1]
    assert (ranked.features.form_found, ranked.features.form_missing) == (1.0, 0.0)
    assert rank(QuestionKind.OTHER, [candidate(plain), candidate(formed)]).best == 0


def test_spans_are_offsets_into_their_own_sentence() -> None:
    ranked = rank(QuestionKind.MONEY, [candidate("It costs 5 euro.", "It costs 12 dollars or 9 pounds.")])
    (start, end), *_ = ranked.spans[0]
    assert "It costs 5 euro."[start:end] == "5 euro"
    assert ["It costs 12 dollars or 9 pounds."[start:end] for start, end in ranked.spans[1]] == [
        "12 dollars",
        "9 pounds",
    ]


def test_a_sentence_far_behind_is_not_lifted_by_its_form() -> None:
    ranked = rank(QuestionKind.MONEY, [candidate("The contract.", "A boat.", "Boats cost 5 euro.", cosines=[1, 0, 0])])
    assert ranked.best == 0


# --- features ----------------------------------------------------------------------------------------------------


def test_features_by_hand() -> None:
    first = candidate("The contract ends.", "Oslo pays.", fused=0.9, bm25=6.5, cosines=[0.6, 0.2])
    second = candidate("The harbour.", fused=0.1, bm25=2.0, cosines=[0.7])
    ranked = rank(QuestionKind.REASON, [first, second])
    features, total = ranked.features, sum(ASKED.values())
    assert ranked.best in (0, 1)
    held = 3.0 if ranked.best == 0 else 4.0
    assert features.sentence_coverage == pytest.approx(held / total)
    assert features.passage_coverage == pytest.approx(7 / total)
    assert features.bm25 == pytest.approx(6.5 / (total * (K1 + 1)))
    assert features.similarity == pytest.approx([0.6, 0.2][ranked.best])
    assert features.top_similarity == pytest.approx(0.7)
    assert features.margin == pytest.approx(min(ranked.scores[ranked.best] - ranked.scores[2], LEAD))
    assert (features.form_found, features.form_missing) == (0.0, 0.0)
    assert features.names_missing == pytest.approx(0.5)
    assert features.numbers_missing == 1.0


def test_names_and_numbers_are_missing_only_where_the_question_has_some() -> None:
    ranked = rank(QuestionKind.OTHER, [candidate("The sea.", asked={"contract": 3.0})])
    assert (ranked.features.names_missing, ranked.features.numbers_missing) == (0.0, 0.0)
    ranked = rank(QuestionKind.OTHER, [candidate("Oslo.", "In 2026.")])
    assert (ranked.features.names_missing, ranked.features.numbers_missing) == (0.0, 0.0)


def test_a_form_is_not_missing_where_a_neighbour_of_the_same_passage_holds_it() -> None:
    best, priced = "The contract.", "It costs 5 euro."
    for passages, missing in (
        ([candidate(best, priced)], 0.0),
        ([candidate(priced, best)], 0.0),
        ([candidate(best), candidate(priced)], 1.0),
        ([candidate(best, "It rains.", priced)], 1.0),
    ):
        ranked = rank(QuestionKind.MONEY, passages)
        assert ranked.features.sentence_coverage > 0
        assert (ranked.features.form_found, ranked.features.form_missing) == (0.0, missing)


def test_the_margin_is_over_the_best_of_another_passage() -> None:
    twice = [candidate("The contract.", "A boat."), candidate("The contract.", "A boat.")]
    assert rank(QuestionKind.OTHER, twice).features.margin == pytest.approx(0.0)
    near = [candidate("The contract.", "A boat."), candidate("The contract.", "A boat.", fused=0.4)]
    apart = rank(QuestionKind.OTHER, near)
    assert apart.features.margin == pytest.approx(apart.scores[0] - apart.scores[2])
    assert 0 < apart.features.margin < LEAD
    assert rank(QuestionKind.OTHER, twice[:1]).features.margin == LEAD


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    words = st.sampled_from([*ASKED, "boat", "Ada King", "5 euro", "in May 2020", "è", "你好", "."])
    asked = draw(st.dictionaries(st.sampled_from(sorted(ASKED)), st.floats(0.01, 15), max_size=4))
    found = []
    for _ in range(draw(st.integers(1, 4))):
        texts = draw(st.lists(st.lists(words, max_size=5).map(" ".join), min_size=1, max_size=6))
        cosines = draw(st.lists(st.floats(-1, 1, width=32), min_size=len(texts), max_size=len(texts)))
        bound = sum(asked.values()) * (K1 + 1)
        fused, bm25 = draw(st.floats(0, 1)), draw(st.floats(0, 1)) * bound
        language: Language = draw(st.sampled_from(["it", "en"]))
        found.append(candidate(*texts, asked=asked, fused=fused, bm25=bm25, cosines=cosines, language=language))
    return found


@given(candidates(), st.sampled_from(QuestionKind))
def test_the_best_sentence_is_that_of_searching_all_for_spans(found: list[Candidate], kind: QuestionKind) -> None:
    ranked, plain = rank(kind, found), rank(QuestionKind.OTHER, found).scores
    pairs = [(text, one.match) for one in found for text in one.texts]
    spans = [answer_spans(kind, text, match.language, match.terms) for text, match in pairs]
    full = [score + FORM.get(kind, 0.0) * bool(some) for score, some in zip(plain, spans, strict=True)]
    assert full[ranked.best] == pytest.approx(max(full)) == ranked.scores[ranked.best]
    assert all(some in ((), spans[row]) for row, some in enumerate(ranked.spans))
    assert kind not in FORM or ranked.spans[ranked.best] == spans[ranked.best]


@given(candidates(), st.sampled_from(QuestionKind))
def test_features_stay_in_their_stated_ranges(found: list[Candidate], kind: QuestionKind) -> None:
    ranked = rank(kind, found)
    texts = [text for one in found for text in one.texts]
    assert len(ranked.scores) == len(ranked.coverage) == len(ranked.spans) == len(texts)
    assert np.isfinite(ranked.scores).all()
    assert ((ranked.coverage >= 0) & (ranked.coverage <= 1 + 1e-9)).all()
    assert ranked.best == int(np.argmax(ranked.scores))
    for text, spans in zip(texts, ranked.spans, strict=True):
        assert all(0 <= start < end <= len(text) for start, end in spans)
    features = ranked.features
    assert all(math.isfinite(value) for value in astuple(features))
    assert features.sentence_coverage == pytest.approx(ranked.coverage[ranked.best])
    assert features.sentence_coverage <= features.passage_coverage + 1e-9
    for share in (features.sentence_coverage, features.passage_coverage, features.bm25, features.names_missing):
        assert 0 <= share <= 1 + 1e-9
    assert -1 <= features.similarity <= features.top_similarity <= 1
    for flag in (features.form_found, features.form_missing, features.numbers_missing):
        assert flag in (0.0, 1.0)
    assert not (features.form_found and features.form_missing)
    assert kind in FORM or features.form_missing == 0.0


# --- with a reader -----------------------------------------------------------------------------------------------


class Told:
    """A reader that knows its answers: text -> log odds and the words that answer; remembers what it was given."""

    def __init__(self, **known: tuple[float, str]) -> None:
        self.known = {text.replace("_", " "): value for text, value in known.items()}
        self.read: list[str] = []

    def __call__(self, text: str) -> Reading:
        self.read.append(text)
        odds, words = self.known.get(text, (-3.0, ""))
        place = text.find(words)
        return Reading(odds, (place, place + len(words)) if words else None)


def plain(text: str, cosine: float) -> Candidate:
    return candidate(text, asked={"contract": 3.0}, cosines=[cosine])


def test_the_best_sentence_is_read_and_marked() -> None:
    reader = Told(the_contract_won=(2.0, "won"))
    ranked = rank(QuestionKind.OTHER, [plain("the contract won", 0.9), plain("the contract", 0.5)], reader)
    assert reader.read == ["the contract won"]
    assert ranked.readings == {0: 2.0}
    assert ranked.spans[0] == ((13, 16),)


def test_where_several_things_are_asked_for_more_is_read_and_what_answers_comes_first() -> None:
    reader = Told(the_contract_won=(5.0, "won"))
    texts = {"the contract": 0.52, "the contract won": 0.5, "nothing": -0.5, "more": -0.8, "far": -1.0}
    ranked = rank(QuestionKind.OTHER, [plain(*pair) for pair in texts.items()], reader, several=True)
    assert reader.read == list(texts)[:READ_SEVERAL]
    assert ranked.best == 1
    assert ranked.features.reading == pytest.approx(5.0)


def test_the_verdict_counts_up_to_a_limit() -> None:
    ranked = rank(QuestionKind.OTHER, [plain("the contract won", 0.5)], Told(the_contract_won=(40.0, "won")))
    assert ranked.features.reading == DOUBT


@given(candidates(), st.sampled_from(QuestionKind), st.floats(-9, 9))
def test_reading_changes_nothing_but_scores_and_marks_of_what_is_read(
    found: list[Candidate], kind: QuestionKind, odds: float
) -> None:
    without, having = rank(kind, found), rank(kind, found, lambda _: Reading(odds, None))
    assert len(having.readings) <= READ_ONE
    np.testing.assert_allclose(without.coverage, having.coverage)
    if having.readings:
        assert having.best in having.readings
        assert having.features.reading == pytest.approx(np.clip(having.readings.get(having.best, 0.0), -DOUBT, DOUBT))


def test_the_questions_words_are_shown_as_it_has_them() -> None:
    pair = candidate("The Oslo harbour.", "It moved.", cosines=[0.5, 0.1])
    ranked = rank(QuestionKind.OTHER, [pair])
    shown = {
        word.text: (word.in_sentence, word.in_passage) for word in words_beside("Oslo harbours 2026", [pair], ranked)
    }
    assert shown["Oslo"] == shown["harbours"] == (True, True)
    assert shown["2026"] == (False, False)
    assert words_beside("Oslo", [], rank(QuestionKind.OTHER, [])) == ()


def test_what_the_question_has_against_the_best_sentence_is_a_feature() -> None:
    passages = [candidate("The contract was signed in the upper harbour.")]
    ranked = rank(QuestionKind.OTHER, passages, question="Which contract was not signed in the lower harbour?")
    assert (ranked.features.denied, ranked.features.opposed) == (1.0, 1.0)
    assert (ranked.opposition.denial, ranked.opposition.pair) == ("not", ("lower", "upper"))
    ranked = rank(QuestionKind.OTHER, passages, question="Which contract was signed in the harbour?")
    assert (ranked.features.denied, ranked.features.opposed) == (0.0, 0.0)


# --- sentences that point back ------------------------------------------------------------------------------------


def two(first: str, second: str) -> list[Candidate]:
    """One passage of two sentences, the second the best one."""
    return [candidate(first, second, asked={"contract": 3.0}, cosines=[0.1, 0.9])]


def test_a_sentence_that_points_back_is_read_after_the_one_before() -> None:
    both = "The works won. They signed a contract."
    reader = Told(**{both: (2.0, "signed")})
    ranked = rank(QuestionKind.OTHER, two("The works won.", "They signed a contract."), reader)
    assert reader.read == [both]
    assert (ranked.best, ranked.readings) == (1, {1: 2.0})
    # The offsets are those of the sentence itself.
    assert ranked.spans == ((), ((5, 11),))


def test_what_the_sentence_before_answers_is_marked_there_and_nothing_else_is() -> None:
    reader = Told(**{"Ada King won. She signed a contract with Bob Hill.": (2.0, "Ada King")})
    ranked = rank(QuestionKind.PERSON, two("Ada King won.", "She signed a contract with Bob Hill."), reader)
    assert ranked.best == 1
    assert ranked.spans == (((0, 8),), ())


def test_a_mark_over_both_sentences_is_cut_to_the_one_that_was_to_be_read() -> None:
    reader = Told(**{"The works won. They signed a contract.": (2.0, "won. They")})
    ranked = rank(QuestionKind.OTHER, two("The works won.", "They signed a contract."), reader)
    assert ranked.spans == ((), ((0, 4),))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The works won.", "The works signed a contract."),  # stands alone
        ("The works won. " * 40, "They signed a contract."),  # would push the second out of the reader's sight
    ],
)
def test_other_sentences_are_read_alone(first: str, second: str) -> None:
    reader = Told()
    rank(QuestionKind.OTHER, two(first, second), reader)
    assert reader.read == [second]


def test_a_question_in_another_language_is_read_beside_the_sentence_alone() -> None:
    reader = Told()
    rank(QuestionKind.OTHER, two("The works won.", "They signed a contract."), reader, language="it")
    assert reader.read == ["They signed a contract."]


def test_nothing_of_another_passage_is_read_before_a_sentence() -> None:
    reader = Told()
    first, second = two("The works won.", "Nothing."), [candidate("They signed a contract.", cosines=[0.9])]
    rank(QuestionKind.OTHER, [*first, *second], reader)
    assert reader.read == ["They signed a contract."]
