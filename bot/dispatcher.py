"""Takes questions from platforms and sees each of them through to its one reply, whatever happens in between.

Nothing here is remembered that the ledger does not hold: a process that stops at any point leaves claims that the next
one, or another beside it, takes over and finishes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from bot.admission import Admission
from bot.claims import COMMANDS, Asked, Claim, Ending, Ledger, State, Trigger, Turn
from bot.composer import Composer
from bot.delivery import Delivery, persist
from bot.errors import DeliveryError, LedgerUnavailable
from bot.limits import Access, Limits
from bot.messages import Messages
from bot.surface import Body, Notice, Shared, Surface
from bot.types import Reply

GRACE = 0.4
"""Seconds after which a person is shown that the bot is at work; most answers are there sooner."""
OPEN_AFTER = 2.0
"""Seconds after which a reply is opened before its text is known."""
SIGN_PATIENCE = 10.0
"""Seconds for which the sign of work is tried to be taken away before the end of a question is recorded."""
MAX_AGE = 24 * 3600.0
"""Seconds after which a question found after a restart is no longer answered: it would surprise more than help."""

_End = tuple[Ending, Reply | None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Platform:
    surface: Surface
    access: Access


class Dispatcher:
    """Runs one task for every open claim of this process. Used from one event loop."""

    def __init__(
        self,
        composer: Composer,
        ledger: Ledger,
        delivery: Delivery,
        limits: Limits,
        *,
        lease: float,
        grace: float = GRACE,
        open_after: float = OPEN_AFTER,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._composer = composer
        self._ledger = ledger
        self._delivery = delivery
        self._admission = Admission(composer, ledger, delivery, limits, clock)
        self._lease = lease
        self._grace = grace
        self._open_after = open_after
        self._clock = clock
        self._platforms: dict[str, _Platform] = {}
        self._attached = asyncio.Event()
        # By platform and claim.
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._draining = False

    def attach(self, platform: str, surface: Surface, access: Access) -> None:
        """Claims of this platform are delivered through ``surface``; those that wait are taken over at once."""
        self._platforms[platform] = _Platform(surface, access)
        self._attached.set()

    async def detach(self, platform: str) -> None:
        """Let go of a platform that is not reached any more, and of its claims: they are taken up once it is attached
        again, by this process or another."""
        if self._platforms.pop(platform, None) is None or self._draining:
            return
        await self._stop({task for (of, _), task in self._tasks.items() if of == platform})
        try:
            await self._ledger.release((platform,))
        except LedgerUnavailable as error:
            _log.warning("%s", error)  # the lease will run out by itself

    async def receive(self, asked: Asked) -> bool:
        """Commit a question and set to work on it; False where it was known. Raises LedgerUnavailable."""
        if asked.trigger is Trigger.AUTO and not self._composer.is_question(asked.text):
            return False  # What people say to each other is neither answered nor kept.
        claim = await self._ledger.claim(asked)
        if claim is None:
            return False
        self._spawn(claim)
        return True

    async def deny(self, asked: Asked, why: Callable[[Messages], str] = lambda words: words.not_allowed) -> None:
        """Commit that a question is not answered, and say why, once. Raises LedgerUnavailable."""
        if await self._ledger.claim(asked, Ending.DENIED) is not None:
            surface = self._platforms[asked.platform].surface
            await self._admission.tell(asked, surface, why(self._composer.words(asked)))

    async def revise(self, asked: Asked) -> None:
        """Commit the newer version of a question, or one that became a question by it. Raises LedgerUnavailable."""
        claim = await self._ledger.edit(asked)
        if claim is not None:
            self._spawn(claim)
        elif asked.trigger not in (Trigger.FOLLOW_UP, Trigger.AUTO, Trigger.DIRECT):
            await self.receive(asked)

    async def withdraw(self, key: str) -> None:
        """The question was deleted: so is its reply. Raises LedgerUnavailable."""
        claim = await self._ledger.remove(key)
        if claim is not None:
            self._spawn(claim)

    async def retract(self, turn: Turn) -> None:
        """Delete the message of an answer. Raises DeliveryError where the platform does not."""
        claim = Claim(turn.asked, State.DONE, turn.message)
        await self._delivery.remove(claim, self._platforms[turn.asked.platform].surface)

    async def once(self, asked: Asked) -> bool:
        """True the first time this key is seen: for what may be done at most once. Raises LedgerUnavailable."""
        return await self._ledger.claim(asked, Ending.POSTED) is not None

    async def answered_in(self, platform: str, team: str, channel: str, thread: str, head: str = "") -> bool:
        """Whether a thread is the bot's; see Ledger. Raises LedgerUnavailable."""
        return await self._ledger.answered_in(platform, team, channel, thread, head)

    async def run(self) -> None:
        """Keep this process's claims, and take over those of processes that stopped; until cancelled."""
        while True:
            self._attached.clear()
            try:
                await self._ledger.renew()
                taken = await self._ledger.take_over(tuple(self._platforms))
                for claim in taken:
                    self._spawn(claim)
                if gone := {claim.asked.platform for claim in taken} - self._platforms.keys():
                    await self._ledger.release(tuple(gone))  # detached while they were being taken over
            except LedgerUnavailable as error:
                _log.warning("%s", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._attached.wait(), self._lease / 3)

    async def drain(self, seconds: float) -> None:
        """Finish what is at work, for at most so long; what is left or still arrives is for the next process."""
        self._draining = True
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=seconds)
        await self._stop(set(self._tasks.values()))

    async def close(self) -> None:
        """Let go of what is still open; after this the process may end."""
        self._draining = True
        # Or it would post what another process, which takes it over now, does not find there yet.
        await self._stop(set(self._tasks.values()))
        try:
            await self._ledger.release()
        except LedgerUnavailable as error:
            _log.warning("%s", error)  # the lease will run out by itself

    async def _stop(self, tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, claim: Claim) -> None:
        key = claim.asked.platform, claim.asked.key
        if self._draining or claim.asked.platform not in self._platforms:
            return
        before = self._tasks.get(key)
        task = asyncio.create_task(self._see_through(claim, before), name=f"claim {claim.asked.key}")
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))

    def _forget(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a question was left open: %s: %s", type(error).__name__, error, exc_info=error)

    async def _see_through(self, claim: Claim, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])  # an earlier version's last words come first
        pending: Claim | None = claim
        while pending is not None:
            if pending.state is State.REMOVING:
                await self._remove(pending)
                return
            pending = await self._settle(pending)

    async def _settle(self, claim: Claim) -> Claim | None:
        """Answer one version of a claim; what there is to go on with."""
        if self._clock() - claim.asked.asked_at > MAX_AGE and claim.recovered:
            return await self._finish(claim, Ending.UNDELIVERED)
        platform = self._platforms[claim.asked.platform]
        surface = platform.surface
        refused = await self._admission.refused(claim, surface, platform.access, at_work=len(self._tasks))
        if refused is not None:
            return await self._finish(claim, refused)
        if claim.asked.trigger in COMMANDS:
            await self._delivery.acknowledge(claim.asked, surface)
        answered = asyncio.Event()
        sign = asyncio.create_task(
            self._delivery.show_work(claim, surface, lambda: self._sign(claim), after=self._grace, until=answered)
        )
        try:
            end = await self._answer(claim, surface)
            answered.set()
            # Nobody looks after a question that is DONE: its sign of work goes before.
            await asyncio.wait([sign], timeout=SIGN_PATIENCE)
        finally:
            sign.cancel()
        if end is None:
            return await persist(lambda: self._ledger.current(claim))
        return await self._finish(claim, *end)

    async def _answer(self, claim: Claim, surface: Surface) -> _End | None:
        """Show the answer; how the claim ends with it, None where it is not this process's in this version any more."""
        composing = asyncio.create_task(self._composer.compose(claim, surface))
        try:
            return await self._deliver(claim, surface, composing)
        except DeliveryError as error:
            _log.warning("%s: no reply could be shown: %s", claim.asked.key, error)
            return Ending.UNDELIVERED, None
        except Exception as error:
            # Left open, it would be tried again and again for a fault that is ours.
            _confess(claim, error)
            await self._admission.tell(claim.asked, surface, self._composer.words(claim.asked).failed)
            return Ending.FAILED, None
        finally:
            composing.cancel()

    async def _deliver(
        self, claim: Claim, surface: Surface, composing: asyncio.Task[tuple[Body | None, Ending]]
    ) -> _End | None:
        await asyncio.wait([composing], timeout=self._open_after)
        if not composing.done() and self._may_open(claim):
            if not await persist(lambda: self._ledger.start(claim)):
                return None
            claim = await self._delivery.open(claim, surface, self._composer.waiting(claim))
        body, ending = await self._composed(claim, composing)
        if body is None and not claim.reply:
            return ending, None
        if not await persist(lambda: self._ledger.start(claim)):
            return None
        if body is None:
            await self._delivery.remove(claim, surface)  # after an edit, what was a question is none any more
        else:
            await self._delivery.deliver(claim, surface, body)
        return ending, _reply(body)

    async def _composed(
        self, claim: Claim, composing: asyncio.Task[tuple[Body | None, Ending]]
    ) -> tuple[Body | None, Ending]:
        try:
            return await composing
        except Exception as error:
            if not claim.reply:
                raise
            _confess(claim, error)  # what stands there promises an answer
            return Notice(self._composer.words(claim.asked).failed), Ending.FAILED

    async def _finish(self, claim: Claim, ending: Ending, reply: Reply | None = None) -> Claim | None:
        return await persist(lambda: self._ledger.finish(claim, ending, reply))

    async def _remove(self, claim: Claim) -> None:
        try:
            await self._delivery.remove(claim, self._platforms[claim.asked.platform].surface)
        except DeliveryError as error:
            _log.warning("%s: its reply could not be deleted: %s", claim.asked.key, error)
        await persist(lambda: self._ledger.removed(claim.asked.key))

    def _sign(self, claim: Claim) -> str:
        """What shows that the bot is at work; empty where nothing should."""
        if not self._composer.speaks(claim.asked):
            return ""
        return self._composer.waiting(claim) if claim.asked.private else self._composer.working(claim)

    def _may_open(self, claim: Claim) -> bool:
        # Who gave a command is shown by the platform, or by a sign, that it is at work.
        opened = claim.asked.trigger in COMMANDS or claim.reply or claim.recovered
        return not opened and self._composer.speaks(claim.asked)


def _confess(claim: Claim, error: Exception) -> None:
    _log.error("%s: %s: %s", claim.asked.key, type(error).__name__, error, exc_info=error)


def _reply(body: Body | None) -> Reply | None:
    """The answer that the message shows, for its buttons to be about."""
    match body:
        case Reply():
            return body
        case Shared(turn):
            return turn.reply
        case _:
            return None
