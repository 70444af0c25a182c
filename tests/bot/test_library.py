from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from bot.app import assistant
from bot.batcher import QueryBatcher
from bot.errors import AnswerFailed, ConfigError
from bot.library import open_library, update_library
from bot.messages import messages_in
from bot.settings.model import Embedding, Seeds, Settings
from bot.settings.model import Milvus as MilvusSettings
from bot.types import Question
from retrieval.build import build_index, index_folder
from retrieval.errors import IndexLocked, ModelError, RetrievalError, SourceError, StoreUnavailable
from retrieval.formats.extracted import Extracted
from retrieval.formats.sandbox import Sandbox
from retrieval.index import Index
from retrieval.lock import writing
from retrieval.manifest import Milvus
from retrieval.outcome import BuildReport
from retrieval.progress import Step
from retrieval.storage import current
from retrieval.types import Query
from tests.standin.cable import Cable

WORDS = messages_in("en")


class Shelf:
    """A seeds folder, a data folder and what was said while the index was opened."""

    def __init__(self, folder: Path) -> None:
        self.seeds = folder / "docs"
        self.seeds.mkdir()
        (self.seeds / "a.txt").write_text("The deal is worth 38 billion dollars.", encoding="utf-8")
        self.settings = Settings(
            seeds=Seeds(dir=self.seeds), data_dir=folder / "data", embedding=Embedding(model="hashing")
        )
        self.notes: list[str] = []
        self.stages: set[str] = set()

    def open(self) -> Index:
        return open_library(self.settings, WORDS, self.notes.append, self._progress)

    def update(self, *, rebuild: bool = False) -> BuildReport:
        return update_library(self.settings, WORDS, self.notes.append, self._progress, rebuild=rebuild)

    def _progress(self, step: Step) -> None:
        self.stages.add(step.stage)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def sources(index: Index) -> list[str]:
    return [document.source for document in index.documents]


def replace_build(monkeypatch: pytest.MonkeyPatch, build: Callable[..., BuildReport]) -> None:
    """Opening builds through refresh, an update directly."""
    for name in ("retrieval.build.build_index", "bot.library.build_index"):
        monkeypatch.setattr(name, build)


def test_opening_builds_then_follows_the_folder(shelf: Shelf) -> None:
    assert sources(shelf.open()) == ["a.txt"]
    assert "embed" in shelf.stages
    (shelf.seeds / "b.md").write_text("# New\n\nText.", encoding="utf-8")
    assert sources(shelf.open()) == ["a.txt", "b.md"]
    assert shelf.notes == []


def test_what_could_not_be_read_is_tried_again_by_an_update_alone(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shelf.seeds / "b.html").write_text("<script>x</script>", encoding="utf-8")
    tried = []
    extract = Sandbox.extract

    def counted(sandbox: Sandbox, raw: bytes, suffix: str) -> Extracted:
        tried.append(raw)
        return extract(sandbox, raw, suffix)

    monkeypatch.setattr(Sandbox, "extract", counted)
    shelf.open()
    shelf.open()
    assert len(tried) == 1
    assert [(entry.source, entry.reason) for entry in shelf.update().skipped] == [("b.html", "holds no text")]
    assert len(tried) == 2
    (shelf.seeds / "b.html").write_text("<p>Read.", encoding="utf-8")
    assert sources(shelf.open()) == ["a.txt", "b.html"]


@pytest.mark.parametrize("gone", ["files", "folder"])
def test_when_the_documents_are_gone_the_last_index_serves(shelf: Shelf, gone: str) -> None:
    shelf.open()
    (shelf.seeds / "a.txt").unlink()
    if gone == "folder":
        shelf.seeds.rmdir()
    assert sources(shelf.open()) == ["a.txt"]
    assert shelf.notes == [WORDS.no_seeds.format(folder=shelf.seeds), WORDS.last_index]
    with pytest.raises(SourceError, match="no documents"):
        shelf.update()


def test_an_index_made_with_another_model_does_not_serve_as_the_last_one(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.open()
    (shelf.seeds / "a.txt").unlink()
    monkeypatch.setattr("retrieval.build.PREPARATION", "another")
    with pytest.raises(SourceError, match="no documents"):
        shelf.open()
    assert shelf.notes == []


def test_files_that_cannot_be_read_are_not_the_same_as_no_files(shelf: Shelf) -> None:
    (shelf.seeds / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match=r"a\.txt"):
        shelf.open()


def test_when_the_index_cannot_be_written_the_last_one_serves(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.open()

    def full(*_: object, **__: object) -> BuildReport:
        raise RetrievalError("The disk is full.")

    replace_build(monkeypatch, full)
    assert sources(shelf.open()) == ["a.txt"]
    assert shelf.notes == ["The disk is full.", WORDS.last_index]
    with pytest.raises(RetrievalError, match="disk is full"):
        shelf.update()


def test_a_model_that_fails_is_not_hidden_behind_the_last_index(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.open()

    def fail(*_: object, **__: object) -> BuildReport:
        raise ModelError("The model broke.")

    replace_build(monkeypatch, fail)
    with pytest.raises(ModelError):
        shelf.open()


def test_a_model_that_cannot_be_loaded_is_a_wrong_setting(shelf: Shelf) -> None:
    shelf.settings = shelf.settings.model_copy(update={"embedding": Embedding(model="no such model")})
    with pytest.raises(ConfigError, match="no such model"):
        shelf.open()


def test_an_update_does_not_wait_for_another_writer_unless_there_is_nothing_to_write(shelf: Shelf) -> None:
    shelf.update()
    with writing(index_folder(shelf.settings.data_dir)):
        assert shelf.update().published is False
        with pytest.raises(IndexLocked):
            shelf.update(rebuild=True)


def test_an_update_finds_damage_that_opening_would_not_look_for(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[bool] = []

    def spy(*arguments: object, **options: object) -> BuildReport:
        verified.append(bool(options["verify"]))
        return build_index(*arguments, **options)  # type: ignore[arg-type]

    replace_build(monkeypatch, spy)
    shelf.open()
    shelf.update()
    assert verified == [False, True]


def test_a_damaged_index_is_built_anew_with_one_sentence(shelf: Shelf) -> None:
    shelf.open()
    folder = current(index_folder(shelf.settings.data_dir))
    (folder / "documents.json").write_text("[]", encoding="utf-8")
    assert sources(shelf.open()) == ["a.txt"]
    assert len(shelf.notes) == 1
    assert "built anew" in shelf.notes[0]


def test_damage_that_only_opening_finds_is_built_anew(shelf: Shelf) -> None:
    shelf.open()
    folder = current(index_folder(shelf.settings.data_dir))
    # As large as before and unread by the check at load, as a file of many megabytes would be.
    vectors = folder / "vectors.faiss"
    size = vectors.stat().st_size
    with patch("retrieval.storage.SMALL_FILE", 0):
        vectors.write_bytes(bytes(size))
        assert sources(shelf.open()) == ["a.txt"]
    assert current(index_folder(shelf.settings.data_dir)) != folder


# --- vectors in Milvus ---------------------------------------------------------------------------------------------


def in_milvus(shelf: Shelf, uri: str, timeout: float = 30) -> None:
    """Have the shelf's settings ask for Milvus."""
    update = {"vector_store": "milvus", "milvus": MilvusSettings(uri=uri, timeout=timeout)}
    shelf.settings = shelf.settings.model_copy(update=update)


def test_vectors_go_to_the_milvus_that_is_set(shelf: Shelf, milvus: Milvus) -> None:
    in_milvus(shelf, milvus.uri)
    (shelf.seeds / "b.md").write_text("# New\n\nThe office is in Turin.", encoding="utf-8")
    index = shelf.open()
    assert index.store.how.store == "milvus"
    assert index.search_many([Query("Where is the office?")])[0].hits[0].source == "b.md"
    assert shelf.update().published is False
    assert shelf.notes == []


async def test_a_question_fails_while_milvus_is_away_and_later_ones_are_answered(
    shelf: Shelf, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.stores.milvus_connection.PAUSES", ())
    in_milvus(shelf, f"http://127.0.0.1:{cable.port}", timeout=5)
    question = Question("How much is the deal worth?", "en")
    index = await asyncio.to_thread(shelf.open)
    async with QueryBatcher(index) as batcher:
        helper = assistant(shelf.settings, batcher)
        expected = (await helper.ask(question)).text
        cable.cut()
        with pytest.raises(AnswerFailed) as caught:
            await helper.ask(question)
        assert str(caught.value) == WORDS.failed
        cable.join()
        assert (await helper.ask(question)).text == expected
    cable.cut()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await asyncio.to_thread(shelf.open)
    assert shelf.notes == []


def test_the_last_index_serves_where_a_new_one_cannot_go_to_milvus(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.stores.milvus_connection.PAUSES", ())
    shelf.open()
    in_milvus(shelf, "http://127.0.0.1:1", timeout=10)
    assert sources(shelf.open()) == ["a.txt"]
    assert shelf.notes == [
        "Milvus at http://127.0.0.1:1 cannot be reached: start it, or correct MILVUS_URI.",
        WORDS.last_index,
    ]
