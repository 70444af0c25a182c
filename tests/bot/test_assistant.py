from __future__ import annotations

import logging
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.assistant import MAX_QUESTION, Assistant, normalise
from bot.errors import AnswerFailed, BotError, ConfigError, Overloaded, QuestionRefused
from bot.messages import choose_language, messages_in
from bot.types import Outcome, Question, Reply
from retrieval.types import Language, Query, QuestionKind, SearchResult


def detect(text: str) -> Language | None:
    return "it" if "perché" in text else "en" if "why" in text else None


class FakeRetriever:
    def __init__(self, error: Exception | None = None) -> None:
        self.queries: list[Query] = []
        self.error = error

    async def search(self, query: Query) -> SearchResult:
        self.queries.append(query)
        if self.error is not None:
            raise self.error
        return SearchResult(language=detect(query.text), kind=QuestionKind.OTHER, hits=(), sources=(), support=0.25)


class FakeAnswerer:
    def __init__(self) -> None:
        self.questions: list[Question] = []

    async def answer(self, question: Question, result: SearchResult) -> Reply:
        self.questions.append(question)
        language = choose_language(result.language, question.locale)
        return Reply(Outcome.NOT_FOUND, "text", None, language, (), result.support)


def assistant(
    error: Exception | None = None, locale: str | None = None
) -> tuple[Assistant, FakeRetriever, FakeAnswerer]:
    retriever, answerer = FakeRetriever(error), FakeAnswerer()
    return Assistant(retriever, answerer, detect=detect, locale=locale), retriever, answerer


async def test_a_clean_question_goes_through_retriever_and_answerer_with_its_scope() -> None:
    it, retriever, answerer = assistant()
    scope = frozenset({"a.txt"})
    reply = await it.ask(Question("  why\n\tthis\x00? ", "it_IT", scope))
    assert retriever.queries == [Query("why this?", scope)]
    assert answerer.questions == [Question("why this?", "it_IT", scope)]
    assert reply.seconds > 0
    assert replace(reply, seconds=0) == Reply(Outcome.NOT_FOUND, "text", None, "en", (), 0.25)


async def test_a_forced_locale_goes_before_the_questions() -> None:
    it, _, answerer = assistant(locale="it")
    assert (await it.ask(Question("38?", "en_US"))).language == "it"
    assert answerer.questions[0].locale == "it"


@pytest.mark.parametrize("text", ["", "  \n ", "\x00\u200b\ufeff"])
async def test_an_empty_question_is_refused_in_the_locales_language(text: str) -> None:
    it, retriever, _ = assistant()
    with pytest.raises(QuestionRefused, match=r"^Scrivi una domanda\.$"):
        await it.ask(Question(text, "it_IT"))
    assert retriever.queries == []


async def test_a_long_question_is_refused_in_its_own_language_and_the_limit_itself_is_not() -> None:
    it, retriever, _ = assistant()
    with pytest.raises(QuestionRefused, match=r"2\.000 caratteri"):
        await it.ask(Question("perché " * MAX_QUESTION, "en"))
    with pytest.raises(QuestionRefused, match="2,000 characters"):
        await it.ask(Question("why " * MAX_QUESTION))
    assert retriever.queries == []
    await it.ask(Question(" " + "x" * MAX_QUESTION + " "))
    assert len(retriever.queries) == 1


async def test_an_unexpected_error_becomes_a_sentence_and_its_traceback_goes_to_the_debug_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    it, _, _ = assistant(ZeroDivisionError("secret detail"))
    with caplog.at_level(logging.DEBUG, "bot.assistant"), pytest.raises(AnswerFailed) as caught:
        await it.ask(Question("perché?"))
    assert str(caught.value) == messages_in("it").failed
    levels = {record.levelno: record for record in caplog.records}
    assert "ZeroDivisionError: secret detail" in levels[logging.ERROR].getMessage()
    assert levels[logging.ERROR].exc_info is None
    assert levels[logging.DEBUG].exc_info is not None


async def test_overload_is_said_in_the_questions_language_and_other_errors_of_ours_pass() -> None:
    it, _, _ = assistant(Overloaded("full"))
    with pytest.raises(Overloaded) as caught:
        await it.ask(Question("perché?"))
    assert str(caught.value) == messages_in("it").overloaded
    it, _, _ = assistant(ConfigError("a setting"))
    with pytest.raises(ConfigError, match="a setting"):
        await it.ask(Question("perché?"))


async def test_the_error_tree_is_one() -> None:
    assert {ConfigError.exit_status, QuestionRefused.exit_status} == {2}
    assert {BotError.exit_status, Overloaded.exit_status, AnswerFailed.exit_status} == {1}


@given(st.text(st.characters(), max_size=60))  # characters() includes surrogates
def test_a_normalised_question_is_one_encodable_line_of_visible_characters(text: str) -> None:
    clean = normalise(text)
    clean.encode("utf-8")
    assert clean == " ".join(clean.split())
    assert not {unicodedata.category(character) for character in clean} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert normalise(clean) == clean


@given(st.text(st.characters(exclude_categories=("C", "Z")), max_size=60))
def test_normalising_keeps_every_visible_character(text: str) -> None:
    assert normalise(text) == text
