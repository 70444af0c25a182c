"""Whether a message asks something, told from its wording in Italian and English.

Question marks do most of it. In a chat many people leave them out, so the way a message opens counts as well: with a
question word, with an auxiliary before its subject, with a request. Surface patterns only: every message of a channel
passes here and is to cost microseconds.
"""

from __future__ import annotations

import re
import unicodedata

from retrieval.language import straight
from retrieval.types import Language

_OPENING = 300
"""Characters in which the opening is looked for."""
_STEPS = 8
"""Greetings, names, marks and the like that are passed over at most."""


def _any(phrases: str) -> str:
    """A pattern for any of the phrases, which stand one a line or between spaced bars."""
    return "|".join(re.split(r"\s*\n\s*| \| ", phrases.strip()))


# What is not the writer's own: code, quoted lines, addresses. An address ends before the mark of its sentence. The
# lookbehind lets a long run of letters be tried once, not at each of them.
_FOREIGN = re.compile(
    r"```[\s\S]*?```|`[^`\n]*`|^[ \t]*>.*|(?:https?://|www\.)\S*[^\s?!.,;:)\]>»”\"'*_~]|(?<![\w./-])[\w./-]++\?\w+=\S*",
    re.MULTILINE,
)

_GREETING = _any(
    """
    ciao | salve | buon ?giorno | buona ?sera | buon pomeriggio | ehi | hey | hi | hello | dear | good morning
    good afternoon | good evening | (?:mi )?scus[ai](?:te|mi|temi)? | sorry | excuse me | per favore | per cortesia
    per piacere | please | (?:una )?domanda(?: veloce)? | (?:a |quick )?question
    (?:mille |tante )?grazie(?: mille| tante| infinite)? | (?:many )?thanks(?: a lot| so much| again)? | thx
    thank you(?: (?:very|so) much)? | ok | okay | allora | dunque | senti(?:te)? | bene | perfetto | perfect
    great | ma | e | so | and | but | well | also
    """
)
_EVERYBODY = "a tutt[ie]|tutti|ragazz[ie]|all|everyone|everybody|team|folks|guys|there"
_SCENE = _any(
    """
    secondo | oltre | nel | nella | nell' | in | dopo | prima | durante | per | se | quando | according to | besides
    after | before | during | since | on | at | if | when | upon | prior to
    """
)
_SKIPPED = re.compile(
    rf"[^\w<@#:]+|[@#:][\w.+-]*:?|<[^<>\s]*>?|(?i:(?:{_GREETING})\b(?!')(?: (?:{_EVERYBODY})\b)?)"
    # Whoever is spoken to: "Anna, quando ...", "Hi Anna! When ...".
    r"|[A-ZÀ-Þ][\w'-]*(?: [A-ZÀ-Þ][\w'-]*)?[,!] "
    # Words that set the scene: "Secondo il contratto, quanto ...", "If I cancel, what ...".
    rf"|(?i:(?:{_SCENE})\b)[^,.;:!?]{{1,80}}, "
)

_ASKED = (
    r"(?:chi|che|cosa|cos'|quando|quant[oaie]|quale?|quali|dove|dov'|come|com'|perch[eéè]|se"
    r"|who|what|when|where|which|why|how|if)"
)
_REQUEST = re.compile(
    "(?:"
    + _any(
        rf"""
        dimmi(?! (?:pure|tutto)\W*\Z) | ditemi(?! pure\b) | dicci | mi (?:dici|dite|spieghi|spiegate)
        spiega(?:mi|ci|te|temi|teci)? | racconta(?:mi|ci|temi|teci) | elenca(?:mi)? | riassumi(?:mi)? | mostra(?:mi|ci)
        descrivi(?:mi)? | trovami | cercami | mi (?:chiedo|chiedevo|domando|domandavo) {_ASKED} | si può sapere
        è vero che | (?:hai|avete) (?:un')?idea
        qualcuno (?:di voi )?(?:mi |ci )?(?:sa|può|conosce|ricorda|saprebbe|potrebbe|ha idea)
        (?:mi |ci )?(?:puoi|potete|potresti|potreste|sai|sapete|sapresti|sapreste) \w+r(?:e|mi|ci|lo|la|ne)
        (?:mi|ci) (?:può|possono|potrebbe|potrebbero) (?:dire|spiegare|aiutare|indicare|mostrare|confermare)
        (?:mi |ci )?(?:sai|sapete|sa|sai dire|sapete dire) {_ASKED}
        (?:vorrei|vorremmo|volevo|voglio|mi serve|mi servirebbe|(?:ho|avrei) bisogno di) (?:sapere|capire|chieder\w+)
        posso (?:sapere|chieder\w+) | tell (?:me|us)(?! about it\b) | explain | describe | define | summari[sz]e
        (?:show|give|find) me | remind me {_ASKED} | (?:list|name|find) (?:the|all|every|each|some|any|two|three)
        i(?:'d| would) like to (?:know|understand|ask) | i (?:want|need) to know | i wonder {_ASKED}
        (?:i was |i am |i'm )?wondering {_ASKED} | any(?:one|body) (?:here )?(?:know|knows|have|has|remember|remembers)
        any (?:idea|news|update|updates)
        """
    )
    + r")(?!\w)",
    re.IGNORECASE,
)

# After a question word stands what would make it something else: a clause ("quando il ..."), a cry ("what a ..."), a
# phrase ("quanto prima").
_SUBORDINATE = (
    r"(?! (?:il|lo|la|i|gli|le|un|una|io|tu|lui|lei|noi|voi|loro|vuoi|volete|possibile|serve)\b)(?! (?:l|un)')"
)
_ITALIAN = _any(
    rf"""
    chi(?! (?:vuole|vuol|si)\b) | (?:che )?cosa(?! (?:bella|brutta|molto|fatta)\b) | (?:che )?cos' | quale? | quali
    qual' | quant[oaie](?! (?:prima|pare|riguarda|ne|a|detto|mai|segue|sopra|tal[ei])\b) | quant'
    che (?:or[ae]|giorn[oi]|ann[oi]|mes[ei]|dat[ae]|tip[oi]|genere|differenz[ae]|nome|ruolo|percentuale|numero|prezzo)
    che (?:valore|motivo|lingua|città|paese|azienda|società|periodo|secolo|modo|significa|vuol|succede|fine|si|è|ha|fa)
    dove{_SUBORDINATE} | dov' | quando{_SUBORDINATE}(?![^.;]*, ) | quand' | perch[eéè](?! s[iì]\b)(?! no\b)
    com' | come (?:si|mai|va|vanno|è|sono|era|erano|ha|hanno|fu|viene|vengono|posso|possiamo|faccio|facciamo|fa|ci|mi)
    come funziona\w* | come \w+(?:are|ere|ire)
    """
)
_AUXILIARY = "(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)(?:n't)?"
_ENGLISH = _any(
    rf"""
    what(?! (?:an?|i|you|we|they|he|she|the hell|the heck)\b) | what's | whats | who(?! (?:knows|cares)\b) | who's
    whose | whom | which(?! (?:means|makes|is (?:why|fine|good|great|what|how))\b) | why not | where to
    how (?:many|much|long|far|often|old|big|large|tall|high|fast|come|about|to) | how \w+ {_AUXILIARY}
    (?:how|when|where|why) {_AUXILIARY} | (?:how|when|where|why)'s
    """
)
_INTERROGATIVE = re.compile(
    rf"(?:(?:a|di|da|in|con|su|per|tra|fra|entro|fino a|sotto|oltre a) )?(?:{_ITALIAN})(?:(?<=')|(?!\w))"
    rf"|(?:(?:in|into|on|at|to|for|from|by|with|of|under|during|about|since) )?(?:{_ENGLISH})(?!\w)",
    re.IGNORECASE,
)
# Without a subject after it, it is a statement: "Is down again", "Will do", "Do the dishes".
_SUBJECT = (
    "the|an?|my|your|our|their|his|her|its|this|these|those|that|there|it|he|she|we|you|they|i|any|anyone|anybody|all"
)
_INVERTED = re.compile(
    rf"(?i:is|are|was|were|does|did|has|can|could|will|would|should)(?i:n't)? (?:(?i:{_SUBJECT})\b|[A-ZÀ-Þ])"
    r"|(?i:do|have|had|may|must|am)(?i:n't)? (?i:you|we|they|i|your|our|their|these|those|any|anyone|anybody)\b"
)


def is_question(text: str) -> bool:
    """Whether a message asks for something; greetings, thanks and statements do not.

    True for a question mark outside code, addresses and quoted lines, and for messages that open as a question or a
    request ("quando ...", "can you ...", "dimmi ..."), greetings and names passed over. Before a final full stop or
    exclamation mark a question word opens a clause or a cry ("When it rains, it pours."): there requests alone count.
    """
    own = _FOREIGN.sub(" ", text)
    if ("?" in own or "？" in own) and any(map(str.isalpha, own)):
        return True
    # Two dots and more trail off and end nothing.
    ended = re.search(r"(?<!\.)\.[\"'»”)]*\s*\Z|!\s*\Z", own[-20:]) is not None
    opening = " ".join(straight(unicodedata.normalize("NFC", own[:_OPENING])).split())
    start = 0
    for _ in range(_STEPS):
        if _asks(opening, start, ended):
            return True
        skipped = _SKIPPED.match(opening, start)
        if skipped is None:
            return False
        start = skipped.end()
    return False


def is_courtesy(text: str) -> bool:
    """Whether a message is nothing but greetings, thanks, marks and names: "Grazie mille!", "Hi all"."""
    opening = " ".join(straight(unicodedata.normalize("NFC", text[: _OPENING + 1])).split())
    start = 0
    for _ in range(_STEPS):
        skipped = _SKIPPED.match(opening, start)
        if skipped is None:
            return False
        start = skipped.end()
        if start == len(opening):
            return "?" not in text
    return False


def _asks(opening: str, start: int, ended: bool) -> bool:
    if _REQUEST.match(opening, start):
        return True
    return not ended and bool(_INTERROGATIVE.match(opening, start) or _INVERTED.match(opening, start))


# "Con quali aziende", "chi sono", "which companies", "what are"; a plural noun tells, but for words that only look so.
_SEVERAL: dict[Language, re.Pattern[str]] = {
    "it": re.compile(
        r"\bquali\b(?!\s+(?:è|era|fu)\b)|\b(?:chi|(?:che\s+)?cosa)\s+(?:sono|erano|furono|saranno)\b|\belenc(?:a|o|ate)\b",
        re.IGNORECASE,
    ),
    "en": re.compile(
        r"\b(?:which|what)\s+(?:[a-z]+\s+){0,2}?(?!(?:does|is|was|has|this|its|his)\b)[a-z]+(?<!s|u|i)s\b"
        r"|\b(?:which|what|who)\s+(?:are|were)\b|^\W*(?:please\s+)?(?:list|name)\b",
        re.IGNORECASE,
    ),
}


def asks_for_several(question: str, language: Language | None) -> bool:
    """Whether the question's wording asks for more than one thing; without a language both are tried."""
    text = straight(unicodedata.normalize("NFC", question))[:_OPENING]
    patterns = (_SEVERAL[language],) if language else _SEVERAL.values()
    return any(pattern.search(text) for pattern in patterns)
