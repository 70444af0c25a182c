"""What a message may hold: reading a body that creates or edits one, and refusing it as Discord does."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.standin.calls import Json
from tests.standin.discord import components, mentions
from tests.standin.discord.errors import Form, Refused
from tests.standin.discord.model import COMPONENTS_V2, EPHEMERAL, LOADING, SUPPRESS_EMBEDS, File, Message

CONTENT = 2000
EMBEDS = 10
EMBED_TOTAL = 6000
NONCE = 25
FILES = 10
UPLOAD = 10 * 1024 * 1024
"""Bytes of all files of a message, where nobody pays for more."""
_SETTABLE = SUPPRESS_EMBEDS | EPHEMERAL | COMPONENTS_V2 | 1 << 12 | 1 << 13
_EMBED_TEXT = {"title": 256, "description": 4096}


def fill(message: Message, body: Json, uploads: list[File], mint: Callable[[], str]) -> None:
    """Put what a body says into a message, or raise Refused and leave it as it was.

    An edit keeps what the body does not name; ``mint`` makes ids for the uploads.
    """
    if sum(len(upload.content) for upload in uploads) > UPLOAD:
        raise Refused(40005)
    form = Form()
    files = _files(message, body, uploads, form)
    flags = _flags(message, body, form)
    content = body.get("content", message.content) or ""
    embeds = body.get("embeds", message.embeds) or []
    parts = body.get("components", message.components) or []
    form.text(content, "content", CONTENT)
    _check_embeds(embeds, form)
    mentions.check(body.get("allowed_mentions"), form)
    v2 = bool((flags | message.flags) & COMPONENTS_V2)
    components.check_message(parts, form, v2=v2, files=[file.name for file in files])
    if v2:
        for name, value in (("content", content), ("embeds", embeds)):
            if value:
                form.wrong(
                    name,
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
                )
    form.done()
    if not (parts or files if v2 else content.strip() or embeds or files or parts):
        raise Refused(50006)
    for file in files:
        file.id = file.id or mint()
    message.content, message.embeds = content, [{"type": "rich"} | embed for embed in deepcopy(embeds)]
    message.components = components.with_ids(parts)
    message.files, message.flags = files, flags


def _flags(message: Message, body: Json, form: Form) -> int:
    kept = message.flags & ~LOADING
    asked = body.get("flags")
    if asked is None:
        return kept
    if not isinstance(asked, int) or isinstance(asked, bool):
        form.wrong("flags", "NUMBER_TYPE_COERCE", f'Value "{asked}" is not int.')
        return kept
    if kept & COMPONENTS_V2 and not asked & COMPONENTS_V2:
        form.wrong(
            "flags",
            "MESSAGE_FLAGS_COMPONENTS_V2_CANNOT_BE_REMOVED",
            "IS_COMPONENTS_V2 cannot be removed from a message",
        )
    # What a message is shown to was decided when it was created.
    return kept & ~_SETTABLE | asked & _SETTABLE & ~EPHEMERAL | kept & EPHEMERAL


def _files(message: Message, body: Json, uploads: list[File], form: Form) -> list[File]:
    named = body.get("attachments")
    kept = {file.id: file for file in message.files}
    described: dict[str, Json] = {}
    if isinstance(named, list):
        described = {str(entry.get("id")): entry for entry in named}
        unknown = [name for name in described if name not in kept and name not in {file.id for file in uploads}]
        if unknown:
            form.wrong("attachments", "ATTACHMENT_NOT_FOUND", f"No upload and no attachment {unknown[0]}")
        kept = {name: file for name, file in kept.items() if name in described}
    files = list(kept.values())
    for upload in uploads:
        entry = described.get(upload.id, {})
        name = str(entry.get("filename") or upload.name)
        files.append(File("", name, upload.content, upload.content_type, str(entry.get("description") or "")))
    if len(files) > FILES:
        form.wrong("attachments", "BASE_TYPE_MAX_LENGTH", f"Must be {FILES} or fewer in length.")
    return files


def _check_embeds(embeds: Any, form: Form) -> None:
    total = 0
    for number, embed in enumerate(form.items(embeds, "embeds", EMBEDS)):
        where = f"embeds.{number}"
        for name, most in _EMBED_TEXT.items():
            total += _embed_text(embed.get(name), f"{where}.{name}", most, form)
        total += _embed_text((embed.get("footer") or {}).get("text"), f"{where}.footer.text", 2048, form)
        total += _embed_text((embed.get("author") or {}).get("name"), f"{where}.author.name", 256, form)
        fields = form.items(embed.get("fields") or [], f"{where}.fields", 25)
        for place, field in enumerate(fields):
            for name, most in (("name", 256), ("value", 1024)):
                total += _embed_text(field.get(name), f"{where}.fields.{place}.{name}", most, form)
    if total > EMBED_TOTAL:
        form.wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TOTAL}")


def _embed_text(value: Any, where: str, most: int, form: Form) -> int:
    if value is None:
        return 0
    form.text(value, where, most)
    return len(str(value))
