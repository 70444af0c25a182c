"""Fixtures for tests of retrieval."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retrieval.types import Milvus


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milvus]:
    """Milvus Lite, in this process and in a file of its own."""
    path = tmp_path_factory.mktemp("milvus") / "lite.db"
    yield Milvus(str(path), timeout=30)
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(str(path))
