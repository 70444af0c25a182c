"""The index that serves is replaced while questions go on; builds are the test's own, in this process."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import shutil
import signal
import weakref
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot import reloading
from bot.app import assistant
from bot.batcher import QueryBatcher
from bot.building import BuildFailed
from bot.claims import Asked, Trigger
from bot.core import core
from bot.library import open_library, update_library
from bot.messages import messages_in
from bot.reloading import Reloader, Retry
from bot.service import Overview
from bot.settings.model import Answer, Embedding, Seeds, Settings
from bot.settings.model import Milvus as MilvusSettings
from retrieval.build import current_version, index_folder
from retrieval.index import Index
from retrieval.storage import current, versions
from retrieval.types import Query, SearchResult
from tests.standin.cable import Cable

WORDS = messages_in("en")
PATIENCE = 30.0
"""Seconds after which what does not happen counts as a failure."""


class Shelf:
    """Documents, their index, and a bot's part that follows them."""

    def __init__(self, folder: Path) -> None:
        self.seeds = folder / "docs"
        self.seeds.mkdir()
        self.settings = Settings(
            seeds=Seeds(dir=self.seeds),
            data_dir=folder / "data",
            embedding=Embedding(model="hashing"),
            answer=Answer(reader=False),
        )
        self.root = index_folder(self.settings.data_dir)
        self.builds = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        """Builds wait for it."""
        self.gate.set()
        self.began = asyncio.Semaphore(0)
        self.swapped: asyncio.Queue[str] = asyncio.Queue()
        """The versions that came to serve."""

    def write(self, *texts: str) -> None:
        for path in self.seeds.iterdir():
            path.unlink()
        for number, text in enumerate(texts):
            (self.seeds / f"{number}.txt").write_text(text, encoding="utf-8")

    def publish(self, *texts: str) -> str:
        """Build the index of these documents; the version's name."""
        if texts:
            self.write(*texts)
        update_library(self.settings, WORDS, lambda _: None, lambda *_: None, rebuild=False)
        return current_version(self.settings.data_dir)

    def open(self) -> Reloader:
        return Reloader(self.settings, open_library(self.settings, WORDS, lambda _: None, lambda *_: None))

    async def build(self, settings: Settings) -> list[str]:
        """In the place of a child process."""
        assert settings is self.settings
        self.builds += 1
        self.began.release()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        await asyncio.to_thread(self.publish)
        return []

    @asynccontextmanager
    async def followed(self, reloader: Reloader, swap: Callable[[Index], None] = lambda _: None):
        def swapped(index: Index) -> None:
            swap(index)
            self.swapped.put_nowait(index.version)

        async with reloader.following(swapped):
            yield

    async def serves(self) -> str:
        """Wait for the next version that comes to serve."""
        async with asyncio.timeout(PATIENCE):
            return await self.swapped.get()

    async def building(self) -> None:
        """Wait until a build has begun."""
        async with asyncio.timeout(PATIENCE):
            await self.began.acquire()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    shelf = Shelf(tmp_path)
    monkeypatch.setattr(reloading, "build", shelf.build)
    monkeypatch.setattr(reloading, "TICK", 0.01)
    monkeypatch.setattr(reloading, "QUIET", 0.05)
    return shelf


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, "bot.reloading"):
        yield caplog


def said(log: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    return [record.getMessage() for record in log.records if record.levelno == level]


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - nothing tells when it is so
            await asyncio.sleep(0.005)


def mapped() -> list[str]:
    """What is mapped into this process's memory, where the system tells."""
    maps = Path("/proc/self/maps")
    return maps.read_text(encoding="utf-8").splitlines() if maps.exists() else []


def swapping(batcher: QueryBatcher) -> Callable[[Index], None]:
    """What has a batcher search in each new index."""

    def swap(index: Index) -> None:
        batcher.index = index

    return swap


# --- swaps ---------------------------------------------------------------------------------------------------------


def library(version: int) -> list[str]:
    """Twenty documents that all say which version they are of, and nothing else differently."""
    return [f"The harbour number {number} holds ships. It was painted by crew{version}." for number in range(20)]


def versions_in(result: SearchResult) -> set[int]:
    """The versions whose texts a result holds."""
    return {int(re.search(r"crew(\d+)", hit.text)[1]) for hit in result.hits}  # type: ignore[index]


async def test_of_1000_questions_in_flight_during_swaps_none_fails_and_none_sees_two_versions(shelf: Shelf) -> None:
    swaps, served = 4, 0
    shelf.publish(*library(0))
    reloader = shelf.open()
    async with QueryBatcher(reloader.index, max_waiting=1000) as batcher:

        async def keep_asking(number: int) -> list[SearchResult]:
            """Ask anew as soon as there is an answer, until the last version serves."""
            found = []
            while not found or served < swaps:
                found.append(await batcher.search(Query(f"Who painted harbour number {number % 20}?")))
            return found

        async with shelf.followed(reloader, swapping(batcher)):
            asking = [asyncio.create_task(keep_asking(number)) for number in range(1000)]
            for version in range(1, swaps + 1):
                name = await asyncio.to_thread(shelf.publish, *library(version))
                assert await shelf.serves() == name
                served = version
            answers = [found for task in asking for found in await task]  # raises what any question met with
            last = await batcher.search(Query("Who painted harbour number 3?"))
    seen = [versions_in(result) for result in answers]
    assert len(seen) >= 1000
    assert all(len(versions) == 1 for versions in seen)
    assert {0} < set.union(*seen) <= set(range(swaps + 1))
    assert versions_in(last) == {swaps}


async def test_the_old_index_goes_with_its_last_batch(shelf: Shelf) -> None:
    shelf.publish("One.")
    reloader = shelf.open()
    old = weakref.ref(reloader.index)
    first = re.compile(f"{re.escape(str(shelf.root))}/000001-[0-9a-f]{{16}}/")
    assert any(map(first.search, mapped())) == bool(mapped())
    async with QueryBatcher(reloader.index) as batcher, shelf.followed(reloader, swapping(batcher)):
        await batcher.search(Query("one"))
        shelf.publish("Two.")
        await shelf.serves()
        await batcher.search(Query("two"))
        await until(lambda: gc.collect() >= 0 and old() is None)
    assert not list(filter(first.search, mapped()))


async def test_a_version_whose_folder_is_removed_still_answers(shelf: Shelf) -> None:
    """Where the file system knows no locks, a question may be at work on a version that is removed."""
    shelf.publish(*library(0))
    index = shelf.open().index
    shelf.publish(*library(1))
    shutil.rmtree(shelf.root / index.version)
    [result] = await asyncio.to_thread(index.search_many, [Query("Who painted harbour number 3?")])
    assert versions_in(result) == {0}


async def test_what_was_kept_for_this_bot_goes_once_it_has_let_go(shelf: Shelf) -> None:
    first = shelf.publish(*library(0))
    reloader = shelf.open()
    for version in (1, 2):
        last = shelf.publish(*library(version))
    assert (shelf.root / first).exists(), "the bot reads it"
    async with QueryBatcher(reloader.index) as batcher, shelf.followed(reloader, swapping(batcher)):
        assert await shelf.serves() == last
        await until(lambda: gc.collect() >= 0 and not (shelf.root / first).exists())
    assert len(versions(shelf.root)) == 2
    assert current_version(shelf.settings.data_dir) == last


async def test_the_log_tells_what_changed(shelf: Shelf, log: pytest.LogCaptureFixture) -> None:
    shelf.publish("One.", "Two.", "Three.")
    reloader = shelf.open()
    first = reloader.state()
    assert first["version"] == current(shelf.root).name
    assert first["trouble"] is None
    async with shelf.followed(reloader):
        shelf.write("One.", "Changed.")
        (shelf.seeds / "new.txt").write_text("New.", encoding="utf-8")
        reloader.ask()
        name = await shelf.serves()
    [line] = said(log, logging.INFO)
    assert line.startswith(f"{name} serves: 1 added, 1 changed, 1 removed, in ")
    assert said(log) == []
    assert reloader.state()["version"] == name


# --- when a build begins -------------------------------------------------------------------------------------------


async def test_a_burst_of_changes_is_one_build_and_those_during_it_are_one_more(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.publish("One.")
    reloader = shelf.open()
    monkeypatch.setattr(reloading, "QUIET", 1e6)
    async with shelf.followed(reloader):
        for _ in range(1000):
            reloader.changed()
        await asyncio.sleep(0.05)  # several looks, none of which may find that things are quiet
        assert shelf.builds == 0
        shelf.gate.clear()
        monkeypatch.setattr(reloading, "QUIET", 0.0)
        await shelf.building()
        for _ in range(1000):
            reloader.changed()
            reloader.ask()
        shelf.write("Two.")
        assert shelf.builds == 1
        shelf.gate.set()
        await shelf.building()
        await shelf.serves()
        await until(lambda: reloader._building is None)
        assert shelf.builds == 2


async def test_what_never_comes_to_rest_is_built_all_the_same(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.publish("One.")
    reloader = shelf.open()
    monkeypatch.setattr(reloading, "QUIET", 1e6)
    monkeypatch.setattr(reloading, "LONGEST", 0.0)
    async with shelf.followed(reloader):
        reloader.changed()
        await shelf.building()


async def test_changes_that_alter_nothing_publish_nothing(shelf: Shelf, log: pytest.LogCaptureFixture) -> None:
    name = shelf.publish("One.")
    reloader = shelf.open()
    async with shelf.followed(reloader):
        (shelf.seeds / "0.txt").touch()
        reloader.changed()
        await shelf.building()
        await until(lambda: reloader._building is None)
    assert (current_version(shelf.settings.data_dir), shelf.swapped.empty()) == (name, True)
    assert said(log) + said(log, logging.INFO) == []


async def test_while_a_build_waits_what_others_publish_is_served(shelf: Shelf) -> None:
    shelf.publish("One.")
    reloader = shelf.open()
    shelf.gate.clear()
    async with shelf.followed(reloader):
        reloader.ask()
        await shelf.building()
        name = await asyncio.to_thread(shelf.publish, "Two.")
        assert await shelf.serves() == name
    assert shelf.builds == 1  # and its end did not wait for the gate


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX")
async def test_each_hangup_signal_is_a_build(shelf: Shelf) -> None:
    shelf.publish("One.")
    reloader = shelf.open()
    async with shelf.followed(reloader):
        os.kill(os.getpid(), signal.SIGHUP)
        await shelf.building()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


# --- what goes wrong -----------------------------------------------------------------------------------------------


async def test_a_build_that_fails_is_one_sentence_until_one_succeeds(
    shelf: Shelf, log: pytest.LogCaptureFixture
) -> None:
    name = shelf.publish("One.")
    reloader = shelf.open()
    async with shelf.followed(reloader):
        shelf.error = BuildFailed("The disk is full.")
        for _ in range(3):
            reloader.ask()
            await shelf.building()
            await until(lambda: reloader._building is None)
        assert said(log) == [f"The disk is full; version {name} of the index serves on"]
        assert reloader.state()["trouble"] == "The disk is full."
        shelf.error = KeyError("odd")
        reloader.ask()
        await until(lambda: len(said(log)) == 2)
        assert "KeyError" in said(log)[1]
        shelf.error = None
        shelf.write("Two.")
        reloader.ask()
        assert await shelf.serves() != name
        assert reloader.state()["trouble"] is None


async def test_with_watching_a_build_that_failed_is_tried_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(reloading, "LAST_RETRY", 0.02)
    shelf.publish("One.")
    reloader = shelf.open()
    # Only what the setting means to the loop: no folder is watched, so that nothing else can begin a build.
    shelf.settings = reloader._settings = shelf.settings.model_copy(update={"seeds": Seeds(dir=shelf.seeds)})
    async with shelf.followed(reloader):
        shelf.settings = reloader._settings = shelf.settings.model_copy(
            update={"seeds": Seeds(dir=shelf.seeds, watch=True)}
        )
        shelf.error = BuildFailed("The disk is full.")
        reloader.ask()
        for _ in range(3):
            await shelf.building()
        shelf.error = None
        shelf.write("Two.")
        await shelf.serves()


def test_what_fails_again_and_again_is_tried_more_and_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("bot.reloading.time.monotonic", lambda: now)
    retry, waits = Retry(), []
    assert not retry.due
    for _ in range(8):
        began = now
        retry.begun()
        retry.failed()
        while not retry.due:
            now += 5
        waits.append(now - began)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    retry.done()
    assert not retry.due
    retry.failed()
    now += 5
    assert retry.due


@pytest.mark.parametrize("damage", ["a file", "CURRENT", "everything"])
async def test_a_damaged_version_does_not_come_to_serve_and_is_named_once(
    shelf: Shelf, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(reloading, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(reloading, "LAST_RETRY", 0.01)
    opened: list[str] = []
    opening = reloading.next_index

    def spy(*arguments: object) -> Index:
        opened.append("")
        return opening(*arguments)  # type: ignore[arg-type]

    first = shelf.publish("One.")
    reloader = shelf.open()
    monkeypatch.setattr(reloading, "next_index", spy)
    shelf.publish("Two.")
    match damage:
        case "a file":
            (current(shelf.root) / "vectors.faiss").write_bytes(b"")
        case "CURRENT":
            (shelf.root / "CURRENT").write_bytes(b"nonsense\n")
        case "everything":
            shutil.rmtree(shelf.root)
    async with shelf.followed(reloader):
        await until(lambda: len(opened) >= 3)
        assert reloader.index.version == first
        assert len(said(log)) == 1
        assert said(log)[0].endswith(f"; version {first} of the index serves on")
        assert reloader.state()["trouble"]
        name = await asyncio.to_thread(shelf.publish, "Three.")
        assert await shelf.serves() == name
        assert reloader.state()["trouble"] is None


async def test_an_index_of_another_model_does_not_come_to_serve(
    shelf: Shelf, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shelf.publish("One.")
    reloader = shelf.open()
    monkeypatch.setattr("retrieval.build.PREPARATION", "another")
    shelf.publish("Two.")
    monkeypatch.undo()
    async with shelf.followed(reloader):
        await until(lambda: said(log))
    assert "another model or chunking" in said(log)[0]
    assert reloader.index.version == first


# --- what goes along -----------------------------------------------------------------------------------------------


async def test_the_reader_and_the_device_come_along(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.settings = shelf.settings.model_copy(update={"answer": Answer(reader=True)})
    placed: list[object] = []

    def placing(_device: str, store: object, _notify: object) -> object:
        placed.append(store)
        return store

    monkeypatch.setattr("bot.library.served_from", placing)
    shelf.publish(*library(0))
    reloader = shelf.open()
    async with shelf.followed(reloader):
        await asyncio.to_thread(shelf.publish, *library(1))
        await shelf.serves()
    [result] = await asyncio.to_thread(reloader.index.search_many, [Query("Who painted harbour number 3?")])
    assert result.read
    assert placed[-1] is reloader.index.store
    assert len(placed) == 2


async def test_versions_whose_vectors_lie_in_milvus_follow_each_other(shelf: Shelf, cable: Cable) -> None:
    """The third version's build deletes what only the first one held."""
    there = {"vector_store": "milvus", "milvus": MilvusSettings(uri=f"http://127.0.0.1:{cable.port}", timeout=30)}
    shelf.settings = shelf.settings.model_copy(update=there)
    await asyncio.to_thread(shelf.publish, *library(0))
    reloader = await asyncio.to_thread(shelf.open)
    async with QueryBatcher(reloader.index) as batcher, shelf.followed(reloader, swapping(batcher)):
        for version in (1, 2, 3):
            await asyncio.to_thread(shelf.publish, *library(version))
            await shelf.serves()
            assert versions_in(await batcher.search(Query("Who painted harbour number 3?"))) == {version}
    assert reloader.state()["trouble"] is None


async def test_the_documents_listed_and_the_questions_suggested_follow(shelf: Shelf) -> None:
    shelf.settings = shelf.settings.model_copy(update={"answer": Answer(reader=False, min_support=0)})
    password = "How do I reset my password?\nOpen the login page and choose Forgot password, on any day.\n"
    parcel = "How do I return a parcel?\nBring the parcel to the post office in the harbour, on any day.\n"
    await asyncio.to_thread(shelf.publish, password, "The mill was painted in 1902.\n")
    reloader = shelf.open()
    async with QueryBatcher(reloader.index) as batcher:
        ask = assistant(shelf.settings, batcher).ask
        async with core(shelf.settings, ask) as parts:
            place = Asked("k", "p", "T", "C", "1", "", "U", "", Trigger.COMMAND, 0.0)
            overview = Overview(parts, ask)

            def shown() -> list[str]:
                return [document.source for document in parts.shelf.listed(place)]

            def swap(index: Index) -> None:
                batcher.index = index
                overview.show(index)

            overview.show(reloader.index)
            assert shown() == ["0.txt", "1.txt"]
            await until(lambda: "How do I reset my password?" in parts.shelf.suggested(place, "en"))
            async with shelf.followed(reloader, swap):
                await asyncio.to_thread(shelf.publish, parcel)
                await shelf.serves()
                assert shown() == ["0.txt"]
                await until(lambda: parts.shelf.suggested(place, "en") == ["How do I return a parcel?"])
            await overview.close()
