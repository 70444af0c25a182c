"""Quoting: what is quoted, what is marked in it, and when nothing is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.extractive import NEAREST, SHORT, ExtractiveAnswerer
from bot.messages import messages_in
from bot.types import Outcome, Question, Reply
from retrieval.types import Hit, Language, QuestionKind, SearchResult, SentenceHit

INTRO = "Prices of the harbour.\n\n"
"""Stands before every passage, so that offsets into the document and into the passage differ."""
PLAIN = "The contract between the two companies was signed at the harbour."
AFTER = "A second boat carries nothing but bread and salt every morning."


def hit(
    *sentences: str,
    scores: Sequence[float] = (),
    answers: Sequence[str | None] = (),
    language: Language = "en",
    source: str = "a.txt",
    url: str | None = None,
    lexical: float = 0.5,
) -> Hit:
    """A passage of these sentences; ``answers`` are words of each sentence in turn."""
    text, found = INTRO, []
    for row, sentence in enumerate(sentences):
        start = len(text)
        text += sentence + " \n"
        answer = answers[row] if row < len(answers) else None
        at = start + sentence.index(answer) if answer else 0
        found.append(
            SentenceHit(
                start=start,
                end=start + len(sentence),
                line=text[:start].count("\n") + 1,
                score=scores[row] if row < len(scores) else 0.1,
                dense=0.5,
                lexical=lexical,
                answers=((at, at + len(answer)),) if answer else (),
            )
        )
    return Hit(
        source=source,
        title="Harbour",
        heading=("Prices", "Boats"),
        page=None,
        start=len(INTRO),
        end=found[-1].end,
        text=text[len(INTRO) : found[-1].end],
        language=language,
        score=1.0,
        dense=0.5,
        lexical=1.0,
        sentences=tuple(found),
        url=url,
    )


def result(
    *hits: Hit,
    kind: QuestionKind = QuestionKind.OTHER,
    support: float = 0.9,
    language: Language | None = "en",
    foreign: bool = False,
) -> SearchResult:
    sources = tuple(dict.fromkeys(found.source for found in hits))
    return SearchResult(language=language, kind=kind, hits=hits, sources=sources, support=support, foreign=foreign)


async def answer(found: SearchResult, min_support: float = 0.5, locale: str | None = None) -> Reply:
    return await ExtractiveAnswerer(min_support).answer(Question("?", locale), found)


# --- answering ---------------------------------------------------------------------------------------------------


async def test_the_best_sentence_is_quoted_with_its_place_and_the_words_that_answer() -> None:
    best = "A mooring on the north side costs 40 euros for every night."
    found = hit(PLAIN, best, AFTER, scores=(0.2, 0.9, 0.3), answers=(None, "40 euros"))
    reply = await answer(result(found, kind=QuestionKind.MONEY))
    assert (reply.outcome, reply.text, reply.short_answer) == (Outcome.ANSWERED, best, "40 euros")
    assert [reply.text[start:end] for start, end in reply.highlights] == ["40 euros"]
    assert (reply.support, reply.language) == (0.9, "en")
    (citation,) = reply.citations
    document = INTRO + found.text
    assert document[citation.start : citation.end] == citation.excerpt == best
    assert citation.line == document[: citation.start].count("\n") + 1 == 4
    assert (citation.source, citation.title, citation.heading) == ("a.txt", "Harbour", ("Prices", "Boats"))
    assert citation.score == 0.9


async def test_the_best_sentence_may_stand_in_another_than_the_best_passage() -> None:
    reply = await answer(result(hit(PLAIN, source="a.txt"), hit(AFTER, scores=(0.8,), source="b.txt")))
    assert (reply.text, reply.citations[0].source) == (AFTER, "b.txt")


async def test_without_the_form_of_an_answer_nothing_is_marked() -> None:
    reply = await answer(result(hit(PLAIN)))
    assert (reply.short_answer, reply.highlights) == (None, ())


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("it", "Questo accordo garantisce l'accesso a molti processori di nuova generazione."),
        ("it", "“Essa prevede il pagamento di una somma alla fine di ogni stagione”, dice."),
        ("it", "Tuttavia il porto resta chiuso per tutta la durata dei lavori previsti."),
        ("it", "È stato firmato davanti a molti testimoni nel porto della città vecchia."),
        ("it", "Quest’accordo garantisce l'accesso a molti processori di nuova generazione."),
        ("en", "This deal gives the company access to very many chips of a new kind."),
        ("en", "(It was signed at the harbour before very many people of the town.)"),
        ("en", "She signed it at the harbour before very many people of the old town."),
        ("en", "However, the harbour stays closed for as long as the works will last."),
    ],
)
async def test_a_sentence_that_points_back_brings_the_one_before(language: Language, sentence: str) -> None:
    found = hit(AFTER, PLAIN, sentence, AFTER, scores=(0.1, 0.1, 0.9, 0.1), language=language)
    reply = await answer(result(found))
    assert reply.text == f"{PLAIN} \n{sentence}"
    assert reply.citations[0].line == found.sentences[1].line
    # At the start of its passage there is none before.
    assert (await answer(result(hit(sentence, AFTER, scores=(0.9, 0.1), language=language)))).text == sentence


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("it", "Questionari e moduli si trovano presso l'ufficio del porto della città."),
        ("it", "This deal is quoted in English in the middle of an Italian passage, see."),
        ("en", "Thistles grow along the old harbour wall from early spring to the autumn."),
        ("en", "The contract, like this one, was signed by both parties at the harbour."),
    ],
)
async def test_a_sentence_that_stands_alone_is_quoted_alone(language: Language, sentence: str) -> None:
    found = hit(PLAIN, sentence, AFTER, scores=(0.1, 0.9, 0.1), language=language)
    assert (await answer(result(found))).text == sentence


async def test_a_fragment_or_an_announcement_brings_the_one_after() -> None:
    for sentence in ("Opening hours", "At the harbour of the old town the following prices are asked:"):
        assert (await answer(result(hit(sentence, AFTER, scores=(0.9,))))).text == f"{sentence} \n{AFTER}"
        assert (await answer(result(hit(AFTER, sentence, scores=(0.1, 0.9))))).text == sentence
    assert len("Opening hours") < SHORT


@pytest.mark.parametrize("kind", [QuestionKind.PERSON, QuestionKind.TIME, QuestionKind.QUANTITY, QuestionKind.MONEY])
async def test_a_neighbour_that_holds_the_form_asked_for_is_quoted_too(kind: QuestionKind) -> None:
    form = "On 3 May Ada King paid 40 euros for the mooring at the north side."
    after = hit(AFTER, PLAIN, form, AFTER, scores=(0.1, 0.9), answers=(None, None, "Ada King"))
    reply = await answer(result(after, kind=kind))
    assert (reply.text, reply.short_answer) == (f"{PLAIN} \n{form}", "Ada King")
    before = hit(form, PLAIN, AFTER, scores=(0.1, 0.9), answers=("Ada King",))
    reply = await answer(result(before, kind=kind))
    assert (reply.text, reply.short_answer) == (f"{form} \n{PLAIN}", "Ada King")
    assert [reply.text[start:end] for start, end in reply.highlights] == ["Ada King"]
    # Where the sentence itself holds one, or nothing of the kind was asked for, it stands alone.
    both = hit(form, PLAIN, form, scores=(0.1, 0.9), answers=("Ada King", "harbour", "Ada King"))
    assert (await answer(result(both, kind=kind))).text == PLAIN
    assert (await answer(result(after, kind=QuestionKind.OTHER))).text == PLAIN


async def test_the_best_sentences_own_answer_goes_before_its_neighbours() -> None:
    sentence = "This was paid by Ada King at the harbour of the old town on Sunday."
    found = hit(PLAIN, sentence, scores=(0.1, 0.9), answers=("contract", "Ada King"))
    reply = await answer(result(found, kind=QuestionKind.PERSON))
    assert reply.text == f"{PLAIN} \n{sentence}"
    assert reply.short_answer == "Ada King"


async def test_a_question_of_the_document_is_answered_by_what_follows_it() -> None:
    question, after = (
        "Who pays for the mooring of Ada King?",
        "The town does: it was so agreed in the year of the flood.",
    )
    found = hit(PLAIN, question, after, AFTER, scores=(0.1, 0.9), answers=(None, "Ada King", "town"), lexical=0.9)
    reply = await answer(result(found, kind=QuestionKind.PERSON))
    assert (reply.text, reply.short_answer) == (after, "town")
    # What follows is too short to stand alone.
    found = hit(question, "Yes, it may.", AFTER, scores=(0.9,), lexical=0.9)
    assert (await answer(result(found))).text == f"Yes, it may. \n{AFTER}"
    # Another question than ours, or the end of the passage: nothing better is known.
    for found in (
        hit(question, after, scores=(0.9,), lexical=0.3),
        hit(AFTER, question, scores=(0.1, 0.9), lexical=0.9),
    ):
        assert (await answer(result(found))).text.startswith(question)


# --- addresses ---------------------------------------------------------------------------------------------------


async def cited(found: Hit, base: str | None, support: float = 0.9) -> str | None:
    reply = await ExtractiveAnswerer(0.5, base).answer(Question("?"), result(found, support=support))
    return reply.citations[0].url


@pytest.mark.parametrize("support", [0.9, 0.1])
async def test_a_document_is_linked_where_it_says_else_where_the_folder_is_published(support: float) -> None:
    own = "https://harbour.example/prices"
    assert await cited(hit(PLAIN, url=own), "https://docs.example", support) == own
    assert await cited(hit(PLAIN, url=own), None, support) == own
    assert await cited(hit(PLAIN), "https://docs.example", support) == "https://docs.example/a.txt"
    assert await cited(hit(PLAIN), None, support) is None
    assert await cited(hit(PLAIN), "", support) is None


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("guide/porto.md", "guide/porto.md"),
        ("due parole/è #1?.md", "due%20parole/%C3%A8%20%231%3F.md"),
        ("100%/a&b=c|<x>.txt", "100%25/a%26b%3Dc%7C%3Cx%3E.txt"),
        ("bad\ud83d.txt", "bad%3F.txt"),
    ],
)
@pytest.mark.parametrize("base", ["https://docs.example/seeds", "https://docs.example/seeds/"])
async def test_paths_are_percent_encoded(base: str, source: str, path: str) -> None:
    assert await cited(hit(PLAIN, source=source), base) == f"https://docs.example/seeds/{path}"


# --- refusing ----------------------------------------------------------------------------------------------------


async def test_too_little_support_shows_the_nearest_passages_instead() -> None:
    hits = [hit(PLAIN, AFTER, scores=(0.1, row / 10), source=f"{row}.txt") for row in range(1, NEAREST + 3)]
    reply = await answer(result(*hits, support=0.49))
    assert (reply.outcome, reply.text) == (Outcome.NOT_FOUND, messages_in("en").not_found)
    assert (reply.short_answer, reply.highlights, reply.support) == (None, (), 0.49)
    assert [citation.source for citation in reply.citations] == [found.source for found in hits[:NEAREST]]
    # The best sentence of each, alone.
    assert [citation.excerpt for citation in reply.citations] == [PLAIN, AFTER, AFTER][: len(reply.citations)]
    for citation, found in zip(reply.citations, hits, strict=False):
        assert (INTRO + found.text)[citation.start : citation.end] == citation.excerpt


async def test_the_threshold_itself_answers_and_at_zero_everything_does() -> None:
    assert (await answer(result(hit(PLAIN), support=0.5))).outcome is Outcome.ANSWERED
    assert (await answer(result(hit(PLAIN), support=math.nextafter(0.5, 0)))).outcome is Outcome.NOT_FOUND
    assert (await answer(result(hit(PLAIN), support=0.0), min_support=0.0)).outcome is Outcome.ANSWERED


async def test_nothing_found_is_not_found_even_at_zero() -> None:
    reply = await answer(result(support=0.0), min_support=0.0)
    assert (reply.outcome, reply.citations, reply.text) == (Outcome.NOT_FOUND, (), messages_in("en").not_found)


async def test_the_bots_own_words_follow_the_question_then_the_locale() -> None:
    for language, locale, own in (("it", "en_US", "it"), (None, "it_IT", "it"), (None, None, "en")):
        asked: Language | None = "it" if language else None
        reply = await answer(result(language=asked), locale=locale)
        assert (reply.language, reply.text) == (own, messages_in("it" if own == "it" else "en").not_found)


async def test_passages_in_another_language_are_announced_as_such() -> None:
    found = result(hit(PLAIN), support=0.1, language="it", foreign=True)
    assert (await answer(found)).text == messages_in("it").not_found_foreign != messages_in("it").not_found


# --- always ------------------------------------------------------------------------------------------------------

SENTENCES = st.sampled_from(
    [
        PLAIN,
        AFTER,
        "This is short.",
        "It costs:",
        "Ada King.",
        "Who is Ada King?",
        "è così",
        "Questo è il porto 🎈 di\nOslo.",
        "—",
    ]
)


@st.composite
def hits(draw: st.DrawFn) -> Hit:
    sentences = draw(st.lists(SENTENCES, min_size=1, max_size=5))
    scores = draw(st.lists(st.integers(0, 5).map(float), min_size=len(sentences), max_size=len(sentences)))
    answers = [draw(st.sampled_from([None, sentence.split()[0], sentence.split()[-1]])) for sentence in sentences]
    language: Language = draw(st.sampled_from(["it", "en"]))
    return hit(*sentences, scores=scores, answers=answers, language=language, lexical=draw(st.sampled_from([0.3, 0.9])))


@given(st.lists(hits(), max_size=3), st.sampled_from(QuestionKind), st.floats(0, 1), st.floats(0, 1))
async def test_every_reply_is_verbatim(
    found: list[Hit], kind: QuestionKind, support: float, min_support: float
) -> None:
    texts = {f"{row}.txt": INTRO + one.text for row, one in enumerate(found)}
    named = [replace(one, source=source) for source, one in zip(texts, found, strict=True)]
    reply = await answer(result(*named, kind=kind, support=support), min_support)
    answered = reply.outcome is Outcome.ANSWERED
    assert answered == (bool(found) and support >= min_support)
    for citation in reply.citations:
        assert texts[citation.source][citation.start : citation.end] == citation.excerpt
        assert texts[citation.source][: citation.start].count("\n") + 1 == citation.line
    if answered:
        (citation,) = reply.citations
        assert reply.text == citation.excerpt
        best = max((sentence for one in found for sentence in one.sentences), key=lambda sentence: sentence.score)
        assert citation.score == best.score or best.lexical == 0.9
        assert [reply.text[start:end] for start, end in reply.highlights] == (
            [] if reply.short_answer is None else [reply.short_answer]
        )
        assert all(0 <= start < end <= len(reply.text) for start, end in reply.highlights)
    else:
        assert len(reply.citations) == min(len(found), NEAREST)


# --- several answers ---------------------------------------------------------------------------------------------

SIGNED = "In spring Oslo signed the contract of the two companies."
JOINED = "Later Bergen joined the contract of the two companies."


def read(found: Hit, *odds: float | None) -> Hit:
    """The passage with what the reader made of each of its sentences."""
    pairs = zip(found.sentences, odds, strict=True)
    return replace(found, sentences=tuple(replace(sentence, reading=odd) for sentence, odd in pairs))


def several(first: float = 3.0, second: float = 2.0) -> SearchResult:
    one = read(hit(SIGNED, AFTER, scores=(0.9, 0.1), answers=("Oslo",)), first, None)
    other = read(hit(PLAIN, JOINED, scores=(0.1, 0.8), answers=(None, "Bergen"), source="b.txt"), None, second)
    return replace(result(one, other), several=True)


async def test_where_several_things_are_asked_for_every_sentence_that_convinces_is_quoted_and_cited() -> None:
    reply = await answer(several())
    assert reply.text == f"{SIGNED}\n{JOINED}"
    assert [reply.text[start:end] for start, end in reply.highlights] == ["Oslo", "Bergen"]
    assert [citation.excerpt for citation in reply.citations] == [SIGNED, JOINED]
    assert [citation.source for citation in reply.citations] == ["a.txt", "b.txt"]
    assert reply.short_answer == "Oslo"


async def test_what_does_not_convince_or_was_not_asked_for_is_not_added() -> None:
    assert (await answer(several(second=0.5))).text == SIGNED
    assert (await answer(replace(several(), several=False))).text == SIGNED
