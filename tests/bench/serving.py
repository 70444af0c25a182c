"""A measured side as a process that answers questions, one line of them at a time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Self

from tests.bench.measure import ROOT, environment, memory


class Serving:
    """A process that reads JSON lists of questions, a line each, and answers with lists of [milliseconds, found]."""

    def __init__(self, command: Sequence[str], extra: Mapping[str, str] | None = None) -> None:
        """``extra`` is added to its environment."""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment(**(extra or {})),
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, questions: Sequence[str]) -> list[tuple[float, list[str]]]:
        """Milliseconds and what was found for each question, asked one after the other."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(list(questions)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("A measured process ended early; its own words stand above.")
        return [(float(ms), list(found)) for ms, found in json.loads(line)]

    @property
    def pid(self) -> int:
        return self._process.pid

    def memory(self) -> tuple[int, int]:
        return memory(self.pid)
