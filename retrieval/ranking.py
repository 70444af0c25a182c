"""Ranking the sentences of the passages found, and measuring how well the best one answers.

Score of a sentence = DENSE * cosine + LEXICAL * coverage (both min-max scaled over the sentences looked at)
+ PASSAGE * fused score of its passage + BEFORE * coverage that the sentence before adds + a bonus where it holds
a span in the form the question asks for. The weights are a listwise logistic fit on the development sets, rounded
(``python -m tests.bench.fit_sentences`` prints it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.fusion import min_max
from retrieval.lexical import K1, Match
from retrieval.questions import answer_spans
from retrieval.types import Features, QuestionKind, Span

DENSE = 0.32
LEXICAL = 0.68
PASSAGE = 0.75
BEFORE = 0.3
FORM = {
    QuestionKind.MONEY: 0.18,
    QuestionKind.QUANTITY: 0.18,
    QuestionKind.TIME: 0.16,
    QuestionKind.PERSON: 0.11,
    QuestionKind.PLACE: 0.05,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage to rank the s sentences of."""

    fused: float
    bm25: float
    match: Match
    """The question's t terms in the passage's language."""
    held: NDArray[np.bool_]
    """(s, t) terms each sentence holds."""
    cosines: NDArray[np.float32]
    """(s,)"""
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """The sentences of all candidates in a row, m in all."""

    scores: NDArray[np.float64]
    """(m,)"""
    coverage: NDArray[np.float64]
    """(m,) IDF-weighted share of the question's terms."""
    spans: tuple[tuple[Span, ...], ...]
    """(m) offsets into each sentence of what has the form of an answer; looked for in the best sentence, its neighbours
    and whatever might have been best instead."""
    features: Features
    best: int
    """Row of the best sentence, -1 without any."""
    passage: int
    """Row of the candidate that holds it, -1 without any."""


def rank(kind: QuestionKind, candidates: Sequence[Candidate]) -> Ranked:
    """Score every sentence of the candidates, which come best first."""
    if not candidates:
        return Ranked(np.zeros(0), np.zeros(0), (), Features(), -1, -1)
    owner = np.repeat(np.arange(len(candidates)), [len(candidate.texts) for candidate in candidates])
    measured = measures(candidates)
    scores = columns(measured) @ np.array([DENSE, LEXICAL, PASSAGE, BEFORE])
    cosines, coverage = measured[:, 0], measured[:, 1]
    texts = [text for candidate in candidates for text in candidate.texts]
    spans: list[tuple[Span, ...]] = [()] * len(texts)

    def look(row: int) -> bool:
        match = candidates[owner[row]].match
        spans[row] = answer_spans(kind, texts[row], match.language, match.terms)
        return bool(spans[row])

    bonus = FORM.get(kind, 0.0)
    reached = -np.inf
    for row in np.argsort(-scores, kind="stable"):
        # Not even the bonus would lift this sentence, or any after it, to the top.
        if scores[row] + bonus <= reached:
            break
        if look(row):
            scores[row] += bonus
        reached = max(reached, scores[row])
    best = int(np.argmax(scores))
    # An answer may have to be read together with a neighbour.
    near = [row for row in (best - 1, best + 1) if 0 <= row < len(texts) and owner[row] == owner[best] and look(row)]
    chosen = candidates[owner[best]]
    others = scores[owner != owner[best]]
    features = _features(
        chosen,
        best - int(np.searchsorted(owner, owner[best])),
        form=(kind in FORM, bool(spans[best]), bool(near)),
        top=float(cosines.max()),
        margin=float(scores[best] - (others.max() if len(others) else 0.0)),
    )
    return Ranked(scores, coverage, tuple(spans), features, best, int(owner[best]))


def measures(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """(m, 4) for each sentence: cosine, coverage, fused score of its passage, coverage that the one before adds."""
    cosines = np.concatenate([candidate.cosines for candidate in candidates])
    coverage = np.concatenate([_coverage(candidate.held, candidate.match) for candidate in candidates])
    before = np.concatenate([_coverage(_added_before(candidate.held), candidate.match) for candidate in candidates])
    fused = np.repeat([candidate.fused for candidate in candidates], [len(c.texts) for c in candidates])
    return np.stack([cosines, coverage, fused, before], axis=1)


def columns(measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, 4) what the weights DENSE, LEXICAL, PASSAGE and BEFORE apply to, from measures."""
    cosines, coverage, fused, before = measured.T
    return np.stack([min_max(cosines), min_max(coverage), fused, before], axis=1)


def _features(
    chosen: Candidate, sentence: int, *, form: tuple[bool, bool, bool], top: float, margin: float
) -> Features:
    match = chosen.match
    wanted, found, near = form
    anywhere: NDArray[np.bool_] = np.asarray(chosen.held.any(axis=0))
    numbers = np.array([any(map(str.isdigit, term)) for term in match.terms], dtype=np.bool_)
    names = float(match.idf[match.names].sum())
    return Features(
        sentence_coverage=float(_coverage(chosen.held[sentence][None, :], match)[0]),
        passage_coverage=float(_coverage(anywhere[None, :], match)[0]),
        bm25=chosen.bm25 / max(float(match.idf.sum()) * (K1 + 1), 1e-9),
        similarity=float(chosen.cosines[sentence]),
        top_similarity=top,
        margin=margin,
        form_found=float(wanted and found),
        form_missing=float(wanted and not found and not near),
        names_missing=float(match.idf[match.names & ~anywhere].sum()) / names if names else 0.0,
        numbers_missing=float((numbers & ~anywhere).any()),
    )


def _coverage(held: NDArray[np.bool_], match: Match) -> NDArray[np.float64]:
    """(s,) share of the question's IDF mass in each row of ``held`` (s, t); 0 for a question without terms."""
    total = float(match.idf.sum())
    return held @ match.idf / total if total > 0 else np.zeros(len(held))


def _added_before(held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(s, t) terms that the sentence before holds and the sentence itself lacks."""
    added = np.zeros_like(held)
    added[1:] = held[:-1] & ~held[1:]
    return added
