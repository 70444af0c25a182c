"""``python -m bot eval`` end to end, without a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot import app, evaluation, library
from bot.cli import main
from bot.errors import ConfigError
from bot.settings import Settings, load_settings
from retrieval.errors import IndexCorrupt, SourceError
from retrieval.protocols import Embedder

CORPUS = [
    {"id": "sea", "title": "Sea", "text": "The deepest sea lies east of the islands. It is 11 km deep.", "lang": "en"},
    {"id": "mill", "title": "Mill", "text": "The mill was built in 1788 by Anna Berg. It grinds barley.", "lang": "en"},
]
QUESTIONS = [
    {
        "id": "1",
        "question": "Who built the mill?",
        "lang": "en",
        "answers": ["Anna Berg"],
        "gold_ids": ["mill"],
        "answerable": True,
    },
    {
        "id": "2",
        "question": "How many ships sank near Zanzibar?",
        "lang": "en",
        "answers": [],
        "gold_ids": [],
        "answerable": False,
        "kind": "far",
    },
]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in (("DATA_DIR", str(tmp_path / "data")), ("EMBEDDING_MODEL", "hashing")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ANSWER_MIN_SUPPORT", raising=False)
    return load_settings(tmp_path / "no.env")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "set"
    path.mkdir()
    for name, rows in (("corpus", CORPUS), ("questions", QUESTIONS)):
        (path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_figures_are_those_of_the_answers_given(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluation.run(settings, folder, None, as_json=True, plot=None) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["questions"] == 2
    assert figures["documents"] == 2
    assert figures["recall@1"] == figures["containment"] == figures["token_f1"] == 1.0
    assert figures["auroc"] == 1.0
    assert figures["unanswerable_answered"] == {"far": 0.0}
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]


def test_the_table_has_a_line_for_every_figure_and_kind(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation.run(settings, folder, None, as_json=False, plot=None)
    lines = capsys.readouterr().out.splitlines()
    assert "recall@1                     1.000" in lines
    assert "unanswerable_answered (far)  0.000" in lines


def test_a_folder_of_documents_is_measured_with_the_index_users_get(
    settings: Settings, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for row in CORPUS:
        (seeds / f"{row['id']}.txt").write_text(row["text"], "utf-8")
    evaluation.run(settings, seeds, folder / "questions.jsonl", as_json=True, plot=None)
    figures = json.loads(capsys.readouterr().out)
    # The questions name other documents, so nothing can be said about finding those.
    assert figures["recall@1"] is None
    assert figures["containment"] == 1.0


def test_the_model_is_prepared_once_for_all_folders(
    settings: Settings, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    genuine = library.load_embedder

    def watched(model: str, cache_dir: Path, **options: Any) -> Embedder:
        asked.append(cache_dir)
        return genuine(model, cache_dir, **options)

    monkeypatch.setattr(library, "load_embedder", watched)
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "mill.txt").write_text(str(CORPUS[0]["text"]), "utf-8")
    evaluation.run(settings, folder, None, as_json=True, plot=None)
    evaluation.run(settings, seeds, folder / "questions.jsonl", as_json=True, plot=None)
    assert asked == [settings.data_dir / "models"] * 2


def test_the_plot_is_a_picture(settings: Settings, folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "risk.png"
    evaluation.run(settings, folder, None, as_json=True, plot=picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["risk.gif", "missing/risk.png"])
def test_a_plot_that_cannot_be_drawn_is_refused_before_the_work(settings: Settings, folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="--plot"):
        evaluation.run(settings, folder, None, as_json=True, plot=folder / name)
    assert not settings.data_dir.exists()


def test_a_folder_without_questions_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"questions\.jsonl"):
        evaluation.run(settings, tmp_path, None, as_json=True, plot=None)


def test_the_command_measures(settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["questions"] == 2


def test_damage_found_in_the_background_is_said_and_does_not_end_the_chat(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(_: Path) -> None:
        raise IndexCorrupt("vectors.faiss is damaged.")

    monkeypatch.setattr(app, "check_index", damaged)
    app._check(settings)
    assert "vectors.faiss is damaged." in caplog.text
