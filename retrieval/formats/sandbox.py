"""The parent's side of reading files that may be hostile: a child process with limits, started anew where it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any

from retrieval.folder import cause
from retrieval.formats import READERS
from retrieval.formats.answers import NonsenseError, decode, understand
from retrieval.formats.extracted import Extracted, Unreadable, one_line, too_much_text
from retrieval.formats.frames import FrameTooLong, read_frame, write_frame

_START_SECONDS = 60.0
"""For a child to start and load a reader: not time that a file takes."""
_BYTES_PER_CHAR = 8
"""Of an answer: a character takes up to six in JSON, and headings and pages some more."""
_ANSWER_BYTES = 1 << 20
_PASSED_ON = frozenset(
    ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME")
)
"""Variables that the child gets: what Python needs to start, and nothing that may be a secret."""

_CRASHED = "made its reader crash"
_MEMORY = "needs more memory to read than is allowed"


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take."""

    seconds: float = 20.0
    memory: int = 1 << 30
    """Bytes of the child's address space, its own program included (about a tenth of the default)."""
    characters: int = 20_000_000
    """Of text."""


class Sandbox:
    """Reads files in a child process that is started when first needed and used for many files.

    Not for several threads at once. Close it, or use it in a ``with``; after that it may be used again.
    """

    def __init__(self, limits: Limits | None = None, *, readers: Mapping[str, str] = READERS, path: str = "") -> None:
        """``readers``: suffix -> module; ``path``: one more folder that the child finds modules in."""
        self.readers = readers
        self._limits = limits or Limits()
        self._path = path
        self._child: subprocess.Popen[bytes] | None = None
        self._loaded: set[str] = set()
        """Readers that the child has loaded."""
        self._used = False
        """Whether the child has been given a file."""
        self._missing: dict[str, str] = {}
        """Readers that no child can load, and why."""

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        self._loaded.clear()
        self._used = False
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                # What is still in a buffer for a child that is gone.
                with suppress(OSError):
                    stream.close()
        child.wait()

    def extract(self, raw: bytes, suffix: str) -> Extracted:
        """The text of a file with a suffix of ``readers``. Raises Unreadable with the reason why there is none."""
        used = self._used
        try:
            return self._extract(raw, suffix)
        except _Broken as error:
            if not (used and error.again):
                raise
        # The files before may be at fault, by what they left in the child's memory: once more, in a new one.
        return self._extract(raw, suffix)

    def _extract(self, raw: bytes, suffix: str) -> Extracted:
        reader = self.readers[suffix]
        try:
            if reader not in self._loaded:
                self._load(reader)
            self._used = True
            answer = self._ask(reader, raw, self._limits.seconds)
            if answer.get("memory"):
                raise _Broken(_MEMORY, again=True)
            return understand(answer, self._limits.characters)
        except NonsenseError:
            self.close()
            raise _Broken(_CRASHED, again=True) from None
        except BaseException as error:
            # A plain reason is an answer, and the child is well; after all else, Ctrl-C too, it is out of step.
            if not isinstance(error, Unreadable) or isinstance(error, _Broken):
                self.close()
            raise

    def _load(self, reader: str) -> None:
        """Have the child load a reader; one that it could not load once is not tried again."""
        try:
            if reader in self._missing:
                raise _Broken(self._missing[reader])
            if self._child is None:
                self._start()
            answer = self._ask(reader, None, _START_SECONDS)
            if answer.get("ready") is not True:
                raise _Broken(one_line(str(answer.get("reason", _CRASHED))))
        except _Broken as error:
            self._missing[reader] = str(error)
            raise _Broken(str(error), lasting=False) from None
        self._loaded.add(reader)

    def _start(self) -> None:
        # A process group of its own: Ctrl-C in a terminal is the parent's to handle.
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-W", "ignore", "-m", "retrieval.formats.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise _Broken(f"cannot be read, as no process can be started ({cause(error)})") from error

    def _environment(self) -> dict[str, str]:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, self._path, os.environ.get("PYTHONPATH")]))
        passed = {name: value for name, value in os.environ.items() if name.upper() in _PASSED_ON}
        return {**passed, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}

    def _ask(self, reader: str, raw: bytes | None, seconds: float) -> dict[str, Any]:
        """The child's answer to one order; a child that is late is killed. Raises _Broken where it does not answer."""
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise _Broken(_CRASHED)
        order = {
            "reader": reader,
            "has_file": raw is not None,
            "seconds": seconds,
            "memory": self._limits.memory,
            "max_chars": self._limits.characters,
        }
        deadline = _Deadline(child, seconds)
        try:
            write_frame(child.stdin, json.dumps(order).encode())
            write_frame(child.stdin, raw or b"")
            payload = read_frame(child.stdout, _ANSWER_BYTES + _BYTES_PER_CHAR * self._limits.characters)
        except OSError:
            payload = None
        except FrameTooLong:
            raise _Broken(str(too_much_text(self._limits.characters))) from None
        finally:
            deadline.cancel()
        if payload is None:
            if deadline.passed:
                raise _Broken(f"takes longer than {seconds:g} seconds to read")
            raise _Broken(_CRASHED, again=True)
        try:
            return decode(payload)
        except NonsenseError:
            raise _Broken(_CRASHED, again=True) from None


class _Broken(Unreadable):
    """The child is gone, or not to be used any further."""

    def __init__(self, reason: str, *, lasting: bool = True, again: bool = False) -> None:
        """``again``: whether another child may do better."""
        super().__init__(reason, lasting=lasting)
        self.again = again


class _Deadline:
    """Kills a child when its time is over, unless cancelled before; reads of what it writes then end."""

    def __init__(self, child: subprocess.Popen[bytes], seconds: float) -> None:
        self.passed = False
        self._child = child
        self._timer = Timer(seconds, self._kill)
        self._timer.daemon = True
        self._timer.start()

    def _kill(self) -> None:
        self.passed = True
        self._child.kill()

    def cancel(self) -> None:
        """After this the child is not killed any more."""
        self._timer.cancel()
        self._timer.join()
