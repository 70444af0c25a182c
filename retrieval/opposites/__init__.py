"""What speaks against a sentence that shares a question's words: it says the opposite, or the question denies.

"Which rocks cannot be melted?" shares all its words with "All rocks can be melted". Two things give such a question
away: a denial that the sentence does not have, and a word whose opposite stands in the sentence instead of it. The
opposites are those of en.txt and it.txt, written for this program, and of wordnet.txt (see LICENSE.md beside it;
``python -m tests.bench.opposites`` makes it).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import permutations

from retrieval.language import stem, straight, written_stems
from retrieval.types import Language, Opposition

FILES: dict[Language, tuple[str, ...]] = {"en": ("en.txt", "wordnet.txt"), "it": ("it.txt",)}

_FLAGS = re.IGNORECASE
_DENIES: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"\b(?:not|never|cannot|without|nobody|none|neither)\b|\w+n't\b|\bno\b(?! ?\.)", _FLAGS),
    "it": re.compile(r"\b(?:non|mai|senza|nessun[oa]?|neanche|nemmeno|neppure)\b", _FLAGS),
}
"""What makes a question ask for what is not so."""
_DENIED: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        _DENIES["en"].pattern
        + r"|\b(?:no|nor|nothing|non|nowhere|except\w*|exclu\w+|unless|instead|disagree\w*|lack\w*|absen\w+|fail\w*"
        r"|refus\w+|reject\w*|prevent\w*|avoid\w*|forb\w+|prohibit\w*|ban(?:s|ned)?|unable|impossib\w+|hardly|barely|rarely"
        r"|seldom|only|end(?:s|ed|ing)|stop(?:s|ped)?|ceas\w+|quit(?:s|ting)?|discontinu\w+|interrupt\w*|abandon\w*|cancel\w*"
        r"|terminat\w+|suspend\w*|abolish\w*|withdr[ae]w\w*|revok\w+|den(?:y|ies|ied)|los(?:e|es|t)|former|formerly)\b",
        _FLAGS,
    ),
    "it": re.compile(
        _DENIES["it"].pattern
        + r"|\b(?:no|né|nulla|niente|eccetto|tranne|salvo|esclu\w+|invece|disaccord\w*|manca\w*|assen\w+|fall\w+"
        r"|rifiut\w+|respin\w+|imped\w+|evit\w+|viet\w+|proib\w+|incapac\w+|impossibil\w+|raramente|solo|soltanto"
        r"|interromp\w+|interr[ou][tp][tp]\w+|cess(?:a|ano|ò|are|arono|at[oaie])|smett\w+|sm[ei]s[soe]\w*|termin(?:ò|are|at[oaie])"
        r"|abbandon\w+|sospe[ns]\w+|annull\w+|nega(?:no|re|t[oaie])?|abol\w+|ritir\w+|revoc\w+|pers[oaie]|perd\w+|ex)\b",
        _FLAGS,
    ),
}
"""What in a sentence may answer such a question: any denial, and verbs that hold one, those of ending among them."""


def opposition(question: str, text: str, language: Language) -> Opposition:
    """What ``question`` has against ``text``; both are taken for ``language``."""
    asked, plain = straight(question), straight(text)
    denial = _DENIES[language].search(asked)
    denied = denial is not None and not _DENIED[language].search(plain)
    return Opposition(denial.group() if denial and denied else "", _pair(question, text, language))


def _pair(question: str, text: str, language: Language) -> tuple[str, str] | None:
    # With function words, for "more" and "less" are among them.
    asked, opposites = written_stems(question, language), _opposites(language)
    opposable = [term for term in asked if term in opposites]
    found = written_stems(text, language) if opposable else {}
    for term in opposable:
        if term not in found:
            for other in opposites[term]:
                if other in found and other not in asked:
                    return asked[term], found[other]
    return None


@cache
def _opposites(language: Language) -> Mapping[str, tuple[str, ...]]:
    """Stem -> stems of its opposites, in alphabetical order."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in FILES[language]:
        for one, other in read_pairs(files("retrieval.opposites").joinpath(name).read_text("utf-8")):
            first, second = stem(one, language), stem(other, language)
            found[first].add(second)
            found[second].add(first)
    return {term: tuple(sorted(others)) for term, others in found.items()}


def read_pairs(text: str) -> Iterator[tuple[str, str]]:
    """The pairs of a file, whose lines are "a b | c" where a and b are each the opposite of c, or "= a b c" where each
    excludes the others; what follows "#" is a comment.
    """
    for line in (line.partition("#")[0].strip() for line in text.splitlines()):
        if line.startswith("="):
            yield from permutations(line[1:].split(), 2)
        elif line:
            left, _, right = line.partition("|")
            yield from ((one, other) for one in left.split() for other in right.split())
