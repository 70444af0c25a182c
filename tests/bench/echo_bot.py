"""The other side of tests.bench.adapter: the shortest bolt app that answers every mention in its thread."""

from __future__ import annotations

import asyncio
import os
import re

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.say.async_say import AsyncSay
from slack_sdk.web.async_client import AsyncWebClient


async def main() -> None:
    # With a session of its own, as a bot that is meant to be fast has one: without, each call opens a connection.
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_BASE_URL"], session=session
        )
        app = AsyncApp(client=client)

        @app.event("app_mention")
        async def echo(event: dict[str, str], say: AsyncSay) -> None:
            question = re.sub("<@[^>]*>", "", event["text"]).strip()
            await say(text=f"The answer to {question}", thread_ts=event.get("thread_ts") or event["ts"])

        @app.event("message")
        async def nothing() -> None:
            """The other copy of the same message."""

        handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
        await handler.start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main())
