"""How the bot's messages look in Discord, and how they are known again. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from bot.actions import Desk
from bot.claims import Asked, Claim, Trigger, Turn
from bot.markup.discord import Button, DiscordMessage, Mark, message_link, read_mark, render
from bot.messages import Messages, messages_in
from bot.platforms.discord.client import Answer
from bot.platforms.discord.places import identity
from bot.surface import Body, Escalated, Forwarded, Found, Notice, Shared, is_final
from bot.types import Reply

FILE = "answer.txt"
"""Not .md: a client may make links of what a document only says."""
SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
COMPONENTS_V2 = 1 << 15
"""Flags of a message."""


class Looks:
    """Renders what claims are answered with."""

    def __init__(self, desk: Desk, has_role: Callable[[str, str], bool]) -> None:
        """``has_role`` tells whether a server (the first argument) has a role: nobody can be called elsewhere."""
        self._desk = desk
        self._has_role = has_role

    def render(self, claim: Claim, body: Body, *, file: bool = True, loose: bool = False) -> DiscordMessage:
        """``file``: whether one may go along; ``loose``: nothing beside the answer shows what was asked."""
        asked, mark, name = claim.asked, _mark(claim, complete=is_final(body)), FILE if file else None
        match body:
            case Notice():
                return render(body, messages_in("en"), mark=mark)
            case Reply():
                # What a command asks is not shown to others.
                question = asked if loose or asked.trigger is Trigger.OPEN_COMMAND else None
                words, buttons = messages_in(body.language), self._buttons(asked)
                return render(body, words, key=asked.key, mark=mark, buttons=buttons, file=name, question=question)
            case Shared(turn):
                buttons = self._buttons(asked)
                return render(body, _words(turn), key=asked.key, mark=mark, buttons=buttons, file=name)
            case Escalated(turn) | Forwarded(turn):
                # In a thread it stands by the answer; else it is put before people in their own channel.
                here = bool(asked.thread) or turn.message.partition("/")[0] == asked.channel
                brief = isinstance(body, Escalated) and here
                link = None if brief else _permalink(turn)
                role = self._desk.escalation_group or None
                return render(body, _words(turn), mark=mark, role=role, permalink=link, brief=brief, file=name)

    def _buttons(self, asked: Asked) -> tuple[Button, ...]:
        buttons = [Button.HELPFUL, Button.NOT_HELPFUL]
        nobody = asked.private or not self._has_role(asked.team, self._desk.escalation_group)
        if self._desk.escalates(private=nobody):
            buttons.append(Button.ASK_PERSON)
        buttons.append(Button.SHARE if asked.private else Button.DELETE)
        return tuple(buttons)


def contents(message: DiscordMessage, *, ephemeral: bool = False, file: str = FILE) -> Answer:
    """The body of a request that creates or changes a message; what may go along as a file is ``attached``."""
    return {
        "flags": COMPONENTS_V2 | (EPHEMERAL if ephemeral else 0),
        "components": message.components,
        "allowed_mentions": {"parse": [], "roles": list(message.roles), "replied_user": False},
        "attachments": [] if message.overflow is None else [{"id": 0, "filename": file}],
    }


def plain_contents(message: DiscordMessage) -> Answer:
    """The same without layout and buttons."""
    return {
        "content": message.text,
        "flags": SUPPRESS_EMBEDS,
        "allowed_mentions": {"parse": [], "roles": list(message.roles), "replied_user": False},
    }


def attached(message: DiscordMessage, file: str = FILE) -> tuple[str, str] | None:
    """Name and content of the file that goes along."""
    return None if message.overflow is None else (file, message.overflow)


def nonce(asked: Asked, purpose: str) -> Answer:
    """Has Discord create the message once, however often it is asked to within some minutes."""
    return {"nonce": _digest(asked.key, asked.version, purpose).hex(), "enforce_nonce": True}


def recognise(claim: Claim, message: Answer) -> Found | None:
    """What one of the bot's messages is to a claim."""
    reply = identity(message)
    mark, own = read_mark(message.get("components") or []), _mark(claim, complete=True)
    if mark is not None:
        return Found(reply, mark == own) if mark[0] == own[0] else None
    # Without a layout there is no mark; such a message is always an answer.
    replied = (message.get("message_reference") or {}).get("message_id")
    asked = claim.asked.message.partition("/")[2]
    return Found(reply, complete=True) if message.get("content") and asked and replied == asked else None


def _mark(claim: Claim, *, complete: bool) -> Mark:
    """Ids of two components: of the claim, and of what the message says to it; each of 30 bits, and not the same."""
    asked = claim.asked
    first = int.from_bytes(_digest(asked.key)[:4]) >> 2 | 1 << 30
    second = int.from_bytes(_digest(asked.key, asked.version, str(complete))[:4]) >> 2 | 1 << 30
    return first, second if second != first else second ^ 1


def _digest(*parts: str) -> bytes:
    """Twelve bytes, which are 24 hexadecimal digits: a nonce has 25 characters at most."""
    return hashlib.blake2b("\0".join(parts).encode(errors="replace"), digest_size=12).digest()


def _words(turn: Turn) -> Messages:
    return messages_in(turn.reply.language)


def _permalink(turn: Turn) -> str | None:
    channel, _, message = (turn.message or turn.asked.message).partition("/")
    return message_link(turn.asked.team, channel, message) if message else None
