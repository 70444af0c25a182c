"""/channels but for messages, /guilds and /users/@me/channels."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.standin.discord import payloads
from tests.standin.discord import permissions as may
from tests.standin.discord.errors import INVALID_FORM, Form, Refused
from tests.standin.discord.model import ANNOUNCEMENT, FORUM, TEXT, THREADS, Call, Channel, Guild
from tests.standin.discord.registry import route

if TYPE_CHECKING:
    from tests.standin.discord.world import World

DURATIONS = (60, 1440, 4320, 10080)


@route("GET /channels/{}")
def channel(world: World, call: Call) -> Any:
    return payloads.channel_json(world, world.channel(call.ids[0]))


@route("PATCH /channels/{}")
def change_channel(world: World, call: Call) -> Any:
    """Threads only: what the bot may do with its own, or with all if it may manage them."""
    thread = world.channel(call.ids[0])
    if not thread.is_thread or not (thread.owner == world.bot.id or allowed(world, thread) & may.MANAGE_THREADS):
        raise Refused(50013)
    if thread.archived and call.body.get("archived") is not False:
        raise Refused(50083)
    thread.name = call.body.get("name", thread.name)
    thread.locked = call.body.get("locked", thread.locked)
    thread.archived = call.body.get("archived", thread.archived)
    world.tell_channel("THREAD_UPDATE", thread)
    return payloads.channel_json(world, thread)


@route("POST /channels/{}/typing")
def typing(world: World, call: Call) -> Any:
    place = world.channel(call.ids[0])
    require(world, place, may.SEND_MESSAGES_IN_THREADS if place.is_thread else may.SEND_MESSAGES)
    world.typing.append((place.id, time.monotonic()))


@route("POST /channels/{}/messages/{}/threads")
def thread_from_message(world: World, call: Call) -> Any:
    place = world.channel(call.ids[0])
    start = world.message(place, call.ids[1])
    if place.type not in (TEXT, ANNOUNCEMENT):
        raise Refused(50024)
    require(world, place, may.CREATE_PUBLIC_THREADS, may.READ_MESSAGE_HISTORY)
    if start.thread:
        raise Refused(160004)
    if start.type not in (0, 19, 20, 23):
        raise Refused(50021)
    name = _name(call)
    thread = world.open_thread(world.bot, start, name)
    thread.auto_archive_minutes = call.body.get("auto_archive_duration", thread.auto_archive_minutes)
    return payloads.channel_json(world, thread)


@route("POST /channels/{}/threads")
def thread_alone(world: World, call: Call) -> Any:
    place = world.channel(call.ids[0])
    if place.type == FORUM:
        return _post(world, call, place)
    if place.type not in (TEXT, ANNOUNCEMENT):
        raise Refused(50024)
    # Discord makes a private thread where the body names no type.
    private = call.body.get("type", 12) == 12
    require(world, place, may.CREATE_PRIVATE_THREADS if private else may.CREATE_PUBLIC_THREADS)
    thread = world.open_thread(world.bot, place, _name(call), private=private)
    return payloads.channel_json(world, thread)


def _post(world: World, call: Call, forum: Channel) -> Any:
    require(world, forum, may.SEND_MESSAGES)
    content = (call.body.get("message") or {}).get("content", "")
    name = _name(call)
    if not content:
        raise Refused(50006)
    message = world.forum_post(world.bot, forum, name, content)
    body = payloads.channel_json(world, world.channels[message.channel])
    return body | {"message": world.rest_json(message)}


def _name(call: Call) -> str:
    form = Form()
    form.text(call.body.get("name"), "name", 100, 1)
    if (minutes := call.body.get("auto_archive_duration")) is not None:
        form.choice(minutes, "auto_archive_duration", DURATIONS)
    form.done()
    return str(call.body["name"])


@route("GET /channels/{}/thread-members/{}")
def thread_member(world: World, call: Call) -> Any:
    thread = world.channel(call.ids[0])
    person = world.bot.id if call.ids[1] == "@me" else call.ids[1]
    if thread.type not in THREADS or person not in thread.people:
        raise Refused(10007)
    return {"id": thread.id, "user_id": person, "join_timestamp": payloads.created(thread.id), "flags": 0}


@route("PUT /channels/{}/thread-members/@me")
def join_thread(world: World, call: Call) -> Any:
    thread = world.channel(call.ids[0])
    if thread.archived:
        raise Refused(50083)
    thread.people.add(world.bot.id)


@route("POST /users/@me/channels")
def direct_messages(world: World, call: Call) -> Any:
    person = world.users.get(str(call.body.get("recipient_id")))
    if person is None or person is world.bot:
        raise Refused(
            INVALID_FORM, {"recipient_id": {"_errors": [{"code": "INVALID_USER", "message": "No such user"}]}}
        )
    if person.bot:
        raise Refused(50007)
    return payloads.channel_json(world, world.dm(person))


@route("GET /users/{}")
def user(world: World, call: Call) -> Any:
    if call.ids[0] not in world.users:
        raise Refused(10013)
    return payloads.user_json(world.users[call.ids[0]])


@route("GET /users/@me/guilds")
def my_guilds(world: World, call: Call) -> Any:
    ours = [guild for guild in world.guilds.values() if world.bot.id in guild.members]
    return [{"id": g.id, "name": g.name, "icon": None, "owner": False, "features": []} for g in ours]


@route("GET /guilds/{}")
def guild(world: World, call: Call) -> Any:
    return payloads.guild_json(world, _guild(world, call))


@route("GET /guilds/{}/channels")
def guild_channels(world: World, call: Call) -> Any:
    place = _guild(world, call)
    inside = [c for c in world.channels.values() if c.guild == place.id and not c.deleted and not c.is_thread]
    return [payloads.channel_json(world, channel) for channel in inside]


@route("GET /guilds/{}/members/{}")
def member(world: World, call: Call) -> Any:
    found = _guild(world, call).members.get(call.ids[1])
    if found is None:
        raise Refused(10007)
    return payloads.member_json(found)


def _guild(world: World, call: Call) -> Guild:
    found = world.guilds.get(call.ids[0])
    if found is None or world.bot.id not in found.members:
        raise Refused(10004)
    return found


def allowed(world: World, place: Channel) -> int:
    return world.may(world.bot, place)


def require(world: World, place: Channel, *needed: int) -> None:
    """Raise Refused unless the bot may do all of it there."""
    if any(not allowed(world, place) & permission for permission in needed):
        raise Refused(50013)
