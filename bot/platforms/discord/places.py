"""Where replies go in Discord, and what of the bot's stands there.

Messages are named ``CHANNEL/MESSAGE``: a thread is a channel of its own, a reply may end up elsewhere than planned,
and the first message of a forum's thread has the thread's id.
"""

from __future__ import annotations

from bot.claims import Asked
from bot.errors import Gone, Rejected, Unsupported
from bot.markup import shorten
from bot.platforms.discord.client import THREAD_EXISTS, Answer, DiscordClient
from bot.surface import Body, Escalated

MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = "/channels/{channel_id}/messages/{message_id}"
THREAD_NAME = 100
"""Characters; the API takes no more."""
THREAD_MINUTES = 24 * 60
"""Minutes without a message after which a thread leaves the list of channels."""
SKEW = 60.0
"""Seconds by which this machine's clock may be ahead of Discord's."""
PAGE, PAGES = 100, 10
"""How far after a question its reply is looked for: a thousand messages."""
EPOCH = 1420070400.0
"""Seconds since the epoch at which Discord's ids begin to count: the year 2015."""


class Places:
    """Finds and makes them."""

    def __init__(self, client: DiscordClient, bot_user: int) -> None:
        self._client = client
        self._bot_user = str(bot_user)

    async def opened(self, asked: Asked, body: Body) -> str:
        """The channel for a reply; a thread that is wanted for it is opened, where that is possible."""
        if isinstance(body, Escalated) and asked.thread and body.turn.message:
            return body.turn.message.partition("/")[0]
        channel, _, message = asked.message.partition("/")
        if not message or asked.thread in ("", channel) or not asked.text.strip():
            return standing(asked)
        try:
            await self._client.call(
                "POST",
                f"{MESSAGE}/threads",
                {"channel_id": channel, "message_id": message},
                body={"name": shorten(asked.text, THREAD_NAME), "auto_archive_duration": THREAD_MINUTES},
            )
        except (Gone, Rejected, Unsupported) as error:
            return asked.thread if error.reason == THREAD_EXISTS else channel
        return asked.thread

    async def possible(self, asked: Asked) -> tuple[str, ...]:
        """Where a reply may stand."""
        if asked.private:  # a message that only the asker sees
            answer = await self._client.call("POST", "/users/@me/channels", {}, body={"recipient_id": asked.user})
            return (str(answer["id"]),)
        return tuple(dict.fromkeys((asked.thread.partition("/")[0] or asked.channel, standing(asked))))

    async def own_messages(self, place: str, asked: Asked) -> list[Answer]:
        """The bot's own messages since the question, oldest first."""
        after = int(asked.message.partition("/")[2] or int((asked.asked_at - SKEW - EPOCH) * 1000) << 22)
        own: list[Answer] = []
        for _ in range(PAGES):
            page = await self._client.call(
                "GET",
                MESSAGES,
                {"channel_id": place},
                query={"after": str(after), "limit": str(PAGE)},
            )
            own += [message for message in page if message["author"]["id"] == self._bot_user]
            if len(page) < PAGE:
                break
            after = max(int(message["id"]) for message in page)
        return sorted(own, key=lambda message: int(message["id"]))


def standing(asked: Asked) -> str:
    """The channel in which a question stands."""
    return asked.message.partition("/")[0] or asked.thread.partition("/")[0] or asked.channel


def identity(message: Answer) -> str:
    return f"{message['channel_id']}/{message['id']}"


def reference(asked: Asked, body: Body | None, place: str) -> Answer:
    """What the message replies to, where that stands in the same place: the question, or the answer it is about."""
    about = body.turn.message if isinstance(body, Escalated) else asked.message
    channel, _, message = about.partition("/")
    if not message or channel != place:
        return {}
    # A question that is gone by now must not keep its answer from being posted: the claim decides that.
    return {"message_reference": {"message_id": message, "channel_id": channel, "fail_if_not_exists": False}}
