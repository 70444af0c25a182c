"""Telling questions and requests from what else is said in a channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.interrogative import asks_for_several, is_courtesy, is_question
from retrieval.types import Language

ASKED = r"""
Quando scade il contratto?
quando scade il contratto
chi è Sam Altman
Ciao, quando scade il contratto
ciao a tutti quanto costa l'abbonamento
Buongiorno a tutti. Qualcuno sa dove si firma
Scusate, a che ora apre la mensa
Marco, quanto abbiamo speso
@Fonte chi ha firmato
<@U123ABC> quando parte il corso
:wave: Hi team, when is the deadline
dimmi chi ha firmato il contratto.
Dimmi tutto quello che sai su OpenAI
spiegami la clausola 4
mi puoi dire quanto vale l'accordo
mi può dire quanto vale l'accordo
potresti spiegarmi come si rinnova
sai quando arriva
vorrei sapere chi decide
mi chiedo se convenga
Secondo il contratto, quanto paghiamo
dov'è la sede
dov’è la sede
cos'è Stargate
com'è finita
perché non funziona
perche non funziona
Come si chiede un rimborso
Grazie! E quando scade
ok quando arriva
qual è il prezzo
Qual'è il prezzo
a quanto ammonta l'accordo
da quando siete aperti
in che modo si paga
e' vero? non lo sapevo.
how many users does it have
Hi Anna, who signed the contract
can you tell me who signed it
Tell me about Stargate.
Please explain the refund policy
what's the price
does OpenAI own its chips
Is the office open on Monday
don't we have a policy for that
Anyone know the wifi password
I'd like to know how refunds work.
wondering if the deal is exclusive
If I cancel, what happens to my data
how to install fonte
Could it run offline
which plan is the cheapest
Guarda https://example.com/x?y=1 cosa ne pensi?
Cosa dice https://example.com/doc?
see `x` for details, ok?
> Il contratto scade domani.\nDavvero?
日本語ですか？
"""

SAID = r"""
grazie
Grazie mille!
thanks!
Thanks a lot, that helps
ok perfetto
ok
👍
???
?!
ciao
Ciao a tutti!
hello everyone
Il contratto scade domani.
the contract expires tomorrow
see https://example.com/a?b=c
see example.com/a?b=c for more
vedi `what?` nel codice
```\nif x ? y : z\n```
> Quando scade?
> Quando scade?\nDomani
When it rains, it pours.
What a day!
what a mess
Che bello!
quanto prima ti scrivo
dimmi pure
Dimmi tutto!
Tell me about it
will do
Is down again
Will be there at 5
Do the dishes
Come detto, ci vediamo domani
come sempre
Quando arrivo ti chiamo.
quando il contratto scade ti avviso
quando si soffre di insonnia, si dorme poco
I'll let you know when it is done
Who knows
Here is what I found
va bene
sì
no
yes please
how nice
dove il fiume si allarga c'è un ponte
in quanto tale
per quanto riguarda il contratto ci sentiamo domani
a quanto pare è chiuso
Ci può essere un ritardo
Will Smith arrives tomorrow.
"""


def lines(block: str) -> list[str]:
    return [line.replace("\\n", "\n") for line in block.strip().split("\n")]


@pytest.mark.parametrize("text", lines(ASKED))
def test_questions_and_requests(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize("text", [*lines(SAID), "", "   ", "\n"])
def test_thanks_greetings_and_statements(text: str) -> None:
    assert not is_question(text)


@given(st.text(max_size=80))
def test_a_mark_after_a_word_asks(text: str) -> None:
    plain = "".join(letter for letter in text if letter.isalnum() or letter == " ")
    assert is_question(f"x {plain}?")


@given(st.text())
def test_code_asks_nothing(text: str) -> None:
    assert not is_question(f"```{text.replace('`', '')}```")


@given(st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    assert is_question(text) in (True, False)
    assert is_question(f"{text}\ndavvero?")  # on a line of its own: what is quoted is not asked


@pytest.mark.parametrize(
    "piece", ["`", "www.", "a", "a?", ">\n", "http://", "Abc, ", "<", " ", "in ", "ciao ", "a.?x=", "@"]
)
def test_long_messages_are_taken(piece: str) -> None:
    # Quadratic patterns would take minutes here.
    assert is_question(piece * (200_000 // len(piece))) in (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "grazie!",
        "Grazie mille 🙏",
        "ciao",
        "Hi all",
        "ok, thanks",
        "thank you very much",
        "Thanks a lot!",
        "grazie tante",
        "Buongiorno a tutti!",
        ":wave:",
    ],
)
def test_courtesies(text: str) -> None:
    assert is_courtesy(text)
    assert not is_question(text)


@pytest.mark.parametrize(
    "text", ["", "grazie, e quando scade?", "durata accordo", "?", "ok il prezzo", "ciao " * 100 + "x"]
)
def test_what_is_more_than_courtesy(text: str) -> None:
    assert not is_courtesy(text)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Con quali aziende ha fatto accordi?", "it"),
        ("Quali sono i rischi?", "it"),
        ("Chi sono i fondatori?", "it"),
        ("Elenca le sedi", "it"),
        ("Which companies signed?", "en"),
        ("What kinds of cells are there?", "en"),
        ("Which famous buildings burned?", "en"),
        ("Who were the founders?", "en"),
        ("List the offices", "en"),
        ("Which towns burned?", None),
    ],
)
def test_questions_for_several_things(question: str, language: Language | None) -> None:
    assert asks_for_several(question, language)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Quale azienda ha firmato?", "it"),
        ("Chi è il presidente?", "it"),
        ("Quanti mesi dura?", "it"),
        ("What does the king say?", "en"),
        ("What is the name?", "en"),
        ("In which process is it used?", "en"),
        ("What was the status of the class?", "en"),
        ("Who signed?", None),
        ("", None),
    ],
)
def test_questions_for_one_thing(question: str, language: Language | None) -> None:
    assert not asks_for_several(question, language)
