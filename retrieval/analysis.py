"""What passages and questions are to lexical search: terms, with what each of them weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from retrieval.language import is_generic, is_stop_word, stem, terms, words
from retrieval.types import Chunk, Document, Language

CONTEXT = 0.5
"""Weight of words in the other parts of the paragraph that a passage was cut from. Chosen on the development sets
(squad_it, squad2_en, xquad_en, fairytaleqa), where .2 to .8 do about as well and 0 costs a point of recall@1."""


@dataclass(frozen=True, slots=True)
class Bag:
    """One passage, analysed."""

    language: Language
    frequencies: Mapping[str, float]
    """Term -> weighted occurrences over all fields."""
    sentences: tuple[tuple[str, ...], ...]
    """The distinct terms of each sentence of the passage."""


def analyse(language: Language, titles: Sequence[str], sentences: Sequence[str], context: Sequence[str]) -> Bag:
    """Terms of a passage: its sentences, its titles (document and headings), the rest of its paragraph."""
    frequencies: dict[str, float] = {}
    per_sentence = []
    for sentence in sentences:
        found = terms(sentence, language)
        per_sentence.append(tuple(dict.fromkeys(found)))
        for term in found:
            frequencies[term] = frequencies.get(term, 0.0) + 1.0
    for texts, weight in ((titles, 1.0), (context, CONTEXT)):
        for text in texts:
            for term in terms(text, language):
                frequencies[term] = frequencies.get(term, 0.0) + weight
    return Bag(language, frequencies, tuple(per_sentence))


def analyse_document(document: Document, chunks: Sequence[Chunk]) -> list[Bag]:
    """A bag for each chunk of the document, in order."""
    text = document.text
    # A title made from the text's own first words would only count them twice, in every passage.
    derived = " ".join(text[:1000].split()).startswith(document.title.rstrip("…").rstrip())
    title = () if derived else (document.title,)
    bags = []
    for row, chunk in enumerate(chunks):
        # Chunks with no line break between them were cut from one paragraph.
        context = [
            chunks[other].text
            for other in (row - 1, row + 1)
            if 0 <= other < len(chunks) and "\n" not in _between(text, chunk, chunks[other])
        ]
        headings = [heading for heading in chunk.heading if heading != document.title or derived]
        sentences = [text[start:end] for start, end in chunk.sentences]
        bags.append(analyse(chunk.language, (*title, *headings), sentences, context))
    return bags


def _between(text: str, one: Chunk, other: Chunk) -> str:
    first, second = sorted((one, other), key=lambda chunk: chunk.start)
    return text[first.end : second.start]


class TermKind(Enum):
    """How much a question's term is expected to stand in a passage that answers."""

    WORD = 0
    NAME = 1
    """Holds capitals or digits."""
    GENERIC = 2
    """Belongs to the phrasing of questions."""


def question_terms(question: str, question_language: Language | None, language: Language) -> dict[str, TermKind]:
    """Distinct terms of a question as passages in ``language`` would hold them, in order of appearance.

    A word looks like a name if it holds a digit or a capital that its place or a shouting writer does not explain.
    """
    stops = question_language or language
    shouted = question.isupper()
    found: dict[str, TermKind] = {}
    for position, (word, start, end) in enumerate(words(question)):
        if is_stop_word(word, stops):
            continue
        raw = question[start:end]
        capitals = sum(character.isupper() for character in raw)
        name = any(character.isdigit() for character in raw) or (
            not shouted and (capitals > 1 or (position > 0 and raw[0].isupper()))
        )
        generic = is_generic(word, stops)
        kind = TermKind.NAME if name else TermKind.GENERIC if generic else TermKind.WORD
        found.setdefault(stem(word, language), kind)
    return found


def foreign_stems(question: str, question_language: Language, language: Language) -> dict[str, str]:
    """For each term that question_terms gives, its stem by the rules of the question's own language.

    Italian and English share the roots of many learned words, and each stemmer knows the endings of its own only:
    "implementation" meets "implementazione" where one is cut as English and the other as Italian.
    """
    return {stem(word, language): stem(word, question_language) for word, _, _ in words(question)}
