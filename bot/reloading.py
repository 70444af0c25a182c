"""Keeps the index that serves in step with the documents and with what other processes publish, while questions go on.

Whatever the reason for a new version (changed documents, SIGHUP, ``python -m bot index`` elsewhere), another process
publishes it in DATA_DIR and it is noticed there: one way for all. It is opened beside the one that serves, verified,
and takes its place by one assignment. Where any of this fails the one that serves goes on, and a sentence says so.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime

from bot.building import build
from bot.errors import BotError
from bot.library import next_index, tidy_library
from bot.settings import Settings
from retrieval.build import current_version
from retrieval.errors import RetrievalError
from retrieval.index import Index

TICK = 0.5
"""Seconds between two looks at the name of the current version: 40 bytes, read where watching would not see what is
published on another machine."""
QUIET = 1.0
"""Seconds without a change before a build begins. Editors write beside a file and rename within some milliseconds, and
copies of many files leave gaps of some milliseconds; a longer gap costs one more build, of what came after it."""
LONGEST = 30.0
"""Seconds after the first change from which on a build does not wait for quiet: some file may change all the time."""
FIRST_RETRY = 5.0
LAST_RETRY = 300.0
"""Seconds before what failed is tried again, doubled each time up to the last."""

Swap = Callable[[Index], None]
_log = logging.getLogger(__name__)


class Retry:
    """When something that failed is to be tried again."""

    def __init__(self) -> None:
        self._wait = FIRST_RETRY
        self._at: float | None = None

    def begun(self) -> None:
        """It is being tried."""
        self._at = None

    def failed(self) -> None:
        """It failed, once more or for the first time."""
        self._at = time.monotonic() + self._wait
        self._wait = min(2 * self._wait, LAST_RETRY)

    def done(self) -> None:
        """It succeeded."""
        self._at, self._wait = None, FIRST_RETRY

    @property
    def due(self) -> bool:
        return self._at is not None and time.monotonic() >= self._at


class Reloader:
    """Holds the index that serves, and replaces it by newer versions. All methods are for the event loop's thread."""

    def __init__(self, settings: Settings, index: Index) -> None:
        self.index = index
        """The one that serves. Nobody else may keep it: its files and memory go with the last batch that uses it."""
        self._settings = settings
        self._opened = datetime.now(UTC)
        self._troubles: dict[str, str] = {}
        """Part -> what is wrong with it, as it was logged."""
        self._wake = asyncio.Event()
        self._asked = False
        self._changes: tuple[float, float] | None = None
        """When the first and the last change came that no build has begun after."""
        self._building: asyncio.Task[None] | None = None
        self._began: float | None = None
        """When the build began whose version is waited for."""
        self._refused = ""
        """The version that did not open."""
        self._rebuild, self._reopen = Retry(), Retry()
        self._left: list[weakref.ref[Index]] = []
        """Indexes that served, and that questions may still be at work on."""

    def ask(self) -> None:
        """Have the index brought up to date now, or after the build that is under way."""
        self._asked = True
        self._wake.set()

    def changed(self) -> None:
        """Have the index brought up to date once the documents have come to rest."""
        now = time.monotonic()
        self._changes = (self._changes[0] if self._changes else now, now)

    def state(self) -> dict[str, str | None]:
        """For the health page: the version that serves, when it was opened, and what is wrong, if anything is."""
        return {
            "version": self.index.version,
            "opened": self._opened.isoformat(timespec="seconds"),
            "trouble": " ".join(self._troubles.values()) or None,
        }

    @asynccontextmanager
    async def following(self, swap: Swap) -> AsyncIterator[None]:
        """Keep the index up to date while the block runs; ``swap`` is given each new one, in the event loop."""
        loop = asyncio.get_running_loop()

        def tell(call: Callable[[], None]) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(call)

        watch = None
        if self._settings.seeds.watch:
            from bot.watching import FolderWatch

            watch = FolderWatch(
                self._settings.seeds.dir,
                self._settings.data_dir,
                changed=lambda: tell(self.changed),
                failed=lambda sentence: tell(lambda: self._say("watch", sentence)),
            )
            watch.start()
        with _on_hangup(self.ask):
            task = asyncio.create_task(self._run(swap), name="reloader")
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                if watch is not None:
                    await asyncio.to_thread(watch.stop)

    async def _run(self, swap: Swap) -> None:
        try:
            while True:
                if self._building is None and self._due():
                    self._asked, self._changes, self._began = False, None, time.monotonic()
                    self._building = asyncio.create_task(self._build(), name="index build")
                await self._open_current(swap)
                await self._tidy()
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            if self._building is not None:
                self._building.cancel()
                await asyncio.gather(self._building, return_exceptions=True)

    def _due(self) -> bool:
        """Whether a build is to begin."""
        if self._asked or self._rebuild.due:
            return True
        if self._changes is None:
            return False
        first, last = self._changes
        return time.monotonic() >= min(last + QUIET, first + LONGEST)

    async def _build(self) -> None:
        self._rebuild.begun()
        try:
            said = await build(self._settings)
        except Exception as error:
            self._say("build", _sentence(error))
            if self._settings.seeds.watch:  # who sends a signal can send another
                self._rebuild.failed()
        else:
            self._rebuild.done()
            self._say("build", None)
            for line in said:
                _log.info("%s", line)
        finally:
            self._building = None
            self._wake.set()

    async def _open_current(self, swap: Swap) -> None:
        """Open the version that is current now and have it serve, where it is another than the one that does."""
        version = await asyncio.to_thread(current_version, self._settings.data_dir)
        if version == self.index.version:
            self._say("index", None)
            if self._building is None:
                self._began = None
            return
        if version == self._refused and self._reopen_waits():
            return
        began = self._began or time.monotonic()
        try:
            index = await asyncio.to_thread(next_index, self._settings, self.index, self._note)
            swap(index)
        except Exception as error:
            self._refused = version
            self._reopen.failed()
            self._say("index", _sentence(error))
            return
        told = _differences(self.index, index)
        self._left.append(weakref.ref(self.index))
        self.index, self._opened = index, datetime.now(UTC)
        self._reopen.done()
        for part in ("index", "build"):  # whoever built it: the last attempt succeeded
            self._say(part, None)
        _log.info("%s serves: %s, in %.1f s", index.version, told, time.monotonic() - began)

    async def _tidy(self) -> None:
        """Remove superseded versions once this process reads none of them: a build left them for its sake."""
        if self._left and not any(index() for index in self._left):
            self._left.clear()
            try:
                await asyncio.to_thread(tidy_library, self._settings, self._note)
            except Exception as error:  # the next build tries again
                _log.warning("%s", _sentence(error))

    def _reopen_waits(self) -> bool:
        return bool(self._troubles.get("index")) and not self._reopen.due

    def _note(self, sentence: str) -> None:
        """What opening has to say; from its thread."""
        _log.warning("%s", sentence)

    def _say(self, part: str, trouble: str | None) -> None:
        """Log what is wrong with a part, unless that was said before; None: nothing is."""
        if trouble is None:
            self._troubles.pop(part, None)
        elif self._troubles.get(part) != trouble:
            self._troubles[part] = trouble
            _log.warning("%s; version %s of the index serves on", trouble.removesuffix("."), self.index.version)


def _sentence(error: Exception) -> str:
    if isinstance(error, BotError | RetrievalError):
        return str(error)
    _log.debug("traceback", exc_info=error)
    return f"The index could not be reloaded ({type(error).__name__}: {error})."


def _differences(old: Index, new: Index) -> str:
    before = old.manifest.sources if old.manifest else {}
    after = new.manifest.sources if new.manifest else {}
    changed = sum(before[source] != after[source] for source in before.keys() & after.keys())
    added, removed = len(after.keys() - before.keys()), len(before.keys() - after.keys())
    return f"{added} added, {changed} changed, {removed} removed"


@contextmanager
def _on_hangup(call: Callable[[], None]) -> Iterator[None]:
    """``call`` at each SIGHUP, where there is such a thing; at the one that a closed terminal sends, end instead."""
    loop = asyncio.get_running_loop()
    in_terminal = _in_terminal()

    def hung_up() -> None:
        if in_terminal and not _in_terminal():
            signal.raise_signal(signal.SIGTERM)
        else:
            call()

    try:
        loop.add_signal_handler(signal.SIGHUP, hung_up)
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):  # Windows; or not in the main thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def _in_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
