"""What Discord is made of, as the stand-in keeps it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.standin import calls
from tests.standin.calls import Json

LOADING = 1 << 7
EPHEMERAL = 1 << 6
HAS_THREAD = 1 << 5
SUPPRESS_EMBEDS = 1 << 2
COMPONENTS_V2 = 1 << 15

TEXT, DM, GROUP_DM, CATEGORY, ANNOUNCEMENT, FORUM = 0, 1, 3, 4, 5, 15
PUBLIC_THREAD, PRIVATE_THREAD = 11, 12
THREADS = (10, PUBLIC_THREAD, PRIVATE_THREAD)

_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass
class User:
    id: str
    name: str
    global_name: str = ""
    bot: bool = False
    locale: str = "en-US"
    system: bool = False

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass
class Role:
    id: str
    name: str
    permissions: int = 0
    managed_by: str = ""
    """The bot whose integration made this role."""
    mentionable: bool = False
    position: int = 1

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"


@dataclass
class Member:
    user: User
    roles: set[str] = field(default_factory=set)
    nick: str = ""


@dataclass
class Guild:
    id: str
    name: str
    owner: str
    locale: str = "en-US"
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    available: bool = True


@dataclass
class Overwrite:
    """What a role or a member may and may not do in one channel."""

    id: str
    kind: int
    """0 for a role, 1 for a member."""
    allow: int = 0
    deny: int = 0


@dataclass
class Channel:
    id: str
    type: int
    name: str = ""
    guild: str = ""
    parent: str = ""
    overwrites: dict[str, Overwrite] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    """Who is in a direct message or in a private thread."""
    owner: str = ""
    archived: bool = False
    locked: bool = False
    auto_archive_minutes: int = 4320
    last_message: str = ""
    deleted: bool = False

    @property
    def is_thread(self) -> bool:
        return self.type in THREADS

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"


@dataclass
class File:
    id: str
    name: str
    content: bytes = b""
    content_type: str = ""
    description: str = ""


@dataclass
class Pings:
    """Whom a message calls."""

    users: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


@dataclass
class Message:
    id: str
    channel: str
    author: User
    content: str = ""
    type: int = 0
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    flags: int = 0
    reference: Json | None = None
    """``message_reference`` as Discord sends it."""
    mentions_called: Pings = field(default_factory=Pings)
    """Whom it pinged when it appeared, after allowed_mentions and permissions."""
    pings: Pings = field(default_factory=Pings)
    """Whom it names now: edits change that, but ping nobody."""
    edited: str = ""
    nonce: str = ""
    webhook: str = ""
    interaction: Json | None = None
    """``interaction_metadata``."""
    ephemeral_to: str = ""
    thread: str = ""
    """The thread begun from it."""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    deleted: bool = False
    history: list[str] = field(default_factory=list)
    """What was shown before each edit."""

    @property
    def loading(self) -> bool:
        return bool(self.flags & LOADING)

    @property
    def texts(self) -> list[str]:
        """What stands in it, markdown as it was sent."""
        shown = [self.content] if self.content else []
        shown += [str(component["content"]) for component in walk(self.components) if component["type"] == 10]
        return shown + [str(e[name]) for e in self.embeds for name in ("title", "description") if e.get(name)]

    @property
    def shown(self) -> str:
        """Roughly what a person reads."""
        return _ESCAPE.sub(r"\1", "\n".join(self.texts))

    @property
    def buttons(self) -> list[Json]:
        return [component for component in walk(self.components) if component["type"] == 2]


@dataclass
class Interaction:
    """A command, a click or a submitted modal, and what came of it."""

    id: str
    token: str
    kind: int
    """2: command, 3: component, 4: autocomplete, 5: modal."""
    user: User
    channel: Channel
    payload: Json
    at: float
    """The stand-in's clock."""
    look: Callable[[Interaction], str]
    """Says what the person sees of it."""
    source: Message | None = None
    """The message whose component was used."""
    parent: Interaction | None = None
    """The interaction that opened the submitted modal."""
    callback: int = 0
    """The type of the initial response; 0 until there is one."""
    acknowledged_at: float | None = None
    expired: bool = False
    response: Message | None = None
    """What @original names."""
    followups: list[Message] = field(default_factory=list)
    ephemeral: bool = False
    modal: Json | None = None
    choices: list[Json] | None = None

    @property
    def state(self) -> str:
        """pending, deferred, answered or failed."""
        return self.look(self)

    @property
    def shown(self) -> str:
        """What the person reads in answer; empty for nothing."""
        return "" if self.response is None or self.response.deleted else self.response.shown

    @property
    def custom_id(self) -> str:
        return str(self.payload["data"].get("custom_id", ""))


@dataclass
class Call(calls.Call):
    """One request by the app; ``name`` is like ``POST /channels/{}/messages``, ``arguments`` the JSON body."""

    method: str = ""
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    token: str = ""
    ids: tuple[str, ...] = ()
    """What stood in the places of ``{}``."""

    @property
    def body(self) -> Any:
        return self.arguments

    @property
    def code(self) -> int:
        """Discord's error code; 0 for none."""
        return int(self.response.get("code", 0)) if isinstance(self.response, dict) and not self.handled else 0


def walk(components: Any) -> Iterator[Json]:
    """Every component, in the order in which it is shown."""
    for component in components or ():
        if not isinstance(component, dict):
            continue
        yield component
        yield from walk(component.get("components"))
        yield from walk([component[name] for name in ("accessory", "component") if component.get(name)])
