"""Commands, clicks and modals, with the trigger ids and response URLs that Slack hands out for them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.standin.calls import Json
from tests.standin.slack import payloads
from tests.standin.slack.blocks import check_blocks, check_view, with_ids
from tests.standin.slack.model import Channel, Delivery, Message, Refused, User, View
from tests.standin.slack.state import State

RESPONSE_USES = 5
RESPONSE_SECONDS = 30 * 60.0


@dataclass
class Trigger:
    user: str
    at: float
    used: bool = False


@dataclass
class ResponseUrl:
    user: str
    channel: str
    at: float
    source: Message | None = None
    """The message whose button was clicked."""
    uses: int = 0


class Interactions(State):
    """Part of Workspace."""

    def __init__(self, *, epoch: float | None = 1_700_000_000) -> None:
        super().__init__(epoch=epoch)
        self.trigger_seconds = 3.0
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}

    # -- what people do

    def slash(self, user: User | str, channel: Channel | str, text: str, *, command: str = "/ask") -> Delivery:
        """A person types a command; what the app acks with is shown as Slack shows it."""
        person, place = self.user(user), self.channel(channel)
        body = payloads.command(
            person,
            place,
            command,
            text,
            token=self.app.verification_token,
            api_app_id=self.app.id,
            team_id=self.team,
            team_domain=self.domain,
            trigger_id=self.new_trigger(person),
            response_url=self.new_response_url("commands", person, place),
        )
        delivery = Delivery("slash_commands", body)
        delivery.on_ack = lambda response: self._command_answered(person, place, response)
        return self.dispatch(delivery)

    def click(self, user: User | str, message: Message, action_id: str, *, value: str | None = None) -> Delivery:
        """A person uses a button, menu or feedback element that the message shows.

        ``value`` chooses an option, the positive or negative feedback button, or between elements of one action id.
        LookupError where the message shows no such thing, or not to this person.
        """
        person = self.user(user)
        if message.deleted or message.ephemeral_to not in ("", person.id):
            raise LookupError("the person does not see this message")
        place = self.channels[message.channel]
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": place.id,
            "is_ephemeral": bool(message.ephemeral_to),
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        fields: Json = {
            "container": container,
            "channel": {"id": place.id, "name": {"im": "directmessage"}.get(place.kind, place.name)},
            "trigger_id": self.new_trigger(person),
            "response_url": self.new_response_url("actions", person, place, message),
            "state": {"values": {}},
            "actions": [_action(message.blocks, action_id, value) | {"action_ts": self.next_ts()}],
        }
        if not message.ephemeral_to:
            fields["message"] = self.as_json(message)
        return self._interact("block_actions", person, **fields)

    def submit(self, user: User | str, view: View | None = None, values: dict[str, Any] | None = None) -> Delivery:
        """A person fills in the modal (``values`` by action id) and sends it; an error keeps it open."""
        person = self.user(user)
        opened = view or self.open_view(person)
        shown = self.view_json(opened, _state(opened.view["blocks"], values or {}))
        trigger = self.new_trigger(person)
        delivery = self._interact("view_submission", person, view=shown, trigger_id=trigger, response_urls=[])
        delivery.on_ack = lambda response: self._view_answered(opened, response)
        return delivery

    def close(self, user: User | str, view: View | None = None) -> Delivery | None:
        """A person closes the modal; the app hears of it only where the view says notify_on_close."""
        opened = view or self.open_view(user)
        opened.open = False
        if not opened.view.get("notify_on_close"):
            return None
        return self._interact("view_closed", self.user(user), view=self.view_json(opened, {}), is_cleared=False)

    def open_view(self, user: User | str) -> View:
        """The modal on top of a person's screen; LookupError where there is none."""
        mine = [view for view in self.views if view.user == self.user(user).id and view.open]
        if not mine:
            raise LookupError("no modal is open")
        return mine[-1]

    # -- what Slack does about it

    def _interact(self, kind: str, user: User, **fields: Any) -> Delivery:
        body = payloads.interaction(
            kind,
            user,
            team=self.team,
            domain=self.domain,
            api_app_id=self.app.id,
            token=self.app.verification_token,
            **fields,
        )
        return self.dispatch(Delivery("interactive", deepcopy(body)))

    def view_json(self, view: View, state: Json) -> Json:
        """A modal as Slack describes it to the app, with ``state`` as its values."""
        return deepcopy(view.view) | {
            "id": view.id,
            "team_id": self.team,
            "app_id": self.app.id,
            "bot_id": self.app.bot,
            "app_installed_team_id": self.team,
            "root_view_id": view.id,
            "previous_view_id": None,
            "hash": f"1700000000.{view.id}",
            "external_id": view.view.get("external_id", ""),
            "callback_id": view.view.get("callback_id", ""),
            "private_metadata": view.view.get("private_metadata", ""),
            "state": {"values": state},
        }

    def _command_answered(self, user: User, channel: Channel, response: Any) -> None:
        if isinstance(response, str):
            response = {"text": response}
        if not response or not (response.get("text") or response.get("blocks")):
            return
        check_blocks(response.get("blocks", []))
        message = Message(channel.id, self.next_ts(), self.app.user, response.get("text", ""))
        message.blocks = with_ids(response.get("blocks", []), message.ts)
        message.bot_id, message.app_id = self.app.bot, self.app.id
        message.ephemeral_to = "" if response.get("response_type") == "in_channel" else user.id
        self.add(message)

    def _view_answered(self, view: View, response: Any) -> None:
        answer = response if isinstance(response, dict) else {}
        view.errors = {}
        match answer.get("response_action"):
            case "errors":
                view.errors = answer["errors"]
            case "update":
                check_view(answer["view"])
                view.view = answer["view"] | {"blocks": with_ids(answer["view"]["blocks"], view.id)}
            case "push":
                self.show_view(view.user, answer["view"])
            case "clear":
                for mine in self.views:
                    mine.open = mine.open and mine.user != view.user
            case _:
                view.open = False
        self.changes.notify()

    def show_view(self, user: str, view: Json) -> View:
        check_view(view)
        identity = f"V{self.number():08d}"
        opened = View(identity, user, view | {"blocks": with_ids(view["blocks"], identity)})
        self.views.append(opened)
        self.changes.notify()
        return opened

    def new_trigger(self, user: User) -> str:
        trigger = f"{self.number()}.{self.app.id}.{user.id}"
        self.triggers[trigger] = Trigger(user.id, self.now())
        return trigger

    def use_trigger(self, trigger: str) -> str:
        """Who may be shown a modal for it. Refused once used, or after three seconds."""
        known = self.triggers.get(trigger)
        if known is None:
            raise Refused("invalid_arguments", response_metadata={"messages": ["invalid `trigger_id`"]})
        if known.used:
            raise Refused("exchanged_trigger_id")
        if self.now() - known.at > self.trigger_seconds:
            raise Refused("expired_trigger_id")
        known.used = True
        return known.user

    def new_response_url(self, kind: str, user: User, channel: Channel, source: Message | None = None) -> str:
        token = f"{kind}/{self.team}/{self.number():06d}"
        self.response_urls[token] = ResponseUrl(user.id, channel.id, self.now(), source)
        return f"{self.origin}/response/{token}"


def _elements(node: Any, block_id: str = "") -> Iterator[tuple[str, Json]]:
    """Every element with an action id, and the block it is in."""
    if isinstance(node, list):
        for item in node:
            yield from _elements(item, block_id)
    elif isinstance(node, dict):
        block_id = node.get("block_id", block_id)
        if "action_id" in node:
            yield block_id, node
        for item in node.values():
            yield from _elements(item, block_id)


def _action(blocks: list[Json], action_id: str, value: str | None) -> Json:
    for block_id, element in _elements(blocks):
        if element["action_id"] == action_id and (chosen := _chosen(element, value)) is not None:
            return {"type": element["type"], "action_id": action_id, "block_id": block_id} | chosen
    raise LookupError(f"nothing to click with action id {action_id!r} and value {value!r}")


def _chosen(element: Json, value: str | None) -> Json | None:
    """What an action says of the choice; None where the element does not offer it."""
    if element["type"] == "feedback_buttons":
        offered = [element["positive_button"], element["negative_button"]]
        found = [button for button in offered if button["value"] == value]
        return {"text": found[0]["text"], "value": value} if found else None
    if "options" in element:
        found = [option for option in element["options"] if option["value"] == value]
        return {"selected_option": found[0]} if found else None
    if value not in (None, element.get("value")):
        return None
    return {name: element[name] for name in ("text", "value", "url") if name in element}


def _state(blocks: list[Json], values: dict[str, Any]) -> Json:
    """``view.state.values`` for what a person filled in; LookupError for what the modal does not ask."""
    state: Json = {}
    unused = set(values)
    for block in blocks:
        if block.get("type") != "input":
            continue
        element = block["element"]
        value = values.get(element["action_id"])
        if value is None and not block.get("optional"):
            raise LookupError(f"{element['action_id']} must be filled in")
        unused.discard(element["action_id"])
        state.setdefault(block["block_id"], {})[element["action_id"]] = _filled(element, value)
    if unused:
        raise LookupError(f"the modal does not ask for {sorted(unused)}")
    return state


def _filled(element: Json, value: Any) -> Json:
    kind = element["type"]
    if "options" not in element:
        return {"type": kind, "value": value}
    if kind in ("checkboxes", "multi_static_select"):
        return {"type": kind, "selected_options": [o for o in element["options"] if o["value"] in (value or ())]}
    found = [option for option in element["options"] if option["value"] == value]
    if value is not None and not found:
        raise LookupError(f"{element['action_id']} has no option {value!r}")
    return {"type": kind, "selected_option": found[0] if found else None}
