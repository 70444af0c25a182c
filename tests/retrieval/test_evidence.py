"""The evidence model: its file, and what the support it gives must obey whatever the coefficients."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.resources import files
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.evidence import AUTO_SUPPORT, FEATURE_NAMES, contributions, support, threshold
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
    denied=st.sampled_from([0.0, 1.0]),
    opposed=st.sampled_from([0.0, 1.0]),
    reading=st.floats(-6, 6),
)


@pytest.mark.parametrize("model", ["same", "foreign", "same_unread", "foreign_unread"])
def test_the_models_name_every_feature_and_no_other(model: str) -> None:
    shipped = json.loads(files("retrieval").joinpath("evidence.json").read_text("utf-8"))
    assert set(shipped[model]["coefficients"]) == set(FEATURE_NAMES)
    assert all(math.isfinite(weight) for weight in shipped[model]["coefficients"].values())
    assert math.isfinite(shipped[model]["intercept"])


def test_the_threshold_parts_nothing_found_from_everything_found() -> None:
    everything = Features(
        sentence_coverage=1.0, passage_coverage=1.0, bm25=0.9, similarity=0.9, top_similarity=0.9, margin=1.0,
        form_found=1.0, form_missing=0.0, names_missing=0.0, numbers_missing=0.0, reading=6.0,
    )  # fmt: skip
    for foreign, read in product((False, True), repeat=2):
        assert 0 < threshold(read=read) < AUTO_SUPPORT < 1
        assert support(Features(), foreign=foreign, read=read) < threshold(read=read)
        assert support(everything, foreign=foreign, read=read) > AUTO_SUPPORT


@given(FEATURES, st.booleans(), st.booleans())
def test_support_is_a_probability(features: Features, foreign: bool, read: bool) -> None:
    assert 0 <= support(features, foreign=foreign, read=read) <= 1


@given(FEATURES, SHARES, st.booleans(), st.booleans())
def test_more_coverage_is_never_less_support(features: Features, more: float, foreign: bool, read: bool) -> None:
    better = replace(
        features,
        sentence_coverage=features.sentence_coverage + more,
        passage_coverage=features.passage_coverage + more,
    )
    assert support(better, foreign=foreign, read=read) >= support(features, foreign=foreign, read=read) - 1e-12


@given(FEATURES, st.floats(0, 6), st.booleans())
def test_a_better_reading_is_never_less_support(features: Features, more: float, foreign: bool) -> None:
    better = replace(features, reading=features.reading + more)
    assert support(better, foreign=foreign, read=True) >= support(features, foreign=foreign, read=True)


def test_the_logistic_model_by_hand() -> None:
    shipped = json.loads(files("retrieval").joinpath("evidence.json").read_text("utf-8"))
    values = (0.5, 0.75, 0.25, 0.4, 0.6, 0.1, 1.0, 0.0, 0.5, 1.0, 1.0, 1.0, 2.5)
    features = Features(*values)
    for foreign, read in product((False, True), repeat=2):
        model = shipped[("foreign" if foreign else "same") + ("" if read else "_unread")]
        products = [model["coefficients"][name] * value for name, value in zip(FEATURE_NAMES, values, strict=True)]
        logit = model["intercept"] + math.fsum(products)
        assert support(features, foreign=foreign, read=read) == pytest.approx(1 / (1 + math.exp(-logit)))
        intercept, parts = contributions(features, foreign=foreign, read=read)
        assert intercept + sum(part.value * part.weight for part in parts) == pytest.approx(logit)
