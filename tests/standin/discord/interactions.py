"""Commands, clicks and modals: what people start, and how the app may answer it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.standin.calls import Json
from tests.standin.discord import payloads
from tests.standin.discord import permissions as may
from tests.standin.discord.content import UPLOAD
from tests.standin.discord.model import DM, Channel, Interaction, Message, User, walk
from tests.standin.discord.state import State

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
GUILD_INSTALL, USER_INSTALL = 0, 1
INITIAL_SECONDS = 3.0
TOKEN_SECONDS = 15 * 60.0
_TYPES: dict[int, type] = {3: str, 4: int, 5: bool, 10: float}


class Interactions(State):
    """Part of World."""

    def __init__(self) -> None:
        super().__init__()
        self.initial_seconds = INITIAL_SECONDS
        self.token_seconds = TOKEN_SECONDS
        self.interactions: list[Interaction] = []

    # -- what people do

    def slash(
        self,
        user: User,
        channel: Channel,
        name: str,
        options: Json | None = None,
        *,
        locale: str = "",
        guild_locale: str = "",
        user_install: bool = False,
    ) -> Interaction:
        """A person runs a command; LookupError where they are not offered it or the options are not what it takes.

        ``user_install``: they have the app on their account, instead of the guild having it.
        """
        command = self._offered(name, 1, channel, user_install)
        data = self._command_data(command) | {"options": _options(command, options or {})}
        return self._interact(COMMAND, user, channel, data, user_install, locale=locale, guild_locale=guild_locale)

    def autocomplete(
        self, user: User, channel: Channel, name: str, typed: str, *, option: str = "", locale: str = ""
    ) -> Interaction:
        """A person is typing an option that the app makes suggestions for: they come as ``choices``."""
        command = self._offered(name, 1, channel, False)
        completed = [o for o in command.get("options", []) if o.get("autocomplete") and option in ("", o["name"])]
        if not completed:
            raise LookupError(f"/{name} completes no such option")
        focused = {"name": completed[0]["name"], "type": completed[0]["type"], "value": typed, "focused": True}
        data = self._command_data(command) | {"options": [focused]}
        return self._interact(AUTOCOMPLETE, user, channel, data, locale=locale)

    def context_menu(
        self,
        user: User,
        channel: Channel,
        name: str,
        target: Message | User,
        *,
        locale: str = "",
        user_install: bool = False,
    ) -> Interaction:
        """A person picks a command from the menu of a message or of a person."""
        command = self._offered(name, 3 if isinstance(target, Message) else 2, channel, user_install)
        resolved: Json = {}
        if isinstance(target, Message):
            # The app is shown the message that it is to act on, whatever its intents are.
            resolved["messages"] = {target.id: payloads.message_json(self, target)}
        else:
            resolved["users"] = {target.id: payloads.user_json(target)}
            if channel.guild and target.id in self.guilds[channel.guild].members:
                member = payloads.member_json(self.guilds[channel.guild].members[target.id], user=False)
                resolved["members"] = {target.id: member | {"permissions": str(self.may(target, channel))}}
        data = self._command_data(command) | {"target_id": target.id, "resolved": resolved}
        source = target if isinstance(target, Message) else None
        return self._interact(COMMAND, user, channel, data, user_install, locale=locale, source=source)

    def click(
        self,
        user: User,
        message: Message,
        custom_id: str | Callable[[str], bool],
        *,
        values: list[str] | None = None,
        locale: str = "",
    ) -> Interaction:
        """A person uses a button or a menu: the first whose custom_id is, begins with, or satisfies what is given.

        LookupError where the message shows no such thing, or not to this person.
        """
        if message.deleted or message.ephemeral_to not in ("", user.id):
            raise LookupError("the person does not see this message")
        component = _chosen(message, custom_id)
        if component.get("disabled"):
            raise LookupError(f"{component['custom_id']} is disabled")
        data: Json = {"custom_id": component["custom_id"], "component_type": component["type"], "id": component["id"]}
        if component["type"] != 2:
            data["values"] = values or []
        channel = self.channels[message.channel]
        shown = payloads.message_json(self, message)
        return self._interact(COMPONENT, user, channel, data, locale=locale, source=message, fields={"message": shown})

    def submit(
        self, user: User, opened: Interaction, values: dict[str, Any] | None = None, *, locale: str = ""
    ) -> Interaction:
        """A person sends the modal that an interaction opened, filled with values by custom_id."""
        if opened.modal is None or opened.user is not user:
            raise LookupError("no modal is open")
        filled = _filled(opened.modal["components"], dict(values or {}))
        data = {"custom_id": opened.modal["custom_id"], "components": filled}
        opened.modal = None
        shown = payloads.message_json(self, opened.source) if opened.kind == COMPONENT and opened.source else None
        install = "1" in opened.payload["authorizing_integration_owners"]
        fields = {"message": shown} if shown else {}
        made = self._interact(
            MODAL_SUBMIT, user, opened.channel, data, install, locale=locale, source=opened.source, fields=fields
        )
        made.parent = opened
        return made

    # -- what Discord makes of it

    def state_of(self, interaction: Interaction) -> str:
        """pending, deferred, answered or failed: as the person sees it."""
        if interaction.callback == 0:
            return "failed" if self.too_late(interaction) else "pending"
        if interaction.response is not None and interaction.response.loading and not interaction.response.deleted:
            return "failed" if self.dead(interaction) else "deferred"
        return "answered"

    def too_late(self, interaction: Interaction) -> bool:
        """Whether the initial response did not come in time."""
        return interaction.callback == 0 and (interaction.expired or self.now() - interaction.at > self.initial_seconds)

    def dead(self, interaction: Interaction) -> bool:
        """Whether the token is of no use any more."""
        return interaction.expired or self.now() - interaction.at > self.token_seconds

    def expire(self, interaction: Interaction) -> None:
        """As if its time were over, for the initial response and for everything after it."""
        interaction.expired = True
        self.changes.notify()

    def by_token(self, token: str) -> Interaction | None:
        return next((i for i in self.interactions if i.token == token), None)

    def _offered(self, name: str, kind: int, channel: Channel, user_install: bool) -> Json:
        places = [guild for guild in ("", channel.guild) if guild in self.commands]
        known = [command for guild in places for command in self.commands[guild].values()]
        for command in known:
            if (command["name"], command["type"]) == (name, kind):
                contexts = command.get("contexts")
                if contexts is not None and self.context(channel) not in contexts:
                    raise LookupError(f"{name} is not offered in this place")
                if (USER_INSTALL if user_install else GUILD_INSTALL) not in command["integration_types"]:
                    raise LookupError(f"{name} is not offered to this kind of installation")
                return command
        raise LookupError(f"no command {name!r} of type {kind}; there are {[c['name'] for c in known]}")

    def context(self, channel: Channel) -> int:
        """0: a guild, 1: direct messages with the bot, 2: other direct messages."""
        if channel.guild:
            return 0
        return 1 if channel.type == DM and self.bot.id in channel.people else 2

    def _command_data(self, command: Json) -> Json:
        data = {name: command[name] for name in ("id", "name", "type")}
        return data | ({"guild_id": command["guild_id"]} if "guild_id" in command else {})

    def _interact(
        self,
        kind: int,
        user: User,
        channel: Channel,
        data: Json,
        user_install: bool = False,
        *,
        locale: str = "",
        guild_locale: str = "",
        source: Message | None = None,
        fields: Json | None = None,
    ) -> Interaction:
        if not self.sees(channel, user):
            raise LookupError("the person does not see this channel")
        owners = {"1": user.id} if user_install else {"0": channel.guild or "0"}
        identity = self.new_id()
        body: Json = {
            "id": identity,
            "application_id": self.application_id,
            "type": kind,
            "token": f"aW50ZXJhY3Rpb246{identity}standin",
            "version": 1,
            "data": data,
            "channel": payloads.channel_json(self, channel) | {"permissions": str(self.may(user, channel))},
            "channel_id": channel.id,
            "context": self.context(channel),
            "locale": locale or user.locale,
            "authorizing_integration_owners": owners,
            "entitlements": [],
            "attachment_size_limit": UPLOAD,
            "app_permissions": str(self._app_permissions(channel)),
        }
        guild = self.guilds.get(channel.guild)
        if guild is not None:
            member = payloads.member_json(guild.members[user.id]) | {"permissions": str(self.may(user, channel))}
            language = guild_locale or guild.locale
            body |= {"guild_id": guild.id, "guild_locale": language, "member": member}
            body["guild"] = {"id": guild.id, "locale": language, "features": []}
        else:
            body["user"] = payloads.user_json(user)
        payload = deepcopy(body | (fields or {}))
        made = Interaction(identity, body["token"], kind, user, channel, payload, self.now(), self.state_of, source)
        self.interactions.append(made)
        self.emit("INTERACTION_CREATE", lambda: made.payload, channel=channel)
        return made

    def _app_permissions(self, channel: Channel) -> int:
        if channel.guild and self.bot.id in self.guilds[channel.guild].members:
            return self.may(self.bot, channel)
        return may.ATTACH_FILES | may.EMBED_LINKS | may.MENTION_EVERYONE


def _options(command: Json, given: Json) -> list[Json]:
    known = {option["name"]: option for option in command.get("options", [])}
    if unknown := set(given) - set(known):
        raise LookupError(f"/{command['name']} has no option {sorted(unknown)}")
    if missing := [name for name, option in known.items() if option.get("required") and name not in given]:
        raise LookupError(f"/{command['name']} needs {missing}")
    options = []
    for name, value in given.items():
        option = known[name]
        if not isinstance(value, _TYPES.get(option["type"], object)):
            raise LookupError(f"{name} is of type {option['type']}")
        if isinstance(value, str) and not option.get("min_length", 0) <= len(value) <= option.get("max_length", 6000):
            raise LookupError(f"{name} is too short or too long")
        if option.get("choices") and value not in [choice["value"] for choice in option["choices"]]:
            raise LookupError(f"{name} has no choice {value!r}")
        options.append({"name": name, "type": option["type"], "value": value})
    return options


def _chosen(message: Message, custom_id: str | Callable[[str], bool]) -> Json:
    usable = [component for component in walk(message.components) if component.get("custom_id")]
    if isinstance(custom_id, str):
        found = [c for c in usable if c["custom_id"] == custom_id] or [
            c for c in usable if c["custom_id"].startswith(custom_id)
        ]
    else:
        found = [component for component in usable if custom_id(component["custom_id"])]
    if not found:
        raise LookupError(f"nothing to use: {custom_id!r} among {[component['custom_id'] for component in usable]}")
    return found[0]


def _filled(components: list[Json], values: dict[str, Any]) -> list[Json]:
    """What a modal is sent with; LookupError for what it does not ask, and for what must be filled in."""
    sent = []
    for component in components:
        body: Json = {"type": component["type"], "id": component["id"]}
        if component["type"] == 18:
            body["component"] = _value(component["component"], values)
        elif component["type"] == 1:
            body["components"] = [_value(inside, values) for inside in component["components"]]
        sent.append(body)
    if values:
        raise LookupError(f"the modal does not ask for {sorted(values)}")
    return sent


def _value(component: Json, values: dict[str, Any]) -> Json:
    name, kind = component["custom_id"], component["type"]
    preset = [option["value"] for option in component.get("options", []) if option.get("default")]
    value = values.pop(name, component.get("value") or preset or None)
    if value is None and component.get("required", True) and kind != 23:
        raise LookupError(f"{name} must be filled in")
    offered = [option["value"] for option in component.get("options", [])]
    chosen = value if isinstance(value, list) else [value] if value is not None else []
    if offered and any(choice not in offered for choice in chosen):
        raise LookupError(f"{name} has no option {value!r}")
    body: Json = {"type": kind, "id": component["id"], "custom_id": name}
    if kind == 4:
        return body | {"value": value or ""}
    if kind == 21:
        return body | {"value": chosen[0] if chosen else None}
    if kind == 23:
        return body | {"value": bool(value)}
    return body | {"values": chosen}
