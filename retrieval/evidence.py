"""How well a hit list supports a question: a logistic model over features a person can follow.

The coefficients in evidence.json are fitted by ``python -m tests.bench.fit_evidence`` (which names its data) and come
in two sets. "same": question and passage share a language; the label is whether the documents answer the question.
"foreign": they do not, so most words cannot meet; the label is whether the passage quoted is the right one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from operator import attrgetter
from typing import Any

from retrieval.types import Features

AUTO_SUPPORT = 0.84
"""The support from which on the bot may answer people who did not ask it.

Nobody misses an answer there, and a wrong one disturbs everybody, so precision goes before coverage. From ``python -m
bot eval`` with ANSWER_MIN_SUPPORT at this value, on the sets that threshold() is fitted on: on squad_it 99 % of the
answers are to questions that the documents do answer (94 % at threshold()), 54 % of which are still answered (86 %),
and none to questions about what no document is about (1 %). Questions made to look answerable get through more often:
on squad2_en, half of which are such, 76 % of the answers are to answerable ones (62 %).
"""

FEATURE_NAMES = tuple(field.name for field in fields(Features))
_values = attrgetter(*FEATURE_NAMES)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature adds to the log odds of the support: ``value * weight``."""

    name: str
    value: float
    weight: float


def support(features: Features, *, foreign: bool, read: bool) -> float:
    """Calibrated probability in [0, 1]; see the module docstring for what of."""
    intercept, parts = contributions(features, foreign=foreign, read=read)
    logit = intercept + sum(part.value * part.weight for part in parts)
    return 1.0 / (1.0 + math.exp(-logit))


def contributions(features: Features, *, foreign: bool, read: bool) -> tuple[float, tuple[Contribution, ...]]:
    """The intercept of the log odds and what each feature that has a weight adds to it."""
    model = _models()[("foreign" if foreign else "same") + ("" if read else "_unread")]
    weights = model["coefficients"]
    parts = zip(FEATURE_NAMES, _values(features), strict=True)
    found = tuple(Contribution(name, value, weights[name]) for name, value in parts if weights.get(name))
    return float(model["intercept"]), found


def threshold(*, read: bool) -> float:
    """The support from which on an answer is given unless a setting says otherwise."""
    return float(_models()["threshold" if read else "threshold_unread"])


@cache
def _models() -> Mapping[str, Any]:
    models: Mapping[str, Any] = json.loads(files("retrieval").joinpath("evidence.json").read_text("utf-8"))
    return models
