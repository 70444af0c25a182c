"""Backups that cannot be made or restored: one sentence, and everything as it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.backup import archive, restoring
from bot.backup.archive import Contents
from bot.errors import BotError, ConfigError
from retrieval.errors import RetrievalError
from retrieval.storage import current, digest, load_current, load_manifest, verify_checksums, versions
from tests.bot.backup.conftest import Room, contents, keys


def test_a_file_that_is_there_is_replaced_only_by_force(room: Room) -> None:
    room.backup()
    before = room.file.read_bytes()
    with pytest.raises(ConfigError, match="is there already: name another file, or replace it with --force"):
        room.backup()
    assert room.file.read_bytes() == before
    room.asked("c")
    assert room.backup(force=True)[1] == "The ledger, with 3 questions."


@pytest.mark.parametrize(
    ("name", "why"),
    [("backup.zip", "must end in"), ("nowhere/b.tar", "No such file or directory"), ("folder.tar", "is a folder")],
)
def test_a_place_that_cannot_be_is_one_sentence(room: Room, name: str, why: str) -> None:
    (room.folder / "folder.tar").mkdir()
    room.file = room.folder / name
    with pytest.raises(ConfigError, match=why):
        room.backup(force=True)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_is_full_leaves_nothing_and_the_backup_before(
    room: Room, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.backup()
    before = room.file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(ConfigError, match="could not be made \\(No space left on device\\)"):
            room.backup(force=True)
        with pytest.raises((ConfigError, RetrievalError), match="No space left on device"):
            room.restore()
    assert room.file.read_bytes() == before
    assert sorted(path.name for path in room.folder.iterdir()) == ["backup.tar.gz", "data", "docs", "other"]
    assert not [path for path in (room.folder / "other").iterdir() if path.name.startswith(".restoring")]
    assert len(room.restore(force=True)) == 3


@pytest.mark.parametrize("name", ["../../../data/ledger.db", "/etc/hostname", "more.json"])
def test_an_index_whose_own_manifest_leads_elsewhere_is_refused(room: Room, name: str) -> None:
    """By a hand that gets every checksum right."""
    size, sha = (room.settings.data_dir / "ledger.db").stat().st_size, digest(room.settings.data_dir / "ledger.db")
    folder, _ = load_manifest(room.root)
    fields = json.loads((folder / "manifest.json").read_bytes())
    fields["files"][name] = [size, sha]
    raw = json.dumps(fields).encode()
    evil = room.folder / f"000009-{hashlib.sha256(raw).hexdigest()[:16]}"
    evil.mkdir()
    (evil / "manifest.json").write_bytes(raw)
    members = [archive.member(f"index/{evil.name}/manifest.json", evil / "manifest.json")]
    listed = {each.name: (each.size, each.sha) for each in members}
    with room.file.open("wb") as file:
        archive.write(file, Contents("0", "now", "", evil.name, "faiss", listed), members, zipped=True)
    before = contents(room.settings.data_dir)
    with pytest.raises(ConfigError, match="its index is not what its manifest tells of"):
        room.restore(room.settings, force=True)
    assert contents(room.settings.data_dir) == before


def test_a_restore_that_ends_anywhere_loses_nothing_and_can_be_done_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends by Ctrl-C, just before its n-th change of a name."""
    room.backup()
    room.index("The harbour was painted red.")
    room.asked("c")
    data, left, genuine = room.settings.data_dir, 0, {name: getattr(os, name) for name in ("link", "rename", "replace")}

    def ending(name: str) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            return genuine[name](*arguments, **options)

        return call

    for nth in range(1, 100):
        copy = room.at(f"copy{nth}")
        shutil.copytree(data, copy.data_dir)
        left = nth
        with monkeypatch.context() as patch:
            for name in genuine:
                patch.setattr(os, name, ending(name))
            try:
                room.restore(copy, force=True)
            except KeyboardInterrupt:
                pass
            else:
                break
        ledgers = [keys(path) for path in copy.data_dir.glob("ledger.db*")]
        assert ["a", "b", "c"] in ledgers
        assert keys(copy.data_dir / "ledger.db") in (["a", "b"], ["a", "b", "c"])
        load_current(copy.data_dir / "index", verify_checksums)
        room.restore(copy, force=True)
        assert keys(copy.data_dir / "ledger.db") == ["a", "b"]
        assert current(copy.data_dir / "index").name.split("-")[1] == versions(data / "index")[1].name.split("-")[1]
        assert not [path for path in copy.data_dir.iterdir() if path.name.startswith(".restoring")]
    assert nth > 5


@pytest.mark.parametrize("damage", [lambda raw: raw[:-50], lambda raw: raw[:900], lambda raw: b"PK" + raw])
def test_a_damaged_backup_changes_nothing(room: Room, damage: Callable[[bytes], bytes]) -> None:
    room.backup()
    room.file.write_bytes(damage(room.file.read_bytes()))
    before = contents(room.settings.data_dir)
    for settings in (room.settings, room.at("other")):
        with pytest.raises(ConfigError, match="is damaged or no backup of this program"):
            room.restore(settings, force=True)
    assert contents(room.settings.data_dir) == before
    assert not (room.folder / "other").exists()


def test_a_ledger_of_a_newer_program_is_refused(room: Room) -> None:
    with closing(sqlite3.connect(room.settings.data_dir / "ledger.db")) as connection:
        connection.execute("UPDATE ledger_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(ConfigError, match=r"newer version of this program \(schema 9999\)"):
        room.backup()
    assert not room.file.exists()


def test_an_index_of_another_format_is_left_out(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.backup()
    monkeypatch.setattr("retrieval.storage.FORMAT", 99)
    assert len(room.restore()) == 2
    assert room.told == [
        "The backup's index is another version's and is not restored: `python -m bot index` makes it anew."
    ]


def test_a_backup_that_changes_while_it_is_read_is_not_restored(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.backup()
    verify, other = restoring.archive.verify, room.folder / "data2.tar.gz"

    def late(file: Path, free: int) -> Any:
        found = verify(file, free)
        room.asked("c")
        room.backup(force=True)
        return found

    monkeypatch.setattr(restoring.archive, "verify", late)
    with pytest.raises(BotError, match="changed while it was read"):
        room.restore()
    assert not (room.folder / "other" / "ledger.db").exists()
    assert not other.exists()
