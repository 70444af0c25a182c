"""Discord's Markdown: text that Discord shows and does not obey, quotations, links, mentions. Pure.

What the documentation leaves open (https://docs.discord.com/developers/reference#message-formatting) follows the rules
of Discord's client, simple-markdown with additions:

- A backslash before anything but a letter, a digit or white space shows that character as it is; inside the text of a
  masked link it does not, and is shown itself.
- What begins a line counts after ``> `` too, and after the ``**`` that opens bold text at the beginning of a line.
- A masked link's text reaches from its ``[`` to the *last* ``](`` that it can, over line ends and past backslashes.
- Three backticks end a code block wherever they stand; a longer fence does not help.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.markup.frames import is_link
from bot.markup.lines import Piece, Role, shorten, visible
from bot.markup.quote import Passage
from bot.markup.split import cut

MAX_LINK = 512
"""Characters of an address that is worth its room in a message; the limit of link buttons."""
QUOTE = "> "
SMALL = "-# "

_JOINER = "\u2060"
"""Invisible. Stands after the ``@`` or ``#`` of what would be a mention, for bridges and exports, which read messages
after Discord and take backslashes away; and in code, which has no backslashes, within whatever must not be found."""
_INVITATION = r"(?:(?<=discord\.gg)|(?<=discord\.com)|(?<=discord\.new)|(?<=discordapp\.com))"
_ACTIVE = re.compile(
    r"""
      (?P<lead>^[ ]*+(?:[0-9]++(?=[.])|(?=[#>+-])))(?P<first>[.#>+-])  # headings, small print, quotes and lists
    | (?P<call>@(?=everyone|here)|(?<=<)[@#])
    | [\\`*_<[]             # emphasis, code, everything in angle brackets, masked links
    | ~(?=~) | (?<=~)~ | \|(?=\|) | (?<=\|)\|  # struck out, spoilers
    | :(?!\s)               # addresses, emoji by name; what comes after this text is not known
    | (?<=])\(              # the middle of a masked link
    | {invitation}/         # which unfolds without being an address
    """.replace("{invitation}", _INVITATION),
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_CALL_IN_CODE = re.compile(rf"@(?=everyone|here)|(?<=<)[@#](?=[!&]?[0-9])|{_INVITATION}(?=/)", re.IGNORECASE)
_FENCE_IN_CODE = re.compile("`(?=``)")
_ID = re.compile(r"[0-9]{1,20}")
_IN_LINK_TEXT = frozenset(" .,;!?'\"()&%+=-–—…‘’“”«»€$£§")
_INNER = re.compile(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])|:(?= )")
"""What means nothing where it stands in a masked link's text."""
_NO_LETTERS = frozenset("ℹ㊗㊙\ufe0f\u20e3\u115f\u1160\u3164\uffa0")
"""Emoji, what makes an emoji of a digit, and letters without a shape, which Discord removes."""
_NUMBERED = re.compile(r"[0-9]+\. ")
_NAME_LENGTH = 40
_ELLIPSIS = "…"


def units(text: str) -> int:
    """UTF-16 code units: what Discord may count as characters; code points, which it may count too, are fewer."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def size(text: str) -> int:
    """What a text counts as against the 4,000 characters of a message's text displays.

    Its UTF-16 code units, but half its UTF-8 bytes where those are more: Discord answers 500 to components of more than
    10,170 bytes (github.com/discord/discord-api-docs/issues/8554), which 4,000 Chinese characters are. So a message has
    8,000 bytes of text at most, and 2,000 are left for buttons.
    """
    return max(units(text), (len(text.encode("utf-8", "surrogatepass")) + 1) // 2)


def escape(text: str) -> str:
    """Text as Markdown that shows exactly it, characters cleaned as ``clean`` does but lines kept."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(character if character == "\n" else visible(character) for character in text)
    return _ACTIVE.sub(_inert, text)


def _inert(match: re.Match[str]) -> str:
    if match["first"]:
        return f"{match['lead']}\\{match['first']}"
    return f"\\{match[0]}{_JOINER if match['call'] else ''}"


def code_block(code: str) -> str:
    """A fenced block that its content cannot end."""
    inert = _CALL_IN_CODE.sub(rf"\g<0>{_JOINER}", _FENCE_IN_CODE.sub(f"`{_JOINER}", code))
    return f"```\n{inert}\n```"


def bold(text: str) -> str:
    """Text in bold, line by line; spaces at the ends of a line stay outside."""
    return "\n".join(_bold_line(line) for line in text.split("\n"))


def _bold_line(line: str) -> str:
    inner = line.strip(" ")
    if not inner:
        return line
    before, after = line[: len(line) - len(line.lstrip(" "))], line[len(line.rstrip(" ")) :]
    return f"{before}**{escape(inner)}**{after}"


def link(text: str, url: str | None) -> str | None:
    """A masked link with exactly this text, or None where Discord would show another, or the source.

    It shows backslashes in a link's text, and no link at all where that holds an emoji or an address.
    """
    if url is None or not text or (target := _target(url)) is None or not _fits_link(text):
        return None
    return f"[{text}]({target})"


def _fits_link(text: str) -> bool:
    if not text[0].isalnum() or _NUMBERED.match(text):
        return False
    return all(character in _IN_LINK_TEXT or _is_letter(character) for character in _INNER.sub(" ", text))


def _is_letter(character: str) -> bool:
    """Letters, digits and the marks on them, in any script."""
    return unicodedata.category(character)[0] in "LNM" and character not in _NO_LETTERS


def _target(url: str) -> str | None:
    """The address without characters that mean something in a masked link; None for what Discord takes for a trick."""
    if not is_link(url) or len(url) > MAX_LINK:
        return None
    target = re.sub(r"[<>()\[\]\\\"'`]", lambda match: f"%{ord(match[0]):02X}", url)
    # Discord refuses a host with percent signs, or with what it cannot show.
    host = urlsplit(target).netloc
    return target if host.isprintable() and "%" not in host and target.split("/")[2:3] == [host] else None


def mention(user: str) -> str:
    """A mention of a person by id; what is no id stays inert."""
    return f"<@{user}>" if is_id(user) else escape(shorten("@" + user.removeprefix("@"), _NAME_LENGTH))


def role_mention(role: str) -> str:
    """A mention of a role by id; what is no id stays inert."""
    return f"<@&{role}>" if is_id(role) else mention(f"@{role.removeprefix('@')}")


def is_id(text: str) -> bool:
    """Whether this may be the id of a person, role or channel."""
    return _ID.fullmatch(text) is not None


def quotation(quoted: Sequence[Passage], room: int, *, mark: str = QUOTE) -> tuple[str, bool]:
    """Passages in Markdown, of ``size`` at most ``room``; whether that is all of them.

    Every line of prose begins with ``mark``; code is a fenced block. Where not all has room, the last text ends at a
    good place to cut, with an ellipsis; where nothing has, there is none.
    """
    room -= size(_ELLIPSIS)
    parts: list[str] = []
    for passage in quoted:
        text, complete = _code(passage, room) if passage.code else _prose(passage, room, mark)
        room -= size(text) + 1
        parts += [text] if text else []
        if not complete:
            return "\n".join(parts), False
    return "\n".join(parts), True


def _prose(passage: Passage, room: int, mark: str) -> tuple[str, bool]:
    shown = mark
    room -= size(mark)
    for piece in passage.pieces:
        run = _run(piece.text, piece.role, mark)
        if size(run) > room:
            head = _run(_beginning(piece, room, mark), piece.role, mark)
            return (shown + head + _ELLIPSIS if head or shown != mark else ""), False
        room -= size(run)
        shown += run
    return shown, True


def _beginning(piece: Piece, room: int, mark: str) -> str:
    """As much of a piece as has room in Markdown; cut as text, so that no escape is."""

    def measure(head: str) -> int:
        return size(_run(head, piece.role, mark))

    head = piece.text[: cut(piece.text, max(room, 0), measure)].rstrip()
    return head if measure(head) <= room else ""


def _run(text: str, role: Role, mark: str) -> str:
    return (bold(text) if role is Role.ANSWER else escape(text)).replace("\n", "\n" + mark)


def _code(passage: Passage, room: int) -> tuple[str, bool]:
    def measure(head: str) -> int:
        return size(code_block(head + _ELLIPSIS))

    if size(code_block(passage.text)) <= room:
        return code_block(passage.text), True
    head = passage.text[: cut(passage.text, max(room, 0), measure)].rstrip()
    return (code_block(head + _ELLIPSIS) if head and measure(head) <= room else ""), False
