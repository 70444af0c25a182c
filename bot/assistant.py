"""The one way in: a question becomes a reply, whatever happens on the way."""

from __future__ import annotations

import logging
import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from bot.errors import AnswerFailed, BotError, Overloaded, QuestionRefused
from bot.messages import Messages, choose_language, messages_in
from bot.types import Question, Reply
from retrieval.types import Language, Query, SearchResult

MAX_QUESTION = 2000
"""Characters. Several times what the embedding model reads and what Slack or Discord users write."""

_log = logging.getLogger(__name__)
_SPACES = re.compile(r"\s+")


class Retriever(Protocol):
    """Finds passages without blocking the event loop."""

    async def search(self, query: Query) -> SearchResult: ...


class Answerer(Protocol):
    """Turns what was found into a reply; ``seconds`` is left to the assistant."""

    async def answer(self, question: Question, result: SearchResult) -> Reply: ...


class Assistant:
    """Answers questions. ``detect`` tells a question's language where it can; ``locale`` overrides every question's."""

    def __init__(
        self,
        retriever: Retriever,
        answerer: Answerer,
        *,
        detect: Callable[[str], Language | None],
        locale: str | None = None,
    ) -> None:
        self._retriever = retriever
        self._answerer = answerer
        self._detect = detect
        self._locale = locale

    async def ask(self, question: Question) -> Reply:
        """The reply to one question.

        Raises QuestionRefused, Overloaded or AnswerFailed, each with a sentence in the question's language.
        """
        started = time.perf_counter()
        locale = self._locale or question.locale
        text = normalise(question.text)
        words = messages_in(choose_language(self._detect(text), locale))
        check_length(text, words)
        question = replace(question, text=text, locale=locale)
        try:
            result = await self._retriever.search(Query(question.text, question.scope))
            reply = await self._answerer.answer(question, result)
        except Overloaded as error:
            raise Overloaded(words.overloaded) from error
        except BotError:
            raise
        except Exception as error:
            _log.error("a question could not be answered: %s: %s", type(error).__name__, error)
            _log.debug("traceback", exc_info=error)
            raise AnswerFailed(words.failed) from error
        return replace(reply, seconds=time.perf_counter() - started)


def normalise(text: str) -> str:
    """The question as one clean line.

    Runs of white space become one space; control and invisible formatting characters go; bytes that were not text
    become U+FFFD, so that no tokenizer or encoder fails on them.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_normalise_character(character) for character in text)
    return _SPACES.sub(" ", text).strip()


def _normalise_character(character: str) -> str:
    if character.isspace():
        return " "
    match unicodedata.category(character):
        case "Cc" | "Cf":
            return ""
        case "Cs":
            return "\ufffd"
        case _:
            return character


def check_length(text: str, words: Messages) -> None:
    """Raise QuestionRefused where a normalised question is empty or longer than MAX_QUESTION."""
    if not text:
        raise QuestionRefused(words.empty_question)
    if len(text) > MAX_QUESTION:
        limit = f"{MAX_QUESTION:,}".replace(",", "." if words.decimal_mark == "," else ",")
        raise QuestionRefused(words.long_question.format(limit=limit))
