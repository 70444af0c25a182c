"""Locks that go together and those that do not; folders of a process's own."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from retrieval.sharing import Busy, held, seize, share, workspace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs flock")


def test_locks_that_go_together_and_those_that_do_not(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with pytest.raises(FileNotFoundError):
        share(file)
    file.touch()
    with share(file), share(file):
        assert held(file)
        with pytest.raises(Busy):
            seize(file)
    with seize(file):
        with pytest.raises(Busy):
            share(file)
        with pytest.raises(Busy):
            seize(file)
    assert not held(file)


def test_a_workspace_removes_what_killed_processes_left_and_nothing_in_use(tmp_path: Path) -> None:
    with workspace(tmp_path, ".making-") as used:
        assert stat.S_IMODE(used.stat().st_mode) == 0o700
        left = tmp_path / ".making-left"
        left.mkdir()
        new = tmp_path / ".making-new"
        new.mkdir()
        for folder in (used, left):
            os.utime(folder, (1e9, 1e9))
        with workspace(tmp_path, ".making-"):
            assert used.exists()
            assert new.exists()
            assert not left.exists()
    assert [path.name for path in tmp_path.iterdir()] == [".making-new"]
