"""Fits the evidence model and writes retrieval/evidence.json; ``--dry`` only prints.

``python -m tests.bench.fit_evidence EVAL_FOLDER`` reads the sets named in SAME and FOREIGN. Logistic regression with an
L2 penalty. "same" is fitted on whether the documents answer the question, "foreign" on whether the answer quoted is
right (see retrieval/evidence.py for why). Both are fitted twice: with the reader, on the articles that it has not
learned from (tests/bench/reader/labelled.py), and without, on all. The threshold is the support that COVERAGE of the
answerable questions of ANCHOR reach. Also printed: AUROC across articles (five folds, no article on both sides) and
with a whole set left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

import retrieval
from retrieval.evaluate import auroc
from retrieval.evidence import FEATURE_NAMES
from retrieval.reader import load_reader
from tests.bench.fitting import Case, load_model, open_set, parser, run
from tests.bench.reader.labelled import is_seen

SAME = {"squad_it": 1.0, "squad2_en": 0.35}
"""Sets with unanswerable questions, and what one question of each weighs: half of the second were made to deceive,
which people who ask a bot do not do."""
FOREIGN = "squad_en_to_it"
AGAINST = ("denied", "opposed")
READ_SAME = ("reading", "sentence_coverage", "bm25", "top_similarity", "form_missing", "names_missing", *AGAINST)
READ_FOREIGN = ("reading", "passage_coverage", "bm25", "margin", "names_missing")
SAME_FEATURES = ("sentence_coverage", "bm25", "top_similarity", "form_found", "form_missing", "names_missing", *AGAINST)
FOREIGN_FEATURES = ("sentence_coverage", "passage_coverage", "bm25", "margin", "form_missing", "names_missing")
ANCHOR = "squad_it"
COVERAGE = 0.83
PENALTY = 3.0
"""Inverse strength, scikit-learn's C."""

Floats = NDArray[np.float64]


def main() -> None:
    """Fit, print, write."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--dry", action="store_true", help="do not write evidence.json")
    options = arguments.parse_args()
    embedder = load_model(options.work)
    names = (*SAME, FOREIGN)
    sets = {name: open_set(options.folder / name, options.work, embedder) for name in names}
    fitted: dict[str, Any] = {}
    for read, suffix in ((True, ""), (False, "_unread")):
        print(f"\n{'with' if read else 'without'} the reader")
        reader = load_reader() if read else None
        cases = {name: list(run(index.read_by(reader), asked)) for name, (index, asked) in sets.items()}
        if read:
            cases = {name: [case for case in found if not is_seen(case)] for name, found in cases.items()}
        fitted |= {name + suffix: value for name, value in _fit_all(cases, read=read).items()}
    print(json.dumps(fitted, indent=2))
    if not options.dry:
        path = Path(retrieval.__file__).parent / "evidence.json"
        path.write_text(json.dumps(fitted, indent=2) + "\n", "utf-8")


def _fit_all(cases: dict[str, list[Case]], *, read: bool) -> dict[str, Any]:
    """Threshold and both models from the cases of each set; prints what they are worth."""
    features, foreign_features = (READ_SAME, READ_FOREIGN) if read else (SAME_FEATURES, FOREIGN_FEATURES)
    same = {name: [case for case in cases[name] if not case.result.foreign] for name in SAME}
    foreign = [case for case in cases[FOREIGN] if case.result.foreign]
    pooled = [case for name in SAME for case in same[name]]
    weights = np.concatenate([np.full(len(same[name]), SAME[name]) for name in SAME])
    model = _fit(pooled, features, _answerable(pooled), weights)
    anchor = [case for case in same[ANCHOR] if case.question.answerable]
    limit = float(np.quantile(_probabilities(model, anchor, features), 1 - COVERAGE))
    foreign_model = _fit(foreign, foreign_features, _right(foreign), np.ones(len(foreign)))
    for name in SAME:
        _report(name, same, model, limit, features)
    folds = _across_articles(foreign, foreign_features, _right(foreign))
    print(f"{FOREIGN}: AUROC of a right quote, across articles {folds:.3f}")
    return {
        "threshold": round(limit, 3),
        "same": _coefficients(model, features),
        "foreign": _coefficients(foreign_model, foreign_features),
    }


def _report(name: str, same: dict[str, list[Case]], model: Any, limit: float, features: Sequence[str]) -> None:
    cases = same[name]
    labels = _answerable(cases)
    scores = _probabilities(model, cases, features)
    others = [case for other in same if other != name for case in same[other]]
    left_out = _fit(others, features, _answerable(others), np.ones(len(others)))
    print(
        f"{name}: AUROC {auroc(scores.tolist(), labels.tolist()):.3f}, "
        f"across articles {_across_articles(cases, features, labels):.3f}, "
        f"fitted without it {auroc(_probabilities(left_out, cases, features).tolist(), labels.tolist()):.3f}"
    )
    for kind in sorted({case.question.kind for case in cases}):
        chosen = np.array([case.question.kind == kind for case in cases])
        print(f"  {kind or 'answerable':<12} answered {float((scores[chosen] >= limit).mean()):.3f}")
    for low in np.arange(0.0, 1.0, 0.2):
        inside = (scores >= low) & (scores < low + 0.2)
        if inside.any():
            told, found = scores[inside].mean(), labels[inside].mean()
            print(
                f"  support {low:.1f}-{low + 0.2:.1f}: {inside.sum():>4} questions, mean {told:.2f}, true {found:.2f}"
            )


def _across_articles(cases: Sequence[Case], features: Sequence[str], labels: NDArray[np.bool_]) -> float:
    """AUROC where no question is judged by a model that saw its article."""
    # Unanswerable questions have no gold document; the article is where the search led them.
    articles = [min(case.question.gold or case.result.sources[:1]).rpartition("-")[0] for case in cases]
    scores = cross_val_predict(
        _logistic(), _matrix(cases, features), labels, groups=articles, cv=GroupKFold(5), method="predict_proba"
    )
    return auroc(scores[:, 1].tolist(), labels.tolist()) or 0.0


def _fit(cases: Sequence[Case], features: Sequence[str], labels: NDArray[np.bool_], weights: Floats) -> Any:
    return _logistic().fit(_matrix(cases, features), labels, sample_weight=weights)


def _logistic() -> Any:
    return LogisticRegression(C=PENALTY, max_iter=10_000)


def _probabilities(model: Any, cases: Sequence[Case], features: Sequence[str]) -> Floats:
    probabilities: Floats = model.predict_proba(_matrix(cases, features))[:, 1]
    return probabilities


def _matrix(cases: Sequence[Case], features: Sequence[str]) -> Floats:
    return np.array([[asdict(case.result.features)[name] for name in features] for case in cases], dtype=np.float64)


def _answerable(cases: Sequence[Case]) -> NDArray[np.bool_]:
    return np.array([case.question.answerable for case in cases], dtype=np.bool_)


def _right(cases: Sequence[Case]) -> NDArray[np.bool_]:
    return np.array([case.right for case in cases], dtype=np.bool_)


def _coefficients(model: Any, features: Sequence[str]) -> dict[str, Any]:
    found = dict(zip(features, model.coef_[0].tolist(), strict=True))
    return {
        "intercept": round(float(model.intercept_[0]), 3),
        "coefficients": {name: round(found.get(name, 0.0), 3) for name in FEATURE_NAMES},
    }


if __name__ == "__main__":
    main()
