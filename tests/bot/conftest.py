from __future__ import annotations

import pytest

from tests.standin.processes import Library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Documents whose index is built, for bots that run as processes."""
    return Library(tmp_path_factory.mktemp("library"))
