"""The index is built by a process of its own."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import psutil
import pytest

from bot.building import BuildFailed, build
from bot.settings import as_variables
from bot.settings.model import Embedding, Milvus, Seeds, Settings
from retrieval.build import current_version, index_folder
from retrieval.lock import writing

PATIENCE = 60.0
"""Seconds after which what does not happen counts as a failure."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    seeds = tmp_path / "docs"
    seeds.mkdir()
    (seeds / "a.txt").write_text("The deal is worth 38 billion dollars.", encoding="utf-8")
    return Settings(seeds=Seeds(dir=seeds), data_dir=tmp_path / "data", embedding=Embedding(model="hashing"))


@pytest.fixture
def _changed_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other settings than those that this process began with."""
    monkeypatch.setenv("SEEDS_DIR", "elsewhere")
    (tmp_path / ".env").write_text("EMBEDDING_MODEL=another\n", encoding="utf-8")


@pytest.mark.usefixtures("_changed_since")
async def test_it_publishes_with_the_settings_of_this_process(settings: Settings) -> None:
    async with asyncio.timeout(PATIENCE):
        assert await build(settings) == []
        version = current_version(settings.data_dir)
        assert version
        assert await build(settings) == []
    assert current_version(settings.data_dir) == version


async def test_what_it_says_before_it_fails_is_the_reason(settings: Settings) -> None:
    (settings.seeds.dir / "a.txt").unlink()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(BuildFailed, match=r"^There are no documents to read in .*\.$"):
            await build(settings)
    assert not index_folder(settings.data_dir).exists()


async def until_it_waits(log: pytest.LogCaptureFixture) -> None:
    """Until the process has said that another one writes."""
    while "is writing the index in" not in log.text:  # noqa: ASYNC110 - nothing tells when it is so
        await asyncio.sleep(0.01)


async def test_another_process_that_writes_is_waited_for(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bot.building")
    async with asyncio.timeout(PATIENCE):
        with writing(index_folder(settings.data_dir)):
            waiting = asyncio.create_task(build(settings))
            await until_it_waits(caplog)
            assert current_version(settings.data_dir) == ""
            assert not waiting.done()
        [said] = await waiting
    assert "is writing the index in" in said
    assert current_version(settings.data_dir)


async def test_one_that_is_no_longer_wanted_is_ended(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bot.building")
    async with asyncio.timeout(PATIENCE):
        with writing(index_folder(settings.data_dir)):
            waiting = asyncio.create_task(build(settings))
            await until_it_waits(caplog)
            [child] = psutil.Process().children()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert waiting.cancelled()
            assert not child.is_running()
    assert current_version(settings.data_dir) == ""


async def test_a_process_that_cannot_be_started_is_one_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(settings.data_dir / "nothing"))
    with pytest.raises(BuildFailed, match=r"^A build of the index could not be started \(No such file"):
        await build(settings)


async def test_milvus_lite_has_one_process_at_a_time(settings: Settings) -> None:
    lite = settings.model_copy(update={"vector_store": "milvus", "milvus": Milvus(uri="data/lite.db")})
    with pytest.raises(BuildFailed, match="Milvus Lite"):
        await build(lite)


def test_settings_as_variables_hold_no_secret() -> None:
    settings = Settings(
        seeds=Seeds(exclude=("drafts/*", "*.old.md"), watch=True), milvus=Milvus(uri="http://m:1", token="root:pass")
    )
    assert as_variables(settings, ["seeds", "data_dir", "milvus"]) == {
        "SEEDS_DIR": "seeds",
        "SEEDS_EXCLUDE": "drafts/*,*.old.md",
        "SEEDS_WATCH": "True",
        "DATA_DIR": "data",
        "MILVUS_URI": "http://m:1",
        "MILVUS_TIMEOUT": "10",
        "MILVUS_CONSISTENCY": "bounded",
        "MILVUS_COLLECTION": "fonte",
    }
