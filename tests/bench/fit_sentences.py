"""Fits the weights by which sentences are ranked; prints them beside those in retrieval/ranking.py.

``python -m tests.bench.fit_sentences EVAL_FOLDER`` reads the sets named in SETS. Listwise logistic regression: the
softmax over a question's sentences should put its mass on those that hold a gold answer in a gold document (ListNet's
top-one loss, Cao et al. 2007). Reported for each set: how often the first sentence is such a one with the shipped
weights, with the fit on all sets, and with the fit on the other sets only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from retrieval import Index, Query, ranking
from retrieval.evaluate import LabelledQuestion, contains_answer
from retrieval.ranking import Candidate
from retrieval.types import QuestionKind
from tests.bench.fitting import load_model, open_set, parser

SETS = ("squad_it", "squad2_en", "xquad_en", "fairytaleqa")
RIDGE = 0.003
COLUMNS = ("dense", "lexical", "passage", "before", *(f"form {kind.value}" for kind in ranking.FORM))

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """The s sentences looked at for one question."""

    columns: Floats
    """(s, len(COLUMNS))"""
    right: Floats
    """(s,) 1 where the sentence holds a gold answer."""


def collect(index: Index, questions: Sequence[LabelledQuestion]) -> list[Sample]:
    """One sample for each answerable question."""
    seen: dict[str, Any] = {}

    def record(kind: QuestionKind, candidates: Sequence[Candidate]) -> ranking.Ranked:
        ranked = ranking.rank(kind, candidates)
        seen.update(kind=kind, candidates=candidates, ranked=ranked)
        return ranked

    samples = []
    # A bonus beyond any score makes rank look for spans in every sentence.
    every = dict.fromkeys(QuestionKind, 1000000.0)
    with patch("retrieval.index.rank", record), patch("retrieval.ranking.FORM", every):
        for question in questions:
            if question.answerable:
                hits = index.search_many([Query(question.question)])[0].hits
                columns = np.column_stack(
                    [ranking.columns(ranking.measures(seen["candidates"])), _forms(seen["kind"], seen["ranked"].spans)]
                )
                right = [
                    hit.source in question.gold
                    and any(
                        contains_answer(hit.text[s.start - hit.start : s.end - hit.start], gold, question.language)
                        for gold in question.answers
                    )
                    for hit in hits
                    for s in hit.sentences
                ]
                samples.append(Sample(columns, np.array(right, dtype=np.float64)))
    return samples


def fit(samples: Sequence[Sample]) -> Floats:
    """Weights (len(COLUMNS),) scaled so that dense and lexical add up to one, as ranking.py has them."""

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for sample in samples:
            if sample.right.any():
                logits = sample.columns @ weights
                share = np.exp(logits - logits.max())
                share /= share.sum()
                mass = float(share @ sample.right)
                total -= float(np.log(mass)) / len(samples)
                gradient = gradient - sample.columns.T @ (share * sample.right / mass - share) / len(samples)
        return total, gradient

    weights: Floats = minimize(loss, np.zeros(len(COLUMNS)), jac=True, method="L-BFGS-B").x
    scaled: Floats = weights / (weights[0] + weights[1])
    return scaled


def main() -> None:
    """Fit and print."""
    options = parser(__doc__ or "").parse_args()
    work: Path = options.work
    embedder = load_model(work)
    samples = {name: collect(*open_set(options.folder / name, work, embedder)) for name in SETS}
    everything = [sample for group in samples.values() for sample in group]
    fitted = fit(everything)
    shipped = np.array(
        [ranking.DENSE, ranking.LEXICAL, ranking.PASSAGE, ranking.BEFORE, *ranking.FORM.values()], dtype=np.float64
    )
    print(f"{'weight':<14}{'shipped':>9}{'fitted':>9}")
    for name, ours, best in zip(COLUMNS, shipped, fitted, strict=True):
        print(f"{name:<14}{ours:>9.2f}{best:>9.2f}")
    print(f"\n{'first sentence right':<22}{'shipped':>9}{'fitted':>9}{'by the other sets':>20}")
    for name in SETS:
        others = fit([sample for other in SETS if other != name for sample in samples[other]])
        scores = [_hits(samples[name], weights) for weights in (shipped, fitted, others)]
        print(f"{name:<22}{scores[0]:>9.3f}{scores[1]:>9.3f}{scores[2]:>20.3f}")


def _forms(kind: QuestionKind, spans: Sequence[Sequence[object]]) -> Floats:
    held = np.array([bool(found) for found in spans], dtype=np.float64)
    return np.stack([held if kind is form else np.zeros_like(held) for form in ranking.FORM], axis=1)


def _hits(samples: Sequence[Sample], weights: Floats) -> float:
    return float(np.mean([sample.right[np.argmax(sample.columns @ weights)] for sample in samples]))


if __name__ == "__main__":
    main()
