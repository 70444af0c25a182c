"""Why a question was answered or refused, for a person: what was looked for, what counted and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bot.markup import Line, Piece, Role, clean, shorten
from retrieval.evidence import Contribution, contributions
from retrieval.types import Hit, SearchResult, SentenceHit

PASSAGES = 3
"""Nearest passages shown."""

_LANGUAGES = {"en": "English", "it": "Italian", None: "an unknown language"}
_FEATURES = {
    "sentence_coverage": "the question's words in the best sentence",
    "passage_coverage": "the question's words in its passage",
    "bm25": "how much the passage is about them",
    "similarity": "likeness of meaning, best sentence",
    "top_similarity": "likeness of meaning, any sentence",
    "margin": "lead over the next passage",
    "form_found": "holds what has the form asked for",
    "form_missing": "lacks what has the form asked for",
    "names_missing": "names of the question not in the passage",
    "numbers_missing": "a number of the question not in the passage",
    "denied": "the question denies, the sentence does not",
    "opposed": "says the opposite of a word of the question",
    "reading": "the reader's verdict on the sentence",
}


def explain(result: SearchResult, least: float) -> list[Line]:
    """The explanation as lines; ``least`` is the support from which on the bot answers."""
    verb = "answered" if result.hits and result.support >= least else "refused"
    lines = [
        Line(),
        _line(f"Why it {verb}: ", f"support {result.support:.2f}; it answers from {least:.2f} on", Role.LABEL),
        _line("Question: ", f"in {_LANGUAGES[result.language]}, asks for {_kind(result)}"),
    ]
    if not result.hits:
        return [*lines, _line("Found: ", "no passage shares a word or a meaning with the question")]
    lines += list(_words(result))
    intercept, parts = contributions(result.features, foreign=result.foreign, read=result.read)
    lines += _table(intercept, parts, result)
    return lines + [line for rank, hit in enumerate(result.hits[:PASSAGES], 1) for line in _passage(rank, hit)]


def explanation_fields(result: SearchResult, least: float) -> dict[str, Any]:
    """The same as plain values for JSON."""
    intercept, parts = contributions(result.features, foreign=result.foreign, read=result.read)
    return {
        "threshold": least,
        "asks_for": str(result.kind),
        "question_language": result.language,
        "foreign": result.foreign,
        "words": [
            {"word": word.text, "weight": word.weight, "in_sentence": word.in_sentence, "in_passage": word.in_passage}
            for word in result.words
        ],
        "denial": result.opposition.denial or None,
        "opposites": list(result.opposition.pair) if result.opposition.pair else None,
        "start": intercept,
        "features": [{"name": part.name, "value": part.value, "weight": part.weight} for part in parts],
        "passages": [_passage_fields(hit) for hit in result.hits[:PASSAGES]],
    }


def _kind(result: SearchResult) -> str:
    kind = str(result.kind)
    return {"other": "nothing in a form that shows", "money": "an amount of money"}.get(kind, f"a {kind}")


def _words(result: SearchResult) -> Iterator[Line]:
    groups = {
        "In the best sentence: ": [word.text for word in result.words if word.in_sentence],
        "Elsewhere in its passage: ": [word.text for word in result.words if word.in_passage and not word.in_sentence],
        "Not in its passage: ": [word.text for word in result.words if not word.in_passage],
    }
    for label, terms in groups.items():
        if terms:
            yield _line(label, ", ".join(terms))
    if result.opposition.denial:
        yield _line("Denied, which the best sentence does not do: ", result.opposition.denial)
    if result.opposition.pair:
        asked, found = result.opposition.pair
        yield _line("Opposites: ", f"the question has {asked}, the best sentence {found}")


def _table(intercept: float, parts: Sequence[Contribution], result: SearchResult) -> Iterator[Line]:
    rows = sorted(parts, key=lambda part: -abs(part.value * part.weight))
    start = "where it starts, across languages" if result.foreign else "where it starts"
    names = [*(_FEATURES[part.name] for part in rows), start, "sum, as a probability"]
    width = max(map(len, names))
    yield _line(f"{'What counted':<{width}}  value  weight   adds", "")
    sums = [part.value * part.weight for part in rows]
    cells = [f"{part.value:5.2f}  {part.weight:+6.2f}" for part in rows]
    cells += [" " * 13, f"{result.support:5.2f}" + " " * 8]
    for name, cell, adds in zip(names, cells, [*sums, intercept, intercept + sum(sums)], strict=True):
        yield Line((Piece(f"{name:<{width}}  {cell}  {adds:+5.2f}"),))


def _passage(rank: int, hit: Hit) -> Iterator[Line]:
    best = _best(hit)
    place = f"line {best.line}" if best.page is None else f"page {best.page}"
    where = f"{clean(hit.title)} ({clean(hit.source)}, {place})"
    told = f"passage {hit.score:.2f}; meaning {best.dense:.2f}, words {best.lexical:.2f}"
    if best.reading is not None:
        told += f", reader {best.reading:+.1f}"
    yield Line((Piece(f"{rank}. ", Role.LABEL), Piece(where, Role.TITLE), Piece(f"  {told}", Role.DETAIL)))
    yield Line((Piece(shorten(_text(hit, best))),), 3)


def _passage_fields(hit: Hit) -> dict[str, Any]:
    best = _best(hit)
    return {
        "source": hit.source,
        "page": best.page,
        "line": best.line,
        "sentence": _text(hit, best),
        "score": best.score,
        "passage_score": hit.score,
        "meaning": best.dense,
        "words": best.lexical,
        "reading": best.reading,
    }


def _best(hit: Hit) -> SentenceHit:
    return max(hit.sentences, key=lambda sentence: sentence.score)


def _text(hit: Hit, sentence: SentenceHit) -> str:
    return hit.text[sentence.start - hit.start : sentence.end - hit.start]


def _line(label: str, text: str, role: Role = Role.LABEL) -> Line:
    return Line(tuple(piece for piece in (Piece(label, role), Piece(clean(text))) if piece.text))
