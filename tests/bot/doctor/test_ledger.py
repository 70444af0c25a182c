"""The ledger: there, missing, behind, foreign, out of reach; looked at and left as it is."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import bot.ledger
from bot.ledger import database_url, open_ledger, schema
from tests.bot.doctor.conftest import contents, look


async def make_ledger(url: str) -> None:
    async with open_ledger(url) as ledger:
        await ledger.ping()


async def test_a_ledger_that_is_not_there_is_not_made(doctor) -> None:
    [line] = await look(doctor, "ledger")
    assert line["status"] == "ok"
    assert "none yet" in line["detail"]
    assert not doctor.data.exists()


async def test_a_current_ledger_is_left_as_it_is(doctor) -> None:
    await make_ledger(database_url(None, doctor.data))
    before = contents(doctor.data)
    [line] = await look(doctor, "ledger")
    assert (line["status"], line["detail"]) == (
        "ok",
        "data/ledger.db can be read and has the current revision, 0001.",
    )
    assert contents(doctor.data) == before


async def test_a_ledger_that_is_in_use_is_read_beside_its_user(doctor) -> None:
    async with open_ledger(database_url(None, doctor.data)) as ledger:
        await ledger.ping()
        before = sorted(path.name for path in doctor.data.iterdir())
        [line] = await look(doctor, "ledger")
        assert line["status"] == "ok"
        assert sorted(path.name for path in doctor.data.iterdir()) == before
        await ledger.ping()


async def test_what_was_kept_at_a_restore_is_told(doctor) -> None:
    await make_ledger(database_url(None, doctor.data))
    kept = doctor.data / "ledger.db.before-restore-20261127-101112"
    shutil.copy(doctor.data / "ledger.db", kept)
    _, line = await look(doctor, "ledger")
    assert line["status"] == "warning"
    assert line["detail"].startswith(f"Kept from before a restore: {kept.name} (0.1 MB), which RETENTION_DAYS")
    assert line["remedy"] == "Delete that once it is not needed."


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program with one migration more than the ledger has seen."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(bot.ledger.__file__).parent / "migrations", folder, ignore=shutil.ignore_patterns("__pyc*"))
    text = 'revision = "0002"\ndown_revision = "0001"\n\n\ndef upgrade() -> None:\n    raise AssertionError\n'
    (folder / "versions" / "0002_more.py").write_text(text)

    def scripts() -> Any:
        config = schema.Config()
        config.set_main_option("script_location", str(folder))
        config.set_main_option("path_separator", "os")
        return config

    monkeypatch.setattr(schema, "scripts", scripts)


async def test_a_ledger_behind_a_revision_is_told_and_not_migrated(doctor, request) -> None:
    await make_ledger(database_url(None, doctor.data))
    before = contents(doctor.data)
    request.getfixturevalue("later")
    [line] = await look(doctor, "ledger")
    assert line["status"] == "warning"
    assert line["detail"] == "data/ledger.db has revision 0001, this program wants 0002."
    assert contents(doctor.data) == before


async def test_a_ledger_of_a_newer_program_is_wrong(doctor) -> None:
    await make_ledger(database_url(None, doctor.data))
    with sqlite3.connect(doctor.data / "ledger.db") as connection:
        connection.execute("UPDATE ledger_version SET version_num = '9999'")
    connection.close()
    [line] = await look(doctor, "ledger")
    assert line["status"] == "wrong"
    assert line["detail"] == "The ledger was written by a newer version of this program (schema 9999)."
    assert line["remedy"].startswith("Run that version")


async def test_a_file_that_is_no_ledger_is_wrong(doctor) -> None:
    doctor.data.mkdir()
    (doctor.data / "ledger.db").write_text("notes, not tables, " * 100)
    [line] = await look(doctor, "ledger")
    assert line["status"] == "wrong"
    assert line["remedy"].startswith("Move it away")
    (doctor.data / "ledger.db").unlink()
    (doctor.data / "ledger.db").mkdir()
    [line] = await look(doctor, "ledger")
    assert line["status"] == "wrong"
    assert line["remedy"].startswith("Correct DATABASE_URL or DATA_DIR")


async def test_a_ledger_that_is_read_only_is_wrong(doctor, monkeypatch) -> None:
    await make_ledger(database_url(None, doctor.data))
    monkeypatch.setattr("bot.ledger.inspection.os.access", lambda path, mode: Path(path).suffix != ".db")
    [line] = await look(doctor, "ledger")
    assert line["status"] == "wrong"
    assert line["detail"] == "data/ledger.db cannot be written."


async def test_postgres_is_looked_at_and_left_as_it_is(doctor, postgres_server, request) -> None:
    postgres_server.psql("CREATE DATABASE doctor;")
    url = postgres_server.get_uri(database="doctor")
    [line] = await look(doctor, "ledger", DATABASE_URL=url)
    assert (line["status"], line["detail"]) == (
        "ok",
        "PostgreSQL: none yet; it is made when a platform is first served.",
    )
    [line] = await look(doctor, "ledger")
    assert "none yet" in line["detail"], "looking has made nothing"
    await make_ledger(database_url(url, doctor.data))
    [line] = await look(doctor, "ledger")
    assert line["detail"] == "PostgreSQL can be read and has the current revision, 0001."
    request.getfixturevalue("later")
    [line] = await look(doctor, "ledger")
    assert line["detail"] == "PostgreSQL has revision 0001, this program wants 0002."
    [line] = await look(doctor, "ledger", offline=True)
    assert "was not asked" in line["detail"]


async def test_postgres_out_of_reach_is_wrong_and_shows_no_password(doctor) -> None:
    [line] = await look(doctor, "ledger", DATABASE_URL="postgres://ada:s3cretpassword@127.0.0.1:1/d")
    assert line["status"] == "wrong"
    assert doctor.status == 1
    assert "s3cretpassword" not in doctor.said
    [line] = await look(doctor, "ledger", DATABASE_URL="mysql://ada:s3cretpassword@127.0.0.1:1/d")
    assert line["status"] == "wrong"
    assert line["detail"].startswith("DATABASE_URL must be of the form")
    assert "s3cretpassword" not in doctor.said


async def test_what_a_killed_bot_left_is_read_and_left(doctor) -> None:
    async with open_ledger(database_url(None, doctor.folder / "alive")) as ledger:
        await ledger.ping()
        shutil.copytree(doctor.folder / "alive", doctor.data)
    before = {name: content for name, content in contents(doctor.data).items() if not name.endswith("-shm")}
    assert "ledger.db-wal" in before
    [line] = await look(doctor, "ledger")
    assert line["status"] == "ok"
    assert "0001" in line["detail"]
    assert {name: content for name, content in contents(doctor.data).items() if not name.endswith("-shm")} == before
    (doctor.data / "ledger.db-shm").unlink()
    [line] = await look(doctor, "ledger")
    assert (line["status"], line["remedy"]) == ("warning", "Start the bot.")
    assert not (doctor.data / "ledger.db-shm").exists()


async def test_a_place_where_no_ledger_can_be_made_is_wrong(doctor, monkeypatch) -> None:
    monkeypatch.setattr("bot.ledger.inspection.os.access", lambda path, mode: Path(path) != doctor.folder)
    [line] = await look(doctor, "ledger")
    assert (line["status"], line["detail"]) == ("wrong", "data/ledger.db cannot be made.")
