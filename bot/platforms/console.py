"""The terminal: a chat with history where a person types, an answer for every line where a program does.

Answers go to stdout and everything else to stderr. rich and prompt_toolkit are imported only where a person types or
reads.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import BotError
from bot.markup import Line, Piece, Role, clean, layout, plain
from bot.messages import choose_language, messages_in
from bot.types import Question, Reply

if TYPE_CHECKING:
    from prompt_toolkit.history import History

MAX_LINE = 1 << 16
"""Bytes of an unfinished line that are kept: far beyond the longest question that is not refused."""

PROMPT = "> "
_QUIT = frozenset({"/quit", "/exit", "/esci", "quit", "exit", "esci"})
_STYLES = {
    Role.TEXT: "",
    Role.ANSWER: "bold green",
    Role.LABEL: "bold",
    Role.TITLE: "cyan",
    Role.DETAIL: "dim",
}

Ask = Callable[[Question], Awaitable[Reply]]
Listed = tuple[str, str]
"""A document's title and its file."""


def show(reply: Reply, *, timed: bool = False) -> None:
    """Print a reply on stdout: styled on a terminal, plain elsewhere."""
    show_lines(layout(reply, messages_in(reply.language), timed=timed))


def show_lines(lines: Sequence[Line]) -> None:
    """Print lines on stdout and flush them."""
    if sys.stdout.isatty():
        _print_styled(lines)
    else:
        sys.stdout.write(plain(lines) + "\n")
    sys.stdout.flush()


def _print_styled(lines: Sequence[Line]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)
    for line in lines:
        # Text objects, never markup strings: brackets in a document are not style tags.
        text = Text.assemble(*((piece.text, _STYLES[piece.role]) for piece in line.pieces))
        for row in text.wrap(console, max(console.width - line.indent, 1)):
            row.rstrip()
            console.print(Text(" " * line.indent).append_text(row), soft_wrap=True)


def complain(sentence: str) -> None:
    """Print one sentence on stderr."""
    print(clean(sentence), file=sys.stderr, flush=True)


async def answer_lines(ask: Ask, lines: AsyncIterator[str], *, locale: str | None) -> None:
    """Answer one question per line on stdout, an empty line after each; what cannot be answered goes to stderr."""
    async for line in lines:
        if not line.strip():
            continue
        try:
            reply = await ask(Question(line, locale))
        except BotError as error:
            complain(str(error))
        else:
            show_lines([*layout(reply, messages_in(reply.language)), Line()])


async def read_lines(descriptor: int) -> AsyncIterator[str]:
    """The lines of a file, pipe or terminal as they arrive, without their ends; bytes that are no UTF-8 as U+FFFD."""
    rest = b""
    while True:
        await _until_readable(descriptor)
        block = os.read(descriptor, MAX_LINE)
        if not block:
            break
        *lines, rest = (rest + block).split(b"\n")
        rest = rest[:MAX_LINE]
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")
    if rest:
        yield rest.decode("utf-8", "replace").rstrip("\r")


async def _until_readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except (OSError, NotImplementedError):
        return  # epoll refuses regular files, which are always readable; Windows watches sockets alone
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


async def chat(ask: Ask, documents: Sequence[Listed], history: Path, *, locale: str | None) -> None:
    """Talk with a person until they leave: with /quit, exit, esci or Ctrl-D. Ctrl-C clears the line."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.output import create_output

    words = messages_in(choose_language(None, locale))
    # Where stdout is no terminal the prompt moves to stderr and the answers stay clean.
    session: PromptSession[str] = PromptSession(
        history=_history(history), output=create_output(always_prefer_tty=True), enable_open_in_editor=False
    )
    greeting = words.greeting_one if len(documents) == 1 else words.greeting_many.format(count=len(documents))
    show_lines([*_text(greeting), Line()])
    while True:
        try:
            typed = (await session.prompt_async(PROMPT)).strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            break
        if typed.lower() in _QUIT:
            break
        if typed:
            await _react(typed, ask, documents, locale)
    show_lines(_text(words.goodbye))


async def _react(typed: str, ask: Ask, documents: Sequence[Listed], locale: str | None) -> None:
    words = messages_in(choose_language(None, locale))
    command = typed.lower()
    if command == "/help":
        lines = _text(words.help)
    elif command == "/sources":
        lines = [Line((Piece(words.documents, Role.LABEL),)), *(_listed(title, file) for title, file in documents)]
    elif command.startswith("/") and len(command.split()) == 1:
        lines = _text(words.unknown_command.format(command=clean(typed)))
    else:
        try:
            reply = await ask(Question(typed, locale))
        except BotError as error:
            lines = _text(str(error))
        else:
            lines = layout(reply, messages_in(reply.language), timed=True)
    show_lines([Line(), *lines, Line()])


def _text(text: str) -> list[Line]:
    return [Line((Piece(line),)) for line in text.split("\n")]


def _listed(title: str, file: str) -> Line:
    return Line((Piece(clean(title), Role.TITLE), Piece(f" · {clean(file)}", Role.DETAIL)), 2)


def _history(path: Path) -> History:
    """The questions of earlier chats, kept in ``path``; in memory where that cannot be read or written."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # What people ask is theirs alone.
        os.close(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600))
    except OSError:
        return InMemoryHistory()

    class TolerantHistory(FileHistory):
        """The disk may fill up during a chat; the line just typed must not be lost for that."""

        def store_string(self, string: str) -> None:
            try:
                super().store_string(string)
            except OSError as error:
                complain(f"{path} cannot be written: {error.strerror or error}.")

    return TolerantHistory(path)
