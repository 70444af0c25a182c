"""Gets what the bot says onto a platform: in order, at the platform's pace, by the best way that works, and once.

A reply that takes long is opened as a stream, else as a placeholder; when it is ready the stream is closed, else the
message updated, else a new one posted. A request whose answer was lost is never simply repeated where that could show a
reply twice: the platform is searched for it first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bot.claims import Asked, Claim, Ledger, State
from bot.errors import DeliveryError, Gone, LedgerUnavailable, Rejected, Throttled, Uncertain, Unreachable, Unsupported
from bot.surface import Body, Found, Notice, Surface, is_final

POST_INTERVAL = 1.0
"""Seconds between two posts in one channel: Slack allows "1 per second per channel", Discord more."""
PATIENCE = 3600.0
"""Seconds for which a platform that does not answer is tried again before the reply counts as undelivered."""
ACK_PATIENCE = 3.0
"""Seconds after a command in which Discord takes its acknowledgement."""
FIRST_RETRY = 0.5
LAST_RETRY = 30.0
"""Seconds before the first retry, doubled at each further one up to the last."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(slots=True)
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    users: int = 0


class Outbox:
    """One ordered queue per channel (asyncio.Lock wakes waiters first come, first served), at most one post a while."""

    def __init__(self, interval: float = POST_INTERVAL) -> None:
        self._interval = interval
        self._lanes: dict[tuple[str, str], _Lane] = {}

    @asynccontextmanager
    async def turn(self, platform: str, channel: str) -> AsyncIterator[None]:
        """Wait for this channel's turn; nobody else posts there until the block is left."""
        loop = asyncio.get_running_loop()
        lane = self._lanes.setdefault((platform, channel), _Lane())
        lane.users += 1
        try:
            async with lane.lock:
                await asyncio.sleep(max(lane.free_at - loop.time(), 0))
                try:
                    yield
                finally:
                    lane.free_at = loop.time() + self._interval
        finally:
            lane.users -= 1
            self._forget_idle(loop.time())

    def _forget_idle(self, now: float) -> None:
        for key in [key for key, lane in self._lanes.items() if not lane.users and lane.free_at <= now]:
            del self._lanes[key]


class Delivery:
    """Delivers for claims that the caller owns and has moved to POSTING."""

    def __init__(self, ledger: Ledger, *, interval: float = POST_INTERVAL, patience: float = PATIENCE) -> None:
        self._ledger = ledger
        self._outbox = Outbox(interval)
        self._patience = patience

    async def open(self, claim: Claim, surface: Surface, notice: str) -> Claim:
        """Show a reply in the making: a stream, else a placeholder that says ``notice``; the claim with its id.

        Raises DeliveryError where neither works.
        """
        opened = await self._open_stream(claim, surface)
        if opened is not None:
            return opened
        reply = await self._post(claim, surface, Notice(notice, final=False))
        return replace(claim, reply=reply)

    async def deliver(self, claim: Claim, surface: Surface, body: Body) -> str:
        """Show ``body`` as the claim's reply and return the message's id. Raises DeliveryError where nothing works."""
        if claim.recovered and claim.state is State.POSTING:
            if not surface.traceable(claim.asked):
                raise Uncertain("the answer was under way when its process stopped: it is not sent twice")
            claim, complete = await self._look(claim, surface, streams=True)
            if complete:
                return claim.reply
        if claim.streaming and await self._try(claim, lambda: surface.close(claim, claim.reply, body)):
            await self._hold(claim, claim.reply, streaming=False)
            return claim.reply
        if claim.reply:
            if await self._try(claim, lambda: surface.update(claim, claim.reply, body)):
                return claim.reply
            await self._discard(claim, surface)
        return await self._post(claim, surface, body)

    async def remove(self, claim: Claim, surface: Surface) -> None:
        """Delete the claim's reply, and one that may have been posted without being recorded."""
        if claim.reply:
            await self._delete(claim, surface, claim.reply)
        for found in await self._find(claim, surface):
            # A stream bears no mark: it is this claim's if its process stopped and no other claim has it.
            mine = not found.stream or (claim.recovered and await self._hold(claim, found.reply, streaming=True))
            if mine and found.reply != claim.reply:
                await self._delete(claim, surface, found.reply)

    async def acknowledge(self, asked: Asked, surface: Surface) -> None:
        """Tell a platform that waits for it that a command is answered, for as long as it waits. Raises nothing: what
        follows shows whether the answer can still be delivered.
        """
        end = asked.asked_at + ACK_PATIENCE
        while True:
            try:
                return await surface.acknowledge(asked)
            except Throttled as error:
                delay = error.seconds
            except (Unreachable, Uncertain) as error:
                delay = FIRST_RETRY / 2
                _log.info("will try again: %s", error)
            except DeliveryError as error:
                return _log.info("%s: it could not be told that an answer is coming: %s", asked.key, error)
            if time.time() + delay > end:
                return None
            await asyncio.sleep(delay)

    async def whisper(self, asked: Asked, surface: Surface, text: str) -> None:
        """Say something to the asker alone, at most once. Raises DeliveryError."""
        for delay in self._delays():
            try:
                return await surface.whisper(asked, text)
            except Throttled as error:
                await asyncio.sleep(error.seconds)
            except Unreachable:
                await asyncio.sleep(delay)

    async def show_work(
        self, claim: Claim, surface: Surface, text: Callable[[], str], *, after: float, until: asyncio.Event
    ) -> None:
        """``after`` some seconds, show ``text()``, if there is any, as a sign of work; take it away when ``until`` is
        set. Raises nothing: a sign is a courtesy.
        """
        shown = claim.recovered  # the process before may have left its sign
        try:
            await asyncio.wait_for(until.wait(), after)
        except TimeoutError:
            if sign := text():
                shown = True  # even where it fails: what is uncertain may have been done
                with _noted(claim):
                    await surface.show_work(claim.asked, sign)
            await until.wait()
        if shown:
            with _noted(claim):
                await self._insist(lambda: surface.hide_work(claim.asked))

    async def _open_stream(self, claim: Claim, surface: Surface) -> Claim | None:
        asked = claim.asked
        async with self._outbox.turn(asked.platform, asked.channel):
            try:
                reply = await surface.open(claim)
            except Uncertain:
                await asyncio.sleep(FIRST_RETRY)
                found, _ = await self._look(claim, surface, streams=True)
                return found if found.reply else None
            except DeliveryError as error:
                # Throttled as well: streams are rationed by the workspace, and a placeholder is not worth a wait.
                _log.debug("no stream: %s", error)
                return None
            if await self._hold(claim, reply, streaming=True):
                return replace(claim, reply=reply, streaming=True)
            return None

    async def _look(self, claim: Claim, surface: Surface, *, streams: bool) -> tuple[Claim, bool]:
        """The claim with the reply that is on the platform, if there is one, and whether that is complete.

        ``streams``: the reply may be a stream, which bears no mark while it is open.
        """
        candidates = [found for found in await self._find(claim, surface) if streams or not found.stream]
        for found in sorted(candidates, key=lambda message: (not message.complete, message.reply != claim.reply)):
            # Two processes may see the same unmarked stream; the ledger lets one of them have it.
            if await self._hold(claim, found.reply, streaming=found.stream):
                return replace(claim, reply=found.reply, streaming=found.stream), found.complete
        return claim, False

    async def _find(self, claim: Claim, surface: Surface) -> tuple[Found, ...]:
        """Replies that are there; none where the thread is gone or may not be read."""
        try:
            return await self._insist(lambda: surface.find(claim))
        except (Gone, Unsupported) as error:
            _log.info("%s: no reply can be found: %s", claim.asked.key, error)
            return ()

    async def _post(self, claim: Claim, surface: Surface, body: Body) -> str:
        asked = claim.asked
        async with self._outbox.turn(asked.platform, asked.channel):
            reply = await self._post_once(claim, surface, body)
        if reply:
            await self._hold(claim, reply, streaming=False)
        return reply

    async def _post_once(self, claim: Claim, surface: Surface, body: Body) -> str:
        """Post, again and again where that is safe. The lane is held: what waits behind keeps its place."""
        for delay in self._delays():
            try:
                return await surface.post(claim, body)
            except Throttled as error:
                await asyncio.sleep(error.seconds)
            except Unreachable as error:
                _log.info("will try again: %s", error)
                await asyncio.sleep(delay)
            except Uncertain as error:
                if not surface.traceable(claim.asked):
                    raise
                _log.info("will look whether it was done: %s", error)
                await asyncio.sleep(delay)
                found, complete = await self._look(claim, surface, streams=False)
                # What is incomplete may be an older message, which could not be changed or deleted.
                if found.reply and (complete or not is_final(body)):
                    return found.reply
        raise Rejected("the platform has not answered for too long")

    async def _discard(self, claim: Claim, surface: Surface) -> None:
        """A reply that can no longer be changed makes room for a new one."""
        try:
            await self._delete(claim, surface, claim.reply)
        except DeliveryError as error:
            _log.info("%s: an old reply stays: %s", claim.asked.key, error)

    async def _delete(self, claim: Claim, surface: Surface, reply: str) -> None:
        await self._try(claim, lambda: surface.delete(claim, reply))

    async def _try(self, claim: Claim, call: Callable[[], Awaitable[None]]) -> bool:
        """Whether this way worked; another may where it did not."""
        try:
            await self._insist(call)
        except (Unsupported, Gone) as error:
            _log.debug("%s: the next way is tried: %s", claim.asked.key, error)
            return False
        return True

    async def _insist(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Repeat a request that does no harm when it is carried out twice, until it is answered."""
        for delay in self._delays():
            try:
                return await call()
            except Throttled as error:
                await asyncio.sleep(error.seconds)
            except (Unreachable, Uncertain) as error:
                _log.info("will try again: %s", error)
                await asyncio.sleep(delay)
        raise Rejected("the platform has not answered for too long")

    async def _hold(self, claim: Claim, reply: str, *, streaming: bool) -> bool:
        return await persist(lambda: self._ledger.hold(claim, reply, streaming=streaming))

    def _delays(self) -> Iterator[float]:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._patience
        delay = FIRST_RETRY
        while loop.time() < end:
            yield delay
            delay = min(delay * 2, LAST_RETRY)


async def persist(call: Callable[[], Awaitable[_T]]) -> _T:
    """Write to the ledger, for as long as it takes: what happened on a platform must not be forgotten."""
    delay = FIRST_RETRY
    while True:
        try:
            return await call()
        except LedgerUnavailable as error:
            _log.warning("%s", error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY)


@contextmanager
def _noted(claim: Claim) -> Iterator[None]:
    try:
        yield
    except DeliveryError as error:
        _log.debug("%s: the sign of work: %s", claim.asked.key, error)
    except Exception as error:
        _log.error("%s: the sign of work: %s: %s", claim.asked.key, type(error).__name__, error, exc_info=error)
