"""The composition root: the only place that knows every part, and puts together what each command needs."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Collection
from dataclasses import replace

from bot.answering.extractive import ExtractiveAnswerer
from bot.assistant import Assistant, Retriever, check_length, normalise
from bot.batcher import QueryBatcher, Recorder
from bot.explanation import explain, explanation_fields
from bot.library import open_library, update_library
from bot.markup import to_json
from bot.messages import Messages, choose_language, messages_in
from bot.platforms import console
from bot.platforms.status import Status
from bot.reloading import Reloader
from bot.report import print_report
from bot.scopes import Chosen
from bot.settings import Settings
from bot.types import Outcome, Question, Reply
from retrieval.build import check_index
from retrieval.errors import RetrievalError
from retrieval.evidence import threshold
from retrieval.index import Index
from retrieval.language import detect_language
from retrieval.types import SearchResult

_log = logging.getLogger(__name__)

NOT_FOUND = 3
"""Exit status of a question that the documents do not answer."""


def chat(settings: Settings, sets: Collection[str] = ()) -> int:
    """A chat in the terminal, or one answer per line where stdin is no terminal; the exit status.

    ``sets``: names of the knowledge sets to answer from; without any, from everything.
    """
    chosen = Chosen(settings, sets)
    reloader = Reloader(settings, open_index(settings))
    # Loading checks sizes and headers; reading everything takes too long to keep a person waiting for it.
    threading.Thread(target=_check, args=(settings,), name="index check", daemon=True).start()
    asyncio.run(_serve(settings, reloader, chosen))
    return 0


def ask(settings: Settings, text: str, sets: Collection[str] = (), *, as_json: bool, explained: bool) -> int:
    """Answer one question on stdout, and with ``explained`` say why; the exit status. ``sets`` as for ``chat``."""
    # Before the index is opened: nobody should wait for a build to be told that the question is empty.
    check_length(normalise(text), _words(settings))
    chosen = Chosen(settings, sets)
    index = open_index(settings)
    scope = chosen.sources(document.source for document in index.documents)
    reply, result = asyncio.run(_answer(settings, index, Question(text, _locale(settings), scope)))
    told = result if explained else None
    if as_json:
        extra = {"explanation": explanation_fields(told, _least(settings))} if told else {}
        print(to_json(reply, sys.stdout.encoding, **extra))
    else:
        console.show(reply)
        if told:
            console.show_lines(explain(told, _least(settings)))
    return 0 if reply.outcome is Outcome.ANSWERED else NOT_FOUND


def index(settings: Settings, *, rebuild: bool, wait: bool, as_json: bool) -> int:
    """Bring the index up to date and print what changed; the exit status."""
    words = _words(settings)
    with Status(words.reading, words) as status:
        report = update_library(settings, words, status.note, status.progress, rebuild=rebuild, wait=wait)
    print_report(report, str(settings.seeds.dir), as_json=as_json)
    return 0


def assistant(settings: Settings, retriever: Retriever) -> Assistant:
    """The assistant over whatever finds passages."""
    answerer = ExtractiveAnswerer(_least(settings), settings.source_base_url)
    return Assistant(retriever, answerer, detect=detect_language, locale=settings.locale)


def _least(settings: Settings) -> float:
    """The support from which on a question is answered."""
    least = settings.answer.min_support
    return threshold(read=settings.answer.reader) if least is None else least


async def _answer(settings: Settings, index: Index, question: Question) -> tuple[Reply, SearchResult | None]:
    """The reply, and what was found for it."""
    async with QueryBatcher(index) as batcher:
        recorder = Recorder(batcher)
        reply = await assistant(settings, recorder).ask(question)
        return reply, recorder.last


async def _serve(settings: Settings, reloader: Reloader, chosen: Chosen) -> None:
    locale = _locale(settings)
    async with QueryBatcher(reloader.index) as batcher:
        helper = assistant(settings, batcher)
        scope: frozenset[str] | None = None
        documents: list[tuple[str, str]] = []

        def swap(index: Index) -> None:
            nonlocal scope
            batcher.index = index
            scope = chosen.sources(document.source for document in index.documents)
            documents[:] = _listed(index, scope)

        async def answer(question: Question) -> Reply:
            return await helper.ask(replace(question, scope=scope))

        swap(reloader.index)
        if sys.stdin is not None and sys.stdin.isatty():
            async with reloader.following(swap):
                await console.chat(answer, documents, settings.data_dir / "history", locale=locale)
        elif sys.stdin is not None:
            await console.answer_lines(answer, console.read_lines(sys.stdin.fileno()), locale=locale)


def _listed(index: Index, scope: frozenset[str] | None) -> list[tuple[str, str]]:
    shown = (document for document in index.documents if scope is None or document.source in scope)
    return [(document.title, document.source) for document in shown]


def _check(settings: Settings) -> None:
    try:
        check_index(settings.data_dir)
    except RetrievalError as error:
        _log.warning("%s", error)


def open_index(settings: Settings) -> Index:
    """The index brought up to date; what goes on is said on stderr."""
    words = _words(settings)
    with Status(words.reading, words) as status:
        return open_library(settings, words, status.note, status.progress)


def _words(settings: Settings) -> Messages:
    return messages_in(choose_language(None, _locale(settings)))


def _locale(settings: Settings) -> str | None:
    """The language that is set, else the locale of the terminal."""
    variables = ("LC_ALL", "LC_MESSAGES", "LANG")
    return settings.locale or next((value for name in variables if (value := os.environ.get(name))), None)
