"""What is set and cannot work is named at the start."""

from __future__ import annotations

from tests.standin.fonte import fonte

VIEW, SEND, SEND_IN_THREADS, EVERYONE = 1 << 10, 1 << 11, 1 << 38, 1 << 17
"""Permissions."""
CLOSED = "where the bot may not write: let it view and send there."


async def named(discord, tmp_path, caplog, **settings) -> list[str]:
    """What the log says at the start."""
    async with fonte(discord, tmp_path, discord=settings):
        pass
    return [record.message for record in caplog.records if record.name == "bot.platforms.discord.gateway"]


async def test_nothing_is_said_where_all_is_well(discord, tmp_path, caplog):
    w = discord.world
    role, thread = w.add_role("helpers", mentionable=True), w.open_thread(w.alice, w.general)
    settings = {
        "guilds": [w.guild.id],
        "feedback_channel": w.random.id,
        "escalation_channel": thread.id,
        "escalation_role": role.id,
    }
    assert await named(discord, tmp_path, caplog, **settings) == []


async def test_a_channel_or_role_that_is_not_there_is_named(discord, tmp_path, caplog):
    nowhere = "104567890123456789"
    settings = {
        "feedback_channel": nowhere,
        "escalation_channel": nowhere,
        "escalation_role": nowhere,
    }
    assert await named(discord, tmp_path, caplog, **settings) == [
        f"DISCORD_FEEDBACK_CHANNEL names the channel {nowhere}, {CLOSED}",
        f"DISCORD_ESCALATION_CHANNEL names the channel {nowhere}, {CLOSED}",
        f"DISCORD_ESCALATION_ROLE names the role {nowhere}, which is in no server that the bot is in.",
    ]


async def test_a_channel_where_the_bot_may_not_write_is_named(discord, tmp_path, caplog):
    w = discord.world
    w.deny(w.random, SEND)
    w.deny(w.general, SEND_IN_THREADS)
    thread = w.open_thread(w.alice, w.general)
    found = await named(discord, tmp_path, caplog, feedback_channel=w.random.id, escalation_channel=thread.id)
    assert [sentence.split()[:5] for sentence in found] == [
        ["DISCORD_FEEDBACK_CHANNEL", "names", "the", "channel", f"{w.random.id},"],
        ["DISCORD_ESCALATION_CHANNEL", "names", "the", "channel", f"{thread.id},"],
    ]


async def test_a_role_that_the_bot_may_not_call_is_named(discord, tmp_path, caplog):
    w = discord.world
    role = w.add_role("helpers")
    (found,) = await named(discord, tmp_path, caplog, escalation_role=role.id)
    assert found.startswith(f"DISCORD_ESCALATION_ROLE names the role {role.id}, which the bot may not call")
    caplog.clear()
    w.permit(w.bot_role, EVERYONE | VIEW | SEND)
    assert await named(discord, tmp_path, caplog, escalation_role=role.id) == []
