"""Everything Slack sends, as bolt hands it over.

A listener that returns lets bolt acknowledge; one that raises does not, and Slack sends the event again. So what a
listener waits for is the commit to the ledger, and nothing else: the answer is the dispatcher's work.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.actions import Actions
from bot.claims import Feedback, Trigger, Turn, Verdict
from bot.dispatcher import Dispatcher
from bot.errors import BotError, DeliveryError, LedgerUnavailable, Rejected, Throttled, Unsupported
from bot.markup.slack import WHY, Button, read_why, why_modal
from bot.messages import Messages, messages_in
from bot.platforms.slack.client import SlackClient
from bot.platforms.slack.events import Deleted, Edited, Payload, Place, Posted, read_command, read_message
from bot.platforms.slack.panel import Panel, read_opened

_log = logging.getLogger(__name__)
_VERDICTS = {Button.HELPFUL: Verdict.HELPFUL, Button.NOT_HELPFUL: Verdict.NOT_HELPFUL}
Ack = Callable[..., Awaitable[Any]]


class Listeners:
    """Registers itself with a bolt app made for one workspace."""

    def __init__(
        self, client: SlackClient, place: Place, dispatcher: Dispatcher, actions: Actions, panel: Panel
    ) -> None:
        self._client = client
        self._place = place
        self._dispatcher = dispatcher
        self._actions = actions
        self._panel = panel
        self._background: set[asyncio.Task[None]] = set()

    def app(self, signing_secret: str | None) -> AsyncApp:
        """The bolt app. ``signing_secret`` None: requests do not come by HTTP."""
        token, place = self._client.web.token, self._place

        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None, team_id=None, bot_token=token, bot_id=place.bot_id, bot_user_id=place.bot_user
            )

        with _quiet("slack_bolt") as logger:  # it warns that it will not use SLACK_BOT_TOKEN, which we have read
            app = AsyncApp(
                name="fonte",
                client=self._client.web,
                authorize=authorize,
                signing_secret=signing_secret or "",
                # Else bolt would give its loggers the root's level, and be silent at debug.
                logger=logger,
                # Bolt must not acknowledge before the listener has committed.
                process_before_response=True,
            )
        app.event("app_mention")(self._on_message)
        app.event("message")(self._on_message)
        app.event("app_home_opened")(self._on_panel)
        app.event("assistant_thread_started")(self._on_panel)
        app.event("assistant_thread_context_changed")(_nothing)
        app.command(re.compile(""))(self._on_command)
        for button in _VERDICTS:
            app.action(button.value)(self._on_rate)
        app.action(Button.SHARE.value)(self._on_share)
        app.action(Button.ASK_PERSON.value)(self._on_ask_person)
        app.action(Button.DELETE.value)(self._on_delete)
        app.action(re.compile(""))(_acknowledge)  # links are buttons to Slack
        app.view(WHY)(self._on_why)
        app.error(_on_error)
        return app

    async def close(self) -> None:
        """Wait for what was begun beside the questions."""
        if self._background:
            await asyncio.wait(self._background, timeout=5)
        for task in self._background:
            task.cancel()

    async def _on_message(self, body: Payload) -> None:
        match read_message(body, self._place):
            case Posted(asked, needs_thread):
                begun = asked.thread != asked.message and (needs_thread or asked.trigger is Trigger.DIRECT)
                known = begun and await self._dispatcher.answered_in(
                    asked.platform, asked.team, asked.channel, asked.thread
                )
                if needs_thread and not known:
                    return
                new = await self._dispatcher.receive(asked)
                if new and asked.trigger is Trigger.DIRECT and not known:
                    self._begin(self._panel.name(asked))
            case Edited(asked):
                await self._dispatcher.revise(asked)
            case Deleted(key):
                await self._dispatcher.withdraw(key)

    async def _on_panel(self, body: Payload) -> None:
        asked = read_opened(body, time.time())
        if asked is None:
            return
        first = await self._dispatcher.once(asked)
        self._begin(self._panel.welcome(asked, first=first))

    async def _on_command(self, body: Payload, ack: Ack) -> None:
        await self._dispatcher.receive(read_command(body, self._place, time.time()))
        await ack()

    async def _on_rate(self, body: Payload, ack: Ack) -> None:
        async def rate(key: str, user: str, words: Messages, _: Turn) -> None:
            verdict = _VERDICTS[Button(body["actions"][0]["action_id"])]
            await self._actions.rate(Feedback(key, user, verdict))
            if verdict is Verdict.HELPFUL:
                self._begin(self._say(body, words.thanks))
            else:
                view = why_modal(key, words)
                self._begin(self._client.call("views.open", trigger_id=body["trigger_id"], view=view))

        await self._act(body, ack, rate)

    async def _on_why(self, body: Payload, ack: Ack) -> None:
        key, reason, comment = read_why(body["view"])
        try:
            await self._actions.rate(Feedback(key, body["user"]["id"], Verdict.NOT_HELPFUL, reason, comment))
        except LedgerUnavailable as error:
            _log.warning("%s", error)
            return  # not acknowledged: the form stays open and says that something went wrong
        await ack()

    async def _on_share(self, body: Payload, ack: Ack) -> None:
        async def share(key: str, user: str, words: Messages, turn: Turn) -> None:
            if self._actions.may_share(turn):
                await self._actions.share(key, user, str(body.get("response_url") or ""))
            else:
                self._begin(self._say(body, words.not_shared))

        await self._act(body, ack, share)

    async def _on_ask_person(self, body: Payload, ack: Ack) -> None:
        async def escalate(key: str, user: str, words: Messages, _: Turn) -> None:
            asked = await self._actions.escalate(key, user)
            self._begin(self._say(body, words.person_asked if asked else words.nobody_to_ask))

        await self._act(body, ack, escalate)

    async def _on_delete(self, body: Payload, ack: Ack) -> None:
        async def delete(key: str, user: str, words: Messages, turn: Turn) -> None:
            if turn.asked.user != user:
                self._begin(self._say(body, words.only_asker))
                return
            if not turn.message:
                self._begin(self._unsay(body))
            self._begin(self._actions.delete(key, user))

        await self._act(body, ack, delete)

    async def _act(self, body: Payload, ack: Ack, act: Callable[[str, str, Messages, Turn], Awaitable[None]]) -> None:
        """Do what a button says, if the answer it stands under is still kept."""
        key, user = str(body["actions"][0].get("value") or ""), str(body["user"]["id"])
        words = messages_in("en")
        try:
            turn = await self._actions.turn(key)
            if turn is None:
                self._begin(self._say(body, words.not_kept))
            else:
                words = messages_in(turn.reply.language)
                await act(key, user, words, turn)
        except LedgerUnavailable as error:
            _log.warning("%s", error)
            self._begin(self._say(body, words.feedback_lost))
        await ack()

    async def _say(self, body: Payload, text: str) -> None:
        """Say something to whoever pressed a button, and to nobody else, beside the button."""
        container = body.get("container") or {}
        if container.get("thread_ts"):
            try:
                # What comes through a response_url would stand outside the thread.
                await self._client.call(
                    "chat.postEphemeral",
                    channel=container["channel_id"],
                    thread_ts=container["thread_ts"],
                    user=body["user"]["id"],
                    text=text,
                )
                return
            except (Rejected, Throttled, Unsupported) as error:
                _log.debug("%s", error)
        address = body.get("response_url")
        if address:
            message = {"response_type": "ephemeral", "replace_original": False, "text": text}
            await self._client.respond(str(address), message)

    async def _unsay(self, body: Payload) -> None:
        """Take away the message with the button where the Web API cannot: a private one, or one in a channel that the
        bot is no member of."""
        address = body.get("response_url")
        if address:
            await self._client.respond(str(address), {"delete_original": True})

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something beside: nobody waits for it, and its failure is noted only."""

        async def run() -> None:
            try:
                await work
            except DeliveryError as error:
                _log.info("%s", error)
            except BotError as error:
                _log.warning("%s", error)

        task = asyncio.create_task(run())
        self._background.add(task)
        task.add_done_callback(self._background.discard)


@contextmanager
def _quiet(name: str) -> Iterator[logging.Logger]:
    """A logger that says nothing below errors while the block runs."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield logger
    finally:
        logger.setLevel(before)


async def _nothing() -> None:
    """There is nothing to do, but Slack wants to know that it arrived."""


async def _acknowledge(ack: Ack) -> None:
    await ack()


async def _on_error(error: Exception) -> BoltResponse:
    """Not acknowledged: Slack sends it again."""
    if isinstance(error, BotError):
        _log.warning("an event was not taken: %s", error)
    else:
        _log.error("an event was not taken: %s: %s", type(error).__name__, error, exc_info=error)
    return BoltResponse(status=503)
