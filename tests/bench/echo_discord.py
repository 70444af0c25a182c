"""The other side of tests.bench.adapter: the shortest discord.py client that answers every mention and every /ask."""

from __future__ import annotations

import os
import re
from typing import Any

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route


class Echo(discord.Client):
    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True, guild_messages=True), guild_ready_timeout=0.1)
        self.tree: app_commands.CommandTree[Any] = app_commands.CommandTree(self)

        @self.tree.command(name="ask", description="Ask")
        async def ask(interaction: discord.Interaction[Any], question: str) -> None:
            await interaction.response.defer(thinking=True)
            await interaction.edit_original_response(content=f"The answer to {question}")

    async def setup_hook(self) -> None:
        _, url, _ = await self.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        if self.user in message.mentions:
            await message.reply(f"The answer to {re.sub('<@[^>]*>', '', message.content).strip()}")


if __name__ == "__main__":
    Route.BASE = os.environ["DISCORD_API_BASE_URL"]
    Echo().run(os.environ["DISCORD_BOT_TOKEN"], log_handler=None)
