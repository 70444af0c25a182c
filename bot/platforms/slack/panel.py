"""Conversations in Slack's messages tab or assistant panel: a greeting, questions to begin with, and titles."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bot.claims import Asked, Claim, State, Trigger
from bot.errors import DeliveryError, Rejected, Throttled, Unsupported
from bot.markup import shorten
from bot.messages import choose_language, messages_in
from bot.platforms.slack.client import SlackClient
from bot.platforms.slack.events import PLATFORM, Payload
from bot.platforms.slack.surface import SlackSurface
from bot.surface import Notice
from bot.types import Language

MAX_PROMPTS = 4
"""Slack shows no more."""
MAX_TITLE = 60
"""Characters; the panel's header is narrow."""

Prompts = Callable[[Asked, Language], Sequence[str]]
"""Questions that the documents of a place answer, for readers of a language."""


def read_opened(body: Payload, now: float) -> Asked | None:
    """Who opened a conversation with the bot, and where: the messages tab (``app_home_opened``), or, for apps made with
    ``assistant_view``, a thread of the panel (``assistant_thread_started``)."""
    event = body.get("event") or {}
    thread = event.get("assistant_thread") or {}
    team, channel = str(body.get("team_id") or ""), thread.get("channel_id") or event.get("channel")
    if not channel or (not thread and event.get("tab") != "messages"):
        return None
    ts = str(thread.get("thread_ts") or "")
    return Asked(
        key=":".join(part for part in (PLATFORM, team, channel, ts, "panel") if part),
        platform=PLATFORM,
        team=team,
        channel=channel,
        message="",
        thread=ts,
        user=str(thread.get("user_id") or event.get("user") or ""),
        text="",
        trigger=Trigger.GREETING,
        asked_at=now,
    )


class Panel:
    """Speaks first, for once."""

    def __init__(self, client: SlackClient, surface: SlackSurface, prompts: Prompts, locale: str | None) -> None:
        self._client = client
        self._surface = surface
        self._prompts = prompts
        self._locale = locale
        # Ways to title a conversation: of apps made with ``agent_view``, and with the older ``assistant_view``.
        self._ways: tuple[Callable[[Asked, str], Awaitable[None]], ...] = (self._name_session, self._name_thread)

    async def welcome(self, asked: Asked, *, first: bool) -> None:
        """Say hello, the ``first`` time, and offer questions to begin with. Raises DeliveryError."""
        try:
            if first:
                await self.greet(asked)
        finally:
            # Second, because Slack ties them to the latest message.
            await self.suggest(asked)

    async def greet(self, asked: Asked) -> None:
        """Say hello. Raises DeliveryError."""
        words = messages_in(await self._language(asked))
        try:
            await self._surface.post(Claim(asked, State.DONE), Notice(words.ask_me))
        except Throttled as error:
            await asyncio.sleep(error.seconds)
            await self._surface.post(Claim(asked, State.DONE), Notice(words.ask_me))

    async def suggest(self, asked: Asked) -> None:
        """Offer questions to begin with. Raises DeliveryError where there is no panel."""
        language = await self._language(asked)
        prompts = list(self._prompts(asked, language))[:MAX_PROMPTS]
        if prompts:
            await self._client.call(
                "assistant.threads.setSuggestedPrompts",
                channel_id=asked.channel,
                # For the messages tab as a whole, Slack wants no thread named.
                thread_ts=asked.thread or None,
                title=messages_in(language).panel_prompts,
                prompts=[{"title": prompt, "message": prompt} for prompt in prompts],
            )

    async def name(self, asked: Asked) -> None:
        """Title the conversation after its first question. Raises DeliveryError where there is no panel."""
        title = shorten(asked.text, MAX_TITLE)
        if not title:
            return
        failed: DeliveryError | None = None
        for way in self._ways:
            try:
                await way(asked, title)
            except (Unsupported, Rejected) as error:
                failed = error
            else:
                self._ways = (way,)
                return
        if failed is not None:
            raise failed

    async def _name_session(self, asked: Asked, title: str) -> None:
        """Only a session can be renamed, and setting a status is what makes a thread one; a session that is there
        already keeps the title it has, and a new one loses its colons."""
        place = {"channel_id": asked.channel, "thread_ts": asked.thread}
        await self._client.call(
            "agents.sessions.setStatus", **place, status="active", title=title, initiator_user_id=asked.user
        )
        await self._client.call("agents.sessions.rename", **place, title=title)

    async def _name_thread(self, asked: Asked, title: str) -> None:
        await self._client.call(
            "assistant.threads.setTitle", channel_id=asked.channel, thread_ts=asked.thread, title=title
        )

    async def _language(self, asked: Asked) -> Language:
        return choose_language(None, self._locale or await self._locale_of(asked))

    async def _locale_of(self, asked: Asked) -> str | None:
        try:
            return await self._surface.locale(asked)
        except DeliveryError:
            return None
