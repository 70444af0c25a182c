"""A TCP proxy on a fixed port that can be cut, joined again, and stalled."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

WAIT = 5.0
"""Seconds after which a thread that does not end is a failure."""


class Cable:
    """Carries connections from ``port`` to another port of this machine, each in threads of its own."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._stalled = False
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.join()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def join(self) -> None:
        """Take connections."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept, self._listener)

    def cut(self) -> None:
        """Close every connection and take no more."""
        with self._lock:
            ends, self._ends = self._ends, []
            threads, self._threads = self._threads, []
        for end in [*ends, *([self._listener] if self._listener else [])]:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._listener = None
        for thread in threads:
            thread.join(WAIT)
            assert not thread.is_alive()

    def stall(self) -> None:
        """From now on keep and take connections, and lose what they carry."""
        self._stalled = True

    def flow(self) -> None:
        """Carry again; what was lost stays lost."""
        self._stalled = False

    def _start(self, work: object, *values: socket.socket) -> None:
        thread = threading.Thread(target=work, args=values, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._ends.append(near)
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends.append(far)
                self._start(self._carry, near, far)
                self._start(self._carry, far, near)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self._stalled:
                    target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
