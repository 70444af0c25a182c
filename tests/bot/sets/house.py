"""A whole bot over documents of which some are private, and what came of it where.

``CANARIES`` stand in the private document alone: in its name, title, heading and text. So whatever a person does, no
request with one of them may go to a place that is not given the document.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from bot.app import assistant
from bot.batcher import QueryBatcher
from bot.core import Pace, core
from bot.library import open_library, update_library
from bot.messages import messages_in
from bot.reloading import Reloader
from bot.service import serve_index
from bot.settings import Settings
from bot.types import Language
from tests.standin.discord.server import DiscordServer
from tests.standin.fonte import _HOSTS, QUICK, Fonte, Oracle, Server, platform_settings, settings_for
from tests.standin.slack.server import SlackServer

CANARIES = ("narwhal", "quokkaheim", "axolotl", "zebrafink")
PRIVATE = "How large is the relocation bonus for new colleagues?"
SUGGESTED = "What can you tell me about “Axolotl rules”?"
"""A question that is suggested where the private document is shown: in the document's words."""
PUBLIC = "When does the office open?"
OPENS = "The office opens at eight o'clock."
SETS = {"hr": ["hr"]}
DOCUMENTS = {
    "guide.md": f"# Office guide\n\n## Opening hours\n\n{OPENS} It is closed on Sundays and on public holidays.\n",
    "travel.md": "# Travel\n\n## Trains\n\nColleagues travel by train where the journey takes less than six hours.\n",
    "hr/narwhal.md": (
        "# Quokkaheim handbook\n\n## Axolotl rules\n\n"
        "The relocation bonus for new colleagues is 4,711 zebrafink coins, as the Axolotl rules say. "
        "It is paid in March.\n"
    ),
}
LATER = "The parking bonus for new colleagues is 12 zebrafink coins.\n"


def write(folder: Path, documents: dict[str, str] = DOCUMENTS) -> None:
    for name, text in documents.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@dataclass
class House:
    """A bot that serves."""

    bot: Fonte
    settings: Settings
    reloader: Reloader

    async def update(self) -> None:
        """Bring the index up to date, as another process does, and wait until the bot serves it."""
        before, words = self.reloader.index.version, messages_in("en")
        await asyncio.to_thread(update_library, self.settings, words, str, lambda *_: None, rebuild=False, wait=True)
        async with asyncio.timeout(20):
            while self.reloader.index.version == before:  # noqa: ASYNC110 - nothing tells when it is so
                await asyncio.sleep(0.05)

    async def suggestions(self) -> None:
        """Wait until questions to suggest were found for every place."""
        core = self.bot.core
        wanted = {(view, language) for view in core.scopes.views() for language in get_args(Language)}
        async with asyncio.timeout(20):
            while not wanted <= core.shelf._questions.keys():  # noqa: ASYNC110 - nothing tells when it is so
                await asyncio.sleep(0.02)


@asynccontextmanager
async def house(
    server: Server | Sequence[Server], folder: Path, /, *, pace: Pace = QUICK, **changes: Any
) -> AsyncIterator[House]:
    """``python -m bot serve`` in this process, over stand-ins; ``write`` comes first."""
    servers = [server] if isinstance(server, Server) else list(server)
    own = {
        "seeds": {"dir": folder / "docs"},
        "embedding": {"model": "hashing"},
        "answer": {"min_support": 0, "reader": False},
        "sets": SETS,
    }
    settings = settings_for(servers, folder / "data", **(own | changes))
    index = await asyncio.to_thread(open_library, settings, messages_in("en"), str, lambda *_: None)
    makers = [_HOSTS[platform](settings) for platform, _ in map(platform_settings, servers)]
    stop, ready, reloader = asyncio.Event(), asyncio.Semaphore(0), Reloader(settings, index)
    async with QueryBatcher(index) as batcher:
        helper = assistant(settings, batcher)
        async with core(settings, helper.ask, pace) as parts:
            serving = serve_index(reloader, batcher, parts, helper.ask, makers, stop, lambda _: ready.release())
            task = asyncio.create_task(serving)
            for _ in servers:
                await asyncio.wait_for(ready.acquire(), 20)
            try:
                yield House(Fonte(parts, Oracle(), stop, task), settings, reloader)
            finally:
                stop.set()
                await task


def holds_canary(said: object) -> bool:
    """Whether anything of the private document is in it."""
    text = said.decode() if isinstance(said, bytes) else json.dumps(said, default=str)
    return any(canary in text.casefold() for canary in CANARIES)


def places(server: Server) -> set[str]:
    """Ids of the places to which words of the private document were sent; "?" where it is not known to which."""
    return set(_slack(server) if isinstance(server, SlackServer) else _discord(server))


def _slack(slack: SlackServer) -> Iterable[str]:
    world = slack.workspace
    for call in slack.api.calls:
        if holds_canary(call.arguments):
            url = world.response_urls.get(call.token)
            yield str(
                call.arguments.get("channel") or call.arguments.get("channel_id") or (url.channel if url else "?")
            )
    for file in world.files.values():
        if holds_canary(file.content):
            yield from [channel for channel, _ in file.shares] or ["?"]


def _discord(discord: DiscordServer) -> Iterable[str]:
    world = discord.world
    for call in discord.rest.calls:
        if holds_canary(call.body) or any(holds_canary(file.content) for file in call.files):
            started = world.by_token(call.ids[1]) if len(call.ids) > 1 and "channels" not in call.name else None
            yield started.channel.id if started else (call.ids or ("?",))[0]
