"""A reader for tests that does what its file says: the child imports it where a Sandbox is told to."""

from __future__ import annotations

import json
import os
import sys
import time

from retrieval.formats.extracted import Extracted, Unreadable


def extract(raw: bytes, max_chars: int) -> Extracted:
    """Fails, or answers, as the first word of ``raw`` asks."""
    order, _, rest = raw.decode().partition(" ")
    return _ORDERS[order](rest, max_chars)


def _hang(rest: str, max_chars: int) -> Extracted:
    while True:
        time.sleep(60)


def _spin(rest: str, max_chars: int) -> Extracted:
    # Without letting go of the interpreter's lock: big numbers are multiplied in one step.
    return Extracted(str((1 << (1 << 28)) ** 3 & 1))


def _eat(rest: str, max_chars: int) -> Extracted:
    kept = []
    while True:
        kept.append(bytearray(1 << 24))


def _recurse(rest: str, max_chars: int) -> Extracted:
    return _recurse(rest, max_chars)


def _spoiled(rest: str, max_chars: int) -> Extracted:
    """Fails where the child has done this before."""
    if _seen:
        os.abort()
    _seen.append(rest)
    return Extracted(rest)


def _abort(rest: str, max_chars: int) -> Extracted:
    os.abort()


def _exit(rest: str, max_chars: int) -> Extracted:
    os._exit(0)


def _write(rest: str, max_chars: int) -> Extracted:
    """A parser that was taken over, writing to the parent what it likes."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, rest.encode("latin-1"))
        except OSError:
            continue
    os._exit(0)


def _leave(rest: str, max_chars: int) -> Extracted:
    """Tries to leave a file behind."""
    try:
        with open(rest, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write("x")
    except OSError as error:
        raise Unreadable(f"could not write ({type(error).__name__})") from error
    return Extracted("written")


def _print(rest: str, max_chars: int) -> Extracted:
    print(rest, flush=True)
    os.write(1, rest.encode())
    return Extracted("printed")


def _raise(rest: str, max_chars: int) -> Extracted:
    raise ValueError(rest)


_seen: list[str] = []
_ORDERS = {
    "abort": _abort,
    "eat": _eat,
    "environment": lambda rest, most: Extracted(json.dumps(dict(os.environ))),
    "exit": _exit,
    "hang": _hang,
    "headings": lambda rest, most: Extracted("abc", headings=tuple(map(tuple, json.loads(rest)))),
    "leave": _leave,
    "long": lambda rest, most: Extracted("x" * (most + 1)),
    "memory": lambda rest, most: (_ for _ in ()).throw(MemoryError()),
    "modules": lambda rest, most: Extracted(json.dumps(sorted(sys.modules))),
    "pages": lambda rest, most: Extracted("abc", pages=tuple(json.loads(rest))),
    "pid": lambda rest, most: Extracted(str(os.getpid())),
    "print": _print,
    "raise": _raise,
    "recurse": _recurse,
    "say": lambda rest, most: Extracted(rest),
    "spin": _spin,
    "spoiled": _spoiled,
    "surrogate": lambda rest, most: Extracted("\ud800"),
    "write": _write,
}
