"""What the app must be allowed to do and to hear, as ``manifest.yaml`` asks for it."""

from __future__ import annotations

EVENTS = (
    "app_home_opened",
    "app_mention",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
)
"""Events the manifest subscribes to; each needs a listener, as Bolt acknowledges nothing else."""

FORMER_EVENTS = ("assistant_thread_started", "assistant_thread_context_changed")
"""Sent in place of ``app_home_opened`` to apps made with ``assistant_view``: since June 2026 Slack takes it from new
apps no more, and means to give it up in 2027 (https://docs.slack.dev/ai/migrating-to-agent-messaging/)."""

_EARLIER = "an answer that was posted there just before a crash may be posted again"

REQUIRED: dict[str, str] = {
    "app_mentions:read": "mentions in channels stay unanswered",
    "assistant:write": "no questions are suggested and conversations get no title",
    "channels:history": f"follow-ups, edits and deletions in public channels go unnoticed, and {_EARLIER}",
    "chat:write": "nothing can be answered at all",
    "commands": "/ask is not there",
    "files:write": "answers that are too long for a message end early, without the file that holds the rest",
    "groups:history": f"follow-ups, edits and deletions in private channels go unnoticed, and {_EARLIER}",
    "im:history": f"direct messages stay unanswered, and {_EARLIER}",
    "mpim:history": f"follow-ups, edits and deletions in group messages go unnoticed, and {_EARLIER}",
    "reactions:write": "no reaction shows that a question is being worked on",
    "users:read": "a person's language setting is not known, only the language of the question",
}
"""Scopes of the bot token: what is missing without each."""


def missing(granted: str) -> list[str]:
    """One sentence for each scope that is not in ``granted``, the header ``x-oauth-scopes`` of any Web API response."""
    scopes = {scope.strip() for scope in granted.split(",")}
    return [
        f"The Slack app lacks the scope {scope}: {without}; add it under OAuth & Permissions and reinstall the app."
        for scope, without in REQUIRED.items()
        if scope not in scopes
    ]
