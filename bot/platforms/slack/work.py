"""Shows that the bot is at work: by the assistant's status where there is one, else by a reaction."""

from __future__ import annotations

import logging
from contextlib import suppress

from bot.claims import Asked
from bot.errors import DeliveryError, Rejected, Uncertain, Unsupported
from bot.platforms.slack.client import SlackClient

REACTION = "eyes"

_log = logging.getLogger(__name__)


class WorkSigns:
    """Remembers which sign a question bears, for it to be taken away again."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._shown: dict[str, str] = {}

    async def show(self, asked: Asked, text: str) -> None:
        """Raises DeliveryError where neither works."""
        certain = True
        if asked.thread:
            try:
                await self._set_status(asked, text)
                self._shown[asked.key] = "status"
                return
            except Uncertain:
                certain = False  # it may show after all: ``hide`` is to take away whatever there is
            except DeliveryError as error:
                _log.debug("%s", error)
        if asked.message:
            if certain:
                self._shown[asked.key] = "reaction"
            await self._client.call("reactions.add", channel=asked.channel, timestamp=asked.message, name=REACTION)

    async def hide(self, asked: Asked) -> None:
        """Take the sign away; where it is not known which there is, both. Raises DeliveryError; does no harm again.

        An assistant's status goes by itself with the reply, that of an app made with ``agent_view`` only after an hour.
        """
        sign = self._shown.pop(asked.key, None)
        if sign in ("status", None) and asked.thread:
            with suppress(Rejected, Unsupported):
                await self._set_status(asked, "")
        if sign in ("reaction", None) and asked.message:
            try:
                await self._client.call(
                    "reactions.remove", channel=asked.channel, timestamp=asked.message, name=REACTION
                )
            except Rejected as error:
                if error.reason != "no_reaction":
                    raise

    async def _set_status(self, asked: Asked, text: str) -> None:
        await self._client.call(
            "assistant.threads.setStatus", channel_id=asked.channel, thread_ts=asked.thread, status=text
        )
