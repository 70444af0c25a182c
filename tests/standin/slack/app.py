"""The app under test, as Slack has it on file: tokens, granted scopes, subscriptions."""

from __future__ import annotations

from dataclasses import dataclass, field

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "reactions:write",
    "users:read",
)
SUBSCRIPTIONS = (
    "app_home_opened",
    "app_mention",
    "assistant_thread_context_changed",
    "assistant_thread_started",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
)
_NEEDS = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "assistant_thread_started": "assistant:write",
    "assistant_thread_context_changed": "assistant:write",
}
_ASSISTANT = frozenset({"assistant_thread_started", "assistant_thread_context_changed"})
"""Slack takes subscriptions to these from apps made with ``assistant_view`` only."""


@dataclass
class App:
    id: str = "A0STANDIN"
    user: str = "U0FONTE"
    bot: str = "B0FONTE"
    bot_token: str = "xoxb-1111-2222-standin"
    app_token: str = "xapp-1-A0STANDIN-3333-standin"
    signing_secret: str = "8f742231b10e8888abcd99yyyzzz85a5"
    verification_token: str = "verification-token-standin"
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    subscriptions: set[str] = field(default_factory=lambda: set(SUBSCRIPTIONS))
    agent: bool = True
    """Made with ``agent_view``: conversations in the messages tab; else with ``assistant_view``: in a panel."""
    revoked: str = ""
    """An error such as account_inactive or token_revoked, answered to every call with the bot's token."""

    def receives(self, subscription: str) -> bool:
        """Whether the app gets these events: it subscribes to them and holds the scope they need."""
        if self.agent and subscription in _ASSISTANT:
            return False
        return subscription in self.subscriptions and _NEEDS.get(subscription, "") in {"", *self.scopes}
