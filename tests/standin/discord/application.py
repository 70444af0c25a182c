"""The app itself: /users/@me, /applications and the commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.standin.calls import Json
from tests.standin.discord import payloads
from tests.standin.discord.errors import Form, Refused
from tests.standin.discord.model import Call
from tests.standin.discord.registry import route

if TYPE_CHECKING:
    from tests.standin.discord.world import World

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
PRESENCES, MEMBERS, CONTENT = 1 << 13, 1 << 15, 1 << 19
"""Application flags of an app in few guilds: GATEWAY_PRESENCE_LIMITED and so on."""
_NAME = re.compile(r"^[-_'\w]{1,32}$")
_LOCALES = set(
    "id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th zh-CN ja "
    "zh-TW ko".split()
)
_NUMBERED = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}
_TOTAL_TEXT = 8000


@route("GET /gateway/bot")
def bot_gateway(world: World, call: Call) -> Any:
    return world.bot_gateway()


@route("GET /users/@me")
def me(world: World, call: Call) -> Any:
    return payloads.user_json(world.bot) | {"verified": True, "mfa_enabled": False, "locale": "en-US", "flags": 0}


@route("GET /oauth2/applications/@me")
@route("GET /applications/@me")
def application(world: World, call: Call) -> Any:
    return {
        "id": world.application_id,
        "name": "Fonte",
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": payloads.user_json(world.users[world.guild.owner]),
        "team": None,
        "flags": application_flags(world),
        "tags": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": len(world.guilds),
        "bot": payloads.user_json(world.bot),
    } | world.install


def application_flags(world: World) -> int:
    """Which privileged intents are switched on."""
    return CONTENT * world.message_content | MEMBERS * world.members_intent | PRESENCES * world.presences_intent


@route("PATCH /applications/@me")
def change_application(world: World, call: Call) -> Any:
    world.install |= {name: call.body[name] for name in world.install if name in call.body}
    return application(world, call)


# -- commands


def scope(world: World, call: Call) -> str:
    """The guild of a command's route; empty for commands that are everywhere."""
    if call.ids[0] != world.application_id:
        raise Refused(10002)
    guild = call.ids[1] if "/guilds/" in call.name else ""
    if guild and (guild not in world.guilds or world.bot.id not in world.guilds[guild].members):
        raise Refused(50001)
    return guild


@route("GET /applications/{}/commands")
@route("GET /applications/{}/guilds/{}/commands")
def commands(world: World, call: Call) -> Any:
    known = world.commands.get(scope(world, call), {}).values()
    if call.query.get("with_localizations", "").lower() in ("1", "true"):
        return list(known)
    return [{name: value for name, value in command.items() if "localizations" not in name} for command in known]


@route("PUT /applications/{}/commands")
@route("PUT /applications/{}/guilds/{}/commands")
def replace_commands(world: World, call: Call) -> Any:
    guild = scope(world, call)
    form = Form()
    bodies = form.items(call.body, "", sum(_NUMBERED.values()))
    for number, command in enumerate(bodies):
        check_command(command, form, f"{number}.")
    _check_set(bodies, form)
    form.done()
    before = {(c["type"], c["name"]): c for c in world.commands.get(guild, {}).values()}
    made = [_made(world, guild, c, before.get((c.get("type", 1), c["name"]))) for c in call.body]
    world.commands[guild] = {command["id"]: command for command in made}
    return made


@route("POST /applications/{}/commands")
@route("POST /applications/{}/guilds/{}/commands")
def create_command(world: World, call: Call) -> Any:
    guild = scope(world, call)
    known = world.commands.setdefault(guild, {})
    same = [c for c in known.values() if (c["type"], c["name"]) == (call.body.get("type", 1), call.body.get("name"))]
    return _keep(world, guild, call.body, same[0] if same else None)


@route("GET /applications/{}/commands/{}")
@route("GET /applications/{}/guilds/{}/commands/{}")
def command(world: World, call: Call) -> Any:
    return _known(world, call)


@route("PATCH /applications/{}/commands/{}")
@route("PATCH /applications/{}/guilds/{}/commands/{}")
def change_command(world: World, call: Call) -> Any:
    known = _known(world, call)
    return _keep(world, scope(world, call), known | call.body, known)


@route("DELETE /applications/{}/commands/{}")
@route("DELETE /applications/{}/guilds/{}/commands/{}")
def delete_command(world: World, call: Call) -> Any:
    known = _known(world, call)
    del world.commands[scope(world, call)][known["id"]]


def _known(world: World, call: Call) -> Json:
    found = world.commands.get(scope(world, call), {}).get(call.ids[-1])
    if found is None:
        raise Refused(10063)
    return found


def _keep(world: World, guild: str, body: Json, before: Json | None) -> Json:
    form = Form()
    check_command(body, form)
    form.done()
    made = _made(world, guild, body, before)
    _check_set([*(c for c in world.commands.get(guild, {}).values() if c is not before), made], form)
    form.done()
    world.commands.setdefault(guild, {})[made["id"]] = made
    return made


def _made(world: World, guild: str, body: Json, before: Json | None) -> Json:
    """A command as Discord keeps it; its version changes only where it does."""
    made: Json = {
        "application_id": world.application_id,
        "type": CHAT_INPUT,
        "name_localizations": None,
        "description": "",
        "description_localizations": None,
        "dm_permission": True,
        "default_member_permissions": None,
        "nsfw": False,
        "integration_types": [0],
        "contexts": None,
    }
    made |= {name: value for name, value in body.items() if value is not None}
    made |= {"guild_id": guild} if guild else {}
    if before is not None and {**before, "id": 0, "version": 0} == {**made, "id": 0, "version": 0}:
        return before
    return made | {"id": before["id"] if before else world.new_id(), "version": world.new_id()}


def _check_set(bodies: list[Json], form: Form) -> None:
    names = [(body.get("type", CHAT_INPUT), body.get("name")) for body in bodies]
    if len(set(names)) < len(names):
        form.wrong("", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
    for kind, most in _NUMBERED.items():
        if len([name for name in names if name[0] == kind]) > most:
            form.wrong("", "APPLICATION_COMMAND_TOO_MANY", f"No more than {most} commands of type {kind}")


def check_command(body: Any, form: Form, where: str = "") -> None:
    kind = body.get("type", CHAT_INPUT)
    form.choice(kind, f"{where}type", _NUMBERED)
    _name(body, where, form, plain=kind != CHAT_INPUT)
    if kind == CHAT_INPUT:
        _description(body, where, form)
    elif body.get("description") or body.get("options"):
        form.wrong(where + "description", "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED", "Menus have no description")
    for name, allowed in (("contexts", (0, 1, 2)), ("integration_types", (0, 1))):
        for number, value in enumerate(body.get(name) or ()):
            form.choice(value, f"{where}{name}.{number}", allowed)
    _check_options(body.get("options") or [], f"{where}options", form)
    if len(_all_text(body)) > _TOTAL_TEXT:
        form.wrong(where, "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({_TOTAL_TEXT})")


def _check_options(options: list[Json], where: str, form: Form) -> None:
    optional = False
    for number, option in enumerate(form.items(options, where, 25)):
        at = f"{where}.{number}."
        form.choice(option.get("type"), f"{at}type", range(1, 12))
        _name(option, at, form)
        _description(option, at, form)
        if option.get("required") and optional:
            form.wrong(
                where, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before others"
            )
        optional = optional or not option.get("required")
        choices = form.items(option.get("choices") or [], f"{at}choices", 25)
        for place, choice in enumerate(choices):
            form.text(choice.get("name"), f"{at}choices.{place}.name", 100, 1)
        if choices and option.get("autocomplete"):
            form.wrong(at, "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", "Choices exclude autocomplete")
        _check_options(option.get("options") or [], f"{at}options", form)


def _localized(body: Json, name: str) -> list[tuple[str, str, Any]]:
    """(field, locale, text) of a field and its translations."""
    translations = body.get(f"{name}_localizations") or {}
    return [
        (name, "", body.get(name)),
        *((f"{name}_localizations.{key}", key, text) for key, text in translations.items()),
    ]


def _name(body: Json, where: str, form: Form, *, plain: bool = False) -> None:
    for field, locale, text in _localized(body, "name"):
        if locale and locale not in _LOCALES:
            form.wrong(where + field, "BASE_TYPE_CHOICES", f"{locale} is no locale of Discord's")
        if form.text(text, where + field, 32, 1) and not plain and (not _NAME.match(text) or text != text.lower()):
            form.wrong(where + field, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _description(body: Json, where: str, form: Form) -> None:
    for field, locale, text in _localized(body, "description"):
        if locale and locale not in _LOCALES:
            form.wrong(where + field, "BASE_TYPE_CHOICES", f"{locale} is no locale of Discord's")
        form.text(text, where + field, 100, 1)


def _all_text(body: Json) -> str:
    """What counts towards a command's size: names, descriptions and values, of translations the longest."""
    parts = [
        max((str(text or "") for _, _, text in _localized(body, name)), key=len) for name in ("name", "description")
    ]
    parts += [str(choice.get("value", "")) + str(choice.get("name", "")) for choice in body.get("choices") or ()]
    return "".join(parts) + "".join(_all_text(option) for option in body.get("options") or ())
