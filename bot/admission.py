"""Which questions are answered: by channel and person, by how many wait, by how many one person asks."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bot.claims import ADDRESSED, QUESTIONS, Asked, Claim, Ending, Ledger, Trigger
from bot.composer import Composer
from bot.delivery import Delivery, persist
from bot.errors import DeliveryError
from bot.limits import WINDOW, Access, Limits
from bot.surface import Surface

_log = logging.getLogger(__name__)


class Admission:
    """Turns questions away, with a word to those who addressed the bot."""

    def __init__(
        self, composer: Composer, ledger: Ledger, delivery: Delivery, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._composer = composer
        self._ledger = ledger
        self._delivery = delivery
        self._limits = limits
        self._clock = clock

    async def refused(self, claim: Claim, surface: Surface, access: Access, *, at_work: int) -> Ending | None:
        """How the claim ends where it is not to be answered; the asker was told. ``at_work`` counts it too."""
        asked = claim.asked
        if asked.trigger not in QUESTIONS or claim.recovered or claim.reply:
            return None
        ending, sentence = await self._judge(asked, access, at_work)
        if sentence is not None:
            await self.tell(asked, surface, sentence)
        return ending

    async def tell(self, asked: Asked, surface: Surface, sentence: str) -> None:
        """Say why there is no answer, to who addressed the bot."""
        if asked.trigger not in ADDRESSED:
            return
        try:
            await self._delivery.whisper(asked, surface, sentence)
        except DeliveryError as error:
            _log.info("%s: not told why there is no answer: %s", asked.key, error)

    async def _judge(self, asked: Asked, access: Access, at_work: int) -> tuple[Ending | None, str | None]:
        words = self._composer.words(asked)
        if not access.allows(asked):
            return Ending.DENIED, words.not_allowed
        if at_work > self._limits.queue:
            return Ending.OVERLOADED, words.overloaded
        if self._limits.per_minute:
            since = self._clock() - WINDOW
            recent = await persist(lambda: self._ledger.asked_since(asked.platform, asked.user, since))
            if recent > self._limits.per_minute and asked.trigger is not Trigger.AUTO:
                return Ending.LIMITED, words.slow_down.format(seconds=int(WINDOW))
        return None, None
