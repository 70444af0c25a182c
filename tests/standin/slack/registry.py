"""The Web API's methods, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.standin.calls import Json
from tests.standin.slack.model import Refused

if TYPE_CHECKING:
    from tests.standin.slack.workspace import Workspace

Handler = Callable[["Workspace", Json], Json]
Scope = str | Callable[["Workspace", Json], str]


@dataclass(frozen=True)
class Method:
    handler: Handler
    scope: Scope
    required: tuple[str, ...]

    def needs(self, workspace: Workspace, arguments: Json) -> set[str]:
        """Scopes of which one is enough; empty where none is needed."""
        scope = self.scope(workspace, arguments) if callable(self.scope) else self.scope
        return set(scope.split("|")) if scope else set()


METHODS: dict[str, Method] = {}


def method(name: str, scope: Scope = "", required: tuple[str, ...] = ()) -> Callable[[Handler], Handler]:
    """Register a method with the scope it needs (several, any of which is enough, joined by ``|``)."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(handler, scope, required)
        return handler

    return register


def by_kind(verb: str) -> Callable[[Workspace, Json], str]:
    """channels:..., groups:..., im:... or mpim:..., after the conversation that the call is about."""

    def scope(workspace: Workspace, arguments: Json) -> str:
        try:
            kind = workspace.channel(arguments.get("channel", "")).kind
        except Refused:
            return ""
        return {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}[kind] + f":{verb}"

    return scope
