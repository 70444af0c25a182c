"""The spans of a sentence that have the form of an answer: a date, an amount, a name. Italian and English alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from retrieval.types import QuestionKind, Span

_Pattern = re.Pattern[str]


def _compile(pattern: str) -> _Pattern:
    return re.compile(pattern, re.IGNORECASE)


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
    r"(?:due|tre|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|tredici|quattordici|quindici|sedici|diciassette"
    r"|diciotto|diciannove|venti|trenta|quaranta|cinquanta|sessanta|settanta|ottanta|novanta"
    r"|(?:due|tre|quattro|cinque|sei|sette|otto|nove)?cento|mille|(?:due|tre|quattro|cinque|dieci|cento)mila|centinaia"
    r"|migliaia|decine|metà|terzo|quarto|doppio|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety|hundred|hundreds|thousand|thousands|dozens?|half|third"
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
_LASTING = (
    r"(?:second[oi]|minut[oi]|or[ae]|giorn[oi]|giornat[ae]|settiman[ae]|mes[ei]|trimestr[ei]|semestr[ei]|ann[oi]|decennio?"
    r"|secol[oi]|seconds?|minutes?|hours?|days?|nights?|weeks?|months?|quarters|years?|decades?|century|centuries)"
)
_LONG = r"(?:km|cm|chilometri|metri|miglia|kilomet(?:er|re)s|met(?:er|re)s|miles|feet|foot|inches|yards)"
_COUNT = rf"(?:\d+(?:[.,]\d+){{0,3}}|{_NUMBER_WORD})"
_FEW = (
    r"(?:(?:un[oa]?|mezz[oa]|qualche|alcun[ie]|poch[ie]|divers[ie]|parecchie?|an?|one|several|few|many|some)\b|un['’])"
)
# "Five to ten years", "mezz'ora", "seven-year", "settennale", "per secoli", "from 1914 to 1918", "until the 19th
# century"; in English how long a thing is in metres is asked for with the same words.
_DURATION = _compile(
    rf"\b{_COUNT}(?:\s*(?:[-–]|to\b|or\b|and\b|a\b|o\b|e\b)\s*{_COUNT})?[\s-]+(?:\w+\s+)?(?:{_LASTING}|{_LONG})\b"
    rf"|\b(?:{_FEW}\s*|mezz['’])(?:(?:half|intero|intera|whole|full)\s+)?{_LASTING}\b"
    rf"|\b(?:bi|tri|quadri|quinqu|se[st]t|dec|vent|trent|plur)ennal[ei]\b|\b(?:bi|tri)?mestral[ei]\b|\bsemestral[ei]\b"
    rf"|\b(?:for|in|within|takes?|took|lasts?|lasted|per|entro|dura(?:no|rono|ta|to)?|durò)\s+{_LASTING}\b"
    rf"|\b(?:(?:from|between|dal(?:l['’])?|dagli|tra\s+il|fra\s+il)\s*)?{_YEAR}\s*(?:[-–]|to|until|and|al|fino\s+al|e\s+il)\s*{_YEAR}"
    rf"|\b(?:until|till|fino\s+a\w*)\s+(?:[^\s.;:!?,]+\s+){{0,6}}?(?:{_YEAR}|{_MONTH}\b|century\b|secolo\b)"
)
_SHARE = _compile(
    rf"\b(?:\d+(?:[.,]\d+)?(?:\s*[-–]\s*\d+(?:[.,]\d+)?)?|{_NUMBER_WORD})\s*(?:%|(?:per\s*cento|percento|percent|per\s+cent)\b)"
    rf"|\b(?:un|due|tre|quattro)\s+(?:terz[oi]|quart[oi]|quint[oi]|sest[oi]|ottav[oi]|decim[oi])\b"
    rf"|\b(?:an?|one|two|three|four)[\s-]+(?:thirds?|quarters?|fifths?|sixths?|eighths?|tenths?)\b|\b(?:la\s+)?metà\b|\bhalf\b"
    rf"|\b(?:one|un[oa]|{_COUNT})\s+(?:in|out\s+of|su)\s+{_COUNT}\b"
)
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
_QUOTED = re.compile(r"[“«\"]([^”»\"]{2,80})[”»\"]")


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


FINDERS: dict[QuestionKind, Callable[[str], Iterator[Span]]] = {
    QuestionKind.TIME: _matches(_TIME),
    QuestionKind.QUANTITY: _matches(_QUANTITY),
    QuestionKind.DURATION: _matches(_DURATION),
    QuestionKind.SHARE: _matches(_SHARE),
    QuestionKind.MONEY: _amounts,
    QuestionKind.REASON: _matches(_REASON),
    QuestionKind.PERSON: _persons,
    QuestionKind.PLACE: _names,
    QuestionKind.NAME: _names_or_quotes,
}
"""What finds the spans of a sentence that may answer a question of a kind; other kinds have no form."""

NAMED = frozenset({QuestionKind.PERSON, QuestionKind.PLACE, QuestionKind.NAME})
"""Kinds whose answers are names."""
