from __future__ import annotations

import string
from dataclasses import fields
from typing import get_args

import pytest

from bot.messages import CATALOGUE, Messages, choose_language, messages_in
from retrieval.types import Language

FIELDS = [field.name for field in fields(Messages)]


def placeholders(sentence: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_every_language_has_its_sentences() -> None:
    assert set(CATALOGUE) == set(get_args(Language))


@pytest.mark.parametrize("field", FIELDS)
def test_sentences_are_complete_and_take_the_same_values(field: str) -> None:
    texts = {language: getattr(messages_in(language), field) for language in get_args(Language)}
    assert all(text.strip() == text and text for text in texts.values())
    assert len({frozenset(placeholders(text)) for text in texts.values()}) == 1


@pytest.mark.parametrize("field", [field for field in FIELDS if field not in ("seconds",)])
def test_no_sentence_was_left_untranslated(field: str) -> None:
    assert len({getattr(messages, field) for messages in CATALOGUE.values()}) == len(CATALOGUE)


@pytest.mark.parametrize(
    ("detected", "locale", "expected"),
    [
        ("it", "en_GB", "it"),
        ("en", "it_IT.UTF-8", "en"),
        (None, "it_IT.UTF-8", "it"),
        (None, "it-CH", "it"),
        (None, "IT", "it"),
        (None, "it", "it"),
        (None, "en_US", "en"),
        (None, "ita_IT", "en"),
        (None, "fr_FR", "en"),
        (None, "C", "en"),
        (None, "", "en"),
        (None, None, "en"),
    ],
)
def test_the_bot_speaks_the_questions_language_else_the_locales(
    detected: Language | None, locale: str | None, expected: Language
) -> None:
    assert choose_language(detected, locale) == expected
