"""Languages: telling Italian from English, and turning text into the terms that lexical search compares.

A term is a word normalised by NFKC and case folding, freed of Italian elisions, stemmed by Snowball for its language
and stripped of accents (people leave them out when they type). Function words are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import get_args

import Stemmer

from retrieval.types import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)

ANALYSIS_VERSION = "1"
"""Changes whenever the same text would give other terms; an index built with another value is stale."""

# Words that carry grammar rather than content. Question words belong here: no passage is about "which".
_ITALIAN = """
a ad agli ai al all alla alle allo anche ancora andare anzi appena avere aveva avevano avrebbe avuta avuto benche
benché bisogna c che chi ci ciascuno cio cioe circa coi col come con cos cosa cosi così cui d da dagli dai dal dall
dalla dalle dallo de degli dei del dell della delle dello dentro deve devi devo devono di dimmi ditemi dobbiamo dopo
dov dove dovete dovrebbe dovrei due dunque durante e ebbe ecco ed entro era erano essa esse essendo essere essi esso
fa fanno far fare fatto fece finche finché fino fosse fossero fra fu fui furono gia già gli ha hai hanno ho i il in
intorno invece io l la le lei li lo loro lui lungo m ma mai me mentre mi mia mie miei mio molta molte molti molto n ne
negli nei nel nell nella nelle nello nessun nessuna nessuno niente no noi non nostra nostre nostri nostro nulla né o
od ogni ognuno oltre oppure ossia per perche perché pero però piu più poi poiche possa possano possiamo posso possono
potete potrebbe potrei presso prima puo puoi pure può qual qualche qualcosa qualcuno quale quali quando quant quanta
quante quanti quanto quegli quel quell quella quelle quelli quello quest questa queste questi questo qui quindi s sa
sai saranno sarebbe sarà se secondo sei sembra sempre senza si sia siamo siano siete solo sono sotto spiegami sta stai
stanno stare stata state stati stato stava stesso su sua sue sugli sui sul sull sulla sulle sullo suo suoi sì t ti tra
tramite tu tua tue tuo tuoi tutta tutte tutti tutto un una uno v va vengono venne vennero verso vi via vicino viene
voglio vogliono voi vorrei vostra vostro vuole è
""".split()
_ENGLISH = """
a about above after again against all already also always am an and any anyone anything are as at be because been
before being below between both but by can cannot could d did didn do does doesn doing don done down during each
either else ever every few for from further give had has have having he her here hers herself him himself his how i if
in into is isn it its itself just ll m many may me might more most much must my myself never no nobody nor not nothing
now of off on once one only or other our ours out over own per please re s same shall she should so some someone
something such t tell than that the their theirs them then there these they this those through to too under until up
upon us ve very was wasn we were weren what when where whether which while who whom whose why will with within without
would yet you your yours
""".split()
_STOP_WORDS: dict[Language, frozenset[str]] = {"it": frozenset(_ITALIAN), "en": frozenset(_ENGLISH)}

# Function words of one language only: "a", "in", "come" or "me" say nothing about which of the two a text is in.
_ITALIAN_ONLY = _STOP_WORDS["it"] - _STOP_WORDS["en"] - {"cos", "due", "far", "fare", "sei", "state", "col", "via"}
_ENGLISH_ONLY = _STOP_WORDS["en"] - _STOP_WORDS["it"] - {"per", "am"}

# What questions are made of besides grammar: passages give a price without "costs", a name without "is called".
_GENERIC: dict[Language, frozenset[str]] = {
    "it": frozenset(
        """
        vale valgono valeva valore costa costano costava ammonta chiama chiamano chiamava chiamata chiamato nome trova
        trovano trovava situato situata significa dice succede successo accade accaduto avviene tipo tipi genere sorta
        esempio
        """.split()
    ),
    "en": frozenset(
        """
        worth cost costs called name named names located find found mean means happen happens happened type types kind
        kinds sort example term
        """.split()
    ),
}

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "ʹ": "'"})
# Letters and digits with their accents, which some files write as marks of their own (NFD).
_LETTERS = r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*"
# A number keeps its separators ("3.5", "1,000"); a word is letters, digits and marks, without the underscore.
_NUMBER = r"\d+(?:[.,]\d+)+"
_WORD = re.compile(rf"{_NUMBER}|{_LETTERS}(?:'(?:{_NUMBER}|{_LETTERS}))*")
_ELISION = re.compile(
    r"(?:[cdlmnstv]|un|all|dall|dell|nell|sull|coll|quell|quest|bell|sant|cos|com|dov|quand|quant|tutt|anch|senz|mezz|gl"
    r"|po)'",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"'(?:s|t|re|ve|ll|d|m)$", re.IGNORECASE)
_ELIDED = re.compile(r"\b(?:[dlc]|un|all|dall|dell|nell|sull|quest|quell|dov|cos|com|quand|quant)'\w", re.IGNORECASE)

_STEMMERS = {"it": Stemmer.Stemmer("italian"), "en": Stemmer.Stemmer("english")}


def detect_language(text: str) -> Language | None:
    """Tell Italian from English by function words; None where neither shows."""
    lowered = straight(unicodedata.normalize("NFC", text)).casefold()
    words = re.findall(r"[^\W\d_]+", lowered)
    italian = sum(word in _ITALIAN_ONLY for word in words) + len(_ELIDED.findall(lowered))
    english = sum(word in _ENGLISH_ONLY for word in words)
    if italian == english:
        # Final accented vowels are Italian spelling; English has next to none.
        return "it" if re.search(r"[àèìòù]\b", lowered) else None
    return "it" if italian > english else "en"


def straight(text: str) -> str:
    """``text``, as long as it is, with every sort of apostrophe written as ``'``."""
    return text.translate(_APOSTROPHES)


def words(text: str) -> list[tuple[str, int, int]]:
    """The words of a text as (normalised word, start, end), with offsets into ``text`` as given."""
    return list(_words(text))


@lru_cache(maxsize=64)
def _words(text: str) -> tuple[tuple[str, int, int], ...]:
    """Kept for a while: a search looks at its question, and at the best sentence, several times over."""
    found = []
    plain = straight(text)
    for match in _WORD.finditer(plain):
        start, end = match.span()
        raw = match.group()
        if "'" in raw:
            elision = _ELISION.match(raw)
            if elision:
                start += elision.end()
            possessive = _POSSESSIVE.search(raw, start - match.start() + 1)
            if possessive:
                end -= len(raw) - possessive.start()
        found.append((_normalise(plain[start:end]), start, end))
    return tuple(found)


def terms(text: str, language: Language) -> list[str]:
    """Stemmed content words in order, repeated where the text repeats them."""
    return [term for term, _, _ in term_spans(text, language)]


def term_spans(text: str, language: Language) -> list[tuple[str, int, int]]:
    """As terms, with the offsets of the word each term comes from."""
    stop = _STOP_WORDS[language]
    return [(stem(word, language), start, end) for word, start, end in words(text) if word not in stop]


def written_stems(text: str, language: Language) -> dict[str, str]:
    """Stem -> the word it comes from, as written; of function words too."""
    return {stem(word, language): text[start:end] for word, start, end in words(text)}


def is_stop_word(word: str, language: Language) -> bool:
    """Whether a normalised word carries grammar only."""
    return word in _STOP_WORDS[language]


def is_generic(word: str, language: Language) -> bool:
    """Whether a normalised word belongs to the phrasing of questions rather than to what they are about."""
    return word in _GENERIC[language]


@lru_cache(maxsize=65_536)
def stem(word: str, language: Language) -> str:
    """Snowball stem of a normalised word, without accents. https://snowballstem.org"""
    stemmed = str(_STEMMERS[language].stemWord(word))
    if stemmed.isascii():
        return stemmed
    decomposed = unicodedata.normalize("NFD", stemmed)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _normalise(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()
