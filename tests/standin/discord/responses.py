"""Answers to interactions: the callback, and the webhook that follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.standin.calls import Json
from tests.standin.discord import mentions
from tests.standin.discord import permissions as may
from tests.standin.discord.components import check_modal, with_ids
from tests.standin.discord.content import fill
from tests.standin.discord.errors import INVALID_FORM, Form, Refused
from tests.standin.discord.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT
from tests.standin.discord.messages import changed
from tests.standin.discord.model import EPHEMERAL, LOADING, Call, Interaction, Message
from tests.standin.discord.registry import route

if TYPE_CHECKING:
    from tests.standin.discord.world import World

MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
_FOR = {
    COMMAND: (MESSAGE, DEFERRED, MODAL),
    COMPONENT: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL),
    AUTOCOMPLETE: (CHOICES,),
    MODAL_SUBMIT: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE),
}
FOLLOW_UPS = 5
"""Further messages of an app that one person brought along."""
_DEFAULT = ("users",)
"""What is parsed for mentions where a response says nothing of allowed_mentions."""


@route("POST /interactions/{}/{}/callback", authorized=False)
def callback(world: World, call: Call) -> Any:
    interaction = world.by_token(call.ids[1])
    if interaction is None or interaction.id != call.ids[0] or world.too_late(interaction):
        raise Refused(10062)
    if interaction.callback:
        raise Refused(40060)
    kind, data = call.body.get("type"), call.body.get("data") or {}
    form = Form()
    allowed = _FOR[interaction.kind]
    if interaction.kind == MODAL_SUBMIT and interaction.source is None:
        allowed = (MESSAGE, DEFERRED)
    form.choice(kind, "type", allowed)
    form.done()
    try:
        resource = _respond(world, interaction, kind, data, call)
    except Refused as refused:
        if refused.code == INVALID_FORM:
            raise Refused(INVALID_FORM, {"data": refused.body["errors"]}) from None
        raise
    interaction.callback, interaction.acknowledged_at = kind, world.now()
    world.changes.notify()
    if call.query.get("with_response", "").lower() not in ("1", "true"):
        return None
    response = interaction.response
    body: Json = {"id": interaction.id, "type": interaction.kind}
    if response is not None and kind in (MESSAGE, DEFERRED):
        body |= {"response_message_id": response.id, "response_message_loading": response.loading}
        body["response_message_ephemeral"] = bool(response.ephemeral_to)
    return {"interaction": body} | ({"resource": resource} if resource else {})


def _respond(world: World, interaction: Interaction, kind: int, data: Json, call: Call) -> Json | None:
    if kind in (MESSAGE, DEFERRED):
        message = _new(world, interaction, data)
        if kind == DEFERRED:
            message.flags |= LOADING
        else:
            _fill(world, message, data, call)
        interaction.response, interaction.ephemeral = message, bool(message.ephemeral_to)
        world.post(message)
        return {"type": kind} | ({"message": world.rest_json(message)} if kind == MESSAGE else {})
    if kind in (DEFERRED_UPDATE, UPDATE):
        interaction.response = interaction.source
        if kind == DEFERRED_UPDATE or interaction.source is None:
            return {"type": kind}
        before = interaction.source.shown
        fill(interaction.source, data, call.files, world.new_id)
        changed(world, interaction.source, before, data)
        return {"type": kind, "message": world.rest_json(interaction.source)}
    form = Form()
    if kind == CHOICES:
        choices = form.items(data.get("choices"), "choices", 25)
        for number, choice in enumerate(choices):
            form.text(choice.get("name"), f"choices.{number}.name", 100, 1)
            if isinstance(choice.get("value"), str):
                form.text(choice["value"], f"choices.{number}.value", 100)
        form.done()
        interaction.choices = choices
        return None
    check_modal(data, form)
    form.done()
    interaction.modal = data | {"components": with_ids(data["components"])}
    return None


def _new(world: World, interaction: Interaction, data: Json) -> Message:
    """An empty message in answer to an interaction, of the visibility that the data asks for."""
    message = Message(world.new_id(), interaction.channel.id, world.bot, webhook=world.application_id)
    message.interaction = {
        "id": interaction.id,
        "type": interaction.kind,
        "user": interaction.payload.get("user") or interaction.payload["member"]["user"],
        "authorizing_integration_owners": interaction.payload["authorizing_integration_owners"],
    }
    if interaction.kind == COMMAND:
        menu = interaction.payload["data"]["type"] != 1
        message.type = 23 if menu else 20
        if menu and interaction.source is not None:
            message.reference = world.reference(interaction.source)
            message.interaction["target_message_id"] = interaction.source.id
    elif interaction.source is not None and not interaction.source.ephemeral_to:
        message.type, message.reference = 19, world.reference(interaction.source)
        message.interaction["interacted_message_id"] = interaction.source.id
    owners = interaction.payload["authorizing_integration_owners"]
    quiet = "0" not in owners and interaction.channel.guild and not _may_speak(world, interaction)
    if int(data.get("flags") or 0) & EPHEMERAL or quiet:
        message.flags |= EPHEMERAL
        message.ephemeral_to = interaction.user.id
    return message


def _may_speak(world: World, interaction: Interaction) -> bool:
    """Whether a person who brought the app along may have it speak to everybody."""
    return bool(world.may(interaction.user, interaction.channel) & may.USE_EXTERNAL_APPS)


def _fill(world: World, message: Message, data: Json, call: Call) -> None:
    """The first text of a message: this is when it pings."""
    fill(message, data, call.files, world.new_id)
    message.pings = mentions.pings(world, message, data.get("allowed_mentions"), default=_DEFAULT)
    message.mentions_called = message.pings


# -- the webhook


def _of(world: World, call: Call) -> Interaction:
    """The interaction of a webhook's token. Raises Refused."""
    interaction = world.by_token(call.ids[1])
    if call.ids[0] != world.application_id or interaction is None or not interaction.callback:
        raise Refused(10015)
    if world.dead(interaction):
        raise Refused(50027)
    return interaction


def _message(world: World, call: Call) -> tuple[Interaction, Message]:
    """The message that a route names. Raises Refused."""
    interaction = _of(world, call)
    found = interaction.response if call.ids[2:] in ((), ("@original",)) else None
    if found is None:
        candidates = [*interaction.followups, *([interaction.response] if interaction.response else [])]
        found = next((m for m in candidates if m.id in call.ids[2:]), None)
    if found is None or found.deleted:
        raise Refused(10008)
    return interaction, found


@route("GET /webhooks/{}/{}/messages/{}", authorized=False)
def get(world: World, call: Call) -> Any:
    return world.rest_json(_message(world, call)[1])


@route("PATCH /webhooks/{}/{}/messages/{}", authorized=False)
def edit(world: World, call: Call) -> Any:
    _, message = _message(world, call)
    _edit(world, message, call)
    return world.rest_json(message)


def _edit(world: World, message: Message, call: Call) -> None:
    before = message.shown
    if message.loading:
        _fill(world, message, call.body, call)
        world.touch(message)
    else:
        fill(message, call.body, call.files, world.new_id)
        changed(world, message, before, call.body)
    world.changes.notify()


@route("DELETE /webhooks/{}/{}/messages/{}", authorized=False)
def delete(world: World, call: Call) -> Any:
    world.delete(_message(world, call)[1])


@route("POST /webhooks/{}/{}", authorized=False)
def follow_up(world: World, call: Call) -> Any:
    interaction = _of(world, call)
    response = interaction.response
    if response is not None and response.loading and not response.deleted:
        # The first message after a deferral takes the place of "is thinking", and its visibility.
        _edit(world, response, call)
        return world.rest_json(response)
    if "0" not in interaction.payload["authorizing_integration_owners"] and len(interaction.followups) >= FOLLOW_UPS:
        raise Refused(40094)
    message = _new(world, interaction, call.body)
    message.type = 19 if response is not None else message.type
    if response is not None:
        message.reference = world.reference(response)
    _fill(world, message, call.body, call)
    interaction.followups.append(message)
    world.post(message)
    return world.rest_json(message)
