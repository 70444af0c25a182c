"""What --explain tells: why, by what, and beside which passages."""

from __future__ import annotations

import json
from dataclasses import replace

from bot.explanation import explain, explanation_fields
from bot.markup import plain
from retrieval.evidence import support
from retrieval.types import Features, Hit, Opposition, QuestionKind, SearchResult, SentenceHit, Word

FEATURES = Features(sentence_coverage=0.5, bm25=0.4, top_similarity=0.6, names_missing=0.25, reading=1.5)
SENTENCE = SentenceHit(0, 24, 3, 1.2, 0.6, 0.5, ((4, 9),), 1.5)
HIT = Hit(
    "notes/ship.txt", "The ship \x1b[31m", (), None, 0, 24, "The Maria sailed in May.", "en", 0.8, 0.6, 4.0, (SENTENCE,)
)


def found(*, read: bool = True, foreign: bool = False) -> SearchResult:
    return SearchResult(
        language="en",
        kind=QuestionKind.PERSON,
        hits=(HIT,),
        sources=("notes/ship.txt",),
        support=support(FEATURES, foreign=foreign, read=read),
        features=FEATURES,
        foreign=foreign,
        read=read,
        words=(Word("Maria", 4.0, True, True), Word("captain", 3.0, False, True), Word("owner", 3.0, False, False)),
    )


def test_it_says_whether_and_from_what_on_it_answers() -> None:
    result = found()
    assert f"Why it answered: support {result.support:.2f}; it answers from 0.00 on" in plain(explain(result, 0.0))
    assert "Why it refused: support" in plain(explain(result, 1.0))


def test_the_words_stand_where_they_were_found() -> None:
    text = plain(explain(found(), 0.5))
    assert "In the best sentence: Maria" in text
    assert "Elsewhere in its passage: captain" in text
    assert "Not in its passage: owner" in text


def test_what_counted_adds_up_to_the_support() -> None:
    for read in (False, True):
        for foreign in (False, True):
            result = found(read=read, foreign=foreign)
            fields = explanation_fields(result, 0.5)
            logit = fields["start"] + sum(part["value"] * part["weight"] for part in fields["features"])
            assert f"{logit:+.2f}" in plain(explain(result, 0.5)).splitlines()[-3]
            assert f"{result.support:.2f}" in plain(explain(result, 0.5)).splitlines()[-3]
            assert ("reading" in {part["name"] for part in fields["features"]}) == read


def test_a_denial_and_opposites_are_named() -> None:
    result = replace(found(), opposition=Opposition("not", ("first", "last")))
    text = plain(explain(result, 0.5))
    assert "Denied, which the best sentence does not do: not" in text
    assert "Opposites: the question has first, the best sentence last" in text
    fields = explanation_fields(result, 0.5)
    assert (fields["denial"], fields["opposites"]) == ("not", ["first", "last"])
    fields = explanation_fields(found(), 0.5)
    assert (fields["denial"], fields["opposites"]) == (None, None)


def test_passages_are_named_and_cannot_move_the_cursor() -> None:
    text = plain(explain(found(), 0.5))
    assert "notes/ship.txt, line 3" in text
    assert "The Maria sailed in May." in text
    assert "\x1b" not in text


def test_nothing_found_is_explained_too() -> None:
    result = SearchResult(None, QuestionKind.OTHER, (), (), 0.0)
    assert "no passage shares a word or a meaning" in plain(explain(result, 0.5))
    assert explanation_fields(result, 0.5)["passages"] == []


def test_the_fields_are_fit_for_json() -> None:
    fields = json.loads(json.dumps(explanation_fields(found(), 0.5), allow_nan=False))
    assert fields["threshold"] == 0.5
    assert fields["words"][2] == {"word": "owner", "weight": 3.0, "in_sentence": False, "in_passage": False}
    assert fields["passages"][0]["sentence"] == "The Maria sailed in May."
