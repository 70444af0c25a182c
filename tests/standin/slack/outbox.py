"""Handing events, commands and interactions to the app, and trying again."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from tests.standin.slack.model import Attempt, Delivery

if TYPE_CHECKING:
    from tests.standin.slack.workspace import Workspace


class Outbox:
    """Tries each delivery, events up to four times; what an attempt is, a subclass says."""

    def __init__(
        self, workspace: Workspace, *, ack_timeout: float = 3.0, retry_delays: tuple[float, ...] = (0.05, 0.05, 0.05)
    ) -> None:
        """``ack_timeout``: seconds that Slack waits for an ack; ``retry_delays``: seconds before each further try."""
        self.workspace = workspace
        self.ack_timeout = ack_timeout
        self.retry_delays = retry_delays
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def attempt(self, delivery: Delivery, attempt: Attempt) -> bool:
        """Try once: whether the app acked. Sets ``attempt.failure`` where not."""
        raise NotImplementedError

    async def _deliver(self, delivery: Delivery) -> None:
        delays = (0.0, *self.retry_delays) if delivery.kind == "events_api" else (0.0,)
        reason = ""
        for number, delay in enumerate(delays):
            if delay:
                await asyncio.sleep(delay)
            envelope = f"envelope-{self.workspace.number():06d}"
            attempt = Attempt(number, envelope, 0, time.monotonic(), reason)
            delivery.attempts.append(attempt)
            if await self.attempt(delivery, attempt):
                return
            reason = attempt.failure
            self.workspace.changes.notify()
            if reason == "no_retry":
                break
        delivery.state = "lost"
        self.workspace.changes.notify()

    def acked(self, delivery: Delivery, attempt: Attempt, response: Any) -> None:
        attempt.acked_at = time.monotonic()
        delivery.state, delivery.response = "acked", response
        if delivery.on_ack is not None:
            delivery.on_ack(response)
        self.workspace.changes.notify()
