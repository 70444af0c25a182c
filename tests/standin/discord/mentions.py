"""Whom a message calls: what its text names, less what allowed_mentions and permissions keep quiet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.standin.calls import Json
from tests.standin.discord.errors import Form
from tests.standin.discord.model import Message, Pings, walk
from tests.standin.discord.permissions import MENTION_EVERYONE

if TYPE_CHECKING:
    from tests.standin.discord.state import State

TYPES = ("everyone", "roles", "users")
_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")
_CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]*`", re.DOTALL)
_ESCAPED = re.compile(r"\\[<@]")
PER_LIST = 100


def check(allowed: Any, form: Form) -> None:
    """Note what Discord would refuse about an allowed_mentions object."""
    where = "allowed_mentions"
    if allowed is None:
        return
    if not isinstance(allowed, dict):
        form.wrong(where, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return
    parse = allowed.get("parse") or []
    for number, kind in enumerate(parse):
        form.choice(kind, f"{where}.parse.{number}", TYPES)
    for kind in ("users", "roles"):
        named = allowed.get(kind) or []
        if named and kind in parse:
            form.wrong(
                where,
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )
        form.items(named, f"{where}.{kind}", PER_LIST)


def named(text: str) -> str:
    """The text without what names nobody: code, and what a backslash escapes."""
    return _ESCAPED.sub(" ", _CODE.sub(" ", text))


def pings(state: State, message: Message, allowed: Json | None, *, default: tuple[str, ...] = TYPES) -> Pings:
    """Whom a message with this content calls; ``default`` stands in for allowed_mentions where there is none."""
    text = named("\n".join([message.content, *_displayed(message)]))
    rules: Json = {"parse": list(default), "replied_user": True} if allowed is None else allowed
    parse = rules.get("parse") or []
    users = [user for user in dict.fromkeys(_USER.findall(text)) if user in state.users]
    roles = _roles(state, message, list(dict.fromkeys(_ROLE.findall(text))))
    if "users" not in parse:
        users = [user for user in users if user in map(str, rules.get("users") or ())]
    if "roles" not in parse:
        roles = [role for role in roles if role in map(str, rules.get("roles") or ())]
    everyone = "everyone" in parse and bool(_EVERYONE.search(text)) and _may_call_all(state, message)
    original = state.messages.get(str((message.reference or {}).get("message_id", "")))
    if message.type == 19 and original is not None and rules.get("replied_user") and original.author.id not in users:
        users.append(original.author.id)
    return Pings(users, roles, everyone)


def _displayed(message: Message) -> list[str]:
    return [str(component.get("content", "")) for component in walk(message.components) if component["type"] == 10]


def _roles(state: State, message: Message, found: list[str]) -> list[str]:
    guild = state.guilds.get(state.channels[message.channel].guild)
    if guild is None:
        return []
    known = [role for role in found if role in guild.roles]
    return [role for role in known if guild.roles[role].mentionable or _may_call_all(state, message)]


def _may_call_all(state: State, message: Message) -> bool:
    channel = state.channels[message.channel]
    return bool(channel.guild) and bool(state.may(message.author, channel) & MENTION_EVERYONE)
