"""Answers in the documents' own words: the best sentence, with a neighbour where it cannot stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.links import published
from bot.messages import choose_language, messages_in
from bot.types import Citation, Outcome, Question, Reply
from retrieval.context import points_back
from retrieval.types import Hit, QuestionKind, SearchResult, SentenceHit, Span

NEAREST = 3
"""Passages shown when the documents do not answer."""
SHORT = 40
"""Characters below which a sentence is taken to need the one after it."""
CONVINCED = 1.5
"""The reader's log odds from which on a further sentence is quoted where several things are asked for."""
DOUBTED = 0.0
"""The reader's log odds below which the best sentence is not quoted alone."""
SAME = 0.5
"""Share of the question's words from which on a question in a document is taken for the same one."""

_FORMS = frozenset(
    {
        QuestionKind.PERSON,
        QuestionKind.TIME,
        QuestionKind.DURATION,
        QuestionKind.SHARE,
        QuestionKind.QUANTITY,
        QuestionKind.MONEY,
    }
)
"""What is asked for in a form that a sentence visibly holds or lacks."""


class ExtractiveAnswerer:
    """Quotes; needs no model and no network.

    ``min_support`` in [0, 1] is the support from which on it answers. At 0 it always does: what ``eval`` calls forced.
    ``source_base_url`` is where the seeds folder is published: documents without a URL of their own are linked there.
    """

    def __init__(self, min_support: float, source_base_url: str | None = None) -> None:
        self._min_support = min_support
        self._base = source_base_url

    async def answer(self, question: Question, result: SearchResult) -> Reply:
        """The reply to a question; see Answerer."""
        language = choose_language(result.language, question.locale)
        if not result.hits or result.support < self._min_support:
            words = messages_in(language)
            return Reply(
                outcome=Outcome.NOT_FOUND,
                text=words.not_found_foreign if result.foreign else words.not_found,
                short_answer=None,
                language=language,
                citations=tuple(self._cite(hit, (_best(hit),)) for hit in result.hits[:NEAREST]),
                support=result.support,
            )
        hit = max(result.hits, key=lambda found: _best(found).score)
        at = _answering(hit)
        quoted = _quoted(hit, at, result.kind)
        # What the best sentence holds comes before what its neighbours hold.
        spans = [sentence.answers[0] for sentence in (hit.sentences[at], *quoted) if sentence.answers]
        parts = [_Part(self._cite(hit, quoted), spans[:1])]
        if result.several:
            parts += [
                _Part(self._cite(other, (sentence,)), sentence.answers[:1]) for other, sentence in _more(result, quoted)
            ]
        text, highlights = _joined(parts)
        return Reply(
            outcome=Outcome.ANSWERED,
            text=text,
            short_answer=text[slice(*highlights[0])] if highlights else None,
            language=language,
            citations=tuple(part.citation for part in parts),
            support=result.support,
            highlights=highlights,
        )

    def _cite(self, hit: Hit, sentences: Sequence[SentenceHit]) -> Citation:
        start, end = sentences[0].start, sentences[-1].end
        return Citation(
            source=hit.source,
            title=hit.title,
            heading=hit.heading,
            page=sentences[0].page,
            line=sentences[0].line,
            start=start,
            end=end,
            excerpt=hit.text[start - hit.start : end - hit.start],
            score=max(sentence.score for sentence in sentences),
            url=hit.url or published(self._base, hit.source),
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the excerpts of an answer."""

    citation: Citation
    spans: Sequence[Span]
    """What answers, as offsets into the document."""


def _joined(parts: Sequence[_Part]) -> tuple[str, tuple[Span, ...]]:
    """The excerpts as paragraphs, and the spans as offsets into them."""
    text, highlights = "", []
    for part in parts:
        text += "\n" if text else ""
        shift = len(text) - part.citation.start
        highlights += [(start + shift, end + shift) for start, end in part.spans]
        text += part.citation.excerpt
    return text, tuple(highlights)


def _more(result: SearchResult, quoted: Sequence[SentenceHit]) -> list[tuple[Hit, SentenceHit]]:
    """The other sentences that the reader is convinced of, best first."""
    found = [
        (hit, sentence)
        for hit in result.hits
        for sentence in hit.sentences
        if sentence.reading is not None and sentence.reading >= CONVINCED and sentence not in quoted
    ]
    return sorted(found, key=lambda pair: -pair[1].score)


def _best(hit: Hit) -> SentenceHit:
    return max(hit.sentences, key=lambda sentence: sentence.score)


def _answering(hit: Hit) -> int:
    """Row of the best sentence; of the one after it where the document puts our question itself, and then answers."""
    at = hit.sentences.index(_best(hit))
    question = hit.sentences[at].lexical > SAME and _text(hit, hit.sentences[at]).endswith("?")
    return at + 1 if question and at + 1 < len(hit.sentences) else at


def _quoted(hit: Hit, at: int, kind: QuestionKind) -> tuple[SentenceHit, ...]:
    """The sentence at row ``at`` of a passage and the neighbours it needs, in the order of the text."""
    sentences = hit.sentences
    first, last = at, at
    text = _text(hit, sentences[at])
    if at > 0 and points_back(text, hit.language):
        first -= 1
    if at + 1 < len(sentences) and (len(text) < SHORT or text.endswith(":")):
        last += 1
    reading = sentences[at].reading
    if first == at == last and reading is not None and reading < DOUBTED:
        # A neighbour may say it: more often the one after, else the one before.
        last, first = (at + 1, at) if at + 1 < len(sentences) else (at, max(at - 1, 0))
    if kind in _FORMS and not any(sentence.answers for sentence in sentences[first : last + 1]):
        # The sentence speaks of what is asked; the answer's form stands next to it.
        if last + 1 < len(sentences) and sentences[last + 1].answers:
            last += 1
        elif first > 0 and sentences[first - 1].answers:
            first -= 1
    return sentences[first : last + 1]


def _text(hit: Hit, sentence: SentenceHit) -> str:
    return hit.text[sentence.start - hit.start : sentence.end - hit.start]
