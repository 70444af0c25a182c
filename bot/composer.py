"""What is said to a claim: the assistant's answer, or the bot's own words, or nothing where nobody asked the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.claims import ADDRESSED, Asked, Claim, Ending, Ledger, Trigger, Turn
from bot.delivery import persist
from bot.errors import AnswerFailed, BotError, DeliveryError, Overloaded, QuestionRefused
from bot.messages import Messages, choose_language, messages_in
from bot.scopes import Scopes
from bot.surface import Body, Escalated, Forwarded, Notice, Shared, Surface
from bot.types import Outcome, Question, Reply
from retrieval.types import Language

_ENDINGS = {Outcome.ANSWERED: Ending.ANSWERED, Outcome.NOT_FOUND: Ending.NOT_FOUND}


class Composer:
    """Asks the assistant on behalf of claims, ``concurrent`` at a time, first come first served.

    ``auto_support`` is the support, [0, 1], from which the bot speaks without having been asked. ``scopes`` tells what
    may be shown where; without it, all may everywhere.
    """

    def __init__(
        self,
        ask: Callable[[Question], Awaitable[Reply]],
        ledger: Ledger,
        *,
        detect: Callable[[str], Language | None],
        is_question: Callable[[str], bool],
        is_courtesy: Callable[[str], bool],
        auto_support: float,
        locale: str | None = None,
        concurrent: int = 16,
        scopes: Scopes | None = None,
    ) -> None:
        self._ask = ask
        self._ledger = ledger
        self._detect = detect
        self._auto_support = auto_support
        self._locale = locale
        self._slots = asyncio.Semaphore(concurrent)
        self._waiting: dict[str, None] = {}
        self._is_courtesy = is_courtesy
        self._scopes = scopes or Scopes()
        self.is_question = is_question

    async def compose(self, claim: Claim, surface: Surface) -> tuple[Body | None, Ending]:
        """What to show, None for nothing, and how the claim ends with it."""
        asked = claim.asked
        match asked.trigger:
            case Trigger.SHARE | Trigger.ESCALATION | Trigger.FEEDBACK:
                return await self._about(asked), Ending.POSTED
            case Trigger.FOLLOW_UP | Trigger.AUTO:
                return await self._unasked(asked)
            case _:
                return await self._asked(asked, surface)

    def speaks(self, asked: Asked) -> bool:
        """Whether the person expects an answer: what was said to others is answered silently or not at all."""
        return asked.trigger in ADDRESSED or (asked.trigger is Trigger.FOLLOW_UP and self.is_question(asked.text))

    def words(self, asked: Asked) -> Messages:
        """The bot's own words in the language of the question."""
        return messages_in(choose_language(self._detect(asked.text), self._locale or asked.locale))

    def working(self, claim: Claim) -> str:
        """Completes the bot's name while it is at work."""
        return self._place(claim) or self.words(claim.asked).working

    def waiting(self, claim: Claim) -> str:
        """What stands in the reply's place until there is one: how many questions come before, where some do."""
        return self._place(claim) or self.words(claim.asked).searching

    def _place(self, claim: Claim) -> str:
        waiting = list(self._waiting)
        before = waiting.index(claim.asked.key) if claim.asked.key in waiting else 0
        words = self.words(claim.asked)
        if not before:
            return ""
        return words.before_you_one if before == 1 else words.before_you_many.format(count=before)

    async def _asked(self, asked: Asked, surface: Surface) -> tuple[Body, Ending]:
        asked = await self._with_locale(asked, surface)
        words = self.words(asked)
        if not asked.text.strip() or self._is_courtesy(asked.text):
            return Notice(words.ask_me), Ending.REFUSED
        try:
            reply = await self._reply(asked)
        except QuestionRefused as error:
            return Notice(str(error)), Ending.REFUSED
        except Overloaded as error:
            return Notice(str(error)), Ending.OVERLOADED
        except BotError as error:
            return Notice(str(error)), Ending.FAILED
        return reply, _ENDINGS[reply.outcome]

    async def _unasked(self, asked: Asked) -> tuple[Body | None, Ending]:
        """A reply only where it is welcome: an answer that is there, or "not found" to a question in a thread."""
        try:
            reply = await self._reply(asked)
        except (QuestionRefused, Overloaded, AnswerFailed):
            return None, Ending.SILENT
        if self.speaks(asked) or (reply.outcome is Outcome.ANSWERED and reply.support >= self._auto_support):
            return reply, _ENDINGS[reply.outcome]
        return None, Ending.SILENT

    async def _with_locale(self, asked: Asked, surface: Surface) -> Asked:
        """With the asker's locale, where nothing else tells in which language to speak."""
        if asked.locale is not None or self._locale is not None or self._detect(asked.text) is not None:
            return asked
        try:
            return replace(asked, locale=await surface.locale(asked))
        except DeliveryError:
            return asked

    async def _reply(self, asked: Asked) -> Reply:
        self._waiting[asked.key] = None
        try:
            async with self._slots:
                self._waiting.pop(asked.key, None)
                return await self._ask(Question(asked.text, asked.locale, self._scopes.of(asked)))
        finally:
            self._waiting.pop(asked.key, None)

    async def _about(self, asked: Asked) -> Body | None:
        turn = await persist(lambda: self._ledger.turn(asked.origin))
        if turn is None:
            return None
        shown = self._scopes.shows(turn.reply, asked, turn.asked)
        if not shown:
            turn = _withheld(turn)
        match asked.trigger:
            case Trigger.SHARE:
                return Shared(turn) if shown else None
            case Trigger.ESCALATION:
                return Escalated(turn, asked.user)
            case _:
                feedback = await persist(lambda: self._ledger.feedback(asked.origin, asked.user))
                if feedback is None:
                    return None
                return Forwarded(turn, feedback if shown else replace(feedback, comment=""))


def _withheld(turn: Turn) -> Turn:
    """The turn for a place that is not given its documents. The question may have been suggested, in their words."""
    words = messages_in(turn.reply.language)
    reply = Reply(Outcome.NOT_FOUND, words.withheld, None, turn.reply.language, (), turn.reply.support)
    return replace(turn, asked=replace(turn.asked, text=""), reply=reply)
