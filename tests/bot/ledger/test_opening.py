"""Creating, migrating and refusing databases."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bot.errors import ConfigError, LedgerUnavailable
from bot.ledger import database_url, open_ledger
from bot.ledger.database import make_engine
from bot.ledger.schema import configure
from bot.ledger.tables import metadata

ROOT = Path(__file__).parents[3]


async def opens(url: str) -> None:
    async with open_ledger(url) as ledger:
        await ledger.ping()


async def refusal(url: str, kind: type[Exception] = ConfigError) -> str:
    with pytest.raises(kind) as caught:
        await opens(url)
    message = str(caught.value)
    assert "\n" not in message
    return message


async def test_the_migrations_make_the_tables(opened: Any, url: str) -> None:
    await opened()
    engine = make_engine(url, 2.0, pooled=False)
    async with engine.connect() as connection:
        differences = await connection.run_sync(_compare)
    await engine.dispose()
    assert differences == []


def _compare(connection: Any) -> Any:
    options = {name: value for name, value in configure(connection).items() if name != "connection"}
    return compare_metadata(MigrationContext.configure(connection, opts=options | {"compare_type": True}), metadata)


async def test_opening_again_changes_nothing(url: str, ask: Any, execute: Any) -> None:
    async with open_ledger(url) as ledger:
        await ledger.claim(ask())
    async with open_ledger(url) as ledger:
        assert await ledger.known("k")
    assert await execute("SELECT version_num FROM ledger_version") == [{"version_num": "0001"}]


async def test_a_database_of_a_newer_version_is_refused(url: str, execute: Any) -> None:
    await opens(url)
    await execute("UPDATE ledger_version SET version_num = '9999'")
    assert "newer version of this program (schema 9999)" in await refusal(url)
    assert await execute("SELECT version_num FROM ledger_version") == [{"version_num": "9999"}]


async def test_another_programs_tables_are_left_alone(url: str, execute: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    await execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    await execute("INSERT INTO alembic_version VALUES ('theirs')")
    await opens(url)
    assert await execute("SELECT * FROM alembic_version") == [{"version_num": "theirs"}]


OPENS = """
import asyncio, sys
from bot.claims import Asked, Trigger
from bot.ledger import open_ledger
import bot.ledger.schema, bot.ledger.store
asked = Asked("k", "slack", "T", "C", "1", "1", "U", "Why?", Trigger.MENTION, 1.0)
async def main():
    async with open_ledger(sys.argv[1], lease=float(sys.argv[2])) as ledger:
        print("claimed" if await ledger.claim(asked) else "known", flush=True)
        if len(sys.argv) > 3:
            await asyncio.sleep(600)
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
"""


def start(url: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", OPENS, url, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_that_start_together_all_succeed(url: str) -> None:
    processes = [start(url, "15") for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate()[0].strip() for process in processes)
    assert said == ["claimed", "known", "known"]
    assert [process.returncode for process in processes] == [0, 0, 0]


async def test_a_process_that_is_killed_leaves_its_claim(url: str, opened: Any, ask: Any) -> None:
    with start(url, "0", "stay") as process:
        process.stdin.write("\n")
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(2)] == ["ready\n", "claimed\n"]
        process.kill()
    [claim] = await (await opened()).take_over()
    assert (claim.asked.text, claim.recovered) == ("Why?", True)


async def test_the_file_is_its_owners_alone(tmp_path: Path, ask: Any) -> None:
    folder = tmp_path / "deep" / "folder with ü, %20 and ?"
    async with open_ledger(database_url(None, folder)) as ledger:
        await ledger.claim(ask())
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    files = ("ledger.db", "ledger.db-wal", "ledger.db-shm", ".ledger.db.lock")
    assert modes == dict.fromkeys(files, 0o600)
    assert sorted(path.name for path in folder.iterdir()) == [".ledger.db.lock", "ledger.db"]


async def test_a_commit_survives_a_power_cut(tmp_path: Path) -> None:
    async with open_ledger(database_url(None, tmp_path)) as ledger:
        settings = {}
        for pragma in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout"):
            statement = f"PRAGMA {pragma}"
            settings[pragma] = await ledger._database.read(lambda db, s=statement: db.exec_driver_sql(s).scalar_one())
    full = 2
    assert settings == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 2000,
    }


async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    file.write_text("notes, not tables, " * 100)
    message = await refusal(database_url(None, tmp_path))
    assert str(file) in message
    assert "move it away" in message
    assert file.read_text() == "notes, not tables, " * 100


async def test_a_damaged_file_is_left_as_it_is(tmp_path: Path, ask: Any) -> None:
    url = database_url(None, tmp_path)
    async with open_ledger(url) as ledger:
        for i in range(200):
            await ledger.claim(ask(str(i), text="x" * 200))
    file = tmp_path / "ledger.db"
    content = file.read_bytes()
    damaged = content[:8192] + bytes(range(256)) * 64 + content[8192 + 256 * 64 :]
    file.write_bytes(damaged)
    message = await refusal(url)
    assert str(file) in message
    assert "move it away" in message
    assert file.read_bytes() == damaged


async def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "ledger.db").mkdir(parents=True)
    for folder, reason in (
        (tmp_path / "file", "not a directory"),
        (tmp_path / "folder", "is a directory"),
        (Path("/proc/fonte"), "no such file"),
    ):
        message = await refusal(database_url(None, folder))
        assert reason in message.lower() or "file exists" in message.lower()
        assert str(folder / "ledger.db") in message
        assert "DATA_DIR" in message


async def test_a_locked_file_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.ledger.schema.PATIENCE", 0.1)
    url = database_url(None, tmp_path)
    await opens(url)
    with sqlite3.connect(tmp_path / "ledger.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "locked" in await refusal(url)
    other.close()
    await opens(url)


async def test_postgres_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    assert "fonte[postgres]" in await refusal(database_url("postgres://u:secret@h/d", Path()))


async def test_a_database_that_is_not_there(postgres_url: str) -> None:
    url = database_url(postgres_url.replace("/postgres?", "/absent?"), Path())
    assert "no such database" in await refusal(url)


async def test_a_user_who_may_not(postgres_database: str, execute_there: Any) -> None:
    await execute_there("DROP ROLE IF EXISTS guest")
    stranger = database_url(postgres_database.replace("postgres:@", "guest:secret@"), Path())
    assert "refuses the user" in await refusal(stranger)
    await execute_there("CREATE ROLE guest LOGIN")
    message = await refusal(stranger)
    assert "CREATE on the schema" in message
    assert "secret" not in message


@pytest.mark.parametrize("host", ["127.0.0.1:1", "[::1]:1", "nowhere.invalid", "/tmp/no-such-socket"])
async def test_a_server_that_does_not_answer(host: str) -> None:
    where = f"/d?host={host}" if host.startswith("/") else f"{host}/d"
    message = await refusal(database_url(f"postgres://user:secret@{where}", Path()), LedgerUnavailable)
    assert "DATABASE_URL" in message
    assert "secret" not in message


@pytest.fixture
def execute_there(postgres_server: Any) -> Any:
    async def run(statement: str) -> None:
        postgres_server.psql(f"{statement};")

    return run
