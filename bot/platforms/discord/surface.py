"""Shows the bot's words in Discord. Each method makes its requests once; the core decides what to do when one fails.

A message's id is ``CHANNEL/MESSAGE``: a thread is a channel of its own, and a reply may end up elsewhere than planned.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from discord import InteractionResponseType as First

from bot.actions import Desk
from bot.claims import COMMANDS, Asked, Claim, State, Trigger
from bot.errors import DeliveryError, Gone, Rejected, Uncertain, Unsupported
from bot.markup.discord import render
from bot.messages import messages_in
from bot.platforms.discord.client import (
    ALREADY_ANSWERED,
    INVALID_FORM,
    NO_HISTORY,
    THREAD_ARCHIVED,
    Answer,
    DiscordClient,
)
from bot.platforms.discord.events import PLATFORM
from bot.platforms.discord.looks import EPHEMERAL, Looks, attached, contents, nonce, plain_contents, recognise
from bot.platforms.discord.places import MESSAGE, MESSAGES, Places, identity, reference, standing
from bot.platforms.discord.work import Typing
from bot.surface import Body, Found, Notice, Shared
from bot.types import Reply

TOKEN_SECONDS = 15 * 60.0
"""Seconds for which an interaction's answer can be read and changed."""
WORD_SECONDS = 20.0
"""Seconds for which a word that concerns one person stands in a channel, where nothing can be said privately."""
GOODBYE = 1.0
"""Seconds in which such words must be gone when the bot leaves."""

Send = Callable[[Answer, tuple[str, str] | None], Awaitable[Answer]]


class DiscordSurface:
    """All servers and direct messages of one bot; see Surface."""

    def __init__(
        self,
        client: DiscordClient,
        bot_user: int,
        desk: Desk,
        guild_locale: Callable[[str], str | None],
        has_role: Callable[[str, str], bool],
        private: Callable[[Reply, str], bool],
    ) -> None:
        """``guild_locale`` tells a server's language by its id, ``has_role`` whether it has a role, ``private`` whether
        an answer may be shown in a direct message."""
        self._client = client
        self._places = Places(client, bot_user)
        self._looks = Looks(desk, has_role)
        self._guild_locale = guild_locale
        self._private = private
        self._typing = Typing(client)
        self._passing: set[asyncio.Task[None]] = set()
        """Words that are to go."""
        self._leaving = asyncio.Event()

    async def leave(self) -> None:
        """Stop what goes on beside."""
        await self._typing.close()
        self._leaving.set()
        passing = set(self._passing)
        if passing:
            await asyncio.wait(passing, timeout=GOODBYE)
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    def traceable(self, asked: Asked) -> bool:
        # Later, nobody but the asker sees what only the asker sees.
        return not asked.private or time.time() - asked.asked_at < TOKEN_SECONDS

    async def acknowledge(self, asked: Asked) -> None:
        try:
            await self._client.respond(
                asked.address, First.deferred_channel_message, {"flags": EPHEMERAL} if asked.private else None
            )
        except Rejected as error:
            if error.reason != ALREADY_ANSWERED:
                raise

    async def post(self, claim: Claim, body: Body) -> str:
        if claim.asked.trigger in COMMANDS:
            return await self._answer(claim, body)
        place = await self._places.opened(claim.asked, body)
        try:
            return await self._create(claim, body, place)
        except (Gone, Unsupported):
            if claim.asked.message and place != standing(claim.asked):  # a thread that the bot may not write in
                return await self._create(claim, body, standing(claim.asked))
            if not isinstance(body, Shared) or not claim.asked.address:
                raise
            return await self._follow_up(claim, body)

    async def open(self, claim: Claim) -> str:
        raise Unsupported("there are no streams")

    async def close(self, claim: Claim, reply: str, body: Body) -> None:
        raise Unsupported("there are no streams")

    async def update(self, claim: Claim, reply: str, body: Body) -> None:
        if claim.asked.private and not _by_token(claim):
            body = self._fit(body)
        await self._send(claim, body, self._changer(claim, reply), plain=False)

    async def delete(self, claim: Claim, reply: str) -> None:
        if _by_token(claim):
            await self._client.original("DELETE", claim.asked.address)
        else:
            await self._on_message("DELETE", reply)

    async def find(self, claim: Claim) -> tuple[Found, ...]:
        asked = claim.asked
        if _by_token(claim):
            with suppress(Gone):  # after its 15 minutes, an answer is a message like any other
                found = recognise(claim, await self._client.original("GET", asked.address))
                return (Found("" if asked.private else found.reply, found.complete),) if found else ()
        replies = []
        for place in await self._places.possible(asked):
            with suppress(Gone):
                replies += [
                    found for m in await self._places.own_messages(place, asked) if (found := recognise(claim, m))
                ]
        return tuple(replies)

    async def whisper(self, asked: Asked, text: str) -> None:
        message = render(Notice(text), messages_in("en"))
        if asked.trigger in COMMANDS:
            try:
                await self._client.respond(asked.address, First.channel_message, contents(message, ephemeral=True))
            except Rejected as error:
                if error.reason != ALREADY_ANSWERED:
                    raise
                await self._client.original("PATCH", asked.address, body=contents(message))
            return
        place = standing(asked)
        around = {**nonce(asked, "word"), **reference(asked, None, place)}
        reply = await self._say(place, contents(message), around)
        if asked.trigger is not Trigger.DIRECT:
            task = asyncio.create_task(self._take_away(identity(reply)))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def show_work(self, asked: Asked, text: str) -> None:
        if asked.trigger not in COMMANDS:  # there, Discord shows that the bot is thinking
            self._typing.show(asked.key, standing(asked))

    async def hide_work(self, asked: Asked) -> None:
        self._typing.hide(asked.key)

    async def locale(self, asked: Asked) -> str | None:
        return asked.locale or self._guild_locale(asked.team)

    # -- ways to send

    async def _answer(self, claim: Claim, body: Body) -> str:
        """Answer a command in the place that was kept for it, else, as a message, where the asker sees it."""
        asked = claim.asked
        try:
            answer = await self._send(claim, body, self._changer(claim, ""))
            return "" if asked.private else identity(answer)
        except Gone:
            (place,) = await self._places.possible(asked)
            return await self._create(claim, self._fit(body) if asked.private else body, place, loose=True)

    def _fit(self, body: Body) -> Body:
        """What of an answer to be seen by the asker alone may be said by direct message."""
        if not isinstance(body, Reply) or self._private(body, PLATFORM):
            return body
        return Notice(messages_in(body.language).withheld)

    async def _follow_up(self, claim: Claim, body: Body) -> str:
        """Where the bot is no member, whoever shares an answer may let it speak all the same."""
        address = claim.asked.address
        # Nobody can look there, and there is no nonce: better unsaid than said twice.
        if claim.recovered and claim.state is State.POSTING:
            raise Rejected("it was under way when its process stopped: it is not said twice")
        try:
            answer = await self._send(claim, body, lambda said, file: self._client.follow_up(address, said, file))
        except Uncertain as error:
            raise Rejected(str(error), error.reason) from None
        return identity(answer)

    def _changer(self, claim: Claim, reply: str) -> Send:
        if _by_token(claim):
            address = claim.asked.address
            return lambda message, file: self._client.original("PATCH", address, body=message, file=file)
        return lambda message, file: self._on_message("PATCH", reply, body=message, file=file)

    async def _create(self, claim: Claim, body: Body, place: str, *, loose: bool = False) -> str:
        final = "" if not isinstance(body, Notice) or body.final else "placeholder"
        around = {**nonce(claim.asked, final), **reference(claim.asked, body, place)}

        async def send(message: Answer, file: tuple[str, str] | None) -> Answer:
            return await self._say(place, message, around, file)

        return identity(await self._send(claim, body, send, loose=loose))

    async def _say(self, place: str, message: Answer, around: Answer, file: tuple[str, str] | None = None) -> Answer:
        """Create a message, as a reply where that is allowed."""
        ids = {"channel_id": place}
        try:
            answer: Answer = await self._client.call("POST", MESSAGES, ids, body={**message, **around}, file=file)
        except (Rejected, Unsupported) as error:
            if error.reason != NO_HISTORY:
                raise
            alone = {key: value for key, value in around.items() if key != "message_reference"}
            answer = await self._client.call("POST", MESSAGES, ids, body={**message, **alone}, file=file)
        return answer

    async def _send(self, claim: Claim, body: Body, send: Send, *, loose: bool = False, plain: bool = True) -> Answer:
        """``loose``: nothing beside the answer shows what was asked; ``plain``: it can do without a layout."""
        message = self._looks.render(claim, body, loose=loose)
        try:
            try:
                return await send(contents(message), attached(message))
            except Unsupported:
                if message.overflow is None:
                    raise
                # Files may be what is not allowed there.
                message = self._looks.render(claim, body, file=False, loose=loose)
                return await send(contents(message), None)
        except Rejected as error:
            if error.reason != INVALID_FORM:
                raise
            if not plain:  # a message that has a layout keeps one; a new one may do without
                raise Unsupported(str(error), error.reason) from None
            # A layout that Discord refuses must not keep the words from the person who asked.
            return await send(plain_contents(message), None)

    async def _on_message(
        self, method: str, reply: str, *, body: Answer | None = None, file: tuple[str, str] | None = None
    ) -> Answer:
        channel, _, message = reply.partition("/")
        ids = {"channel_id": channel, "message_id": message}
        try:
            answer = await self._client.call(method, MESSAGE, ids, body=body, file=file)
        except Unsupported as error:
            if error.reason != THREAD_ARCHIVED:
                raise
            await self._client.call("PATCH", "/channels/{channel_id}", ids, body={"archived": False})
            answer = await self._client.call(method, MESSAGE, ids, body=body, file=file)
        return answer if isinstance(answer, dict) else {}

    async def _take_away(self, reply: str) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._leaving.wait(), WORD_SECONDS)
        with suppress(DeliveryError):
            await self._on_message("DELETE", reply)


def _by_token(claim: Claim) -> bool:
    """Whether the reply is, or may be, the first answer to an interaction."""
    return claim.asked.trigger in COMMANDS and bool(claim.asked.address)
