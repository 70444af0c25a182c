"""What in a running text a question can be made of, and natural words for it in Italian and English. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from retrieval.types import Language


class Topic(IntEnum):
    """What a question is about; earlier ones ask for something more definite."""

    OWN = 0
    """A question that stands in the document."""
    OFFICE = 1
    PERSON = 2
    NAME = 3
    HEADING = 4
    ABBREVIATION = 5
    PLAN = 6
    """What is to come in a year."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The questions of one language."""

    person: str
    name: str
    heading: str
    part: str
    """About a heading, naming the document."""
    abbreviation: str
    plan: str


WORDING: dict[Language, Wording] = {
    "it": Wording(
        person="Chi è {name}?",
        name="Che cosa si sa {name}?",
        heading="Che cosa dicono i documenti su «{heading}»?",
        part="Che cosa dice «{title}» su «{heading}»?",
        abbreviation="Che cosa significa {short}?",
        plan="Che cosa è previsto per il {year}?",
    ),
    "en": Wording(
        person="Who is {name}?",
        name="What can you tell me about {name}?",
        heading="What do the documents say about “{heading}”?",
        part="What does “{title}” say about “{heading}”?",
        abbreviation="What does {short} stand for?",
        plan="What is planned for {year}?",
    ),
}


@dataclass(frozen=True, slots=True)
class Office:
    """Somebody's place in an organisation."""

    question: str
    organisation: str
    person: str


@dataclass(slots=True)
class Mentions:
    """How often names come up, and with which words before them."""

    counts: Counter[str] = field(default_factory=Counter)
    before: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, text: str) -> Counter[str]:
        """Count the names in a text; the counts of this text alone."""
        found: Counter[str] = Counter()
        for match in _NAME.finditer(text):
            name, before = match["name"], (match["before"] or "").replace("’", "'")
            found[name] += 1
            self.before.setdefault(name, Counter())[before] += 1
        self.counts.update(found)
        return found

    def with_article(self, name: str, language: Language) -> str:
        """The name as it stands after "about", "di": with the article that the texts give it."""
        before = self.before.get(name, Counter())
        if language == "en":
            return f"the {name}" if 2 * before["the"] > self.counts[name] else name
        articles: Counter[str] = Counter()
        for word, count in before.items():
            articles[_ARTICLES.get(word, "")] += count * (word in _ARTICLES or word in _BARE)
        most = articles.most_common(1)
        return (most[0][0] if most else "") + name if most and most[0][0] else f"di {name}"


# Two letters and more: the "L" of "L'azienda" is no word.
_WORD = r"[A-ZÀ-Þ][\w&-]+(?<=\w)(?![\w-])"
_NUMERAL = r"(?: [IVX]+\b)?"
_PERSON = rf"{_WORD} (?:(?:de|di|da|van|von|bin|al) )?{_WORD}{_NUMERAL}(?! {_WORD})"
_GROUP = rf"{_WORD}(?: {_WORD}){{0,3}}"
# After a word or a comma: a capital that only opens a sentence makes no name.
_INSIDE = r"(?:(?<![\w'’-])(?P<before>[a-zà-ÿ]+['’]?),? ?|[,;)\d] |\()"
_LINK = "of the|of|for|della|dello|dei|degli|delle|del|di|van|von"
_NAME = re.compile(rf"{_INSIDE}(?P<name>{_WORD}(?: (?:(?:{_LINK}) )?{_WORD}){{0,3}})")
_ABBREVIATION = re.compile(
    rf"({_WORD}(?: (?:(?:of|the|for|and|di|del|della|per|e) )*{_WORD}){{1,5}}) \(([A-Z]{{2,6}})\)"
)
_YEAR = re.compile(r"\b(?:in|by|since|until|nel|entro il|dal|fine del) ((?:1\d|20)\d\d)\b(?![.,]?\d)")

_IT_ROLE = (
    "CEO|presidente|vicepresidente|fondatore|fondatrice|cofondatore|direttore|direttrice|direttore generale|ministro"
    "|ministra|sindaco|sindaca|governatore|segretario|segretaria|segretario generale|portavoce|re|regina|rettore"
    "|rettrice|amministratore delegato|amministratrice delegata|imperatore|imperatrice|allenatore|allenatrice"
)
_IT_OF = r"(?:di |del |della |dello |dei |degli |delle |dell['’])"
# Only a comma tells where an organisation of several words ends and the person begins.
_IT_OFFICE = re.compile(
    rf"(?<![-\w])(?<!ex )(?P<role>{_IT_ROLE}) (?P<of>{_IT_OF})"
    rf"(?:(?P<org>{_WORD})|(?P<group>{_GROUP}),) (?P<who>{_PERSON})"
)
_FIRM_ROLE = "CEO|CFO|CTO|chief executive|chairman|chairwoman|founder|co-founder|director|spokesman|spokeswoman"
_EN_ROLE = f"{_FIRM_ROLE}|president|minister|prime minister|mayor|governor|secretary|king|queen|emperor|empress|head coach|leader"
_EN_OFFICES = (
    # "OpenAI CEO Sam Altman"; of other offices one says "French king Louis".
    re.compile(rf"{_INSIDE}(?P<the>)(?P<org>{_GROUP}) (?P<role>{_FIRM_ROLE}) (?P<who>{_PERSON})"),
    re.compile(rf"(?<![\w,] )(?<![\w-])(?P<the>)(?P<org>{_WORD}) (?P<role>{_FIRM_ROLE}) (?P<who>{_PERSON})"),
    re.compile(rf"(?<!former )\b(?P<role>{_EN_ROLE}) of (?P<the>the |)(?P<org>{_GROUP}), (?P<who>{_PERSON})"),
    re.compile(
        rf"(?P<who>{_PERSON}), (?:the )?(?P<role>{_EN_ROLE}) of (?P<the>the |)(?P<org>{_GROUP})(?=[,.;:)]| [a-z]+s\b| [a-z]+ed\b| and\b)"
    ),
)
_PERSONS: dict[Language, re.Pattern[str]] = {
    "it": re.compile(rf"(?<![-\w])(?:{_IT_ROLE}|professore|professoressa|dottor|dottoressa) ({_PERSON})"),
    "en": re.compile(rf"(?i:\b(?:{_EN_ROLE}|professor)) ({_PERSON})"),
}
_PART_OF_NAME = frozenset("New Nuova Nova North South East West San Santa Saint Los Las Great Grande El La Le".split())
"""An organisation or place of which these are all is cut in two."""

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


def offices(text: str, language: Language) -> Iterator[Office]:
    """Who holds which office, as far as a text says it in one breath: "OpenAI CEO Sam Altman"."""
    if language == "it":
        for match in _IT_OFFICE.finditer(text):
            role, organisation = match["role"], match["org"] or match["group"]
            feminine = role.endswith(("ice", "ta", "tra", "ina", "aca"))
            article = "l’" if role[0] in "aei" else "la " if feminine else "il "
            if organisation not in _PART_OF_NAME:
                yield Office(f"Chi è {article}{role} {match['of']}{organisation}?", organisation, match["who"])
        return
    for pattern in _EN_OFFICES:
        for match in pattern.finditer(text):
            if match["org"] not in _PART_OF_NAME:
                yield Office(f"Who is the {match['role']} of {match['the']}{match['org']}?", match["org"], match["who"])


def persons(text: str, language: Language) -> Iterator[str]:
    """Names that a text shows to be people's by a title before them."""
    yield from (match[1] for match in _PERSONS[language].finditer(text))


def years(text: str) -> Counter[str]:
    """The years in which a text says that something happens or will."""
    return Counter(_YEAR.findall(text))


def abbreviations(text: str) -> Iterator[tuple[str, str]]:
    """Abbreviations that a text explains: "Amazon Web Services (AWS)" as ("AWS", "Amazon Web Services")."""
    for match in _ABBREVIATION.finditer(text):
        full, short = match.groups()
        if [letter for letter in full if letter.isupper()] == list(short):
            yield short, full
