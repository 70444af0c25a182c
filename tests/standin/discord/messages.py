"""/channels/{}/messages: reading, sending, changing and reacting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.standin.calls import Json
from tests.standin.discord import mentions
from tests.standin.discord import permissions as may
from tests.standin.discord.channels import allowed, require
from tests.standin.discord.content import NONCE, fill
from tests.standin.discord.errors import INVALID_FORM, Form, Refused
from tests.standin.discord.model import CATEGORY, DM, FORUM, Call, Channel, Message
from tests.standin.discord.registry import route

if TYPE_CHECKING:
    from tests.standin.discord.world import World


@route("GET /channels/{}/messages")
def history(world: World, call: Call) -> Any:
    place = world.channel(call.ids[0])
    if not allowed(world, place) & may.READ_MESSAGE_HISTORY:
        return []
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise Refused(INVALID_FORM, {"limit": {"_errors": [{"code": "NUMBER_TYPE_MAX", "message": "1 to 100"}]}})
    newest = sorted(world.visible(place), key=lambda m: -int(m.id))
    if before := call.query.get("before"):
        newest = [m for m in newest if int(m.id) < int(before)]
    if after := call.query.get("after"):
        newest = [m for m in newest if int(m.id) > int(after)][-limit:]
    if around := call.query.get("around"):
        later = [m for m in newest if int(m.id) > int(around)][-(limit // 2) :]
        newest = later + [m for m in newest if int(m.id) <= int(around)][: limit - len(later)]
    return [world.rest_json(message) for message in newest[:limit]]


@route("GET /channels/{}/messages/{}")
def one(world: World, call: Call) -> Any:
    place = world.channel(call.ids[0])
    require(world, place, may.READ_MESSAGE_HISTORY)
    return world.rest_json(world.message(place, call.ids[1]))


@route("POST /channels/{}/messages")
def create(world: World, call: Call) -> Any:
    place = writable(world, call.ids[0])
    body, nonce = call.body, _nonce(call.body)
    if nonce and body.get("enforce_nonce") and (earlier := world.by_nonce(nonce)):
        return world.rest_json(earlier) | {"nonce": nonce}
    message = Message(world.new_id(), place.id, world.bot, nonce=nonce)
    _refer(world, place, message, body.get("message_reference"))
    if call.files:
        require(world, place, may.ATTACH_FILES)
    fill(message, body, call.files, world.new_id)
    message.pings = message.mentions_called = mentions.pings(world, message, body.get("allowed_mentions"))
    if nonce:
        world.remember_nonce(nonce, message)
    world.post(message, nonce=nonce)
    return world.rest_json(message) | ({"nonce": nonce} if nonce else {})


def writable(world: World, channel: str) -> Channel:
    """The channel, if the bot may write there. Raises Refused."""
    place = world.channel(channel)
    if place.type in (FORUM, CATEGORY):
        raise Refused(50008)
    if place.type == DM and place.id in world.closed_to:
        raise Refused(50007)
    require(world, place, may.SEND_MESSAGES_IN_THREADS if place.is_thread else may.SEND_MESSAGES)
    if place.archived and place.locked and not allowed(world, place) & may.MANAGE_THREADS:
        raise Refused(50083)
    return place


def _nonce(body: Json) -> str:
    nonce = body.get("nonce")
    if nonce is None:
        return ""
    form = Form()
    form.text(str(nonce), "nonce", NONCE)
    form.done()
    return str(nonce)


def _refer(world: World, place: Channel, message: Message, reference: Json | None) -> None:
    """Make a message the reply that it is asked to be."""
    if not reference:
        return
    if not allowed(world, place) & may.READ_MESSAGE_HISTORY:
        raise Refused(160002)
    try:
        original = world.message(place, str(reference.get("message_id")))
    except Refused:
        if reference.get("fail_if_not_exists", True):
            wrong = {"code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message"}
            raise Refused(INVALID_FORM, {"message_reference": {"_errors": [wrong]}}) from None
        return
    if original.type not in (0, 19, 20, 21, 23):
        wrong = {"code": "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "message": "Cannot reply to a system message"}
        raise Refused(INVALID_FORM, {"message_reference": {"_errors": [wrong]}})
    message.type, message.reference = 19, world.reference(original)


@route("PATCH /channels/{}/messages/{}")
def edit(world: World, call: Call) -> Any:
    place = world.channel(call.ids[0])
    message = world.message(place, call.ids[1])
    if message.author is not world.bot:
        raise Refused(50005)
    if place.archived:
        raise Refused(50083)
    if call.files:
        require(world, place, may.ATTACH_FILES)
    before = message.shown
    fill(message, call.body, call.files, world.new_id)
    changed(world, message, before, call.body)
    return world.rest_json(message)


def changed(world: World, message: Message, before: str, body: Json) -> None:
    """After an edit by the app: keep what stood there, and tell the app of its own change."""
    message.history.append(before)
    message.pings = mentions.pings(world, message, body.get("allowed_mentions"))
    world.touch(message)


@route("DELETE /channels/{}/messages/{}")
def delete(world: World, call: Call) -> Any:
    place = world.channel(call.ids[0])
    message = world.message(place, call.ids[1])
    if message.author is not world.bot:
        if place.type == DM:
            raise Refused(50003)
        require(world, place, may.MANAGE_MESSAGES)
    if place.archived:
        raise Refused(50083)
    world.delete(message)


@route("PUT /channels/{}/messages/{}/reactions/{}/@me")
def react(world: World, call: Call) -> Any:
    place = world.channel(call.ids[0])
    message = world.message(place, call.ids[1])
    require(world, place, may.READ_MESSAGE_HISTORY)
    emoji = call.ids[2]
    if emoji.isascii() and ":" not in emoji:
        raise Refused(10014)
    if place.archived:
        raise Refused(50083)
    if not message.reactions.get(emoji):
        require(world, place, may.ADD_REACTIONS)
    users = message.reactions.setdefault(emoji, [])
    if world.bot.id not in users:
        users.append(world.bot.id)


@route("DELETE /channels/{}/messages/{}/reactions/{}/@me")
def unreact(world: World, call: Call) -> Any:
    place = world.channel(call.ids[0])
    users = world.message(place, call.ids[1]).reactions.get(call.ids[2], [])
    if world.bot.id in users:
        users.remove(world.bot.id)
