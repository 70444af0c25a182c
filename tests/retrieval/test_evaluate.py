"""The figures drawn from judged answers, against figures computed by hand."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.evaluate import (
    Judged,
    LabelledQuestion,
    auroc,
    contains_answer,
    is_right,
    normalise_answer,
    report,
    risk_coverage,
    token_f1,
)
from retrieval.language import LANGUAGES
from retrieval.types import Language

# --- answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("The  Quick, (brown) fox!", "en", "quick brown fox"),
        ("An apple a day", "en", "apple day"),
        ("Another theatre", "en", "another theatre"),
        ("il la i", "en", "il la i"),
        ("L'accordo, l’azienda e gli investitori", "it", "accordo azienda e investitori"),
        ("Un'opera; uno studio: la LEGGE", "it", "opera studio legge"),
        ("a the", "it", "a the"),
        ("$38 billion", "en", "38 billion"),
        ("33 miliardi di €", "it", "33 miliardi di"),
        ("ﬁne\u00a04２%", "it", "fine 42"),
        ("perché", "it", "perché"),
        ("The", "en", ""),
        ("…", "it", ""),
    ],
)
def test_answers_are_compared_as_squad_does(text: str, language: Language, expected: str) -> None:
    assert normalise_answer(text, language) == expected


@given(st.text(st.characters(exclude_categories=["Cs", "Mn"]), max_size=60), st.sampled_from(LANGUAGES))
def test_normalising_twice_changes_nothing_more(text: str, language: Language) -> None:
    once = normalise_answer(text, language)
    assert once == " ".join(once.split())
    assert normalise_answer(once, language) == once


@pytest.mark.parametrize(
    ("predicted", "gold", "expected"),
    [
        ("the deal", "Deal!", 1.0),
        ("38 billion dollars", "38 billion", 0.8),  # precision 2/3, recall 1
        ("red red blue", "red green", 0.4),  # one "red" shared: precision 1/3, recall 1/2
        ("red", "blue", 0.0),
        ("", "blue", 0.0),
        ("the", "blue", 0.0),
        ("the", "!", 1.0),
    ],
)
def test_token_f1_by_hand(predicted: str, gold: str, expected: float) -> None:
    assert token_f1(predicted, gold, "en") == pytest.approx(expected)
    assert token_f1(gold, predicted, "en") == pytest.approx(expected)


def test_token_f1_knows_the_languages_articles() -> None:
    assert token_f1("l'azienda", "azienda", "it") == 1.0
    assert token_f1("l'azienda", "azienda", "en") == pytest.approx(2 / 3)


@given(st.text("ab il", max_size=12), st.text("ab il", max_size=12), st.sampled_from(LANGUAGES))
def test_token_f1_is_a_fraction_and_one_only_for_the_same_words(one: str, other: str, language: Language) -> None:
    value = token_f1(one, other, language)
    assert 0 <= value <= 1
    same = sorted(normalise_answer(one, language).split()) == sorted(normalise_answer(other, language).split())
    assert (value == 1) == same


@pytest.mark.parametrize(
    ("text", "gold", "contained"),
    [
        ("The deal is worth $38 billion, he said.", "38 Billion", True),
        ("The deal is worth $38 billion.", "8 billion", False),
        ("It was 38 or so billion.", "38 billion", False),
        ("Anything.", "", False),
        ("Anything the.", "the", False),
        ("", "deal", False),
        ("deal", "the deal", True),
    ],
)
def test_an_answer_is_contained_as_whole_words_in_a_row(text: str, gold: str, contained: bool) -> None:
    assert contains_answer(text, gold, "en") is contained


# --- curves ------------------------------------------------------------------------------------------------------

SCORED = st.lists(st.tuples(st.integers(0, 4).map(lambda tenths: tenths / 10), st.booleans()), max_size=25)


@given(SCORED)
def test_auroc_is_the_share_of_pairs_in_the_right_order(scored: list[tuple[float, bool]]) -> None:
    ups = [score for score, positive in scored if positive]
    downs = [score for score, positive in scored if not positive]
    found = auroc([score for score, _ in scored], [positive for _, positive in scored])
    if not ups or not downs:
        assert found is None
        return
    pairs = [1.0 if up > down else 0.5 if up == down else 0.0 for up in ups for down in downs]
    assert found == pytest.approx(sum(pairs) / len(pairs))


def test_auroc_at_its_ends() -> None:
    assert auroc([0.1, 0.9], [False, True]) == 1.0
    assert auroc([0.1, 0.9], [True, False]) == 0.0
    assert auroc([0.5, 0.5], [True, False]) == 0.5


def test_risk_and_coverage_by_hand() -> None:
    coverage, risk = risk_coverage([0.2, 0.9, 0.5, 0.7], [True, True, False, False])
    assert coverage == [0.25, 0.5, 0.75, 1.0]
    assert risk == pytest.approx([0.0, 1 / 2, 2 / 3, 2 / 4])
    assert risk_coverage([], []) == ([], [])


@given(SCORED)
def test_risk_ends_at_the_share_of_wrong_answers(scored: list[tuple[float, bool]]) -> None:
    coverage, risk = risk_coverage([score for score, _ in scored], [right for _, right in scored])
    assert len(coverage) == len(risk) == len(scored)
    assert all(0 <= value <= 1 for value in risk)
    assert all(before < after for before, after in pairwise(coverage))
    if scored:
        assert coverage[-1] == 1.0
        assert risk[-1] == pytest.approx(sum(not right for _, right in scored) / len(scored))


# --- the report --------------------------------------------------------------------------------------------------


def judged(
    *answers: str,
    gold: str = "",
    kind: str = "",
    sources: str = "",
    answered: bool = False,
    text: str = "",
    short: str | None = None,
    source: str | None = None,
    support: float = 0.0,
    milliseconds: float = 1.0,
) -> Judged:
    return Judged(
        question=LabelledQuestion("q", "?", "en", answers, frozenset(gold.split()), not kind, kind),
        sources=tuple(sources.split()),
        answered=answered,
        forced_text=text,
        forced_short=short,
        forced_source=source,
        support=support,
        seconds=milliseconds / 1000,
    )


CASES = [
    # Right and answered; the short answer is exact.
    judged("38 billion", gold="a", sources="a b", answered=True, text="It cost $38 billion.", short="38 billion",
           source="a", support=0.9, milliseconds=1),
    # Right but refused; the second gold answer fits the text best: two of its three words.
    judged("nobody", "red fox", gold="b c", sources="a c b", text="a quick red fox", source="c", support=0.3,
           milliseconds=2),
    # The words are there, in a document that is not the gold one, which is sixth.
    judged("night", gold="f", sources="a b c d e f", answered=True, text="at night", short="at", source="a",
           support=0.6, milliseconds=3),
    # The gold document is not found.
    judged("dawn", gold="z", sources="a b", answered=True, text="dusk", source="a", support=0.3, milliseconds=4),
    judged(kind="near", sources="a", answered=True, text="x", source="a", support=0.6, milliseconds=5),
    judged(kind="near", sources="a", text="x", source="a", support=0.2, milliseconds=6),
    judged(kind="far", sources="a", text="x", source="a", support=0.1, milliseconds=7),
]  # fmt: skip


def test_every_figure_by_hand() -> None:
    figures = report(CASES, frozenset("abcdefxyz"))
    assert figures.pop("unanswerable_answered") == {"far": 0.0, "near": 0.5}
    # Pairs (answerable, not): .9 beats 3; .3 beats 2 of 3; .6 beats 2 and ties 1; .3 beats 2 of 3.
    expected = {
        "questions": 7, "documents": 9,
        "recall@1": 1 / 4, "recall@5": 2 / 4, "mrr@10": (1 + 1 / 2 + 1 / 6 + 0) / 4,
        "containment": 2 / 4, "containment_answered": 1 / 4,
        # 1; "quick red fox" against "red fox": 2*2/(3+2); "at" against "night"; "dusk" against "dawn".
        "token_f1": (1 + 4 / 5 + 0 + 0) / 4,
        "auroc": (3 + 2 + 2.5 + 2) / 12,
        "coverage": 3 / 4, "precision": 3 / 4,
        "p50_ms": 4.0, "p99_ms": 6.94,
    }  # fmt: skip
    assert figures == pytest.approx(expected)


def test_right_is_answerable_contained_and_from_a_gold_document() -> None:
    assert [is_right(case, located=True) for case in CASES] == [True, True, False, False, False, False, False]
    assert [is_right(case, located=False) for case in CASES] == [True, True, True, False, False, False, False]


def test_figures_about_documents_are_none_where_the_gold_ones_are_not_indexed() -> None:
    figures = report(CASES, frozenset(["elsewhere.txt"]))
    assert figures["recall@1"] is figures["recall@5"] is figures["mrr@10"] is None
    assert figures["containment"] == 3 / 4
    assert figures["containment_answered"] == 2 / 4


def test_the_eleventh_document_counts_for_nothing() -> None:
    figures = report([judged("x", gold="k", sources="a b c d e f g h i j k")], frozenset("k"))
    assert figures["mrr@10"] == 0.0


def test_what_cannot_be_measured_is_none() -> None:
    figures = report(CASES[5:], frozenset("a"))
    assert {name for name, value in figures.items() if value is None} == {
        "recall@1", "recall@5", "mrr@10", "containment", "containment_answered", "token_f1", "auroc", "coverage",
        "precision",
    }  # fmt: skip
    figures = report(CASES[:2], frozenset("ab"))
    assert {name for name, value in figures.items() if value is None} == {"auroc"}
    assert figures["unanswerable_answered"] == {}
    figures = report([], frozenset())
    assert (figures["questions"], figures["documents"]) == (0, 0)
    assert figures["p50_ms"] is figures["p99_ms"] is figures["precision"] is None


def test_a_report_is_plain_json() -> None:
    assert json.loads(json.dumps(report(CASES, frozenset("abc")))) == report(CASES, frozenset("abc"))
