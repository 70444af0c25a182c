"""What a Slack workspace is made of, as the stand-in keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.standin import calls
from tests.standin.calls import Json


class Refused(Exception):
    """A Web API method answers ``{"ok": false, "error": ...}``."""

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields


@dataclass
class User:
    id: str
    name: str
    locale: str = "en-US"
    is_bot: bool = False
    bot_id: str = ""


@dataclass
class Channel:
    id: str
    name: str
    kind: str = "channel"
    """channel (public), group (private), im (direct message) or mpim (several people's direct message)."""
    members: set[str] = field(default_factory=set)
    user: str = ""
    """The person of a direct message."""
    archived: bool = False


@dataclass
class Message:
    channel: str
    ts: str
    user: str
    text: str = ""
    thread_ts: str = ""
    """ts of the parent; empty for a message that is no reply."""
    subtype: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    edited: str = ""
    edited_by: str = ""
    bot_id: str = ""
    app_id: str = ""
    client_msg_id: str = ""
    streaming: str = ""
    """``in_progress`` or ``completed`` for a message that was begun as a stream."""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    arguments: Json = field(default_factory=dict)
    """What the app posted it with: unfurl_links, unfurl_media and the rest."""
    ephemeral_to: str = ""
    """The only person who sees it."""
    deleted: bool = False
    broadcast: bool = False

    @property
    def shown(self) -> str:
        """Everything a person would read: the blocks' text where there are blocks, else the text."""
        return "\n".join(texts(self.blocks)) if self.blocks else self.text


@dataclass
class File:
    id: str
    name: str
    length: int
    content: bytes = b""
    uploaded: bool = False
    title: str = ""
    shares: list[tuple[str, str]] = field(default_factory=list)
    """(channel, ts) of the messages that show it."""
    deleted: bool = False


@dataclass
class View:
    """A modal that is open, or was."""

    id: str
    user: str
    view: Json
    open: bool = True
    errors: dict[str, str] = field(default_factory=dict)
    """What the app's last answer complained about, by block id."""


@dataclass
class AssistantThread:
    channel: str
    ts: str
    user: str
    title: str = ""
    prompts: list[Json] = field(default_factory=list)
    prompts_title: str = ""


@dataclass
class AgentSession:
    """A thread that an app made with ``agent_view`` has declared its own."""

    channel: str
    ts: str
    status: str
    """active, processing, suspended or closed."""
    title: str = ""
    initiator: str = ""


@dataclass
class Prompts:
    """What stands at the top of a messages tab."""

    title: str
    prompts: list[Json]


@dataclass
class Attempt:
    """One try to hand something to the app."""

    number: int
    """retry_attempt: 0 at first."""
    envelope: str
    connection: int
    at: float
    """Seconds of time.monotonic."""
    reason: str = ""
    acked_at: float | None = None
    late: bool = False
    """Acked after the stand-in had given the attempt up."""
    status: int | None = None
    """HTTP status, where the app is reached over HTTP."""
    failure: str = ""


@dataclass
class Delivery:
    """An event, a command or an interaction on its way to the app."""

    kind: str
    """events_api, slash_commands or interactive."""
    payload: Json
    attempts: list[Attempt] = field(default_factory=list)
    state: str = "pending"
    """pending, acked or lost."""
    response: Any = None
    """What the app acked with, if anything."""
    on_ack: Callable[[Any], None] | None = None

    @property
    def name(self) -> str:
        """The event's type, the command or the interaction's type."""
        if self.kind == "events_api":
            return str(self.payload["event"]["type"])
        return str(self.payload.get("command") or self.payload.get("type"))

    @property
    def acked(self) -> bool:
        return self.state == "acked"

    @property
    def latency(self) -> float | None:
        """Seconds from the attempt that was acked to its ack."""
        times = [attempt.acked_at - attempt.at for attempt in self.attempts if attempt.acked_at is not None]
        return times[0] if times else None


@dataclass
class Call(calls.Call):
    """One request by the app: a Web API method, ``response_url`` or ``upload``."""

    token: str = ""

    @property
    def method(self) -> str:
        return self.name

    @property
    def error(self) -> str:
        return str(self.response.get("error", "")) if isinstance(self.response, dict) else ""


def texts(node: Any) -> list[str]:
    """Every text in blocks, in order."""
    if isinstance(node, list):
        return [text for item in node for text in texts(item)]
    if not isinstance(node, dict):
        return []
    if node.get("type") in ("rich_text_section", "rich_text_quote", "rich_text_preformatted"):
        return ["".join(_inline(item) for item in node.get("elements", []))]
    if isinstance(node.get("text"), str):
        return [node["text"]]
    return [text for key, value in node.items() if key not in {"type", "block_id"} for text in texts(value)]


def _inline(element: Json) -> str:
    match element.get("type"):
        case "user":
            shown = f"<@{element.get('user_id')}>"
        case "usergroup":
            shown = f"<!subteam^{element.get('usergroup_id')}>"
        case "broadcast":
            shown = f"<!{element.get('range')}>"
        case "channel":
            shown = f"<#{element.get('channel_id')}>"
        case "emoji":
            shown = f":{element.get('name')}:"
        case "link":
            shown = str(element.get("text") or element.get("url") or "")
        case _:
            shown = str(element.get("text", ""))
    return shown
