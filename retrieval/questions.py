"""What a question asks for, and the spans of a sentence that have the form of such an answer.

Surface patterns only, in Italian and English: they rank sentences and point a reader to the words that answer; they
never decide on their own.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Collection

from retrieval.forms import FINDERS, NAMED
from retrieval.language import is_stop_word, stem, straight, words
from retrieval.types import Language, QuestionKind, Span

_Pattern = re.Pattern[str]


def _compile(pattern: str, flags: int = re.IGNORECASE) -> _Pattern:
    return re.compile(pattern, flags)


# At the same place in a question the earlier rule decides: the specific before the general ("what year", "what").
_RULES: dict[Language, tuple[tuple[QuestionKind, _Pattern], ...]] = {
    "it": (
        (
            QuestionKind.TIME,
            _compile(
                r"\bquando\b|\bquand'|\b(?:che|quale|quali|qual)\s+(?:anno|anni|mese|mesi|giorno|giorni|data|date|secolo|secoli"
                r"|decennio|periodo|epoca|momento|ora)\b|\ba\s+che\s+ora\b"
            ),
        ),
        (
            QuestionKind.DURATION,
            _compile(
                r"\bquanto\s+(?:\w+\s+)?(?:dur\w+|tempo)\b|\bquant[ie]\s+(?:secondi|minuti|ore|giorni|settimane|mesi|decenni"
                r"|secoli|anni(?!\s+(?:ha|hai|hanno|aveva|avevano|ebbe|compie)\b))\b|\bquanto\s+ci\s+(?:vuole|vorrà|volle|mett\w+)\b"
                r"|\bentro\s+quanto\b|\b(?:che|quale|qual)\s+(?:(?:è|era|fu)\s+la\s+)?durata\b"
            ),
        ),
        (
            QuestionKind.SHARE,
            _compile(r"\b(?:che|quale|qual)\s+(?:(?:è|era|fu|è\s+stata)\s+la\s+)?(?:percentuale|frazione)\b"),
        ),
        (
            QuestionKind.MONEY,
            _compile(
                r"\bquant[oi]\b.{0,80}?\b(?:val(?:e|gono|eva|so)|cost(?:a|ano|ò|ato|erà)|guadagn\w+|pag(?:a|ano|ò|ato|ata)"
                r"|spes[oa]|spende|invest\w+|incass\w+)\b|\bquant[oi]\s+(?:denaro|soldi|dollari|euro)\b"
                r"|\b(?:che|quale|qual)\s+(?:è\s+|era\s+)?(?:il\s+|l')?(?:prezzo|costo|fatturato|importo)\b"
            ),
        ),
        (
            QuestionKind.QUANTITY,
            _compile(
                r"\bquant[oaie]\b|\bquant'|\b(?:che|quale|qual)\s+(?:è\s+(?:il|la|l')\s*)?(?:numero|prezzo"
                r"|costo|valore|cifra|distanza|altezza|lunghezza|profondità|superficie|popolazione|età|importo|somma"
                r"|velocità|temperatura|tasso|quota)\b"
            ),
        ),
        (
            QuestionKind.PLACE,
            _compile(
                r"\bdove\b|\bdov'|\b(?:che|quale|quali|qual)\s+(?:città|paese|paesi|stato|stati|luogo|luoghi|regione"
                r"|regioni|nazione|continente|isola|fiume|provincia|zona|area)\b"
            ),
        ),
        # Who or what something is: a definition, in no form that could be told.
        (
            QuestionKind.OTHER,
            _compile(
                r"\bchi\s+(?:è|e'|era|sono|erano|fu)\s+(?-i:[A-ZÀ-Þ])|\b(?:che\s+)?cos(?:a\s+sono\b|'è\b|'e'|'era\b)"
            ),
        ),
        (QuestionKind.REASON, _compile(r"\bperch[éeè]\b|\b(?:quale|che)\s+(?:motivo|ragione)\b|\bcome\s+mai\b")),
        (QuestionKind.PERSON, _compile(r"\bchi\b")),
        (QuestionKind.MANNER, _compile(r"^\W*(?:in\s+che\s+modo|in\s+quale\s+modo|come|com')\b")),
        (QuestionKind.NAME, _compile(r"\b(?:quale|quali|qual|che)\b|\bcos[a']")),
    ),
    "en": (
        (
            QuestionKind.TIME,
            _compile(
                r"\bwhen\b|\b(?:what|which)\s+(?:year|years|month|months|day|date|century|decade|time|era|period)\b"
            ),
        ),
        (
            QuestionKind.DURATION,
            _compile(
                r"\bhow\s+long\b|\bhow\s+(?:much|many)\s+(?:more\s+)?(?:seconds|minutes|hours|days|weeks|months|years|decades"
                r"|centuries|time)\b|\b(?:what|which)\s+(?:is|was|are)\s+the\s+duration\b"
            ),
        ),
        (
            QuestionKind.SHARE,
            _compile(
                r"\b(?:what|which)\s+(?:(?:is|was)\s+the\s+(?:\w+\s+)?)?(?:percent|percentage|fraction|proportion)\b"
            ),
        ),
        (
            QuestionKind.MONEY,
            _compile(
                r"\bhow\s+much\b.{0,80}?\b(?:worth|cost|costs|paid|pay|pays|earn|earns|earned|spend|spends|spent|invest\w*|sell"
                r"|sold|raise|raised|make|makes|made|money)\b|\bwhat\s+(?:is\s+|was\s+)?(?:the\s+)?(?:price|cost)\b"
            ),
        ),
        (
            QuestionKind.QUANTITY,
            _compile(
                r"\bhow\s+(?:many|much|far|old|tall|big|large|high|deep|often|fast|wide)\b|\b(?:what|which)\s+"
                r"(?:is\s+the\s+|was\s+the\s+)?(?:number|price|cost|distance|height|length|depth"
                r"|population|age|amount|sum|speed|rate|share|size)\b"
            ),
        ),
        (
            QuestionKind.PLACE,
            _compile(
                r"\bwhere\b|\b(?:what|which)\s+(?:city|cities|country|countries|state|states|place|region|nation|town"
                r"|continent|island|river|county|area|location)\b"
            ),
        ),
        (QuestionKind.OTHER, _compile(r"\bwho\s+(?:is|was|are|were)\s+(?-i:[A-Z])")),
        (QuestionKind.REASON, _compile(r"\bwhy\b|\b(?:what|which)\s+(?:reason|reasons|cause)\b")),
        (QuestionKind.PERSON, _compile(r"\bwho\b|\bwhom\b|\bwhose\b")),
        (QuestionKind.MANNER, _compile(r"^\W*how\b|\bin\s+what\s+way\b")),
        (QuestionKind.NAME, _compile(r"\b(?:what|which)\b|\bname\b")),
    ),
}

_MEANT = frozenset({"due", "Due", "sei", "Sei", "May"})
"""Function words that are also a number or a month; a lower-case "may" is none."""


def classify(question: str, language: Language | None) -> QuestionKind:
    """What the question's wording asks for; without a language both are tried."""
    question = straight(unicodedata.normalize("NFC", question))
    found: list[tuple[int, int, QuestionKind]] = []
    for rules in (_RULES[language],) if language else _RULES.values():
        for order, (kind, pattern) in enumerate(rules):
            if match := pattern.search(question):
                found.append((match.start(), order, kind))
    # The first question word asks; later ones are conjunctions and relatives ("what happened when ...").
    return min(found)[2] if found else QuestionKind.OTHER


def answer_spans(kind: QuestionKind, sentence: str, language: Language, known: Collection[str]) -> tuple[Span, ...]:
    """Spans of ``sentence`` in the form of an answer, likeliest first; offsets into ``sentence``.

    ``known`` holds the question's terms in ``language``: a span that only repeats them answers nothing.
    """
    find = FINDERS.get(kind)
    if find is None:
        return ()
    found = words(sentence)
    anchors = [(start, end) for word, start, end in found if stem(word, language) in known]
    starts, ends = [word[1] for word in found], [word[2] for word in found]
    spans: dict[Span, int] = {}
    for start, end in find(sentence):
        first, last = bisect_left(starts, start), bisect_right(ends, end)
        inside = found[first:last]
        if kind in NAMED:
            inside = _trim(sentence, inside, language, known)
        if all(
            (is_stop_word(word, language) and sentence[low:high] not in _MEANT) or stem(word, language) in known
            for word, low, high in inside
        ):
            continue
        # A pattern may cut a word ("5 km" of "5 kmq").
        low = starts[first - 1] if first and ends[first - 1] > start else start
        high = ends[last] if last < len(found) and starts[last] < end else end
        span = (inside[0][1], inside[-1][2]) if kind in NAMED else (low, high)
        # A lone first word owes its capital to its place.
        opening = kind in NAMED and inside[0] is found[0] and len(inside) == 1
        spans.setdefault(span, _distance(span, anchors) + opening * len(sentence))
    # The answer stands near the words of the question: "chatbot Claude", "utenti", "implementazione ... 2026".
    return tuple(sorted(spans, key=lambda span: spans[span]))


def _trim(
    sentence: str, inside: list[tuple[str, int, int]], language: Language, known: Collection[str]
) -> list[tuple[str, int, int]]:
    """Drop what repeats the question from both ends: of "Microsoft Satya Nadella", asked about Microsoft, the name.

    A function word goes too, unless its capitals say that it is part of the name: "Theresa May", "US", but "Il Sole".
    """

    def empty(word: str, start: int, end: int, *, opens: bool) -> bool:
        raw = sentence[start:end]
        meant = raw.isupper() if opens or len(raw) == 1 else raw[:1].isupper()
        return stem(word, language) in known or (is_stop_word(word, language) and not (meant and len(raw) > 1))

    while inside and empty(*inside[0], opens=True):
        inside = inside[1:]
    while inside and empty(*inside[-1], opens=False):
        inside = inside[:-1]
    return inside


def _distance(span: Span, anchors: list[Span]) -> int:
    """Characters between a span and the nearest word of the question outside it; 0 where it holds one."""
    return min((max(start - span[1], span[0] - end, 0) for start, end in anchors), default=0)
