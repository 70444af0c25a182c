"""Runs a chat platform until it is told to stop: puts together assistant, ledger, dispatcher and adapter."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, get_args

from bot.actions import Actions, Desk
from bot.app import assistant, open_index
from bot.claims import Unanswered
from bot.composer import Composer
from bot.delivery import POST_INTERVAL, Delivery
from bot.dispatcher import GRACE, OPEN_AFTER, Dispatcher
from bot.errors import LedgerUnavailable
from bot.ledger import LEASE, database_url, open_ledger
from bot.limits import Access, Limits
from bot.markup import clean, dump_json
from bot.platforms.console import complain
from bot.platforms.slack import PING_INTERVAL
from bot.settings import Settings, SlackCredentials, slack_credentials
from bot.suggestions import suggest
from bot.types import Question, Reply
from bot.web import Check, serving
from retrieval.evidence import AUTO_SUPPORT
from retrieval.index import Index
from retrieval.interrogative import is_courtesy, is_question
from retrieval.language import detect_language
from retrieval.types import Language

if TYPE_CHECKING:
    from bot.ledger.store import SqlLedger

PURGE_EVERY = 6 * 3600.0
DAY = 24 * 3600.0
"""Seconds."""
SUGGESTIONS = 4
"""Questions in each language: as many as Slack shows."""
HTTP_PORT = 3000
"""Where Slack's requests are expected unless HTTP_PORT says otherwise."""

Ask = Callable[[Question], Awaitable[Reply]]
_log = logging.getLogger(__name__)


class Stop(Protocol):
    """Returns when the bot is to end."""

    async def wait(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that decide how the bot behaves in time; tests are in a hurry."""

    lease: float = LEASE
    post_interval: float = POST_INTERVAL
    grace: float = GRACE
    open_after: float = OPEN_AFTER
    ping_interval: float = PING_INTERVAL


@dataclass(frozen=True, slots=True)
class Core:
    """What every platform shares."""

    settings: Settings
    ledger: SqlLedger
    dispatcher: Dispatcher
    pace: Pace
    suggestions: dict[Language, Sequence[str]] = field(default_factory=dict)
    """Questions that the documents answer; filled in while the bot serves."""

    def suggest(self, language: Language) -> Sequence[str]:
        return self.suggestions.get(language, ())

    async def ledger_state(self) -> str | None:
        """For the health page."""
        try:
            await self.ledger.ping()
        except LedgerUnavailable as error:
            return str(error)
        return None


def slack(settings: Settings) -> int:
    """Serve Slack until SIGTERM or SIGINT; the exit status."""
    credentials = slack_credentials(settings)  # nobody should wait for a build to be told that a token is missing
    index = open_index(settings)

    async def serve() -> None:
        stop = Signals()
        async with assistant(settings, index) as helper, core(settings, helper.ask) as parts:
            preparing = asyncio.create_task(_prepare_suggestions(helper.ask, index, parts))
            try:
                await serve_slack(parts, credentials, stop)
            finally:
                preparing.cancel()

    async def until_stopped() -> None:
        with suppress(asyncio.CancelledError):
            await serve()

    asyncio.run(until_stopped())
    return 0


def forget(settings: Settings, user: str) -> int:
    """Erase a person from the ledger and say what that was; the exit status."""

    async def erase() -> None:
        async with open_ledger(_url(settings)) as ledger:
            gone = await ledger.forget(user)
        print(
            f"Erased of {user}: {gone.questions} questions, {gone.answers} answers, {gone.feedback} ratings, "
            f"{gone.unanswered} unanswered questions."
        )

    asyncio.run(erase())
    return 0


def unanswered(settings: Settings, *, as_json: bool) -> int:
    """Print what the documents did not answer, the latest first; the exit status."""

    async def read() -> list[Unanswered]:
        async with open_ledger(_url(settings)) as ledger:
            return await ledger.unanswered()

    questions = asyncio.run(read())
    if as_json:
        print(dump_json([asdict(question) for question in questions], sys.stdout.encoding))
        return 0
    for question in questions:
        when = datetime.fromtimestamp(question.asked_at).strftime("%Y-%m-%d %H:%M")
        print(f"{when}  {question.platform}  {clean(question.text)}")
    return 0


@asynccontextmanager
async def core(settings: Settings, ask: Ask, pace: Pace | None = None) -> AsyncIterator[Core]:
    """Ledger and dispatcher, with ``ask`` to answer the questions, while the block runs."""
    pace = pace or Pace()
    limits = Limits(per_minute=settings.rate_limit, queue=settings.queue_limit)
    async with open_ledger(_url(settings), lease=pace.lease) as ledger:
        composer = Composer(
            ask,
            ledger,
            detect=detect_language,
            is_question=is_question,
            is_courtesy=is_courtesy,
            auto_support=AUTO_SUPPORT,
            locale=settings.locale,
            concurrent=limits.concurrent,
        )
        dispatcher = Dispatcher(
            composer,
            ledger,
            Delivery(ledger, interval=pace.post_interval),
            limits,
            lease=pace.lease,
            grace=pace.grace,
            open_after=pace.open_after,
        )
        purging = asyncio.create_task(_purge(ledger, settings.retention_days))
        try:
            yield Core(settings, ledger, dispatcher, pace)
        finally:
            purging.cancel()
            await asyncio.gather(purging, return_exceptions=True)


async def serve_slack(
    parts: Core, credentials: SlackCredentials, stop: Stop, ready: Callable[[str], None] = complain
) -> None:
    """Serve one workspace until ``stop``; ``ready`` is told when questions are taken. Raises ConfigError."""
    from bot.platforms import slack as platform

    chosen = parts.settings.slack
    in_group = chosen.escalation.startswith("S")
    desk = Desk(
        feedback_channel=chosen.feedback_channel,
        escalation_channel="" if in_group else chosen.escalation,
        escalation_group=chosen.escalation if in_group else "",
    )
    options = platform.Options(
        bot_token=credentials.bot_token,
        app_token=credentials.app_token if credentials.mode == "socket" else "",
        signing_secret=credentials.signing_secret,
        base_url=chosen.api_base_url,
        access=Access(frozenset(chosen.allowed_channels), frozenset(chosen.allowed_users)),
        auto_channels=frozenset(chosen.auto_answer_channels),
        desk=desk,
        locale=parts.settings.locale,
        ping_interval=parts.pace.ping_interval,
    )
    dispatcher = parts.dispatcher
    async with AsyncExitStack() as stack:
        # Last of all, when nothing arrives any more.
        stack.push_async_callback(dispatcher.close)
        actions = Actions(parts.ledger, dispatcher, desk)
        adapter = await stack.enter_async_context(platform.connected(options, dispatcher, actions, parts.suggest))
        keeper = asyncio.create_task(dispatcher.run())
        try:
            http = parts.settings.http
            port = http.port or (None if options.app_token else HTTP_PORT)
            if port is not None:
                checks: dict[str, Check] = {"ledger": parts.ledger_state, "slack": adapter.state}
                await stack.enter_async_context(serving(http.host, port, checks, adapter.routes()))
            await adapter.listen()
            ready(f"Serving Slack as {adapter.name}; SIGTERM or Ctrl-C ends it.")
            await stop.wait()
            await dispatcher.drain(parts.settings.drain_seconds)
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)


class Signals:
    """SIGTERM and SIGINT: the first ends a bot that serves in good order; before that, or once more, at once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._serving = False
        self._main = asyncio.current_task()
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, self._stop)

    async def wait(self) -> None:
        """Return when the process is asked to stop."""
        self._serving = True
        await self._asked.wait()

    def _stop(self) -> None:
        if self._main is not None and (self._asked.is_set() or not self._serving):
            self._main.cancel()
        self._asked.set()


def _url(settings: Settings) -> str:
    secret = settings.database_url
    return database_url(secret.get_secret_value() if secret else None, settings.data_dir)


async def _prepare_suggestions(ask: Ask, index: Index, parts: Core) -> None:
    for language in get_args(Language):
        try:
            found = await suggest(ask, index.documents, detect=detect_language, limit=SUGGESTIONS, language=language)
        except Exception as error:  # a nicety: whatever stands in its way must not stop the bot
            _log.warning("no questions can be suggested: %s: %s", type(error).__name__, error)
            return
        parts.suggestions[language] = tuple(suggestion.text for suggestion in found)


async def _purge(ledger: SqlLedger, days: int) -> None:
    while True:
        try:
            erased = await ledger.purge(time.time() - days * DAY)
            if erased:
                _log.info("%d questions older than %d days were erased", erased, days)
        except LedgerUnavailable as error:
            _log.warning("%s", error)
        await asyncio.sleep(PURGE_EVERY)
