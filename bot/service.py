"""The commands that serve chat platforms, and those about what is kept of the questions asked there."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import get_args

from bot import hosting
from bot.app import assistant, open_index
from bot.batcher import QueryBatcher
from bot.claims import Unanswered
from bot.core import Ask, Core, core, ledger_url
from bot.errors import ConfigError
from bot.hosting import Stop
from bot.hosts import HostMaker, discord_host, slack_host
from bot.ledger import open_ledger
from bot.links import published
from bot.markup import clean, dump_json
from bot.platforms.console import complain
from bot.reloading import Reloader
from bot.scopes import missing_folders, without_documents
from bot.settings import Settings
from bot.suggestions import suggest
from bot.types import Listed
from retrieval.index import Index
from retrieval.language import detect_language
from retrieval.types import Document, Language

SUGGESTIONS = 12
"""Questions in each language. Slack shows four of them, Discord those that match what is being typed."""
HTTP_PORT = 3000
"""Where a platform's requests are expected unless HTTP_PORT says otherwise."""

_log = logging.getLogger(__name__)


def slack(settings: Settings) -> int:
    """Serve Slack until SIGTERM or SIGINT; the exit status."""
    return _serve(settings, [slack_host(settings)])


def discord(settings: Settings) -> int:
    """Serve Discord until SIGTERM or SIGINT; the exit status."""
    return _serve(settings, [discord_host(settings)])


def serve(settings: Settings) -> int:
    """Serve every platform that has tokens until SIGTERM or SIGINT; the exit status."""
    makers: list[Callable[[Settings], HostMaker]] = []
    if settings.slack.bot_token or settings.slack.app_token:
        makers.append(slack_host)
    if settings.discord.bot_token:
        makers.append(discord_host)
    if not makers:
        raise ConfigError("There is nothing to serve: set SLACK_BOT_TOKEN or DISCORD_BOT_TOKEN; the README says how.")
    return _serve(settings, [make(settings) for make in makers])


def _serve(settings: Settings, makers: Sequence[HostMaker]) -> int:
    # Nobody should wait for a build to be told that a token is missing, or a folder.
    for sentence in missing_folders(settings):
        raise ConfigError(f"{sentence[:-1]}: correct it, or make that folder.")
    reloader = Reloader(settings, open_index(settings))
    for sentence in without_documents(settings, (document.source for document in reloader.index.documents)):
        _log.warning("%s", sentence)

    async def run() -> None:
        stop = Signals()
        async with QueryBatcher(reloader.index) as batcher:
            helper = assistant(settings, batcher)
            async with core(settings, helper.ask) as parts:
                await serve_index(reloader, batcher, parts, helper.ask, makers, stop)

    async def until_stopped() -> None:
        with suppress(asyncio.CancelledError):
            await run()

    asyncio.run(until_stopped())
    return 0


async def serve_index(
    reloader: Reloader,
    batcher: QueryBatcher,
    parts: Core,
    ask: Ask,
    makers: Sequence[HostMaker],
    stop: Stop,
    ready: Callable[[str], None] = complain,
) -> None:
    """Serve platforms from whichever index is the newest, until ``stop``; ``ready`` as for serve_hosts. Raises
    ConfigError."""
    overview = Overview(parts, ask)

    def swap(index: Index) -> None:
        batcher.index = index
        overview.show(index)

    overview.show(reloader.index)
    parts.facts["index"] = partial(_state, reloader, parts)
    try:
        async with reloader.following(swap):
            await serve_hosts(parts, makers, stop, ready)
    finally:
        await overview.close()


def _state(reloader: Reloader, parts: Core) -> dict[str, str | None]:
    """What the health page tells of the index: no names of documents, where not everybody may know them."""
    told = reloader.state()
    if parts.settings.sets and told["trouble"]:
        told["trouble"] = "The log says why no newer version serves."
    return told


class Overview:
    """What people are shown of an index before they ask: the documents, and questions that these answer."""

    def __init__(self, parts: Core, ask: Ask) -> None:
        self._parts = parts
        self._ask = ask
        self._preparing: asyncio.Task[None] | None = None

    def show(self, index: Index) -> None:
        """List its documents; its questions take the place of those before when they are found, in the background."""
        self._parts.scopes.serve(document.source for document in index.documents)
        self._parts.shelf.put(_listed(self._parts.settings, index))
        if self._preparing is not None:
            self._preparing.cancel()
        self._preparing = asyncio.create_task(_prepare_suggestions(self._ask, index.documents, self._parts))

    async def close(self) -> None:
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.gather(self._preparing, return_exceptions=True)


def forget(settings: Settings, user: str) -> int:
    """Erase a person from the ledger and say what that was; the exit status."""

    async def erase() -> None:
        async with open_ledger(ledger_url(settings)) as ledger:
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
        async with open_ledger(ledger_url(settings)) as ledger:
            return await ledger.unanswered()

    questions = asyncio.run(read())
    if as_json:
        print(dump_json([asdict(question) for question in questions], sys.stdout.encoding))
        return 0
    for question in questions:
        when = datetime.fromtimestamp(question.asked_at).strftime("%Y-%m-%d %H:%M")
        print(f"{when}  {question.platform}  {clean(question.text)}")
    return 0


async def serve_hosts(
    parts: Core, makers: Sequence[HostMaker], stop: Stop, ready: Callable[[str], None] = complain
) -> None:
    """Serve platforms until ``stop``; ``ready`` is told of each when questions are taken. Raises ConfigError."""
    hosts = [make(parts) for make in makers]
    http, settings = parts.settings.http, parts.settings
    port = http.port or (HTTP_PORT if any(host.route for host in hosts) else None)
    await hosting.serve(
        hosts,
        parts.dispatcher,
        stop,
        http=hosting.Http(http.host, port),
        checks={"ledger": parts.ledger_state},
        facts=parts.facts,
        drain=settings.drain_seconds,
        ready=ready,
    )


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


async def _prepare_suggestions(ask: Ask, documents: Sequence[Document], parts: Core) -> None:
    for view in parts.scopes.views():
        scope = parts.scopes.sources(view)
        for language in get_args(Language):
            try:
                found = await suggest(
                    ask, documents, detect=detect_language, limit=SUGGESTIONS, language=language, scope=scope
                )
            except Exception as error:  # a nicety: whatever stands in its way must not stop the bot
                _log.warning("no questions can be suggested: %s: %s", type(error).__name__, error)
                return
            parts.shelf.offer(view, language, found)


def _listed(settings: Settings, index: Index) -> Iterator[Listed]:
    base = settings.source_base_url
    for document in index.documents:
        yield Listed(document.title, document.source, document.url or published(base, document.source))
