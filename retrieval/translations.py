"""Words of one language for those of another, so that a question in English meets passages in Italian and the reverse.

A word list (translations.txt): each line is one concept, what English says left of the bar, what Italian says right of
it. Nothing is translated word for word into a sentence; each word of a question is looked for under any of the names
that the passages' language has for it (see retrieval.lexical for what that is worth).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from retrieval.equivalents import Named, Stems, content
from retrieval.language import stem, words
from retrieval.types import Language

SIDES: tuple[Language, Language] = ("en", "it")
"""The languages of a line, in order."""
LONGEST = 4
"""Words of a form at most."""


class Form(NamedTuple):
    """One way to name a concept."""

    words: tuple[str, ...]
    """Case-folded."""
    capital: bool
    """Whether it is written with a capital."""


def translated(question: str, question_language: Language, language: Language) -> list[Named]:
    """What ``question`` names, with what passages in ``language`` may call it; phrases before their words.

    A capital within the question that does not shout is that of a name, which only names translate: "Apple" is no
    fruit.
    """
    found = words(question)
    asked = [word for word, _, _ in found]
    stems = tuple(stem(word, question_language) for word in asked)
    shouted = question.isupper()
    capital = [place > 0 and not shouted and question[start].isupper() for place, (_, start, _) in enumerate(found)]
    forms = _forms(question_language)
    names: list[Named] = []
    for length in range(LONGEST, 0, -1):
        for place in range(len(stems) - length + 1):
            known = forms.get(stems[place : place + length])
            if known is None:
                continue
            alike = [(form, row) for form, row in known if form.capital or not any(capital[place:][:length])]
            mine = content(asked[place : place + length], question_language, language)
            others = tuple(dict.fromkeys(other for _, row in alike for other in _names(row, language) if other != mine))
            if mine and others:
                names.append(Named(mine, others, all(form.capital and _proper(row, language) for form, row in alike)))
    return names


@cache
def concepts() -> tuple[tuple[tuple[Form, ...], tuple[Form, ...]], ...]:
    """The lines of the list: the forms of each side."""
    lines = files("retrieval").joinpath("translations.txt").read_text("utf-8").splitlines()
    return tuple(_concept(line) for line in lines if line and not line.startswith("#"))


def _concept(line: str) -> tuple[tuple[Form, ...], tuple[Form, ...]]:
    english, italian = (
        tuple(Form(_split(form), form[0].isupper()) for form in side.split(", ")) for side in line.split(" | ")
    )
    return english, italian


def _split(form: str) -> tuple[str, ...]:
    """As words does, which takes ten times as long and is needed for elisions and hyphens alone."""
    plain = form.casefold().split()
    return tuple(plain if all(map(str.isalpha, plain)) else (word for word, _, _ in words(form)))


@cache
def _forms(language: Language) -> dict[Stems, list[tuple[Form, int]]]:
    """Stems of each form of a language -> the form and the row of its concept."""
    side = SIDES.index(language)
    found: dict[Stems, list[tuple[Form, int]]] = {}
    for row, concept in enumerate(concepts()):
        for form in concept[side]:
            found.setdefault(tuple(stem(word, language) for word in form.words), []).append((form, row))
    return found


@cache
def _names(row: int, language: Language) -> tuple[Stems, ...]:
    """The distinct terms of each form of a concept in ``language``."""
    forms = concepts()[row][SIDES.index(language)]
    return tuple(dict.fromkeys(filter(None, (content(form.words, language, language) for form in forms))))


def _proper(row: int, language: Language) -> bool:
    """Whether ``language`` writes a concept with a capital."""
    return all(form.capital for form in concepts()[row][SIDES.index(language)])
