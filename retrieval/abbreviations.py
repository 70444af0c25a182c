"""Abbreviations and initials of Italian and English: when a full stop does not end a sentence."""

from __future__ import annotations

import re

from retrieval.language import is_stop_word
from retrieval.types import Language

# Always followed by what they belong to.
_ALWAYS_BOTH = "dr prof ing st ss mr mrs ms mons vs cf ca approx gen col vol vols sez sect e.g i.e rev"
_ALWAYS: dict[Language, frozenset[str]] = {
    "it": frozenset(
        f"""{_ALWAYS_BOTH} dott dott.ssa dr.ssa d.ssa prof.ssa proff sig sig.ra sig.na sigg avv arch geom rag on sen cap
        magg ten serg card egr spett gent ill.mo f.lli c.so v.le p.zza p.za l.go cfr vd es p.es c.d art artt lett
        pag pagg fig figg tab tav voll nn nr tel cell int trad pres dir segr amm sac av lat vicepres ten.col""".split()
    ),
    "en": frozenset(
        f"""{_ALWAYS_BOTH} messrs mme mlle hon capt lt sgt maj cpl adm cmdr gov pres sen rep supt mt ft viz figs nos
        vols pp""".split()
    ),
}
_ALWAYS_CASED = frozenset({"S", "v"})  # "S. Pietro", "Roe v. Wade"
# Followed by a number or numeral where they are abbreviations; otherwise they may well end a sentence ("No.").
_NUMBERED_BOTH = "n no nos p pp c v s l art par fig figs tab cap ch chap sec eq op ed"
_NUMBERED: dict[Language, frozenset[str]] = {
    "it": frozenset(
        f"""{_NUMBERED_BOTH} d.lgs d.l d.p.r dpr num rif prot gen feb febbr mar apr mag giu lug ago set sett ott nov
        dic""".split()
    ),
    "en": frozenset(f"{_NUMBERED_BOTH} para pt ref refs al jan feb mar apr jun jul aug sep sept oct nov dec".split()),
}
# Inside a sentence as often as at its end; only a left side too short for a sentence speaks for the former.
_EITHER = frozenset(
    """a.c d.c a.d b.c b.c.e c.e ecc etc s.p.a s.r.l s.n.c s.a spa srl inc ltd co corp jr sr bros u.s u.s.a u.k u.n e.u
    a.m p.m ph.d al est dept univ cit""".split()
)
_SHORT_WORDS = 3
# sentencex takes these for abbreviations wherever they stand; in Italian so many words ("mai", "bar", "radar") that
# only the lists above are believed.
_ENGLISH_WORDS = frozenset("no may me art ill miss fed ken".split())

# "Vitamin C. Then": a letter after one of these is a label, not an initial.
_LABELLED = frozenset(
    """vitamina vitamine vitamin serie series piano plan gruppo group classe class tipo type punto point lettera letter
    parte part epatite hepatitis zona zone livello level categoria category cellula cellule cell cells raggi raggio
    rays ray linfocita linfociti allegato annex appendice appendix figura figure opzione option fase phase
    virus""".split()
)
_NAME_PARTICLES = frozenset("de di da del della dei degli la lo li le van von d l".split())

_LAST_TOKEN = re.compile(r"(?:^|[^\w.])((?:[^\W\d_]+[.'’])*[^\W\d_]+)\.$")
_FIRST_WORD = re.compile(r"[^\w]*([^\W\d_]+)")
_INITIAL = re.compile(r"(?:(\S+)\s+|^)[\"'“«(\[-]?(?:[^\W\d_]\.[\s-]?)+$")
# A lone "I" is a pronoun or an article more often than a numeral.
_NUMERAL = re.compile(r"[(\[§°º\s]*(?:\d|(?:[VXLCDM]|[IVXLCDM]{2,})\b(?!['’]))")
_LETTERED = re.compile(r"[\"'“«(\[]*[^\W\d_]\.")
_ERA = re.compile(r"C\.")


def opens_with_function_word(after: str, language: Language) -> bool:
    """Whether the first word is one that starts many sentences, such as an article."""
    word = _FIRST_WORD.match(after)
    return word is not None and is_stop_word(word[1].casefold(), language)


def may_end_sentence(before: str) -> bool:
    """Whether ``before`` ends in an abbreviation that ends sentences as often as not ("the U.S.")."""
    token = _LAST_TOKEN.search(before)
    return token is not None and token[1].casefold() in _EITHER


def ends_in_plain_word(before: str, language: Language) -> bool:
    """Whether ``before`` ends in a word that sentencex may have taken for an abbreviation, but that is none."""
    token = _LAST_TOKEN.search(before)
    if not token:
        return False
    name = token[1].casefold()
    if language == "en":
        return name in _ENGLISH_WORDS
    return len(name) > 1 and "." not in name and not any(name in words for words in (_ALWAYS["it"], _EITHER))


def goes_on_after_abbreviation(before: str, after: str, whole: bool, language: Language) -> bool:
    """Whether ``before`` ends in an abbreviation or initial that ``after`` continues.

    Both are the few words next to the boundary; ``whole`` says that ``before`` is all there is on its side.
    """
    found = _LAST_TOKEN.search(before)
    if not found:
        return False
    token = found[1].replace("’", "'").rpartition("'")[2]
    name = token.casefold()
    return (
        name in _ALWAYS[language]
        or token in _ALWAYS_CASED
        or (name in _NUMBERED[language] and bool(_NUMERAL.match(after)))
        or (name in _EITHER and whole and len(before.split()) <= _SHORT_WORDS)
        or (token in ("a", "d") and bool(_ERA.match(after)))
        or (len(token) == 1 and token.isupper() and _is_initial(token, before, after, language))
    )


def _is_initial(letter: str, before: str, after: str, language: Language) -> bool:
    """Whether a single capital with its full stop, at the end of ``before``, shortens a name that goes on."""
    following = _FIRST_WORD.match(after)
    found = _INITIAL.search(before)
    if not found or not following or not following[1][0].isupper():
        return False
    preceding = found[1] or ""
    word = preceding.strip("\"'“«(").casefold()
    if word in _LABELLED:
        return False
    named = not word or not preceding[0].islower() or is_stop_word(word, language)
    name = following[1].casefold()
    if letter == "I" and language == "en":
        joined = named and not preceding[:1].islower()
    elif name in _NAME_PARTICLES:
        joined = named or bool(_LETTERED.match(after))
    else:
        joined = bool(_LETTERED.match(after)) or not is_stop_word(name, language)
    return joined
