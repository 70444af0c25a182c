"""Asks Discord once who the bot is, without beginning a session: for those who only look."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import discord

from bot.errors import ConfigError, Unreachable
from bot.platforms.discord.checks import WRONG_TOKEN, check_intents
from bot.platforms.discord.client import translate
from bot.platforms.discord.endpoint import use_rest


@dataclass(frozen=True, slots=True)
class Introduced:
    """What Discord says of the bot."""

    name: str
    servers: int
    """As Discord counts them, approximately."""


async def look_up(token: str, base_url: str, *, message_content: bool, within: float) -> Introduced:
    """Who the bot is. Gives up after so many seconds.

    Raises ConfigError where Discord refuses the token or what it is to hear, DeliveryError where it does not answer.
    """
    use_rest(base_url)
    client = discord.Client(intents=discord.Intents.none())
    try:
        async with asyncio.timeout(within):
            await client.login(token)
            check_intents(client, message_content=message_content)
            return Introduced(str(client.user), (await client.application_info()).approximate_guild_count)
    except ConfigError:
        raise
    except discord.LoginFailure:
        raise ConfigError(WRONG_TOKEN) from None
    except TimeoutError:
        raise Unreachable(f"login: no answer within {within:g} s") from None
    except Exception as error:
        raise translate("login", error) from None
    finally:
        await client.close()
        await client.http.close()
