"""Ranking the sentences of the passages found, and measuring how well the best one answers.

Score of a sentence = DENSE * cosine + LEXICAL * coverage (both min-max scaled over the sentences looked at)
+ PASSAGE * fused score of its passage + BEFORE * coverage that the sentence before adds + a bonus where it holds
a span in the form the question asks for. The weights are a listwise logistic fit on the development sets, rounded
(``python -m tests.bench.fit_sentences`` prints it).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.context import points_back
from retrieval.fusion import min_max
from retrieval.language import written_stems
from retrieval.lexical import K1
from retrieval.match import Match
from retrieval.opposites import opposition
from retrieval.questions import answer_spans
from retrieval.types import Features, Language, Opposition, QuestionKind, Reading, Span, Word

DENSE = 0.32
LEXICAL = 0.68
PASSAGE = 0.75
BEFORE = 0.3
FORM = {
    QuestionKind.MONEY: 0.18,
    QuestionKind.QUANTITY: 0.18,
    QuestionKind.DURATION: 0.18,
    QuestionKind.SHARE: 0.18,
    QuestionKind.TIME: 0.16,
    QuestionKind.PERSON: 0.11,
    QuestionKind.PLACE: 0.05,
}

READ = 0.2
"""What a sentence gains that the reader is sure of."""
READ_ONE, READ_SEVERAL = 1, 3
"""Sentences read for a question that asks for one thing, and for several. On the development sets a second sentence
read changed the share of quotes that hold the answer by less than a point either way, and cost as much again."""
READ_TOGETHER = 450
"""Characters of two sentences up to which they are read together, so that the reader sees the end of the second."""
LEAD = 0.5
"""Lead of the best sentence over the next passage beyond which more says nothing: among few passages any lead is large.
Without a limit right quotes across languages are told .003 better on squad_en_to_it (AUROC), and the story, seven
passages, answers what it does not say."""
DOUBT = 6.0
"""Log odds beyond which more certainty counts no more."""


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
    """(m) offsets into each sentence of what may answer; looked for in the best sentence, its neighbours and whatever
    might have been best instead."""
    readings: dict[int, float]
    """Row -> the reader's log odds, for the rows that were read."""
    features: Features
    opposition: Opposition
    best: int
    """Row of the best sentence, -1 without any."""
    passage: int
    """Row of the candidate that holds it, -1 without any."""


Read = Callable[[str], Reading]
"""Reads the question beside a text."""


def rank(
    kind: QuestionKind,
    candidates: Sequence[Candidate],
    read: Read | None = None,
    *,
    question: str = "",
    language: Language | None = None,
    several: bool = False,
) -> Ranked:
    """Score every sentence of the candidates, which come best first; with ``read``, read the likeliest of them.

    ``question`` is held against the best sentence (retrieval.opposites); ``language`` is its own. ``several`` reads
    more sentences, where more than one thing is asked for. Raises whatever ``read`` raises.
    """
    ranking = Ranking(kind, candidates, language, several=several)
    return ranking.finish([read(text) for text in ranking.texts] if read else [], question)


class Ranking:
    """The ranking of one question's sentences while it is made: begun, then finished with what was read meanwhile."""

    def __init__(
        self, kind: QuestionKind, candidates: Sequence[Candidate], language: Language | None, *, several: bool
    ) -> None:
        """See rank; ``candidates`` may be empty."""
        self._kind = kind
        self._language = language
        self._candidates = candidates
        self._owner = np.repeat(np.arange(len(candidates)), [len(candidate.texts) for candidate in candidates])
        self._texts = [text for candidate in candidates for text in candidate.texts]
        self._forms: dict[int, tuple[Span, ...]] = {}
        """Spans in the form asked for, of the sentences looked at."""
        self._marked: dict[int, Span] = {}
        """What the reader marked."""
        self._told_before: set[int] = set()
        """Rows that were read together with the one before, and of the two it is that one that answers."""
        measured = measures(candidates)
        self._cosines, self._coverage = measured[:, 0], measured[:, 1]
        self._scores = columns(measured) @ np.array([DENSE, LEXICAL, PASSAGE, BEFORE])
        places = READ_SEVERAL if several else READ_ONE
        self._add_bonus(places)
        likeliest: list[int] = np.argsort(-self._scores, kind="stable")[:places].tolist()
        self._before = {row: self._told_with(row) for row in likeliest}
        """The rows to be read, and what is read before each."""

    @property
    def texts(self) -> list[str]:
        """What is to be read, likeliest first."""
        return [before + self._texts[row] for row, before in self._before.items()]

    def finish(self, readings: Sequence[Reading], question: str) -> Ranked:
        """The ranking, with what the reader says of ``texts``, or without where there are none."""
        if not self._texts:
            return Ranked(np.zeros(0), np.zeros(0), (), {}, Features(), Opposition(), -1, -1)
        for (row, before), reading in zip(self._before.items(), readings, strict=False):
            # Lifted as far as it answers.
            self._scores[row] += READ / (1.0 + np.exp(-reading.answers))
            if reading.span:
                self._mark(row, reading.span, len(before))
        read = {row: reading.answers for row, reading in zip(self._before, readings, strict=False)}
        best = int(np.argmax(self._scores))
        # An answer may have to be read together with a neighbour.
        near = [row for row in (best - 1, best + 1) if self._same_passage(row, best) and self._look(row)]
        others = self._scores[self._owner != self._owner[best]]
        chosen, sentence = self._place(best)
        against = opposition(question, self._texts[best], chosen.match.language)
        features = _features(
            chosen,
            sentence,
            form=(self._kind in FORM, bool(self._forms.get(best)), bool(near)),
            top=float(self._cosines.max()),
            margin=min(float(self._scores[best] - (others.max() if len(others) else 0.0)), LEAD),
            against=against,
            reading=float(np.clip(read.get(best, 0.0), -DOUBT, DOUBT)),
        )
        spans = tuple(self._all_spans(row) for row in range(len(self._texts)))
        return Ranked(self._scores, self._coverage, spans, read, features, against, best, int(self._owner[best]))

    def _add_bonus(self, places: int) -> None:
        """Add the bonus for the form asked for to whatever might be among the ``places`` best."""
        bonus = FORM.get(self._kind, 0.0)
        reached: list[float] = []
        for row in np.argsort(-self._scores, kind="stable").tolist():
            # Not even the bonus would lift this sentence, or any after it, so far.
            if len(reached) == places and self._scores[row] + bonus <= reached[0]:
                break
            if self._look(row):
                self._scores[row] += bonus
            insort(reached, float(self._scores[row]))
            del reached[:-places]

    def _told_with(self, row: int) -> str:
        """What is read before a sentence that points back; empty for others and for long ones.

        Empty across languages too: there the reader tells right quotes better by the sentence alone (AUROC .796, .789).
        """
        candidate, sentence = self._place(row)
        text, own = candidate.texts[sentence], candidate.match.language
        if not sentence or self._language not in (None, own) or not points_back(text, own):
            return ""
        before = candidate.texts[sentence - 1] + " "
        return before if len(before) + len(text) <= READ_TOGETHER else ""

    def _mark(self, row: int, span: Span, shift: int) -> None:
        """Keep a span of what was read, where the sentence at ``row`` began at ``shift``."""
        start, end = span[0] - shift, span[1] - shift
        if end <= 0:
            self._told_before.add(row)
            self._marked.setdefault(row - 1, span)
        else:
            self._marked[row] = max(start, 0), end

    def _place(self, row: int) -> tuple[Candidate, int]:
        """The candidate that holds a sentence, and the sentence's row there."""
        owner = int(self._owner[row])
        return self._candidates[owner], row - int(np.searchsorted(self._owner, owner))

    def _look(self, row: int) -> bool:
        """Whether the sentence holds a span in the form asked for."""
        if row not in self._forms:
            match = self._candidates[self._owner[row]].match
            self._forms[row] = answer_spans(self._kind, self._texts[row], match.language, match.terms)
        return bool(self._forms[row])

    def _same_passage(self, row: int, other: int) -> bool:
        return 0 <= row < len(self._texts) and bool(self._owner[row] == self._owner[other])

    def _all_spans(self, row: int) -> tuple[Span, ...]:
        if row in self._told_before:
            return ()
        marked = self._marked.get(row)
        forms = self._forms.get(row, ())
        return (marked, *(span for span in forms if span != marked)) if marked else forms


def words_beside(question: str, candidates: Sequence[Candidate], ranked: Ranked) -> tuple[Word, ...]:
    """The question's words beside the best sentence and its passage."""
    if ranked.best < 0:
        return ()
    chosen = candidates[ranked.passage]
    sentence = ranked.best - sum(len(candidate.texts) for candidate in candidates[: ranked.passage])
    anywhere: NDArray[np.bool_] = np.asarray(chosen.held.any(axis=0))
    written = written_stems(question, chosen.match.language)
    return tuple(
        # A cognate found in the passage stands for a word that is written differently.
        Word(written.get(term, term), float(idf), bool(chosen.held[sentence, place]), bool(anywhere[place]))
        for place, (term, idf) in enumerate(zip(chosen.match.terms, chosen.match.idf, strict=True))
    )


def measures(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """(m, 4) for each sentence: cosine, coverage, fused score of its passage, coverage that the one before adds."""
    counts = [len(candidate.texts) for candidate in candidates]
    measured = np.empty((sum(counts), 4))
    if not candidates:
        return measured
    measured[:, 0] = np.concatenate([candidate.cosines for candidate in candidates])
    measured[:, 2] = np.repeat([candidate.fused for candidate in candidates], counts)
    starts = np.cumsum([0, *counts])
    # All passages of one language together: each array costs more to touch than to work on.
    for match in {id(candidate.match): candidate.match for candidate in candidates}.values():
        alike = [row for row, candidate in enumerate(candidates) if candidate.match is match]
        held = np.concatenate([candidates[row].held for row in alike])
        added = np.zeros_like(held)
        added[1:] = held[:-1] & ~held[1:]
        added[np.cumsum([0, *(counts[row] for row in alike[:-1])])] = False
        rows = np.concatenate([np.arange(starts[row], starts[row + 1]) for row in alike])
        measured[rows, 1], measured[rows, 3] = _coverage(held, match), _coverage(added, match)
    return measured


def columns(measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, 4) what the weights DENSE, LEXICAL, PASSAGE and BEFORE apply to, from measures."""
    cosines, coverage, fused, before = measured.T
    return np.stack([min_max(cosines), min_max(coverage), fused, before], axis=1)


def _features(
    chosen: Candidate,
    sentence: int,
    *,
    form: tuple[bool, bool, bool],
    top: float,
    margin: float,
    against: Opposition,
    reading: float,
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
        denied=float(bool(against.denial)),
        opposed=float(against.pair is not None),
        reading=reading,
    )


def _coverage(held: NDArray[np.bool_], match: Match) -> NDArray[np.float64]:
    """(s,) share of the question's IDF mass in each row of ``held`` (s, t); 0 for a question without terms."""
    total = float(match.idf.sum())
    return held @ match.idf / total if total > 0 else np.zeros(len(held))
