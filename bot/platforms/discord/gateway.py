"""The connection to Discord: the library's client, kept within the limits, with its ends said in sentences."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
import discord

from bot.actions import Actions
from bot.dispatcher import Dispatcher
from bot.errors import BotError, ConfigError
from bot.limits import Access
from bot.platforms.discord import Library, Options
from bot.platforms.discord.buttons import AnswerButton, Buttons
from bot.platforms.discord.checks import NO_INTENT, WRONG_TOKEN, check_intents, lacking
from bot.platforms.discord.client import DiscordClient, translate
from bot.platforms.discord.commands import Commands, Translator, command_tree
from bot.platforms.discord.endpoint import use_gateway, use_rest
from bot.platforms.discord.events import PLATFORM, Place
from bot.platforms.discord.listeners import Listeners
from bot.platforms.discord.registration import Registration, payload
from bot.platforms.discord.responder import Responder
from bot.platforms.discord.sessions import use_sessions
from bot.platforms.discord.surface import DiscordSurface

FIRST_RETRY = 1.0
LAST_RETRY = 60.0
"""Seconds between attempts to reach a Discord that does not answer."""
GOODBYE = 2.0
"""Seconds that Discord has to answer when the bot leaves."""
LONGEST_WAIT = 30.0
"""Seconds that a request waits by itself for a rate limit to end; 30 is the least that the library takes."""
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    attach_files=True,
    read_message_history=True,
)
"""What the bot makes use of; README.md names their sum."""
_TOKEN_REFUSED = 4004
"""Code of a closed connection."""

_log = logging.getLogger(__name__)


class Gateway(discord.AutoShardedClient):
    """One bot, in as many shards as Discord wants."""

    def __init__(self, options: Options, dispatcher: Dispatcher, actions: Actions, library: Library) -> None:
        # It would be said at every start that voice is not supported.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        intents = discord.Intents(
            guilds=True, guild_messages=True, dm_messages=True, message_content=options.message_content
        )
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            # Nothing is looked up in these, and servers have many members and messages.
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            guild_ready_timeout=options.timing.guild_wait,
            heartbeat_timeout=options.timing.heartbeat_timeout,
            max_ratelimit_timeout=LONGEST_WAIT,
        )
        self._options = options
        self._dispatcher = dispatcher
        self._actions = actions
        self._library = library
        self._identified: dict[int, float] = defaultdict(lambda: float("-inf"))
        self._running: asyncio.Task[None] | None = None
        self._tidying: asyncio.Task[None] | None = None
        self._surface: DiscordSurface | None = None
        self._handling: set[asyncio.Task[Any]] = set()
        """What is being done about events."""
        use_rest(options.base_url)
        use_sessions()

    # -- the life of a connection

    async def introduce(self) -> None:
        """Log in, for as long as it takes, and attach to the dispatcher. Raises ConfigError where Discord refuses."""
        try:
            await self._insist("login", self._log_in)
        except discord.LoginFailure:
            raise ConfigError(WRONG_TOKEN) from None
        check_intents(self, message_content=self._options.message_content)
        assert self._surface is not None  # noqa: S101 - made in ``setup_hook``
        # The listeners know better than the dispatcher who may ask: they know the asker's roles.
        self._dispatcher.attach(PLATFORM, self._surface, Access())

    async def _log_in(self) -> None:
        try:
            await self.login(self._options.token)
        except BaseException:
            # Each attempt begins with connections of its own.
            await self.http.close()
            self.http.connector = discord.utils.MISSING
            raise

    async def _insist(self, what: str, call: Callable[[], Awaitable[None]]) -> None:
        """Try again for as long as Discord cannot be reached. Raises what it refuses."""
        delay = FIRST_RETRY
        while True:
            try:
                return await call()
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                if self.is_closed() or isinstance(error, discord.LoginFailure):
                    raise
                _log.warning("Discord cannot be reached (%s); trying again in %.0f s.", translate(what, error), delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY)

    async def setup_hook(self) -> None:
        """Put the parts together, which know from now on who the bot is; part of ``login``."""
        await use_gateway(self.http)
        if self._surface is not None:
            return  # an earlier attempt to log in came this far
        assert self.user is not None and self.application_id is not None  # noqa: PT018, S101
        chosen = self._options
        place = Place(self.user.id, chosen.threads)
        client = DiscordClient(self.http, self.application_id)
        responder = Responder(client)
        self._surface = DiscordSurface(
            client, self.user.id, chosen.desk, self._guild_locale, self._has_role, self._library.private
        )
        self.listeners = Listeners(self._dispatcher, chosen.access, place, client)
        self.commands = Commands(self._dispatcher, chosen.access, place, self._library, responder, chosen.locale)
        self.buttons = Buttons(self._actions, responder, self.commands.words)
        self.tree = command_tree(self)
        self.registration = Registration(client, self.application_id, await payload(self.tree, Translator()))
        self.add_dynamic_items(AnswerButton)

    async def open(self) -> None:
        """Connect and register the commands. Raises ConfigError or BotError where the connection ends for good."""
        # The library itself gives up where it is not told to which address to connect.
        self._running = asyncio.create_task(self._insist("gateway", self.connect))
        ready = asyncio.create_task(self.wait_until_ready())
        await asyncio.wait((self._running, ready), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._running.done():
            await self.ended()
        for sentence in lacking(self, self._options.desk):
            _log.warning("%s", sentence)
        await self.registration.run(self._options.guilds)
        others = [identity for guild in self.guilds if (identity := str(guild.id)) not in self._options.guilds]
        # There may be many of them, and nobody waits for it.
        self._tidying = asyncio.create_task(self.registration.tidy(others))

    async def ended(self) -> None:
        """Wait for the connection to be lost for good. Raises ConfigError or BotError, which say why."""
        if self._running is None:
            return
        try:
            await asyncio.shield(self._running)
        except discord.PrivilegedIntentsRequired:
            raise ConfigError(NO_INTENT) from None
        except discord.ConnectionClosed as error:
            if error.code == _TOKEN_REFUSED:
                raise ConfigError(WRONG_TOKEN) from None
            raise BotError(f"Discord has closed the connection for good (code {error.code}).") from None
        raise BotError("Discord has closed the connection.")

    async def leave(self) -> None:
        """Close whatever is open."""
        if self._tidying is not None:
            self._tidying.cancel()
        if self._surface is not None:
            await self._surface.leave()
        # Discord does not tell again of what is being noted down.
        if self._handling:
            await asyncio.wait(set(self._handling), timeout=GOODBYE)
        # A connection that went silent would hold up the library for half a minute.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.close(), GOODBYE)
        await self.http.close()
        ending = [task for task in (self._running, self._tidying, *self._handling) if task is not None]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def invitation(self) -> str:
        """Where somebody who manages a server lets the bot in."""
        assert self.application_id is not None  # noqa: S101 - known since ``introduce``
        return discord.utils.oauth_url(
            self.application_id, permissions=PERMISSIONS, scopes=("bot", "applications.commands")
        )

    def healthy(self) -> bool:
        """Whether every shard is connected."""
        return self.is_ready() and not any(shard.is_closed() for shard in self.shards.values())

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Begin no more sessions than Discord allows: so many at once every few seconds, and so many a day."""
        concurrency = 1
        try:
            limits = await self.fetch_session_start_limits()
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            # Not to begin a session would leave a connection open that nobody looks after.
            _log.info("%s", translate("gateway", error))
        else:
            concurrency = max(limits.max_concurrency, 1)
            if limits.remaining <= 0:
                _log.warning("Discord lets the bot begin no session for another %.0f s.", limits.reset_after / 1000)
                await asyncio.sleep(limits.reset_after / 1000)
        bucket = (shard_id or 0) % concurrency
        free_at = self._identified[bucket] + self._options.timing.identify_interval
        now = asyncio.get_running_loop().time()
        self._identified[bucket] = max(free_at, now)
        await asyncio.sleep(max(free_at - now, 0))

    # -- what happens

    async def handle(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something about an event: the library starts a task for each, and waits for none when it is closed."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._handling.add(task)
        try:
            await work
        finally:
            self._handling.discard(task)

    async def on_message(self, message: discord.Message) -> None:
        await self.handle(self.listeners.on_message(message))

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        await self.handle(self.listeners.on_edit(event.message))

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        await self.handle(self.listeners.on_delete((event.message_id,)))

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        await self.handle(self.listeners.on_delete(event.message_ids))

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        # The library knows forms that it has opened itself, in this process.
        if interaction.type is discord.InteractionType.modal_submit:
            await self.handle(self.buttons.submit(interaction))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        _log.exception("an event was not taken (%s)", event_method)

    # -- what is looked up

    def _guild_locale(self, guild: str) -> str | None:
        found = self.get_guild(int(guild)) if guild else None
        return found.preferred_locale.value if found else None

    def _has_role(self, guild: str, role: str) -> bool:
        if not self.is_ready():
            return bool(role)  # nobody knows yet
        found = self.get_guild(int(guild)) if guild else None
        return found is not None and bool(role) and found.get_role(int(role)) is not None
