"""Which addresses are fit to be shown as the target of a link."""

from __future__ import annotations

from urllib.parse import urlsplit

MAX_URL = 2000
"""Characters; browsers and chat platforms cut or refuse what is much longer."""

_NEVER = frozenset('<>"\\^`{|}')
"""Printable ASCII that RFC 3986 allows nowhere in a URL; where links are written in markup, some of it ends one."""


def http_url(text: str) -> str | None:
    """``text`` without the spaces around it if it is an absolute http or https URL with a host, else None.

    Refused are URLs with a user name or password (what stands before the ``@`` passes for the host), with spaces,
    control or invisible formatting characters, with characters that no URL may hold, and those beyond MAX_URL.
    """
    url = text.strip()
    if len(url) > MAX_URL or not url.isprintable() or any(map(str.isspace, url)) or not _NEVER.isdisjoint(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or port == 0:
        return None
    # Any text passes for a host, "..." too.
    return url if any(map(str.isalnum, parts.hostname)) else None
