"""Whole processes as users start them: wall seconds and memory of ``--help``, ``ask`` and the chat.

    python -m tests.bench.cold [--corpus DIR] [--runs N] [--patience S] [--work DIR] [--json]

The index is built first; the files are then in the disk cache and the byte code is written. ``ask`` runs once with its
output piped and once in a terminal, where it also loads what draws. The chat gets its questions through a pipe and its
memory is read when all are answered.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import IO, Any

from tests.bench import corpora
from tests.bench.measure import (
    MB,
    ROOT,
    Finished,
    environment,
    last_object,
    machine,
    memory,
    run,
    spread,
    table,
    wait,
    workspace,
)
from tests.bench.quiet import Patience

QUESTIONS = 50
ANSWERED, NOT_FOUND = 0, 3
TOO_LONG = "?" * 2001
"""Refused with a sentence on stderr: the sign that all questions before it are answered."""


def run_in_terminal(arguments: Sequence[str], env: Mapping[str, str]) -> Finished:
    """As measure.run, with a terminal for stdin, stdout and stderr."""
    ours, theirs = pty.openpty()
    started = perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=env
    )
    os.close(theirs)
    output = b""
    try:
        while block := os.read(ours, 1 << 16):
            output += block
    except OSError:  # how Linux says that nobody holds the terminal's other end any more
        pass
    finally:
        os.close(ours)
    status, peak = wait(process)
    return Finished(perf_counter() - started, peak, status, output)


def serve(questions: Sequence[str], env: Mapping[str, str]) -> dict[str, float]:
    """Memory of a chat over a pipe after the questions, in bytes, and seconds a question."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=env,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    # A full pipe would stop the chat.
    reader = Thread(target=_drain, args=(process.stdout,))
    reader.start()
    _send(process.stdin, questions[:1])
    process.stderr.readline()
    started = perf_counter()
    _send(process.stdin, questions)
    said = process.stderr.readline()
    seconds = perf_counter() - started
    if process.poll() is not None or not said:
        raise SystemExit(f"The chat ended early: {said}{process.stderr.read()}")
    rss, uss = memory(process.pid)
    process.stdin.close()
    reader.join()
    process.stderr.close()
    _, peak = wait(process)
    return {"rss": rss, "uss": uss, "peak": peak, "ms_a_question": seconds * 1000 / len(questions)}


def _send(pipe: IO[str], questions: Sequence[str]) -> None:
    pipe.write("".join(f"{question}\n" for question in (*questions, TOO_LONG)))
    pipe.flush()


def _drain(pipe: IO[str]) -> None:
    with pipe:
        for _ in pipe:
            pass


def commands(question: str, runs: int, env: Mapping[str, str], patience: Patience) -> dict[str, list[Finished]]:
    """Each command ``runs`` times, in turns, after one start of each that is not counted."""
    ask = ["-m", "bot", "ask", question]
    measured: dict[str, Callable[[], Finished]] = {
        "--help": lambda: run(["-m", "bot", "--help"], env),
        "ask, piped": lambda: run(ask, env),
        "ask, in a terminal": lambda: run_in_terminal(ask, env),
    }
    found: dict[str, list[Finished]] = {name: [] for name in measured}
    for turn in range(runs + 1):
        for name, start in measured.items():
            done = patience.undisturbed(start) if turn else start()
            if done.status not in (ANSWERED, NOT_FOUND):
                raise SystemExit(f"{name} ended with {done.status}: {done.output.decode(errors='replace')}")
            if turn:
                found[name].append(done)
    return found


def measure(corpus: Path | None, folder: Path, runs: int, patience: Patience) -> dict[str, Any]:
    """All figures by name, in seconds, milliseconds and MB."""
    questions = [question.text for question in corpora.questions(corpus, QUESTIONS)]
    env = environment(
        SEEDS_DIR=str(corpora.write_folder(corpus, folder / "seeds")),
        DATA_DIR=str(folder / "data"),
        EMBEDDING_MODEL="all-MiniLM-L6-v2",
    )
    built = run(["-m", "bot", "index", "--json"], env)
    if built.status:
        raise SystemExit("The index could not be built; the reason stands above.")
    chat = patience.undisturbed(partial(serve, questions, env))
    return {
        "first_index_s": built.seconds,
        "passages": last_object(built.output).get("chunks"),
        "commands": {
            name: {
                "seconds": [done.seconds for done in finished],
                "peak_mb": max(done.peak for done in finished) / MB,
            }
            for name, finished in commands(questions[0], runs, env, patience).items()
        },
        "chat": {
            "rss_mb": chat["rss"] / MB,
            "uss_mb": chat["uss"] / MB,
            "peak_mb": chat["peak"] / MB,
            "ms_a_question": chat["ms_a_question"],
        },
    }


def show(found: Mapping[str, Any]) -> str:
    """The figures as two tables."""
    rows = [
        [f"python -m bot {name}", spread(own["seconds"], 3), f"{own['peak_mb']:.0f}"]
        for name, own in found["commands"].items()
    ]
    first = table(["command", "s: median (min-max)", "MB, peak RSS"], rows)
    chat = found["chat"]
    figures = [f"{chat[name]:.0f}" for name in ("rss_mb", "uss_mb", "peak_mb")]
    second = table(
        ["chat after its questions", "MB, RSS", "MB, USS", "MB, peak RSS", "ms a question, printing included"],
        [[f"python -m bot, {QUESTIONS} questions", *figures, f"{chat['ms_a_question']:.2f}"]],
    )
    return f"{first}\n\n{second}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cold", description=(__doc__ or "").split("\n")[0])
    corpora.add_arguments(parser)
    parser.add_argument("--runs", type=int, default=5, help="times each command is run (5)")
    options = parser.parse_args()
    before, patience = machine(), Patience(options.patience)
    with workspace(options.work) as folder:
        found = measure(options.corpus, folder, options.runs, patience)
    facts = {**before, **patience.facts(), "passages": found["passages"]}
    if options.json:
        print(json.dumps({"machine": facts, **found}))
    else:
        print(json.dumps(facts), show(found), sep="\n\n")


if __name__ == "__main__":
    main()
