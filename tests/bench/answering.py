"""How a measured side answers: the other end of tests.bench.serving. Imports nothing that a side would pay for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter

Ask = Callable[[str], list[str]]
"""Takes a question and returns what was found, best first."""


def answer_lines(ask: Ask) -> None:
    """Answer JSON lists of questions, a line each of stdin, with lists of [milliseconds, found]."""
    for line in sys.stdin:
        answers = []
        for question in json.loads(line):
            started = perf_counter()
            found = ask(question)
            answers.append([(perf_counter() - started) * 1000, found])
        print(json.dumps(answers), flush=True)
