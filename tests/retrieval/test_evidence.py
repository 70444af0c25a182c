"""The evidence model: its file, and what the support it gives must obey whatever the coefficients."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.evidence import AUTO_SUPPORT, FEATURE_NAMES, support, threshold
from retrieval.types import Features

SHARES, COSINES = st.floats(0, 1), st.floats(-1, 1)
FEATURES = st.builds(
    Features,
    sentence_coverage=SHARES,
    passage_coverage=SHARES,
    bm25=SHARES,
    similarity=COSINES,
    top_similarity=COSINES,
    margin=st.floats(-2, 3),
    form_found=st.sampled_from([0.0, 1.0]),
    form_missing=st.sampled_from([0.0, 1.0]),
    names_missing=SHARES,
    numbers_missing=st.sampled_from([0.0, 1.0]),
)


@pytest.mark.parametrize("model", ["same", "foreign"])
def test_the_models_name_every_feature_and_no_other(model: str) -> None:
    shipped = json.loads(files("retrieval").joinpath("evidence.json").read_text("utf-8"))
    assert set(shipped[model]["coefficients"]) == set(FEATURE_NAMES)
    assert all(math.isfinite(weight) for weight in shipped[model]["coefficients"].values())
    assert math.isfinite(shipped[model]["intercept"])


def test_the_threshold_parts_nothing_found_from_everything_found() -> None:
    assert 0 < threshold() < AUTO_SUPPORT < 1
    everything = Features(
        sentence_coverage=1.0, passage_coverage=1.0, bm25=0.9, similarity=0.9, top_similarity=0.9, margin=1.0,
        form_found=1.0, form_missing=0.0, names_missing=0.0, numbers_missing=0.0,
    )  # fmt: skip
    for foreign in (False, True):
        assert support(Features(), foreign=foreign) < threshold()
        assert support(everything, foreign=foreign) > AUTO_SUPPORT


@given(FEATURES, st.booleans())
def test_support_is_a_probability(features: Features, foreign: bool) -> None:
    assert 0 <= support(features, foreign=foreign) <= 1


@given(FEATURES, SHARES, st.booleans())
def test_more_coverage_is_never_less_support(features: Features, more: float, foreign: bool) -> None:
    better = replace(
        features,
        sentence_coverage=features.sentence_coverage + more,
        passage_coverage=features.passage_coverage + more,
    )
    assert support(better, foreign=foreign) >= support(features, foreign=foreign) - 1e-12


def test_the_logistic_model_by_hand() -> None:
    shipped = json.loads(files("retrieval").joinpath("evidence.json").read_text("utf-8"))
    features = Features(0.5, 0.75, 0.25, 0.4, 0.6, 0.1, 1.0, 0.0, 0.5, 1.0)
    values = (0.5, 0.75, 0.25, 0.4, 0.6, 0.1, 1.0, 0.0, 0.5, 1.0)
    for foreign, model in ((False, shipped["same"]), (True, shipped["foreign"])):
        products = [model["coefficients"][name] * value for name, value in zip(FEATURE_NAMES, values, strict=True)]
        odds = math.exp(model["intercept"] + math.fsum(products))
        assert support(features, foreign=foreign) == pytest.approx(odds / (1 + odds))
