"""Whether an export says what its original says, on texts of many lengths, scripts and kinds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrieval.embedders.bundle import Parity
from retrieval.protocols import Embedder, Floats

MIN_COSINE = 0.9999
MAX_ORDER_GAP = 1e-5
"""Scores closer than this count as ties: above float32's error over a few thousand terms, below any real difference."""
_TOP = 10

_QUESTIONS = (
    "Who signed the treaty?",
    "When was the bridge opened to traffic?",
    "How much does the licence cost per year?",
    "Where are the spare keys kept?",
    "Why was the flight delayed?",
    "How many people work in the warehouse?",
    "What does the warranty cover?",
    "Which river crosses the old town?",
    "Chi ha firmato il contratto?",
    "Quando apre la biblioteca comunale?",
    "Quanto costa l'abbonamento annuale?",
    "Dove si trova il quadro elettrico?",
    "Perché la riunione è stata rinviata?",
    "Quanti dipendenti ha l'azienda?",
    "Che cosa prevede l'articolo 12?",
    "Qual è il termine per fare ricorso?",
    "¿Quién escribió la novela?",
    "Où se trouve la gare la plus proche ?",
    "Wie lange gilt die Garantie?",
    "Quem venceu o campeonato em 1998?",
)
_STATEMENTS = (
    "The treaty was signed in Vienna by the two foreign ministers.",
    "After eleven years of work, the bridge opened to traffic on 3 May 1932.",
    "A licence costs 49.90 euros a year, taxes included.",
    "The spare keys hang behind the reception desk.",
    "Fog over the runway delayed the flight by three hours.",
    "Some 240 people work in the warehouse, most of them at night.",
    "The warranty covers defects in material, not wear.",
    "Bread rises because yeast turns sugar into carbon dioxide.",
    "The printer on the second floor is out of toner again.",
    "Whales are mammals; they breathe air and nurse their young.",
    "Il contratto è stato firmato dall'amministratrice delegata.",
    "La biblioteca comunale apre alle nove e chiude alle diciannove.",
    "L'abbonamento annuale costa 120 euro, ridotto 80.",
    "Il quadro elettrico si trova nel corridoio, accanto all'ascensore.",
    "La riunione è stata rinviata perché mancava il numero legale.",
    "L'azienda ha 57 dipendenti, di cui 12 a tempo parziale.",
    "L'articolo 12 prevede il diritto di recesso entro quattordici giorni.",
    "Il ricorso va presentato entro sessanta giorni dalla notifica.",
    "D'estate il fiume s'abbassa e riaffiorano le pietre del vecchio mulino.",
    "La nonna metteva l'alloro nel sugo, e nessuno ha mai saputo perché.",
    "La novela fue escrita en Buenos Aires durante el exilio.",
    "La gare se trouve à dix minutes à pied du musée.",
    "Die Garantie gilt zwei Jahre ab dem Kaufdatum.",
    "O campeonato de 1998 foi decidido nos pênaltis.",
    "De trein naar Utrecht vertrekt van spoor vijf.",
    "Książka leży na stole obok okna.",
    "Поезд прибывает на третью платформу.",
    "Η βιβλιοθήκη είναι κλειστή τη Δευτέρα.",
    "会議は来週の月曜日に延期されました。",
    "图书馆每天早上九点开门。",
    "تفتح المكتبة أبوابها في الساعة التاسعة.",
    "पुस्तकालय सोमवार को बंद रहता है।",
)
_ODD = (
    "",
    "?",
    "ok",
    "42",
    "UPPER CASE AND lower case",
    "e-mail: info@example.org, tel. +39 06 1234567",
    "def area(r): return 3.14159 * r ** 2",
    "A\u00a0line\twith  odd\u200bspaces\nand a break",
    "naïve café — “quoted”, it’s 50 % off… 🙂",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
)
SAMPLE_LIMIT = 64
"""Texts taken from a caller's sample, to keep the comparison to a few seconds."""


def calibration_texts() -> tuple[str, ...]:
    """Texts like those that a model will meet."""
    return (*_QUESTIONS, *_STATEMENTS)


def compare(original: Embedder, export: Embedder, sample: Sequence[str] = ()) -> Parity:
    """Embed the built-in texts, two of them longer than most models read, and some of the sample with both; compare.

    Questions rank everything else, as they will. Raises ModelError when either cannot embed them.
    """
    long = " ".join(_STATEMENTS)
    texts = [*_STATEMENTS, *_ODD, long, f"{long} {long}", *sample[:SAMPLE_LIMIT]]
    queries = [*_QUESTIONS, *texts]
    documents = (original.embed_documents(texts), export.embed_documents(texts))
    questions = (original.embed_queries(queries), export.embed_queries(queries))
    cosines = [np.einsum("ij,ij->i", ours, theirs).min() for ours, theirs in (documents, questions)]
    gap = _order_gap(questions[0] @ documents[0].T, questions[1] @ documents[1].T)
    return Parity(texts=len(queries), min_cosine=float(min(cosines)), order_gap=gap)


def faithful(parity: Parity) -> bool:
    """Whether an export with these figures may take its original's place."""
    return parity.min_cosine >= MIN_COSINE and parity.order_gap <= MAX_ORDER_GAP


def _order_gap(original: Floats, export: Floats) -> float:
    ideal = -np.sort(-original, axis=1)[:, :_TOP]
    ranked = np.argsort(-export, axis=1, kind="stable")[:, :_TOP]
    return float(np.abs(ideal - np.take_along_axis(original, ranked, axis=1)).max())
