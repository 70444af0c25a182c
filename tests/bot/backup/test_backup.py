"""Backups made and restored: what is in them, and what becomes of what was there."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.backup import making, restoring
from bot.errors import ConfigError, LedgerUnavailable
from bot.ledger import database_url, open_ledger
from bot.ledger.guard import lock_of
from bot.library import open_library
from bot.messages import messages_in
from bot.settings.model import Milvus as MilvusSettings
from retrieval.errors import IndexLocked
from retrieval.lock import writing
from retrieval.manifest import Milvus
from retrieval.publish import publish
from retrieval.storage import current, load_current, load_manifest, verify_checksums, versions
from retrieval.stores.entities import claimed
from retrieval.types import Query
from tests.bot.backup.conftest import Room, contents, keys

# --- there and back ------------------------------------------------------------------------------------------------


def test_an_empty_folder_gets_what_there_was(room: Room) -> None:
    version = current(room.root).name
    told = room.backup()
    assert told[1:] == ["The ledger, with 2 questions.", f"The index: version {version}, of 1 document."]
    assert stat.S_IMODE(room.file.stat().st_mode) == 0o600
    assert sorted(path.name for path in room.folder.iterdir()) == ["backup.tar.gz", "data", "docs"]
    other = room.at("other")
    assert room.restore(other)[1:] == [
        f"The ledger: {other.data_dir / 'ledger.db'}.",
        f"The index: version {version}, as {version} was.",
    ]
    assert keys(other.data_dir / "ledger.db") == ["a", "b"]
    assert stat.S_IMODE((other.data_dir / "ledger.db").stat().st_mode) == 0o600
    index = open_library(other, messages_in("en"), room.told.append, lambda *_: None)
    assert index.version == version, "it is current, and nothing is embedded again"
    [found] = index.search_many([Query("Who painted the harbour?")])
    assert found.hits[0].text == "The harbour was painted blue."
    room.asked("a", "c", settings=other)
    assert keys(other.data_dir / "ledger.db") == ["a", "b", "c"]
    assert room.told == []


def test_no_secret_no_history_and_no_document_is_in_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    (room.folder / ".env").write_text("SLACK_BOT_TOKEN=xoxb-1-secret")
    (room.settings.data_dir / "history").write_text("what somebody typed")
    room.file = room.folder / "backup.tar"
    room.backup()
    with tarfile.open(room.file) as tar:
        names = tar.getnames()
    assert {name.split("/")[0] for name in names} == {"manifest.json", "ledger.db", "index"}
    assert b"xoxb" not in room.file.read_bytes()


def test_models_only_where_they_are_wanted(room: Room) -> None:
    models = room.settings.data_dir / "models"
    for name in ("abc/model.onnx", "abc/deep/vocabulary.txt", ".making-1/half", "sources.json"):
        (models / name).parent.mkdir(parents=True, exist_ok=True)
        (models / name).write_text(name)
    assert room.backup()[-1] == "No prepared models, as they are made again when they are needed; see --with-models."
    assert room.backup(force=True, with_models=True)[-1] == "Prepared models: 0 MB."
    other = room.at("other")
    (other.data_dir / "models" / "abc").mkdir(parents=True)
    room.restore(other, force=True)
    restored = other.data_dir / "models"
    assert contents(restored) == {"sources.json": b"sources.json"}, "what was there stays"
    shutil.rmtree(other.data_dir)
    room.restore(other)
    assert set(contents(restored)) == {"abc/model.onnx", "abc/deep/vocabulary.txt", "sources.json"}


def test_each_part_may_be_missing(room: Room) -> None:
    shutil.rmtree(room.root)
    assert room.backup()[1:] == ["The ledger, with 2 questions.", "No index, as there is none yet."]
    assert len(room.restore()) == 2
    (room.settings.data_dir / "ledger.db").unlink()
    with pytest.raises(ConfigError, match="There is nothing to back up: DATA_DIR"):
        room.backup(force=True)
    room.index("The harbour was painted blue.")
    assert room.backup(force=True)[1] == "No ledger, as there is none yet."
    assert room.restore(room.at("third"))[1].startswith("The index")
    assert not (room.folder / "third" / "ledger.db").exists()


def test_a_damaged_index_gives_way_to_the_last_good_one(room: Room) -> None:
    first = current(room.root).name
    room.index("The harbour was painted red.")
    (current(room.root) / "vectors.faiss").write_bytes(b"")
    assert room.backup()[-1].startswith(f"The index: version {first}, ")
    assert "vectors.faiss has 0 bytes" in room.told[0]
    (versions(room.root)[1] / "vectors.faiss").write_bytes(b"")
    told = room.backup(force=True)
    assert told[1:] == ["The ledger, with 2 questions."]
    assert room.told[1].endswith("; the index is not in the backup.")


def test_a_ledger_in_postgresql_is_left_out_and_pg_dump_is_named(room: Room) -> None:
    elsewhere = {"database_url": "postgresql://bot:hunter2@db.example/fonte"}
    room.backup()
    told = room.restore(room.at("other", **elsewhere))
    assert len(told) == 2
    assert room.told.pop() == "The backup's ledger is not restored, as DATABASE_URL names PostgreSQL."
    room.settings = room.at("data", **elsewhere)
    assert room.backup(force=True)[1].startswith("The index")
    assert room.told == [making.POSTGRES]


def test_of_an_index_in_milvus_the_keys_and_the_collections_name_are_kept(tmp_path: Path, milvus: Milvus) -> None:
    room, where = Room(tmp_path), {"vector_store": "milvus", "milvus": MilvusSettings(uri=milvus.uri)}
    room.settings = room.at("data", **where)
    version = room.index("The harbour was painted blue.")
    room.backup()
    assert room.told.pop() == making.MILVUS
    other = room.at("other", **where)
    room.told.clear()
    room.restore(other)
    assert room.told == [
        "Its vectors lie in Milvus: where its collection lacks them, the index is made anew at the next start."
    ]
    assert claimed(room.folder / "other" / "index") == claimed(room.root)
    index = open_library(other, messages_in("en"), room.told.append, lambda *_: None)
    assert index.version == version
    assert index.search_many([Query("Who painted the harbour?")])[0].hits


# --- a folder that is not empty ------------------------------------------------------------------------------------


def test_nothing_is_lost_where_it_goes_over_something(room: Room) -> None:
    room.backup()
    old = current(room.root).name
    new = room.index("The harbour was painted red.")
    room.asked("c")
    before = contents(room.settings.data_dir)
    with pytest.raises(
        ConfigError, match=r"ledger\.db is there already: let DATA_DIR name an empty folder, or .*--force"
    ):
        room.restore(room.settings)
    assert contents(room.settings.data_dir) == before
    told = room.restore(room.settings, force=True)
    ledger = room.settings.data_dir / "ledger.db"
    [kept] = room.settings.data_dir.glob("ledger.db.before-restore-*")
    assert keys(kept) == ["a", "b", "c"]
    assert keys(ledger) == ["a", "b"]
    assert str(kept) in told[1]
    assert current(room.root).name.split("-")[0] == "000003"
    assert current(room.root).name.split("-")[1] == old.split("-")[1]
    assert new in [folder.name for folder in versions(room.root)], "what was current is there to fall back on"
    room.restore(room.settings, force=True)
    assert len(list(room.settings.data_dir.glob("ledger.db.before-restore-*"))) == 2


def test_a_log_that_a_killed_bot_left_goes_with_its_ledger(room: Room, tmp_path: Path) -> None:
    room.backup()
    ledger = room.settings.data_dir / "ledger.db"
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("UPDATE claims SET key = 'late' WHERE key = 'a'")
        connection.commit()
        left = {path.name: path.read_bytes() for path in ledger.parent.glob("ledger.db*")}
    for name, raw in left.items():
        (ledger.parent / name).write_bytes(raw)
    assert (ledger.parent / "ledger.db-wal").stat().st_size
    room.restore(room.settings, force=True)
    assert keys(ledger) == ["a", "b"]
    [kept] = ledger.parent.glob("ledger.db.before-restore-*")
    assert keys(kept) == ["b", "late"]


def test_a_damaged_ledger_is_kept_too(room: Room) -> None:
    room.backup()
    ledger = room.settings.data_dir / "ledger.db"
    ledger.write_bytes(b"no database")
    with pytest.raises(ConfigError, match="is damaged or no ledger"):
        room.backup(force=True)
    room.restore(room.settings, force=True)
    assert keys(ledger) == ["a", "b"]
    [kept] = ledger.parent.glob("ledger.db.before-restore-*")
    assert kept.read_bytes() == b"no database"


async def test_a_ledger_that_is_open_is_not_replaced_whatever_is_forced(tmp_path: Path) -> None:
    room = Room(tmp_path)
    await asyncio.to_thread(room.asked, "a")
    await asyncio.to_thread(room.backup)
    async with open_ledger(database_url(None, room.settings.data_dir)) as ledger:
        before = contents(room.settings.data_dir)
        with pytest.raises(ConfigError, match=r"A bot or another command has \S+ledger\.db open: stop it"):
            await asyncio.to_thread(room.restore, room.settings, force=True)
        assert contents(room.settings.data_dir) == before
        assert await ledger.known("a")
    await asyncio.to_thread(room.restore, room.settings, force=True)


async def test_nobody_opens_a_ledger_that_is_being_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room, url = Room(tmp_path), database_url(None, tmp_path / "other")
    await asyncio.to_thread(room.asked, "a")
    await asyncio.to_thread(room.backup)
    put, seen = restoring.put, []

    def meanwhile(copy: Path, file: Path) -> Path | None:
        async def enter() -> None:
            async with open_ledger(url):
                seen.append("opened")

        with pytest.raises(LedgerUnavailable, match="is being restored from a backup"):
            asyncio.run(enter())
        assert not file.exists()
        return put(copy, file)

    monkeypatch.setattr(restoring, "put", meanwhile)
    await asyncio.to_thread(room.restore)
    async with open_ledger(url) as ledger:
        assert await ledger.known("a")
    assert seen == []


def test_an_index_that_is_written_is_waited_for_by_the_person(room: Room) -> None:
    room.backup()
    with writing(room.root), pytest.raises(IndexLocked, match="wait until it has finished"):
        room.restore(room.settings, force=True)
    assert keys(room.settings.data_dir / "ledger.db") == ["a", "b"]
    assert not list(room.settings.data_dir.glob("*before*"))


# --- beside builds -------------------------------------------------------------------------------------------------


def test_a_version_that_is_being_backed_up_stays_until_that_is_done(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, write = current(room.root).name, making.archive.write
    _, manifest = load_manifest(room.root)

    def slowly(*arguments: Any, **options: Any) -> None:
        for number in range(3):
            with writing(room.root):
                publish(room.root, lambda folder, n=number: (folder / "mark").write_text(str(n)) and None, manifest)
        assert (room.root / version).exists()
        write(*arguments, **options)

    monkeypatch.setattr(making.archive, "write", slowly)
    room.backup()
    with writing(room.root):
        publish(room.root, lambda folder: (folder / "mark").write_text("last") and None, manifest)
    assert not (room.root / version).exists()
    monkeypatch.undo()
    room.restore()
    load_current(room.folder / "other" / "index", verify_checksums)
    assert current(room.folder / "other" / "index").name == version


def test_the_lock_of_a_ledger_is_beside_it_and_empty(room: Room) -> None:
    lock = lock_of(room.settings.data_dir / "ledger.db")
    assert (lock.name, lock.stat().st_size) == (".ledger.db.lock", 0)
