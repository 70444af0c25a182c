"""What people do with an answer: rate it, share it, put it before a person, delete it.

Whatever is posted because of that goes the way of a question: claimed first, then posted once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.claims import Asked, Feedback, Ledger, Trigger, Turn
from bot.dispatcher import Dispatcher
from bot.scopes import Scopes


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a platform's people are reached; empty: not set up."""

    feedback_channel: str = ""
    escalation_channel: str = ""
    escalation_group: str = ""

    def escalates(self, *, private: bool) -> bool:
        """Whether "ask a person" can work: a group is called where it can see the question, a channel always is."""
        return bool(self.escalation_channel or (self.escalation_group and not private))


class Actions:
    """One platform's buttons. Every method raises LedgerUnavailable where nothing could be noted down."""

    def __init__(
        self,
        ledger: Ledger,
        dispatcher: Dispatcher,
        desk: Desk,
        scopes: Scopes | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._desk = desk
        self._scopes = scopes or Scopes()
        self._clock = clock

    async def turn(self, key: str) -> Turn | None:
        """The answer with this key, where it is still kept."""
        return await self._ledger.turn(key)

    async def rate(self, feedback: Feedback) -> bool:
        """Note feedback down and forward it; False where the answer is not kept any more."""
        turn = await self._ledger.turn(feedback.key)
        if turn is None or not await self._ledger.rate(feedback):
            return False
        if self._desk.feedback_channel:
            # A person's second thoughts change the message that was forwarded, they do not add one.
            await self._dispatcher.revise(
                self._about(
                    turn,
                    Trigger.FEEDBACK,
                    f"{feedback.key}:feedback:{feedback.user}",
                    user=feedback.user,
                    channel=self._desk.feedback_channel,
                    text=json.dumps([feedback.verdict, feedback.reason, feedback.comment]),
                    version=f"{self._clock():017.6f}",
                )
            )
        return True

    def may_share(self, turn: Turn) -> bool:
        """Whether the channel of a private answer is (still) given the documents that it comes from."""
        return self._scopes.shows_still(turn.reply, turn.asked)

    async def share(self, key: str, user: str, address: str) -> bool:
        """Show a private answer to its channel, once; ``address`` is where to where the bot is no member."""
        turn = await self._ledger.turn(key)
        if turn is None or turn.asked.user != user or not self.may_share(turn):
            return False
        await self._dispatcher.receive(
            self._about(
                turn,
                Trigger.SHARE,
                f"{key}:share",
                user=user,
                channel=turn.asked.channel,
                thread=turn.asked.thread,
                text=turn.asked.text,
                address=address,
            )
        )
        return True

    async def escalate(self, key: str, user: str) -> bool:
        """Put a question before a person, once; False where that is not set up (any more)."""
        turn = await self._ledger.turn(key)
        if turn is None or not self._desk.escalates(private=turn.asked.private):
            return False
        elsewhere = self._desk.escalation_channel
        await self._dispatcher.receive(
            self._about(
                turn,
                Trigger.ESCALATION,
                f"{key}:escalation",
                user=user,
                channel=elsewhere or turn.asked.channel,
                thread="" if elsewhere else turn.asked.thread or turn.message,
                text=turn.asked.text,
            )
        )
        return True

    async def delete(self, key: str, user: str, *, gone: bool = False) -> bool:
        """Delete an answer on behalf of its asker; False where ``user`` is somebody else. ``gone``: its message is
        not on the platform any more."""
        turn = await self._ledger.turn(key)
        if turn is None or turn.asked.user != user:
            return False
        if not gone:
            await self._dispatcher.retract(turn)
        await self._ledger.delete_reply(key)
        return True

    def _about(
        self,
        turn: Turn,
        trigger: Trigger,
        key: str,
        *,
        user: str,
        channel: str,
        text: str,
        thread: str = "",
        version: str = "",
        address: str = "",
    ) -> Asked:
        return Asked(
            key=key,
            platform=turn.asked.platform,
            team=turn.asked.team,
            channel=channel,
            message="",
            thread=thread,
            user=user,
            text=text,
            trigger=trigger,
            asked_at=self._clock(),
            locale=turn.asked.locale or turn.reply.language,
            version=version,
            origin=turn.asked.key,
            address=address,
        )
