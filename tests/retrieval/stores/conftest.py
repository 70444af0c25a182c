"""Fixtures for tests of vector stores."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

_numbers = count()


@pytest.fixture
def collection() -> Callable[[], str]:
    """Names for collections, each another one."""
    return lambda: f"test_{next(_numbers)}"
