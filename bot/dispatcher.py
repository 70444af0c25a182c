"""Takes questions from platforms and sees each of them through to its one reply, whatever happens in between.

Nothing here is remembered that the ledger does not hold: a process that stops at any point leaves claims that the next
one, or another beside it, takes over and finishes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.claims import ADDRESSED, QUESTIONS, Asked, Claim, Ending, Ledger, State, Trigger, Turn
from bot.composer import Composer
from bot.delivery import Delivery, persist
from bot.errors import DeliveryError, LedgerUnavailable
from bot.limits import WINDOW, Access, Limits
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
        self._limits = limits
        self._lease = lease
        self._grace = grace
        self._open_after = open_after
        self._clock = clock
        self._platforms: dict[str, _Platform] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._draining = False

    def attach(self, platform: str, surface: Surface, access: Access) -> None:
        """Claims of this platform are delivered through ``surface``. Call before ``run``."""
        self._platforms[platform] = _Platform(surface, access)

    async def receive(self, asked: Asked) -> bool:
        """Commit a question and set to work on it; False where it was known. Raises LedgerUnavailable."""
        if asked.trigger is Trigger.AUTO and not self._composer.is_question(asked.text):
            return False  # What people say to each other is neither answered nor kept.
        claim = await self._ledger.claim(asked)
        if claim is None:
            return False
        self._spawn(claim)
        return True

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
        claim = await self._ledger.claim(asked)
        if claim is None:
            return False
        await self._ledger.finish(claim, Ending.POSTED)
        return True

    async def answered_in(self, platform: str, team: str, channel: str, thread: str) -> bool:
        """Whether the bot has answered in a thread. Raises LedgerUnavailable."""
        return await self._ledger.answered_in(platform, team, channel, thread)

    async def run(self) -> None:
        """Keep this process's claims, and take over those of processes that stopped; until cancelled."""
        while True:
            try:
                await self._ledger.renew()
                for claim in await self._ledger.take_over(tuple(self._platforms)):
                    self._spawn(claim)
            except LedgerUnavailable as error:
                _log.warning("%s", error)
            await asyncio.sleep(self._lease / 3)

    async def drain(self, seconds: float) -> None:
        """Finish what is at work, for at most so long; what is left or still arrives is for the next process."""
        self._draining = True
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=seconds)
        await self._stop()

    async def close(self) -> None:
        """Let go of what is still open; after this the process may end."""
        self._draining = True
        # Or it would post what another process, which takes it over now, does not find there yet.
        await self._stop()
        try:
            await self._ledger.release()
        except LedgerUnavailable as error:
            _log.warning("%s", error)  # the lease will run out by itself

    async def _stop(self) -> None:
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, claim: Claim) -> None:
        key = claim.asked.key
        if self._draining or claim.asked.platform not in self._platforms:
            return
        before = self._tasks.get(key)
        task = asyncio.create_task(self._see_through(claim, before), name=f"claim {key}")
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
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
        refused = await self._refused(claim)
        if refused is not None:
            return await self._finish(claim, refused)
        surface = self._platforms[claim.asked.platform].surface
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
            await self._tell(claim.asked, surface, self._composer.words(claim.asked).failed)
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

    async def _refused(self, claim: Claim) -> Ending | None:
        """How the claim ends where it is not to be answered; the asker is told where they addressed the bot."""
        asked = claim.asked
        if asked.trigger not in QUESTIONS or claim.recovered or claim.reply:
            return None
        platform = self._platforms[asked.platform]
        ending, sentence = await self._judge(asked, platform.access)
        if sentence is not None:
            await self._tell(asked, platform.surface, sentence)
        return ending

    async def _tell(self, asked: Asked, surface: Surface, sentence: str) -> None:
        """Say why there is no answer, to those who addressed the bot."""
        if asked.trigger not in ADDRESSED:
            return
        try:
            await self._delivery.whisper(asked, surface, sentence)
        except DeliveryError as error:
            _log.info("%s: not told why there is no answer: %s", asked.key, error)

    async def _judge(self, asked: Asked, access: Access) -> tuple[Ending | None, str | None]:
        words = self._composer.words(asked)
        if not access.allows(asked):
            return Ending.DENIED, words.not_allowed
        if len(self._tasks) > self._limits.queue:
            return Ending.OVERLOADED, words.overloaded
        if self._limits.per_minute:
            since = self._clock() - WINDOW
            recent = await persist(lambda: self._ledger.asked_since(asked.platform, asked.user, since))
            if recent > self._limits.per_minute and asked.trigger is not Trigger.AUTO:
                return Ending.LIMITED, words.slow_down.format(seconds=int(WINDOW))
        return None, None

    def _sign(self, claim: Claim) -> str:
        """What shows that the bot is at work; empty where nothing should."""
        if not self._composer.speaks(claim.asked):
            return ""
        return self._composer.waiting(claim) if claim.asked.private else self._composer.working(claim)

    def _may_open(self, claim: Claim) -> bool:
        # What is said in private can never be changed.
        return not (claim.asked.private or claim.reply or claim.recovered) and self._composer.speaks(claim.asked)


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
