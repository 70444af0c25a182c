"""A platform in memory, behind the Surface protocol: what is posted stays, and each call fails as it is told to."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field

from bot.claims import Asked, Claim, Trigger
from bot.errors import DeliveryError, Gone, Unsupported
from bot.surface import Body, Found, Notice
from bot.types import Reply


@dataclass
class Message:
    channel: str
    key: str
    version: str = ""
    body: Body | None = None
    stream: bool = False

    @property
    def text(self) -> str:
        match self.body:
            case Reply() | Notice():
                return self.body.text
            case None:
                return ""
            case other:
                return type(other).__name__


@dataclass
class MemorySurface:
    streams: bool = True
    """Whether the platform offers streams."""
    messages: dict[str, Message] = field(default_factory=dict)
    private: list[tuple[str, str]] = field(default_factory=list)
    """(user, text) of what was said to one person alone."""
    calls: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    at_work: set[str] = field(default_factory=set)
    faults: dict[str, deque] = field(default_factory=lambda: defaultdict(deque))
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    user_locale: str | None = None
    _made: int = 0

    def fail(self, method: str, error: DeliveryError, *, done: bool = False) -> None:
        """The next call of the method raises ``error``: having done its work where ``done``."""
        self.faults[method].append((error, done))

    def texts(self, channel: str | None = None) -> list[str]:
        return [m.text for m in self.messages.values() if channel in (None, m.channel)]

    async def _call(self, method: str, work):
        self.calls.append(method)
        if method in self.gates:
            await self.gates[method].wait()
        await asyncio.sleep(0)
        error, done = self.faults[method].popleft() if self.faults[method] else (None, True)
        result = work() if done else None
        if error is not None:
            raise error
        return result

    def _new(self, claim: Claim, body: Body | None, *, stream: bool = False) -> str:
        self._made += 1
        identity = f"m{self._made}"
        self.messages[identity] = Message(claim.asked.channel, claim.asked.key, claim.asked.version, body, stream)
        return identity

    def _existing(self, reply: str) -> Message:
        if reply not in self.messages:
            raise Gone("no such message")
        return self.messages[reply]

    def traceable(self, asked: Asked) -> bool:
        return not asked.private

    async def acknowledge(self, asked: Asked) -> None:
        await self._call("acknowledge", lambda: self.acknowledged.append(asked.key))

    async def post(self, claim: Claim, body: Body) -> str:
        def work() -> str:
            if claim.asked.trigger is Trigger.COMMAND:
                self.private.append((claim.asked.user, body.text))
                return ""
            return self._new(claim, body)

        return await self._call("post", work)

    async def open(self, claim: Claim) -> str:
        if not self.streams or claim.asked.trigger is Trigger.COMMAND:
            self.calls.append("open")
            raise Unsupported("no streams")
        return await self._call("open", lambda: self._new(claim, None, stream=True))

    async def close(self, claim: Claim, reply: str, body: Body) -> None:
        def work() -> None:
            message = self._existing(reply)
            if not message.stream:
                raise Unsupported("not streaming")
            self._change(claim, reply, body)

        await self._call("close", work)

    async def update(self, claim: Claim, reply: str, body: Body) -> None:
        await self._call("update", lambda: self._change(claim, reply, body))

    def _change(self, claim: Claim, reply: str, body: Body) -> None:
        message = self._existing(reply)
        message.body, message.stream, message.version = body, False, claim.asked.version

    async def delete(self, claim: Claim, reply: str) -> None:
        await self._call("delete", lambda: self.messages.pop(reply) if self._existing(reply) else None)

    async def find(self, claim: Claim) -> tuple[Found, ...]:
        def work() -> tuple[Found, ...]:
            here = [(i, m) for i, m in self.messages.items() if m.channel == claim.asked.channel]
            if not self.traceable(claim.asked):
                return ()
            marked = tuple(
                Found(i, complete=_final(m.body) and m.version == claim.asked.version)
                for i, m in here
                if not m.stream and m.key == claim.asked.key
            )
            return marked or tuple(Found(i, complete=False, stream=True) for i, m in here if m.stream)

        return await self._call("find", work)

    async def whisper(self, asked: Asked, text: str) -> None:
        await self._call("whisper", lambda: self.private.append((asked.user, text)))

    async def show_work(self, asked: Asked, text: str) -> None:
        await self._call("show_work", lambda: self.at_work.add(asked.key))

    async def hide_work(self, asked: Asked) -> None:
        await self._call("hide_work", lambda: self.at_work.discard(asked.key))

    async def locale(self, asked: Asked) -> str | None:
        return await self._call("locale", lambda: self.user_locale)


def _final(body: Body | None) -> bool:
    return not isinstance(body, Notice) or body.final
