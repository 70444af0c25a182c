"""A Slack message's text as its author typed it. Pure.

Slack writes ``&``, ``<`` and ``>`` as entities, and mentions and links between angle brackets:
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"<(?P<control>[^<>]*+)>|&(?P<entity>lt|gt|amp);")
_ENTITY = re.compile(r"&(lt|gt|amp);")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&"}
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:")
_EVERYBODY = frozenset({"here", "channel", "everyone"})
_LEADING = " \t\r\n,:;"
"""What people put between the bot's name and the question."""
_CLOSING = frozenset(",.;:!?")
"""What stands close to the word before it."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a message addresses."""

    bot: bool
    others: bool
    """A person or group other than the bot, or everybody."""


def decode(text: str, bot_user: str) -> tuple[str, Mentions]:
    """The text without the mentions of ``bot_user``, and whom it mentions.

    Other mentions become words (``@name``, ``#channel``, ``@here``; ``@user`` where Slack sends no name), links their
    label or address; entities are decoded once. What Slack would not write stays as it is.
    """
    # The text between the bot's mentions.
    stretches: list[list[str]] = [[]]
    others = False
    done = 0
    for token in _TOKEN.finditer(text):
        stretches[-1].append(text[done : token.start()])
        done = token.end()
        control = token["control"]
        if control is None:
            stretches[-1].append(_ENTITIES[token["entity"]])
        elif bot_user and control.partition("|")[0] == f"@{bot_user}":
            stretches.append([])
        else:
            words, addressed = _words(control)
            others = others or addressed
            stretches[-1].append(words)
    stretches[-1].append(text[done:])
    return join_around(["".join(stretch) for stretch in stretches]), Mentions(bot=len(stretches) > 1, others=others)


def _words(control: str) -> tuple[str, bool]:
    """What stood between angle brackets in words, and whether it addresses somebody."""
    target, _, label = (_decoded(part) for part in control.partition("|"))
    kind, name = target[:1], target[1:]
    command = name.partition("^")[0]
    match kind:
        case "@" if name:
            return _named("@", label, "user"), True
        case "#" if name:
            return _named("#", label, "channel"), False
        case "!" if command in _EVERYBODY:
            return f"@{command}", True
        case "!" if command == "subteam":
            return _named("@", label, "group"), True
        case "!" if name:
            return label or command, False
        case _:
            return _address(target, label) or _decoded(f"<{control}>"), False


def _address(target: str, label: str) -> str:
    return (label or target.removeprefix("mailto:").removeprefix("tel:")) if _ADDRESS.match(target) else ""


def _decoded(text: str) -> str:
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], text)


def _named(sign: str, label: str, otherwise: str) -> str:
    return sign + (label.removeprefix(sign) or otherwise)


def join_around(stretches: list[str]) -> str:
    """The text with nothing where the bot's mentions stood, not even the space or comma that set them apart."""
    parts = [stretches[0]]
    begun = bool(stretches[0].strip())
    for stretch in stretches[1:]:
        rest = stretch.lstrip(" \t" if begun else _LEADING) if not begun or parts[-1][-1:].isspace() else stretch
        if rest[:1] in _CLOSING:
            parts[-1] = parts[-1].rstrip(" \t,")
        if rest:
            parts.append(rest)
            begun = begun or bool(rest.strip())
    return "".join(parts).strip()
