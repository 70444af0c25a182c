"""What people and programs are told about a build."""

from __future__ import annotations

import json

import pytest

from bot.report import print_report
from retrieval.outcome import BuildReport

REPORT = BuildReport(("a.txt",), (), (), (), (), 3, 9, 4, 5, 1.234, True)
RESUMED = BuildReport(("a.txt",), (), (), (), (), 3, 9, 4, 5, 1.234, True, resumed=3)


def test_what_a_broken_off_build_had_embedded_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(REPORT, "seeds", as_json=False)
    plain = capsys.readouterr().out
    assert plain.endswith("The index is new: 3 passages with 9 sentences, 4 embedded, 5 reused, in 1.23 s.\n")
    print_report(RESUMED, "seeds", as_json=False)
    told = "Of those reused, 3 had been embedded by a build that was broken off.\n"
    assert capsys.readouterr().out == plain + told


def test_programs_are_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(RESUMED, "seeds", as_json=True)
    assert json.loads(capsys.readouterr().out)["resumed"] == 3
