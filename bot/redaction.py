"""No secret in the logs, whoever writes them and at whatever level.

Redaction is done by the formatter of the root handler, on the finished line: a filter sees the message and its
arguments, but neither what an argument's ``repr`` will hold nor the traceback, the stack and the text of chained
exceptions that are added after it; and it would have to be put on every logger, as a logger's filters do not apply to
what its children pass up. Loggers of libraries have no handlers of their own and end up here.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from typing import TextIO
from urllib.parse import quote, quote_plus

GONE = "***"
"""Stands in the place of a secret."""

LIBRARIES = ("slack_sdk", "slack_bolt", "discord", "aiohttp")
"""Loggers that speak at LOG_LEVEL=debug; SQLAlchemy stays silent, it would log the rows with people's questions."""

_SHORT = 8
"""Characters below which a secret is looked for as a whole word only: a password "bot" must not eat "robots"."""

# Backslashes: JSON within JSON doubles them each time; without a bound, many of them take quadratic time.
# A slash as it is, escaped in JSON, escaped in a URL (once, twice), and both.
_SLASH = r"(?:\\{0,8}/|%2F|%252F|%5C%2F)"
_COLON = r"(?::|%3A|%253A)"
_EQUALS = r"(?:=|%3D|%253D)"
_REST = r"(?:[^\s\"'<>&\\,;)\]}]|\\+/)+"
_NAMES = r"(?:[a-z0-9_]{0,40}token|[a-z0-9_]{0,40}secret|passwd|password|response_url|upload_url|ticket)"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # xoxb-1-2-a, xoxe.xoxp-1-a, xapp-1-A-2-a, xwfp-a: the kind is kept, it helps and opens nothing.
        (r"((?:xox[a-z0-9]\.)?(?:xox[a-z0-9]|xapp|xwfp)-)[a-z0-9%*][a-z0-9%*_.~+/=-]*", rf"\1{GONE}"),
        # Discord: id, time and signature in base64url.
        (r"[a-z0-9_-]{23,28}\.[a-z0-9_-]{6,7}\.[a-z0-9_-]{27,}", GONE),
        # The token of an interaction, as it is ("interaction:..." in base64) and in addresses; those of webhooks too.
        (r"aW50ZXJhY3Rpb246[a-z0-9_=-]*", GONE),
        (rf"((?:webhooks|interactions){_SLASH}\d{{1,20}}{_SLASH}){_REST}", rf"\1{GONE}"),
        # The signature of a request that Slack sent: valid for five minutes.
        (r"(v0=)[0-9a-f]{64}", rf"\1{GONE}"),
        # wss://host/link/?ticket=..&app_id=..
        (rf"(wss?{_COLON}{_SLASH}{_SLASH}[^\s\"'<>?]{{0,300}}(?:\?|%3F))[^\s\"'<>]+", rf"\1{GONE}"),
        # A response_url or webhook, on hooks.slack.com or wherever SLACK_API_BASE_URL leads; an upload's address.
        (
            rf"(https?{_COLON}{_SLASH}{_SLASH}[^\s\"'<>]{{0,300}}?"
            rf"{_SLASH}(?:commands|actions|services|workflows|triggers|upload{_SLASH}v1){_SLASH}){_REST}",
            rf"\1{GONE}",
        ),
        # scheme://user:password@host
        (r"([a-z][a-z0-9+.-]{0,40}:\\{0,8}/\\{0,8}/[^\s/:@'\"<>]{0,200}:)[^\s'\"<>]{1,500}(?=@)", rf"\1{GONE}"),
        # Authorization: Bearer x, {'Authorization': 'Bearer x'}, (b'Authorization', b'Bearer x')
        (
            r"(authorization\\{0,8}[\"']?\s*[:=,]\s*b?\\{0,8}[\"']?(?:[a-z-]{3,20}(?:\s+|\+|%20))?)"
            r"[^\s\"'<>,;)}\\]+",
            rf"\1{GONE}",
        ),
        (r"(bearer(?:\s+|\+|%20))[a-z0-9._~+/=-]{8,}", rf"\1{GONE}"),
        # {"token": "x"} as JSON, as a dictionary's repr, as either within a string; the same escaped in a URL.
        (rf"((\\{{0,8}}[\"']){_NAMES}\2\s*:\s*b?\\{{0,8}}[\"'])(?:[^\"'\\\s]|\\+/)+", rf"\1{GONE}"),
        (rf"(%22{_NAMES}%22{_COLON}(?:\+|%20)*%22)[^%&\s\"']+", rf"\1{GONE}"),
        # token=x in queries, forms, keyword arguments and .env files
        (rf"((?<![a-z0-9_]){_NAMES}{_EQUALS}\\{{0,8}}[\"']?)[^&\s\"'<>)\]}}\\,;]+", rf"\1{GONE}"),
    )
)

# Everything that moves a terminal's cursor or forges a line, but the newline and the tab.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def _forms(secret: str) -> set[str]:
    """A secret as it is, as it stands in a URL, in a form, and in a ``repr`` or JSON string."""
    return {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]} if secret else set()


def _longest_first(forms: set[str]) -> list[str]:
    """One secret may begin with another."""
    return sorted(forms, key=lambda form: (-len(form), form))


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(patterns)
    return re.compile(joined) if joined else None


class Redactor:
    """Takes what looks like a secret, and the secrets given, out of texts. Redacting twice changes nothing more."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if form.strip("*")}
        self._long = _any_of(re.escape(form) for form in _longest_first(forms) if len(form) >= _SHORT)
        self._short = _any_of(
            rf"(?<!\w){re.escape(form)}(?!\w)" for form in _longest_first(forms) if len(form) < _SHORT
        )

    def __call__(self, text: str) -> str:
        # Secrets go before patterns, which may take a part of one; short ones last, as they match between others.
        if self._long:
            text = self._long.sub(GONE, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return self._short.sub(GONE, text) if self._short else text


class RedactingFormatter(logging.Formatter):
    """Formats a record without its secrets; on one line, unless ``tracebacks`` are wanted. Never raises."""

    def __init__(self, layout: str | None = None, *, tracebacks: bool) -> None:
        super().__init__(layout)
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        try:
            return self._format(record)
        except Exception as error:
            # The logging module would print the record's arguments as they are.
            where = f"{record.filename}, line {record.lineno}"
            return f"{record.levelname} {record.name}: what {where} says cannot be shown ({type(error).__name__})"

    def _format(self, record: logging.LogRecord) -> str:
        # A copy: the base class stores the traceback's text in the record, for handlers that do not redact.
        own = logging.makeLogRecord(record.__dict__)
        if self._tracebacks:
            return redact(super().format(own)).translate(_CONTROLS)
        own.msg, own.args = record.getMessage(), None
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and str(error) not in own.msg:
            own.msg = f"{own.msg} ({type(error).__name__}: {error})"
        own.exc_info = own.exc_text = own.stack_info = None
        lines = redact(super().format(own)).splitlines()
        return " ".join(line.strip() for line in lines).translate(_CONTROLS)


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Stderr is gone: nobody is left to tell, and the inherited way shows the arguments as they are."""


_redactor = Redactor()


def redact(text: str) -> str:
    """``text`` without tokens, passwords, private addresses, and the secrets that were installed."""
    return _redactor(text)


def install(secrets: Iterable[str]) -> None:
    """Have ``redact`` take out exactly these as well, in place of those installed before."""
    global _redactor  # noqa: PLW0603
    _redactor = Redactor(secrets)


def configure_logging(level: str, secrets: Iterable[str] = ()) -> None:
    """Log to stderr without secrets, in place of what was configured before.

    ``level`` (debug, info, warning, error) is the bot's own. Other packages are heard from warnings on; at debug,
    those that speak with the platform say everything, and errors come with tracebacks.
    """
    install(secrets)
    own, debug = level.upper(), level.lower() == "debug"
    handler = _Handler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s", tracebacks=debug))
    root = logging.getLogger()
    for old in root.handlers[:]:
        # Exactly these classes: the handlers by which tests look on are other subclasses.
        if type(old) in (logging.StreamHandler, _Handler):
            root.removeHandler(old)
    root.addHandler(handler)
    least = logging.ERROR if own == "ERROR" else logging.WARNING
    root.setLevel(least)
    if least == logging.ERROR:
        handler.setLevel(least)  # some packages give their own loggers a level
    for name in ("bot", "retrieval"):
        logging.getLogger(name).setLevel(own)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.NOTSET)
