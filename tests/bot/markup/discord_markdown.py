"""How Discord's client reads Markdown, for tests: a small model of its rules, in the order in which it tries them.

https://docs.discord.com/developers/reference#message-formatting and
https://support.discord.com/hc/articles/210298617 say what there is; where they leave open what happens at the edges,
this follows the client: simple-markdown (github.com/Khan/perseus, packages/simple-markdown), where a rule sees the rest
of the text and what the rule before it took.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

_FORMS = frozenset(
    {"bold", "italic", "underline", "struck", "code", "spoiler", "time", "list", "heading", "quote", "small"}
)
"""What a masked link's text may hold beside text."""
_LOOKS = re.compile("[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\u203c\u2049\u2139\u3297\u3299\U0001f000-\U0001faff]")
"""Emoji, roughly."""


def _rule(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(pattern, flags | re.ASCII)


_HEADING = _rule(r" *(#{1,3})\s+((?!\s*#{1,3}\s)[^\n]+?)#*\s*(?:\n|\Z)")
_SMALL = _rule(r" *-# +((?!-#)[^\n]+)(?:\n|\Z)")
_BLOCK = _rule(r"```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```", re.IGNORECASE)
_QUOTE = _rule(r"( *>>> +([\s\S]*))|( *>(?!>>) +[^\n]*(\n *>(?!>>) +[^\n]*)*\n?)")
_ITEM = r"( *)((?:[*+-]|\d+\.)) [\s\S]+?(?:\n(?! )(?!\1(?:[*+-]|\d+\.) )|\Z)"
_LIST, _LATER_LIST = _rule(_ITEM), _rule(r"\n" + _ITEM)
_ESCAPE = _rule(r"\\([^0-9A-Za-z\s])")
_AUTOLINK = _rule(r"<([^: >]+:/[^ >]+)>")
_MAIL = _rule(r"<([^\s<>@]+@[^\s<>@]+\.[^\s<>@]+)>")
_PHONE = _rule(r"<((?:(?:tel|sms):\+?|\+)(?:(?:[0-9]|\([0-9]+\)))(?:[- ./]?(?:[0-9]|\([0-9]+\)))+)>")
_URL = _rule(r"(?:https?|steam|discord)://[^\s<]+[^<.,:;\"'\]\s]")
_MASKED = _rule(
    r"\[((?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))*)\]"
    r"\(\s*<?((?:\([^)]*\)|[^\s\\]|\\.)*?)>?(?:\s+['\"]([\s\S]*?)['\"])?\s*\)"
)
_STRONG = _rule(r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")
_UNDERLINE = _rule(r"__((?:\\[\s\S]|[^\\])+?)__(?!_)")
_ITALIC = _rule(
    r"\b_((?:__|\\[\s\S]|[^\\_])+?)_\b"
    r"|\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)"
)
_STRUCK = _rule(r"~~([\s\S]+?)~~(?!_)")
_CODE = _rule(r"(`+)([\s\S]*?[^`])\1(?!`)")
_BREAK = _rule(r" {2,}\n")
_SPOILER = _rule(r"\|\|([\s\S]+?)\|\|")
_TIME = _rule(r"<t:(-?\d{1,17})(?::([tTdDfFR]))?>")
_EMOJI = _rule(r":([^\s:]+?(?:::skin-tone-\d)?):|<a?:(\w+):(\d+)>|<sound:[^>\n]*>")
_CALL = _rule(r"<@!?(?P<user>\d+)>|(?P<all>@(?:everyone|here))|<@&(?P<role>\d+)>|<#(?P<channel>\d+)>"
              r"|<(?P<place>/[^<>\n]{1,100}:\d+|id:[a-z]+(?::\d+)?)>")  # fmt: skip
_TEXT = re.compile(r"[\s\S]+?(?=[^0-9A-Za-z\s\u00c0-\U0010ffff]|\n\n| {2,}\n|[A-Za-z0-9_]+:\S|[0-9]+\.|\Z)")


@dataclass
class Reading:
    """What was found in a text."""

    shown: str = ""
    mentions: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    forms: list[tuple[str, str]] = field(default_factory=list)
    """Kind and text of everything formatted."""

    @property
    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.forms}


def read(markdown: str) -> Reading:
    """What a reader sees and can click, and whom it calls."""
    reader = _Reader()
    shown = reader.parse(markdown)
    return Reading(shown, reader.found.mentions, reader.found.links, reader.found.forms)


class _Reader:
    def __init__(self, *, in_quote: bool = False, escapes: bool = True, in_link: bool = False) -> None:
        self.found = Reading()
        self._before = ""
        """What the rule before took; nested texts go on with it."""
        self._in_quote, self._escapes, self._in_link = in_quote, escapes, in_link
        self._in_list = False

    def parse(self, text: str) -> str:
        shown = []
        while text:
            taken, seen = self._step(text)
            shown.append(seen)
            self._before = taken
            text = text[len(taken) :]
        return "".join(shown)

    def _step(self, text: str) -> tuple[str, str]:
        """What the first rule that applies takes from the beginning of the text, and what it shows for that."""
        rules: tuple[Callable[[str], tuple[str, str] | None], ...] = (
            self._blocks,
            self._escape,
            self._addresses,
            self._emphasis,
            self._rest,
        )
        return next(result for rule in rules if (result := rule(text)) is not None)

    def _form(self, kind: str, match: re.Match[str], content: str, *, raw: bool = False) -> tuple[str, str]:
        shown = content if raw else self.parse(content)
        self.found.forms.append((kind, shown))
        return match[0], shown

    def _blocks(self, text: str) -> tuple[str, str] | None:
        fresh = not self._before or self._before.endswith("\n")
        if fresh and not self._in_list and (match := _HEADING.match(text)):
            return self._form("heading", match, match[2])
        if fresh and (match := _SMALL.match(text)):
            return self._form("small", match, match[1].strip())
        if match := _BLOCK.match(text):
            return self._form("block", match, match[2], raw=True)
        indented = re.search(r"\A\Z|\n *\Z", self._before) is not None
        if not self._in_quote and indented and (match := _QUOTE.match(text)):
            return self._quote(match)
        later = bool(self._before) and not indented and text.startswith("\n")
        if match := (_LATER_LIST.match(text) if later else _LIST.match(text) if indented else None):
            return self._items(match)
        return None

    def _quote(self, match: re.Match[str]) -> tuple[str, str]:
        marks = r"\A *>>> ?" if match[1] else r"(?m)^ *> ?"
        self._in_quote = True
        result = self._form("quote", match, re.sub(marks, "", match[0]))
        self._in_quote = False
        return result

    def _items(self, match: re.Match[str]) -> tuple[str, str]:
        outer, self._in_list = self._in_list, True
        result = self._form("list", match, re.sub(r"(?m)^ *(?:[*+-]|\d+\.) +", "", match[0].lstrip("\n")))
        self._in_list = outer
        return result

    def _escape(self, text: str) -> tuple[str, str] | None:
        match = _ESCAPE.match(text) if self._escapes else None
        return (match[0], match[1]) if match else None

    def _addresses(self, text: str) -> tuple[str, str] | None:
        for rule in (_AUTOLINK, _MAIL, _PHONE, _URL):
            if match := rule.match(text):
                self.found.links.add(match[0].strip("<>"))
                return match[0], match[0].strip("<>")
        return self._masked(match) if (match := _MASKED.match(text)) else None

    def _masked(self, match: re.Match[str]) -> tuple[str, str]:
        """The link's text, or its source where Discord does not take it for a link."""
        target = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", match[2])
        inner = _Reader(in_quote=self._in_quote, escapes=False, in_link=True)
        inner._before = self._before
        shown = inner.parse(match[1])
        sound = inner.found.kinds <= _FORMS and not inner.found.mentions and not inner.found.links
        host = target.split("/")[2] if re.match(r"https?://[^/]", target) else ""
        if self._in_link or not sound or not shown.strip() or not host or unquote(host) != host:
            self.found.forms.append(("broken link", match[0]))
            return match[0], match[0]
        self.found.links.add(target)
        self.found.forms += [("link", shown), *inner.found.forms]
        return match[0], shown

    def _emphasis(self, text: str) -> tuple[str, str] | None:
        found = [
            (len(match[0]) + better, kind, match)
            for better, kind, rule in ((0.2, "italic", _ITALIC), (0.1, "bold", _STRONG), (0.0, "underline", _UNDERLINE))
            if (match := rule.match(text))
        ]
        if found:
            _, kind, match = max(found, key=lambda candidate: candidate[0])
            return self._form(kind, match, next(group for group in reversed(match.groups()) if group))
        if match := _STRUCK.match(text):
            return self._form("struck", match, match[1])
        if match := _CODE.match(text):
            return self._form("code", match, match[2], raw=True)
        return None

    def _rest(self, text: str) -> tuple[str, str]:
        if match := _BREAK.match(text):
            return match[0], "\n"
        if match := _CALL.match(text):
            self.found.mentions.add(_called(match))
            return match[0], match[0]
        if match := _SPOILER.match(text):
            return self._form("spoiler", match, match[1])
        for kind, rule in (("time", _TIME), ("emoji", _EMOJI), *((("emoji", _LOOKS),) if self._in_link else ())):
            if match := rule.match(text):
                return self._form(kind, match, match[0], raw=True)
        match = _TEXT.match(text)
        assert match
        taken = match[0]
        if self._in_link and (look := _LOOKS.search(taken)):
            taken = taken[: look.start()]
        return taken, taken


def _called(match: re.Match[str]) -> str:
    signs = {"user": "@", "role": "&", "channel": "#", "place": "", "all": ""}
    return next(sign + match[name].lstrip("@") for name, sign in signs.items() if match[name])


def called_in_source(markdown: str) -> set[str]:
    """Whom Discord's servers would notify that look for mentions in the source, whatever stands before them."""
    return {_called(match) for match in _CALL.finditer(markdown) if match["place"] is None}
