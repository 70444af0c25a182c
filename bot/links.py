"""Where readers find documents that do not say so themselves."""

from __future__ import annotations

from urllib.parse import quote


def published(base: str | None, source: str) -> str | None:
    """The address of a file in a seeds folder that is published at ``base``; None where it is not."""
    if not base:
        return None
    # Lone surrogates have no UTF-8; such a link leads nowhere, but it harms nobody.
    path = "/".join(quote(segment, safe="", errors="replace") for segment in source.split("/"))
    return f"{base.rstrip('/')}/{path}"
