"""The bot's own HTTP server: a health page, and whatever routes a platform needs."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from aiohttp import web

from bot.errors import ConfigError

MAX_BODY = 1 << 20
"""Bytes of a request: several times the largest event."""

SHUTDOWN = 5.0
"""Seconds that a request which is still coming in, or being answered, may hold up the end."""

Check = Callable[[], Awaitable[str | None]]
"""None when all is well, else what is not, in a few words."""
Fact = Callable[[], object]
"""Something worth knowing, as JSON takes it."""


@asynccontextmanager
async def serving(
    host: str,
    port: int,
    checks: dict[str, Check],
    routes: Iterable[web.RouteDef] = (),
    facts: Mapping[str, Fact] = MappingProxyType({}),
) -> AsyncIterator[int]:
    """Serve ``/health`` and ``routes`` while the block runs; the port (for ``port`` 0: the one that was free).

    ``/health`` answers 200 or 503 and ``{"ok": bool, NAME: "ok" or what is wrong}``, and the ``facts``, which do not
    decide about that.
    Raises ConfigError where the address cannot be had.
    """

    async def health(_: web.Request) -> web.Response:
        states = {name: await check() for name, check in checks.items()}
        well = all(state is None for state in states.values())
        body: dict[str, object] = {"ok": well} | {name: state or "ok" for name, state in states.items()}
        body |= {name: fact() for name, fact in facts.items()}
        return web.Response(status=200 if well else 503, text=json.dumps(body), content_type="application/json")

    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes([web.get("/health", health), *routes])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            # The event loop puts the address into its sentence; the resolver's numbers are negative.
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error
            raise ConfigError(f"HTTP_HOST={host} HTTP_PORT={port} cannot be served: {reason}.") from None
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
