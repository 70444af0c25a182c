"""The arithmetic that benchmark tables rest on."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import compare, corpora, quiet
from tests.bench.compare import Figures
from tests.bench.corpora import Asked
from tests.bench.measure import ROOT, percentile, table
from tests.bench.sides import OURS, PEER, PEER_SENTENCES, SIDES


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 1))
def test_percentile_is_numpys(values: list[float], share: float) -> None:
    assert percentile(values, share) == pytest.approx(float(np.quantile(values, share)), abs=1e-6)


MEASURED = """
from tests.bench.measure import environment, run
done = run(["-c", "held = bytes(range(256)) * 400_000; print(len(held)); raise SystemExit(3)"], environment())
print(done.status, int(done.output), done.peak, done.seconds > 0)
"""


def test_a_process_is_measured_with_what_it_wrote_and_held() -> None:
    # From a small process: Linux counts into a child's peak what its parent held when it was forked.
    found = subprocess.run([sys.executable, "-c", MEASURED], cwd=ROOT, capture_output=True, text=True, check=True)
    status, written, peak, took = found.stdout.split()
    assert (status, written, took) == ("3", "102400000", "True")
    assert 102_400_000 < int(peak) < 200_000_000


def test_what_others_disturb_is_measured_again_until_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = iter([0.0, 0.5, 0.2, 0.0, 0.0])
    monkeypatch.setattr(quiet.Others, "share", lambda _: next(shares))
    monkeypatch.setattr(quiet, "PROBE_S", 0.001)
    results = iter("ab")
    patient = quiet.Patience(60)
    assert patient.undisturbed(lambda: next(results)) == "b"
    assert patient.facts() == {"measurements": 1, "disturbed": 0}

    monkeypatch.setattr(quiet.Others, "share", lambda _: 0.5)
    hasty = quiet.Patience(0)
    assert hasty.undisturbed(lambda: "taken as it is") == "taken as it is"
    assert hasty.facts() == {"measurements": 1, "disturbed": 1}


class Times(NamedTuple):
    """Seconds, as psutil.cpu_times gives them."""

    user: float
    idle: float


@pytest.mark.parametrize(("busy", "share"), [(2.0, 0.0), (5.0, 0.15)])
def test_own_work_is_not_that_of_others(monkeypatch: pytest.MonkeyPatch, busy: float, share: float) -> None:
    machine = iter([Times(10.0, 100.0), Times(10.0 + busy, 120.0 - busy)])
    own = iter([(1.0, 1.0, 0.0, 0.0, 0.0), (2.0, 1.0, 1.0, 0.0, 0.0)])
    clock = iter([50.0, 60.0])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(machine))
    monkeypatch.setattr(os, "times", lambda: next(own))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(quiet, "perf_counter", lambda: next(clock))
    assert quiet.Others([]).share() == pytest.approx(share)


def test_recall_counts_only_questions_whose_documents_are_known() -> None:
    questions = [Asked("a", frozenset({"x"})), Asked("b", frozenset({"y"})), Asked("c")]
    assert compare.recall(questions, [["x", "z"], ["z", "y"], ["z"]]) == {1: 0.5, 5: 1.0}
    assert compare.recall(questions[2:], [["z"]]) == {}


def test_questions_are_spread_over_the_set_or_asked_again() -> None:
    everything = corpora.questions(None, len(corpora.SEED_QUESTIONS.read_text("utf-8").splitlines()))
    assert len(set(everything)) == len(everything) > 10
    assert corpora.questions(None, 2 * len(everything)) == everything * 2
    few = corpora.questions(None, 5)
    assert few == sorted(set(few), key=everything.index)
    assert len(few) == 5


def test_ratios_are_the_peers_figure_over_ours() -> None:
    figures = {
        side: Figures(
            build_s=1.0 * times,
            cold_s=[0.5 * times] * 3,
            rss=[2e8 * times],
            uss=[1e8 * times],
            rounds=[[2.0 * times, 2.0 * times], [4.0 * times]],
        )
        for side, times in zip(SIDES, (1, 2, 4), strict=True)
    }
    sides = compare.result(figures)
    assert "ratios" not in sides[OURS]
    assert {sides[PEER]["ratios"][name] for name in compare.RATIOS} == {2.0}
    assert sides[PEER_SENTENCES]["ratios"]["round_p50_ms"] == [4.0, 4.0]
    assert "(x 2.00)" in compare.show(sides)


def test_a_table_is_markdown_with_equal_widths() -> None:
    lines = table(["", "ms"], [["encoder", "1.25"], ["BM25", "10.00"]]).splitlines()
    assert lines[1] == "| ------- | ----: |"
    assert {len(line) for line in lines} == {len(lines[0])}
