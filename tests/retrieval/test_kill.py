"""kill -9 at every step of a build. Run as a script this file is the process that is killed, over and over.

The script forks for each step (with OpenMP and BLAS held to one thread, which keeps that safe) and lets the child kill
itself just before its n-th change to the file system, for every n until a build comes through. Before a sync it may
also be killed with only half of the file's bytes in place: what a power cut leaves of a file that was not synced.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import retrieval
from retrieval import embedding
from retrieval.build import build_index, index_folder, open_index
from retrieval.documents import make_document
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.errors import IndexCorrupt, IndexMissing
from retrieval.storage import load_manifest, verify_checksums, versions
from retrieval.types import Document

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

STATES = [
    {"sea.txt": "The keeper counts the ships. Fog hides the harbour."},
    {"sea.txt": "The keeper counts the ships. Fog hides the harbour.", "bread.txt": "Il pane costa tre euro."},
    {"sea.txt": "The keeper counts the ships. Rain hides the harbour.", "stars.txt": "A comet came in 1811."},
]


def documents(state: int) -> list[Document]:
    return [make_document(name, text, markdown=False) for name, text in STATES[state].items()]


def build(data: Path, state: int) -> bool:
    return build_index(documents(state), data, HashingEmbedder(), where="seeds").published


def state_of(data: Path) -> int:
    """Which of STATES the index holds, whole; -1 if there is none yet."""
    try:
        verify_checksums(*load_manifest(index_folder(data)))
    except IndexMissing:
        return -1
    except IndexCorrupt:
        # The very first version has its name, but CURRENT was not written yet.
        assert not (index_folder(data) / "CURRENT").exists()
        assert len(versions(index_folder(data))) == 1
    held = list(open_index(data, HashingEmbedder()).documents)
    return [documents(state) for state in range(len(STATES))].index(held)


def die_at(step: int) -> None:
    """Kill this process at its ``step``-th change to the file system from now on."""
    left = step

    def tick() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        changes = event in {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"}
        if (writes or changes) and tick():
            os.kill(os.getpid(), signal.SIGKILL)

    def fsync(fd: int) -> None:
        status = os.fstat(fd)
        if tick():
            os.kill(os.getpid(), signal.SIGKILL)
        if stat.S_ISREG(status.st_mode) and tick():
            os.ftruncate(fd, status.st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    os.fsync = fsync  # type: ignore[assignment]


def in_child(task: Callable[[], object]) -> int:
    """Wait status of a forked child that runs ``task``."""
    child = os.fork()
    if child == 0:
        try:
            task()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def kill_everywhere(folder: Path, before: int) -> None:
    """Kill the build of state ``before + 1`` over an index of state ``before`` and the ones preceding it."""
    base = folder / "base"
    base.mkdir(parents=True)
    build(folder / "warm", 0)  # imports what every child would otherwise import anew
    for state in range(before + 1):
        build(base, state)
    found: list[int] = []
    step, killed = 0, True
    while killed:
        step += 1
        data = folder / str(step)
        shutil.copytree(base, data)

        def interrupted(data: Path = data, step: int = step) -> None:
            die_at(step)
            build(data, before + 1)

        status = in_child(interrupted)
        killed = os.WIFSIGNALED(status)
        assert os.WTERMSIG(status) == signal.SIGKILL if killed else status == 0

        def check(data: Path = data) -> None:
            now = state_of(data)
            assert now in {before, before + 1}, now
            build(data, before + 1)
            assert state_of(data) == before + 1
            assert not build(data, before + 1)
            if now == before:
                left = {path.name for path in index_folder(data).glob(".*")}
                assert left <= {".lock", ".lock.pid"}, left
            assert 1 <= len(versions(index_folder(data))) <= 2 + (now == before + 1)
            os._exit(100 + now)

        status = in_child(check)
        assert os.WIFEXITED(status), (step, status)
        assert os.WEXITSTATUS(status) >= 99, (step, status)
        found.append(os.WEXITSTATUS(status) - 100)
        shutil.rmtree(data)
    print(step, *sorted(set(found)))


@pytest.mark.parametrize("before", [-1, 1])  # no index yet; one to replace and an older one to remove
def test_a_killed_build_leaves_a_complete_index(tmp_path: Path, before: int) -> None:
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    alone["PYTHONPATH"] = str(Path(retrieval.__file__).parents[1])
    code = [sys.executable, __file__, str(tmp_path / "runs"), str(before)]
    done = subprocess.run(code, env=alone, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    steps, *found = map(int, done.stdout.split())
    assert steps > 50
    assert found == [before, before + 1]


if __name__ == "__main__":
    os.fsync = lambda fd: None  # no power is cut here, so nothing need reach a disk
    embedding.BATCH = 1  # even few sentences have a spool then
    kill_everywhere(Path(sys.argv[1]), int(sys.argv[2]))
