"""Answers that are too long for a message, as a file in its thread."""

from __future__ import annotations

import logging
from contextlib import suppress

from bot.claims import Asked
from bot.errors import DeliveryError, Gone, Rejected, Unsupported
from bot.platforms.slack.client import SlackClient

_log = logging.getLogger(__name__)


class Files:
    """One file for one message; its name says which, so that it is found again after a restart."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client

    async def attach(self, asked: Asked, message: str, text: str | None, *, replaces: bool = False) -> None:
        """Put ``text`` beside a message; ``replaces``: in the place of what may be there. The message stands whatever
        happens here."""
        if asked.private or (text is None and not replaces):
            return
        try:
            if replaces:
                await self.detach(asked, message)
            if text is not None:
                await self._upload(asked, message, text)
        except DeliveryError as error:
            _log.warning("%s: the file with the whole answer could not be sent: %s", asked.key, error)

    async def detach(self, asked: Asked, message: str) -> None:
        """Delete what is attached to a message. Raises DeliveryError."""
        answer = await self._client.call(
            "conversations.replies", channel=asked.channel, ts=asked.thread or message, oldest=message, limit=200
        )
        for reply in answer.get("messages") or []:
            for file in reply.get("files") or []:
                if file.get("name") == _name(message):
                    await self._remove(asked, str(reply["ts"]), file["id"])

    async def _remove(self, asked: Asked, ts: str, file: str) -> None:
        with suppress(Gone):
            await self._client.call("files.delete", file=file)
        # Else "This file was deleted" stays behind.
        with suppress(Gone, Rejected, Unsupported):
            await self._client.call("chat.delete", channel=asked.channel, ts=ts)

    async def _upload(self, asked: Asked, message: str, text: str) -> None:
        content = text.encode("utf-8")
        name = _name(message)
        place = await self._client.call("files.getUploadURLExternal", filename=name, length=len(content))
        await self._client.upload(place["upload_url"], content)
        await self._client.call(
            "files.completeUploadExternal",
            files=[{"id": place["file_id"], "title": name}],
            channel_id=asked.channel,
            thread_ts=asked.thread or message,
        )


def _name(message: str) -> str:
    return f"answer-{message}.txt"  # not .md: a client may make links of what a document only says
