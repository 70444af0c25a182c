"""What people do, and what an app is told of it."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from tests.standin.discord import permissions as may
from tests.standin.discord.clients import Client, raw, running
from tests.standin.discord.server import DiscordServer
from tests.standin.discord.world import World


def last(server: DiscordServer, name: str) -> dict[str, Any]:
    return server.gateway.events(name)[-1]


@pytest.fixture
async def told(server: DiscordServer) -> Any:
    """An app is listening."""
    async with raw(server) as socket:
        await socket.identify(server)
        await socket.event("GUILD_CREATE")
        yield socket


async def test_edits_previews_and_deletions(server: DiscordServer, world: World, told: Any) -> None:
    message = world.say(world.alice, world.general, "see https://example.org")
    world.unfurl(message)
    assert last(server, "MESSAGE_UPDATE")["edited_timestamp"] is None
    world.edit(message, f"{world.mention} see https://example.org")
    update = last(server, "MESSAGE_UPDATE")
    assert (update["content"], update["mentions"][0]["id"]) == (message.content, world.bot.id)
    assert update["edited_timestamp"] is not None
    assert (message.history, message.mentions_called.users) == (["see https://example.org\nA preview\nOf a link"], [])
    world.delete(message)
    assert last(server, "MESSAGE_DELETE")["id"] == message.id
    pair = [world.say(world.alice, world.general, text) for text in "ab"]
    world.bulk_delete(*pair)
    assert last(server, "MESSAGE_DELETE_BULK")["ids"] == [m.id for m in pair]
    assert world.visible(world.general) == []


async def test_ids_count_up_with_time(world: World) -> None:
    first = world.say(world.alice, world.general, "one")
    second = world.say(world.alice, world.general, "two")
    world.advance(3600)
    third = world.say(world.alice, world.general, "three")
    assert int(first.id) < int(second.id) < int(third.id)
    passed = discord.utils.snowflake_time(int(third.id)) - discord.utils.snowflake_time(int(second.id))
    assert 3599 <= passed.total_seconds() <= 3610


async def test_replies_ping_unless_told_not_to(server: DiscordServer, world: World, told: Any) -> None:
    original = world.say(world.bruno, world.general, "hello")
    world.say(world.alice, world.general, "hi", reply_to=original)
    assert [user["id"] for user in last(server, "MESSAGE_CREATE")["mentions"]] == [world.bruno.id]
    world.say(world.alice, world.general, "hi", reply_to=original, mention_reply=False)
    body = last(server, "MESSAGE_CREATE")
    assert (body["type"], body["mentions"], body["referenced_message"]["id"]) == (19, [], original.id)


async def test_the_app_is_not_told_of_what_it_cannot_see(server: DiscordServer, world: World, told: Any) -> None:
    world.allow(world.secret, may.VIEW_CHANNEL, who=world.alice)
    thread = world.open_thread(world.alice, world.secret)
    hidden = world.say(world.alice, world.secret, f"{world.mention} hush")
    assert server.gateway.events("MESSAGE_CREATE") == server.gateway.events("THREAD_CREATE") == []
    with pytest.raises(PermissionError):
        world.say(world.bruno, world.secret, "let me in")
    world.allow(world.secret, may.VIEW_CHANNEL)
    assert last(server, "CHANNEL_UPDATE")["id"] == world.secret.id
    assert [t["id"] for t in last(server, "THREAD_LIST_SYNC")["threads"]] == [thread.id]
    world.edit(hidden, f"{world.mention} not any more")
    assert last(server, "MESSAGE_UPDATE")["id"] == hidden.id


async def test_threads_and_forums(server: DiscordServer, world: World) -> None:
    async with running(server, Client()) as client:
        start = world.say(world.alice, world.general, f"{world.mention} begin")
        thread = world.open_thread(world.alice, start, "Talk")
        world.say(world.alice, thread, f"{world.mention} in the thread")
        post = world.forum_post(world.bruno, world.forum, "How?", f"{world.mention} how")
        await server.wait_for(lambda: len(client.messages) == 4)
        kinds = [(type(m.channel).__name__, m.type.name) for m in client.messages]
        found = client.get_channel(int(post.channel))
        assert isinstance(found, discord.Thread)
        assert (found.name, found.parent_id, found.id) == ("How?", int(world.forum.id), int(post.id))
        world.archive(thread)
        await server.wait_for(lambda: "raw_thread_update" in client.happened)
        world.delete_channel(thread)
        await server.wait_for(lambda: "raw_thread_delete" in client.happened)
    assert kinds == [
        ("TextChannel", "default"),
        ("Thread", "thread_starter_message"),
        ("Thread", "default"),
        ("Thread", "default"),
    ]
    assert (start.thread, thread.id) == (start.id, start.id)


async def test_private_threads_are_for_who_is_in_them(server: DiscordServer, world: World, told: Any) -> None:
    thread = world.open_thread(world.alice, world.general, private=True)
    assert not world.sees(thread)
    world.say(world.alice, thread, "between us")
    world.invite(thread)
    assert last(server, "THREAD_CREATE")["id"] == thread.id
    world.say(world.alice, thread, "hello")
    assert len(server.gateway.events("MESSAGE_CREATE")) == 1


async def test_guilds_come_and_go(server: DiscordServer, world: World) -> None:
    async with running(server, Client()) as client:
        other = world.add_guild("other")
        await server.wait_for(lambda: "guild_join" in client.happened)
        world.outage(other)
        await server.wait_for(lambda: "guild_unavailable" in client.happened)
        world.recover(other)
        await server.wait_for(lambda: client.happened.count("guild_available") > 1)
        world.expel(other)
        await server.wait_for(lambda: "guild_remove" in client.happened)
        world.permit(world.bot_role, may.MANAGE_MESSAGES)
        await server.wait_for(lambda: "guild_role_update" in client.happened)
        assert client.guilds[0].me.guild_permissions.manage_messages
        world.rename(world.general, "lobby")
        await server.wait_for(lambda: "guild_channel_update" in client.happened)
        world.delete_channel(world.random)
        await server.wait_for(lambda: "guild_channel_delete" in client.happened)


async def test_other_voices(server: DiscordServer, world: World) -> None:
    async with running(server, Client()) as client:
        world.say(world.other_bot, world.general, f"{world.mention} beep")
        world.webhook_says(world.general, f"{world.mention} built")
        world.system_message(world.general)
        await server.wait_for(lambda: len(client.messages) == 3)
    bot, hook, joined = client.messages
    assert (bot.author.bot, bot.webhook_id) == (True, None)
    assert hook.webhook_id is not None
    assert joined.type is discord.MessageType.new_member


async def test_an_event_may_come_twice(server: DiscordServer, world: World) -> None:
    async with running(server, Client()) as client:
        message = world.say(world.alice, world.general, f"{world.mention} once")
        world.redeliver(message)
        await server.wait_for(lambda: len(client.messages) == 2)
    assert client.messages[0].id == client.messages[1].id
