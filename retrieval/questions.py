"""What a question asks for, and the spans of a sentence that have the form of such an answer.

Surface patterns only, in Italian and English: they rank sentences and point a reader to the words that answer; they
never decide on their own.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator

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
                r"\bquant[oaie]\b|\bquant'|\b(?:che|quale|qual)\s+(?:è\s+(?:il|la|l')\s*)?(?:percentuale|numero|prezzo"
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
            QuestionKind.MONEY,
            _compile(
                r"\bhow\s+much\b.{0,80}?\b(?:worth|cost|costs|paid|pay|pays|earn|earns|earned|spend|spends|spent|invest\w*|sell"
                r"|sold|raise|raised|make|makes|made|money)\b|\bwhat\s+(?:is\s+|was\s+)?(?:the\s+)?(?:price|cost)\b"
            ),
        ),
        (
            QuestionKind.QUANTITY,
            _compile(
                r"\bhow\s+(?:many|much|long|far|old|tall|big|large|high|deep|often|fast|wide)\b|\b(?:what|which)\s+"
                r"(?:is\s+the\s+|was\s+the\s+)?(?:percent|percentage|number|price|cost|distance|height|length|depth"
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

_MONTH = (
    r"(?:gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre|january|february"
    r"|march|april|may|june|july|august|september|october|november|december)"
)
_YEAR = r"(?:1\d{3}|20\d{2})(?!\d|[.,]\d)"
_TIME = _compile(
    rf"(?:\b\d{{1,2}}(?:st|nd|rd|th|º|°)?\s+(?:of\s+)?)?\b{_MONTH}\b(?:\s+\d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,?\s+(?:del\s+|of\s+)?{_YEAR})?"
    rf"|\b(?:(?:entro\s+|by\s+)?(?:la\s+|the\s+)?(?:fine|inizio|metà|end|beginning|start)\s+(?:del|degli|of)\s+)(?:the\s+)?(?:anni\s+)?{_YEAR}s?"
    rf"|\b(?:[1-9]|1\d|20|21)(?:st|nd|rd|th)\s+century\b|\b(?:[XVI]+|1\d|20|21)[°º]?\s+secolo\b|\bsecolo\s+[XVI]+\b"
    rf"|\b(?:anni\s+)?['’]?{_YEAR}(?:\s*[-–]\s*{_YEAR})?s?\b|\b\d{{1,2}}[:.]\d{{2}}\b|\b\d+\s+(?:anni|years|giorni|days|mesi|months)\b"
)
_NUMBER_WORD = (
    r"(?:due|tre|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|quindici|venti|trenta|quaranta|cinquanta"
    r"|(?:due|tre|quattro|cinque|sei|sette|otto|nove)?cento|mille|(?:due|tre|quattro|cinque|dieci|cento)mila|centinaia"
    r"|migliaia|decine|metà|terzo|quarto|doppio|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|fifteen|twenty|thirty|forty|fifty|hundred|hundreds|thousand|thousands|dozens?|half|third"
    r"|quarter|twice|once|millions?|billions?|milion[ei]|miliard[oi])"
)
_SCALE = (
    r"(?:mila|migliaia|centinaia|decine|milion[ei]|miliard[oi]|mille|mld|mln|bn|thousands?|millions?|billions?|trillions?"
    r"|hundreds?)"
)
_UNIT = (
    r"(?:%|per\s*cento\b|percento\b|percent\b|per\s+cent\b|€|\$|£|euro\b|dollar[io]\b|dollars?\b|sterlin[ae]\b|pounds?\b"
    r"|km²?|kg\b|chilometri\b(?:\s+quadrati\b)?|metri\b|miglia\b|miles\b|feet\b|acri\b|acres\b|ettari\b|anni\b|years\b"
    r"|giorni\b|days\b|mesi\b|months\b|ore\b|hours\b|minuti\b|minutes\b|secondi\b|seconds\b|gradi\b|degrees\b"
    r"|tonnellate\b|tons\b|utenti\b|users\b|persone\b|people\b)"
)
_QUANTITY = _compile(
    rf"(?:[$€£]\s*|\bUS\$\s*)?\b\d+(?:[.,\s]\d{{3}})*(?:[.,]\d+)?(?:\s*[-–]\s*\d+(?:[.,]\d+)?)?½?"
    rf"(?:\s*{_SCALE}\b)?(?:\s+(?:di|of))?(?:\s*{_UNIT})?"
    rf"|\b(?!due\s+to\b){_NUMBER_WORD}\b(?:\s+(?:di\s+|of\s+)?{_SCALE}\b)?(?:\s+(?:di|of))?(?:\s*{_UNIT})?"
)
_CURRENCY = _compile(r"[€$£]|\b(?:euro|dollar[io]|dollars?|sterlin[ae]|pounds?|lire|cents?|centesimi|yen)\b")
_TRAILING = re.compile(r"\s+(?:di|of)$", re.IGNORECASE)
_LINK = r"(?:di|del|della|dello|dei|degli|delle|d['’]|de|da|von|van|al|of|the|and|e|y|&|for|in)"
_CAPITAL = r"(?:[A-ZÀ-ÖØ-Þ][\w\u0300-\u036f’'&.-]*[\w\u0300-\u036f]|[A-ZÀ-ÖØ-Þ])"
_NAMES = re.compile(rf"{_CAPITAL}(?:\s+(?:{_LINK}\s*){{0,2}}{_CAPITAL}|\s+{_CAPITAL})*(?:\s+\d+)?")
_PERSONS = re.compile(rf"{_CAPITAL}(?:\s+(?:(?:de|da|von|van|al|bin|la|le)\s+)?{_CAPITAL})*")
_ENUMERATION = re.compile(r"\s*(?:,\s*+(?:(?:e|and|o|or)\s)?|\s(?:e|and|o|or|&)\s)\s*")
_REASON = _compile(
    r"\b(?:perché|poiché|in\s+quanto|dato\s+che|a\s+causa\s+d\w*|grazie\s+a\w*|per\s+via\s+d\w*|because|due\s+to|since"
    r"|so\s+that|in\s+order\s+to|as\s+a\s+result\s+of|thanks\s+to|owing\s+to|per\s+\w+(?:are|ere|ire)\b)"
    r"(?:[^.;:!?]|[.:](?=\d))*"
)
_MEANT = frozenset({"due", "Due", "sei", "Sei", "May"})
"""Function words that are also a number or a month; a lower-case "may" is none."""
_QUOTED = re.compile(r"[“«\"]([^”»\"]{2,80})[”»\"]")


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
    find = _FINDERS.get(kind)
    if find is None:
        return ()
    found = words(sentence)
    anchors = [(start, end) for word, start, end in found if stem(word, language) in known]
    starts, ends = [word[1] for word in found], [word[2] for word in found]
    spans: dict[Span, int] = {}
    for start, end in find(sentence):
        first, last = bisect_left(starts, start), bisect_right(ends, end)
        inside = found[first:last]
        if kind in _TRIMMED:
            inside = _trim(sentence, inside, language, known)
        if all(
            (is_stop_word(word, language) and sentence[low:high] not in _MEANT) or stem(word, language) in known
            for word, low, high in inside
        ):
            continue
        # A pattern may cut a word ("5 km" of "5 kmq").
        low = starts[first - 1] if first and ends[first - 1] > start else start
        high = ends[last] if last < len(found) and starts[last] < end else end
        span = (inside[0][1], inside[-1][2]) if kind in _TRIMMED else (low, high)
        # A lone first word owes its capital to its place.
        opening = kind in _TRIMMED and inside[0] is found[0] and len(inside) == 1
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


def _matches(pattern: _Pattern) -> Callable[[str], Iterator[Span]]:
    def find(sentence: str) -> Iterator[Span]:
        for match in pattern.finditer(sentence):
            start, end = match.span()
            tail = _TRAILING.search(sentence, start, end)
            yield start, tail.start() if tail else end

    return find


def _amounts(sentence: str) -> Iterator[Span]:
    """Quantities with a currency."""
    for start, end in _matches(_QUANTITY)(sentence):
        if _CURRENCY.search(sentence, start, end):
            yield start, end


def _persons(sentence: str) -> Iterator[Span]:
    """Runs of capitalised words: names of people hold no "of" and no "and"."""
    yield from (match.span() for match in _PERSONS.finditer(sentence))


def _names(sentence: str) -> Iterator[Span]:
    """Capitalised runs; enumerations of them ("Oracle, SoftBank e AMD") as one span first."""
    runs = [match.span() for match in _NAMES.finditer(sentence)]
    merged: list[Span] = []
    for start, end in runs:
        if merged and _ENUMERATION.fullmatch(sentence, merged[-1][1], start):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    yield from merged
    yield from runs


def _names_or_quotes(sentence: str) -> Iterator[Span]:
    yield from (match.span(1) for match in _QUOTED.finditer(sentence))
    yield from _names(sentence)


_FINDERS: dict[QuestionKind, Callable[[str], Iterator[Span]]] = {
    QuestionKind.TIME: _matches(_TIME),
    QuestionKind.QUANTITY: _matches(_QUANTITY),
    QuestionKind.MONEY: _amounts,
    QuestionKind.REASON: _matches(_REASON),
    QuestionKind.PERSON: _persons,
    QuestionKind.PLACE: _names,
    QuestionKind.NAME: _names_or_quotes,
}

_TRIMMED = frozenset({QuestionKind.PERSON, QuestionKind.PLACE, QuestionKind.NAME})
