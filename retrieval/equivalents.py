"""Words that stand for the same thing: "CEO" and "amministratore delegato", "UE" and "Unione europea".

A question that uses one form meets passages that use another, in either language. Only forms that mean one thing each
are listed (equivalents.txt): "us" and "it" are words of their own more often than they are short for anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from retrieval.language import is_stop_word, stem, words
from retrieval.types import Language

Stems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A thing that a question names by one of the forms listed."""

    terms: Stems
    """The question's terms for it, by the rules of the passages' language."""
    others: tuple[Stems, ...]
    """What may stand in a passage instead: all of the terms of one of these."""
    proper: bool
    """Whether it is the name of one thing, as "UE" is, not of a kind, as "CEO" is."""


def named(question: str, question_language: Language | None, language: Language) -> list[Named]:
    """What ``question`` names that has other names, as passages in ``language`` would hold them."""
    own = question_language or language
    asked = [word for word, _, _ in words(question)]
    stems = tuple(stem(word, own) for word in asked)
    forms = _forms(own)
    found: list[Named] = []
    place = 0
    while place < len(stems):
        length, group = max(
            ((len(form), group) for form, group in forms.get(stems[place], ()) if stems[place:][: len(form)] == form),
            default=(1, -1),
        )
        if group >= 0:
            mine = content(asked[place : place + length], own, language)
            others = tuple(terms for terms in _terms(group, language) if terms != mine)
            found.append(Named(mine, others, _groups()[group].proper))
        place += length
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    """One line of the list."""

    forms: tuple[Stems, ...]
    """Normalised words of each form."""
    proper: bool


@cache
def _forms(language: Language) -> dict[str, list[tuple[Stems, int]]]:
    """First stem -> the forms that begin with it, each with the row of its group."""
    found: dict[str, list[tuple[Stems, int]]] = {}
    for row, group in enumerate(_groups()):
        for form in group.forms:
            # "Un" and "ai" are grammar in Italian, whatever they are short for elsewhere.
            if not all(is_stop_word(word, language) for word in form):
                stems = tuple(stem(word, language) for word in form)
                found.setdefault(stems[0], []).append((stems, row))
    return found


@cache
def _terms(group: int, language: Language) -> tuple[Stems, ...]:
    """The distinct terms of each form of a group.

    Not of a form of which one word in several is left: "Stati Uniti" is no more than "uniti" where "stati" is grammar.
    """
    forms = _groups()[group].forms
    found = ((content(form, language, language), len(form)) for form in forms)
    return tuple(dict.fromkeys(terms for terms, length in found if len(terms) > 1 or len(terms) == length))


def content(form: Sequence[str], own: Language, language: Language) -> Stems:
    """Stems in ``language`` of what are no function words in ``own``: the terms that a question has for this form."""
    return tuple(stem(word, language) for word in form if not is_stop_word(word, own))


@cache
def _groups() -> tuple[_Group, ...]:
    lines = files("retrieval").joinpath("equivalents.txt").read_text("utf-8").splitlines()
    return tuple(
        _Group(tuple(tuple(word for word, _, _ in words(form)) for form in line.split("|")), line[0].isupper())
        for line in lines
        if line and not line.startswith("#")
    )
