"""Shows that the bot is at work: by the assistant's status where there is one, else by a reaction."""

from __future__ import annotations

from bot.claims import Asked
from bot.errors import DeliveryError, Rejected, Unsupported
from bot.platforms.slack.client import SlackClient

REACTION = "eyes"


class WorkSigns:
    """Remembers which sign a question bears, for it to be taken away again."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._shown: dict[str, str] = {}

    async def show(self, asked: Asked, text: str) -> None:
        """Raises DeliveryError where neither works."""
        if asked.thread and await self._set_status(asked, text):
            self._shown[asked.key] = "status"
        elif asked.message:
            self._shown[asked.key] = "reaction"
            await self._client.call("reactions.add", channel=asked.channel, timestamp=asked.message, name=REACTION)

    async def hide(self, asked: Asked) -> None:
        """Take the sign away; of a question that another process began, whatever sign there may be."""
        sign = self._shown.pop(asked.key, None)
        if sign in ("status", None) and asked.thread:
            await self._set_status(asked, "")
        if sign in ("reaction", None) and asked.message:
            try:
                await self._client.call(
                    "reactions.remove", channel=asked.channel, timestamp=asked.message, name=REACTION
                )
            except Rejected as error:
                if error.reason != "no_reaction":
                    raise

    async def _set_status(self, asked: Asked, text: str) -> bool:
        try:
            await self._client.call(
                "assistant.threads.setStatus", channel_id=asked.channel, thread_ts=asked.thread, status=text
            )
        except (Unsupported, Rejected):
            return False
        except DeliveryError:
            return not text  # to clear a status is a courtesy: Slack does so by itself after two minutes
        return True
