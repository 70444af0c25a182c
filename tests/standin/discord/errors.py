"""Discord's JSON errors: a status, a code, and for forms a tree of what is wrong where."""

from __future__ import annotations

from typing import Any

from tests.standin.calls import Json

INVALID_FORM = 50035
MESSAGES: dict[int, tuple[int, str]] = {
    0: (401, "401: Unauthorized"),
    10002: (404, "Unknown Application"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10014: (404, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40094: (400, "This interaction has hit the maximum number of follow up messages"),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50068: (400, "Invalid message type"),
    50080: (400, "Cannot edit a message with stickers"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (403, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
}


class Refused(Exception):
    """The API answers with an error."""

    def __init__(self, code: int, errors: Json | None = None) -> None:
        self.status, message = (400, "Invalid Form Body") if code == INVALID_FORM else MESSAGES[code]
        super().__init__(message)
        self.code = code
        self.body: Json = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors


class Form:
    """Collects what is wrong with a body, so that it can be refused as a whole."""

    def __init__(self) -> None:
        self.errors: Json = {}

    def wrong(self, where: str, code: str, message: str) -> None:
        """``where``: a path such as ``components.0.label``."""
        node = self.errors
        for part in filter(None, where.split(".")):
            node = node.setdefault(part, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def text(self, value: Any, where: str, most: int, least: int = 0) -> bool:
        """Whether it is a string of an allowed length."""
        if not isinstance(value, str):
            self.wrong(where, "STRING_TYPE_CONVERT", "Could not interpret the value as string.")
        elif len(value) < least:
            if least == 1:
                self.wrong(where, "BASE_TYPE_REQUIRED", "This field is required")
            else:
                self.wrong(where, "BASE_TYPE_MIN_LENGTH", f"Must be {least} or more in length.")
        elif len(value) > most:
            self.wrong(where, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        else:
            return True
        return False

    def items(self, value: Any, where: str, most: int, least: int = 0) -> list[Any]:
        """The list's items; none where it is no list, or not of an allowed length."""
        if not isinstance(value, list):
            self.wrong(where, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.")
        elif not least <= len(value) <= most:
            self.wrong(where, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        else:
            return value
        return []

    def choice(self, value: Any, where: str, allowed: Any) -> bool:
        if value in allowed and not isinstance(value, bool):
            return True
        self.wrong(where, "BASE_TYPE_CHOICES", f"Value must be one of {sorted(allowed)}.")
        return False

    def done(self) -> None:
        """Raise Refused if anything was wrong."""
        if self.errors:
            raise Refused(INVALID_FORM, self.errors)
