"""What in a running text a question can be made of, and natural words for it in Italian and English. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from retrieval.types import Language


@dataclass(frozen=True, slots=True)
class Wording:
    """The questions of one language."""

    person: str
    name: str
    heading: str
    abbreviation: str
    plan: str


# Words of grammar for the most part: what else a question holds, the documents would have to hold as well.
WORDING: dict[Language, Wording] = {
    "it": Wording(
        person="Chi è {name}?",
        name="Che cosa si sa {name}?",
        heading="Che cosa si dice su «{heading}»?",
        abbreviation="Che cosa significa {short}?",
        plan="Che cosa è previsto per il {year}?",
    ),
    "en": Wording(
        person="Who is {name}?",
        name="What can you tell me about {name}?",
        heading="What can you tell me about “{heading}”?",
        abbreviation="What does {short} stand for?",
        plan="What is planned for {year}?",
    ),
}


class Fact(NamedTuple):
    """A question, and what the sentence it was read from says in reply."""

    question: str
    about: str
    answer: str


# Two letters and more: the "L" of "L'azienda" is no word. No backtracking and not long: a text may be all capitals.
_WORD = r"[A-ZÀ-Þ][\w&-]{1,30}+(?<=\w)(?![\w-])"
_PERSON = rf"{_WORD} (?:(?:de|di|da|van|von|bin|al) )?{_WORD}(?: [IVX]+\b)?(?! {_WORD})"
_GROUP = rf"{_WORD}(?: {_WORD}){{0,3}}"
_LINK = "of the|of|for|della|dello|dell['’]|dei|degli|delle|del|di|van|von"
# After a word or a comma: a capital that only opens a sentence makes no name.
_INSIDE = r"(?:(?<![\w'’.-])(?P<before>[a-zà-ÿ]+['’]?),? ?|[,;)\d] |\()"
# Not "the Seven Years' War", of which a part would be left.
_NAME = re.compile(rf"{_INSIDE}(?P<name>{_WORD}(?: (?:(?:{_LINK}) )?{_WORD}){{0,3}}+)(?!['’] {_WORD})")
_ABBREVIATION = re.compile(
    rf"(?P<full>{_WORD}(?: (?:(?:of|the|for|and|di|del|della|per|e) )*{_WORD}){{1,5}}) \((?P<short>[A-Z]{{2,6}})\)"
)
_YEAR = re.compile(r"\b(?:in|by|until|for|nel|entro il|dal|per il|fine del|end of) (20\d\d)\b(?![.,]?\d)")

_IT_ROLE = (
    "CEO|presidente|vicepresidente|fondatore|fondatrice|cofondatore|direttore|direttrice|direttore generale|ministro"
    "|ministra|sindaco|sindaca|governatore|segretario|segretaria|segretario generale|portavoce|re|regina|rettore"
    "|rettrice|amministratore delegato|amministratrice delegata|imperatore|imperatrice|allenatore|allenatrice"
)
_FIRM_ROLE = "CEO|CFO|CTO|chief executive|chairman|chairwoman|founder|co-founder|director|spokesman|spokeswoman"
_EN_ROLE = (
    f"{_FIRM_ROLE}|president|minister|prime minister|mayor|governor|secretary|king|queen|emperor|empress|head coach"
    "|leader"
)
_OFFICES: dict[Language, tuple[re.Pattern[str], ...]] = {
    "it": (
        # Only a comma tells where an organisation of several words ends and the person begins.
        re.compile(
            rf"(?<![-\w])(?<!ex )(?P<role>{_IT_ROLE}) (?P<of>di |del |della |dello |dei |degli |delle |dell['’])"
            rf"(?:(?P<firm>{_WORD})|(?P<org>{_GROUP}),) (?P<who>{_PERSON})"
        ),
    ),
    "en": (
        # Of the other offices one says "French king Louis".
        re.compile(rf"{_INSIDE}(?P<org>{_GROUP}) (?P<role>{_FIRM_ROLE}) (?P<who>{_PERSON})"),
        re.compile(rf"(?<![\w,] )(?<![\w-])(?P<org>{_WORD}) (?P<role>{_FIRM_ROLE}) (?P<who>{_PERSON})"),
        re.compile(rf"(?<!former )\b(?P<role>{_EN_ROLE}) of (?P<the>the |)(?P<org>{_GROUP}), (?P<who>{_PERSON})"),
        re.compile(
            rf"(?P<who>{_PERSON}), (?:the )?(?P<role>{_EN_ROLE}) of (?P<the>the |)(?P<org>{_GROUP})"
            # Not where the name is the beginning of a longer one: "king of the Franks' empire".
            r"(?=[,.;:)]| and\b| [a-z]+(?:s|ed)\b)"
        ),
    ),
}
_PERSONS: dict[Language, re.Pattern[str]] = {
    "it": re.compile(rf"(?<![-\w])(?:{_IT_ROLE}|professore|professoressa|dottor|dottoressa) ({_PERSON})"),
    "en": re.compile(rf"(?i:\b(?:{_EN_ROLE}|professor)) ({_PERSON})"),
}
_PART_OF_NAME = frozenset("New Nuova Nova North South East West San Santa Saint Los Las Great Grande El La Le".split())
"""An organisation or place of which these are all is cut in two."""
_AMOUNTS: dict[Language, re.Pattern[str]] = {
    "it": re.compile(
        r"\b(?P<what>accordo|appalto|investimento|acquisizione|contratto|progetto|prestito|finanziamento)(?: \w+)? da "
        r"(?P<amount>[€$]?\d[\d.,]*)(?: \w+){1,3}(?: \([^()]{1,40}\))? "
        rf"(?P<with>(?:con|per) (?:il |lo |la |i |gli |le |l['’])?)(?P<name>{_GROUP})"
    ),
    "en": re.compile(
        r"(?P<amount>[€$£]\d[\d.,]*)(?: (?:million|billion|trillion))? "
        r"(?P<what>deal|contract|investment|acquisition|project|loan|grant|order|partnership) "
        rf"(?P<with>(?:with|for|in) (?:the )?)(?P<name>{_GROUP})"
    ),
}

_ARTICLES = {
    **dict.fromkeys(("il", "del", "al", "dal", "nel", "sul", "col"), "del "),
    **dict.fromkeys(("lo", "dello", "allo", "dallo", "nello", "sullo"), "dello "),
    **dict.fromkeys(("la", "della", "alla", "dalla", "nella", "sulla"), "della "),
    **dict.fromkeys(("l'", "dell'", "all'", "dall'", "nell'", "sull'"), "dell’"),
    **dict.fromkeys(("i", "dei", "ai", "dai", "nei", "sui"), "dei "),
    **dict.fromkeys(("gli", "degli", "agli", "dagli", "negli", "sugli"), "degli "),
    **dict.fromkeys(("le", "delle", "alle", "dalle", "nelle", "sulle"), "delle "),
}
"""Italian articles, alone and grown together with a preposition -> the form after "di"."""
_BARE = frozenset(("di", "a", "da", "con", "su", "per", "tra", "fra"))
"""Before a name these show that it takes no article; "in" does not: "in Cina", but "la Cina"."""


@dataclass(slots=True)
class Mentions:
    """How often names come up, and with which words before them."""

    counts: Counter[str] = field(default_factory=Counter)
    before: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, text: str) -> Counter[str]:
        """Count the names in a text; returns the counts of this text alone."""
        found: Counter[str] = Counter()
        for match in _NAME.finditer(text):
            name, before = match["name"], (match["before"] or "").replace("’", "'")
            found[name] += 1
            self.before.setdefault(name, Counter())[before] += 1
        self.counts.update(found)
        return found

    def with_article(self, name: str, language: Language) -> str:
        """The name as it stands after "about" or for "di ...": with the article that the texts give it."""
        before = self.before.get(name, Counter())
        if language == "en":
            return f"the {name}" if 2 * before["the"] > before.total() else name
        forms: Counter[str] = Counter()
        for word, count in before.items():
            if word in _ARTICLES or word in _BARE:
                forms[_ARTICLES.get(word, "di ")] += count
        return (forms.most_common(1)[0][0] if forms else "di ") + name


def amounts(text: str, language: Language) -> Iterator[Fact]:
    """What a text says that something with somebody is worth: "a $38 billion deal with Amazon"."""
    for match in _AMOUNTS[language].finditer(text):
        what = f"{match['what']} {match['with']}{match['name']}"
        if language == "it":
            question = f"Quanto vale {'l’' if what[0] in 'ai' else 'il '}{what}?"
        else:
            question = f"How much is the {what} worth?"
        yield Fact(question, match["name"], match["amount"])


def offices(text: str, language: Language) -> Iterator[Fact]:
    """Who holds which office, as far as a text says it in one breath: "OpenAI CEO Sam Altman"."""
    for pattern in _OFFICES[language]:
        for match in pattern.finditer(text):
            found = match.groupdict()
            role, name = found["role"], found.get("firm") or found["org"]
            if name in _PART_OF_NAME:
                continue
            if language == "it":
                feminine = role.endswith(("ice", "ta", "tra", "ina", "aca"))
                article = "l’" if role[0] in "aei" else "la " if feminine else "il "
                question = f"Chi è {article}{role} {found['of']}{name}?"
            else:
                question = f"Who is the {role} of {found.get('the') or ''}{name}?"
            yield Fact(question, name, found["who"])


def persons(text: str, language: Language) -> Iterator[str]:
    """Names that a text shows to be people's by a title before them."""
    yield from (match[1] for match in _PERSONS[language].finditer(text))


def years(text: str) -> Counter[str]:
    """The years of this century for which a text says something."""
    return Counter(_YEAR.findall(text))


def abbreviations(text: str) -> Iterator[tuple[str, str]]:
    """Abbreviations that a text explains: "Amazon Web Services (AWS)" as ("AWS", "Amazon Web Services")."""
    for match in _ABBREVIATION.finditer(text):
        full, short = match.groups()
        if [letter for letter in full if letter.isupper()] == list(short):
            yield short, full
