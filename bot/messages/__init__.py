"""The bot's own sentences, and the language in which it says them."""

from __future__ import annotations

from bot.messages.catalogue import Messages
from bot.messages.en import EN
from bot.messages.it import IT
from retrieval.types import Language

__all__ = ["CATALOGUE", "Messages", "choose_language", "messages_in"]

CATALOGUE: dict[Language, Messages] = {"en": EN, "it": IT}


def messages_in(language: Language) -> Messages:
    """All sentences in one language."""
    return CATALOGUE[language]


def choose_language(detected: Language | None, locale: str | None = None) -> Language:
    """The question's language, else the locale's (``it``, ``it_IT.UTF-8``, ``it-CH``), else English."""
    if detected is not None:
        return detected
    prefix = (locale or "").replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return "it" if prefix in ("it", "italian") else "en"
