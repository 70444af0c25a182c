"""The benchmarks reach into the program: these tests say at once when a part they time has moved."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from retrieval import load_embedder, refresh
from retrieval.reader import load_reader
from tests.bench import corpora
from tests.bench.stages import HOP, STAGES, WHOLE, Clock, ask, watch_index


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, float]]:
    """Milliseconds by stage for some questions about the seeds."""
    from retrieval import index as module
    from retrieval.ranking import Ranking

    for name in ("detect_language", "classify", "question_terms", "Ranking"):
        monkeypatch.setattr(module, name, getattr(module, name))  # put back after the test
    monkeypatch.setattr(Ranking, "finish", Ranking.finish)
    embedder = load_embedder("hashing", tmp_path)
    index, _ = refresh(corpora.documents(None), tmp_path, embedder, where="seeds")
    reader = load_reader()
    monkeypatch.setattr(reader, "read", reader.read)  # as above: it is opened once for all tests
    index = index.read_by(reader)
    clock = Clock()
    watch_index(clock, index, embedder, reader)
    return asyncio.run(ask(index, clock, [question.text for question in corpora.questions(None, 3)]))


def test_every_stage_takes_time_and_together_they_are_the_whole(found: list[dict[str, float]]) -> None:
    assert len(found) == 3
    for times in found:
        assert set(times) == {*STAGES, WHOLE}
        assert all(times[stage] > 0 for stage in STAGES if stage != HOP)
        assert sum(times[stage] for stage in STAGES) == pytest.approx(times[WHOLE])
