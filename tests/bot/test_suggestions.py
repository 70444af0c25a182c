"""Questions taken from documents: what is proposed, what is kept, and what hostile or huge collections do to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import AnswerFailed, Overloaded
from bot.markup import clean
from bot.suggestions import MAX_ASKED, Suggestion, suggest
from bot.suggestions.candidates import MAX_CHARS, MAX_DOCUMENTS, MAX_LENGTH, MAX_TOTAL, Reader, sample
from bot.types import Citation, Outcome, Question, Reply
from retrieval.documents import make_document
from retrieval.language import detect_language
from retrieval.types import Document, Language

YEAR = 2026
SEED = next((Path(__file__).parents[2] / "seeds").glob("*.txt")).read_text("utf-8")
NEWS = (
    "OpenAI has signed a $38 billion deal with Amazon Web Services (AWS). OpenAI CEO Sam Altman said that it would "
    "start at once, with everything in place by the end of 2030. Critics of Sam Altman doubt it."
)
FAQ = "How do I reset my password?\nOpen the login page and choose Forgot password. The link is valid for one hour.\n"
GUIDE = (
    "# Guida al porto\n\n## 1. Orari\n\nIl porto della Vistola apre alle sei e chiude alle venti, tutti i giorni.\n\n"
    "## Posso entrare di notte?\n\nDi notte entra nel porto soltanto chi ha il permesso del Comune.\n\n"
    "## Introduzione\n\nLa Vistola attraversa il porto, e lungo la Vistola corre la strada.\n"
)


def docs(**texts: str) -> list[Document]:
    return [make_document(name.replace("_", "."), text, markdown=name.endswith("md")) for name, text in texts.items()]


def candidates(documents: Sequence[Document]) -> list[str]:
    reader = Reader(detect_language, YEAR)
    for document in documents:
        reader.read(document)
    return [candidate.text for candidate in reader.candidates()]


def reply(text: str, source: str, outcome: Outcome = Outcome.ANSWERED, start: int = 0) -> Reply:
    citation = Citation(source, source, (), None, 1, start, start + len(text), text, 1.0)
    return Reply(outcome, text, None, "en", (citation,), 0.9)


class Library:
    """Answers with the sentence that shares most words with the question, where one shares any."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.asked: list[str] = []
        self.sentences = [
            (match.group(), document.source, match.start())
            for document in documents
            for match in re.finditer(r"[^\n.?!]+[.!]", document.text)
        ]

    async def ask(self, question: Question) -> Reply:
        self.asked.append(question.text)
        wanted = self._words(question.text)
        shared = [len(wanted & self._words(text)) for text, _, _ in self.sentences]
        best = max(range(len(shared)), key=shared.__getitem__, default=-1)
        if best < 0 or not shared[best]:
            return reply("Not there.", "x", Outcome.NOT_FOUND)
        text, source, start = self.sentences[best]
        return reply(text.strip(), source, start=start)

    @staticmethod
    def _words(text: str) -> set[str]:
        return {word for word in re.findall(r"\w{3,}", text.lower()) if word not in ("what", "can", "you", "about")}


async def suggested(
    documents: Sequence[Document], limit: int = 4, language: Language | None = None
) -> tuple[Suggestion, ...]:
    found = await suggest(
        Library(documents).ask, documents, detect=detect_language, limit=limit, language=language, this_year=YEAR
    )
    assert all(is_fit(suggestion.text) for suggestion in found)
    return found


def is_fit(text: str) -> bool:
    return 0 < len(text) <= MAX_LENGTH and clean(text).strip() == text and not re.search(r"[<>@|*`_\\]|//", text)


# --- what is proposed --------------------------------------------------------------------------------------------


def test_a_news_story_gives_questions_a_reader_would_ask() -> None:
    assert {
        "Quanto vale l’accordo con Amazon Web Services?",
        "Chi è il CEO di OpenAI?",
        "Chi è il CEO di Microsoft?",
        "Chi è Sam Altman?",
        "Chi è Satya Nadella?",
        "Che cosa si sa di OpenAI?",
        "Che cosa significa AWS?",
        "Che cosa è previsto per il 2027?",
    } <= set(candidates(docs(news_txt=SEED)))
    assert {
        "How much is the deal with Amazon Web Services worth?",
        "Who is the CEO of OpenAI?",
        "Who is Sam Altman?",
        "What does AWS stand for?",
        "What is planned for 2030?",
    } <= set(candidates(docs(news_txt=NEWS)))


def test_headings_and_lines_that_ask_are_taken_as_they_stand() -> None:
    found = candidates(docs(faq_txt=FAQ, guide_md=GUIDE))
    assert {"How do I reset my password?", "Posso entrare di notte?"} <= set(found[:2])
    assert "Che cosa si dice su «Orari»?" in found
    assert "Che cosa si sa della Vistola?" in found
    assert not any("Introduzione" in text for text in found)


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("How to deploy", "How do I deploy?"),
        ("What is new", "What is new?"),
        ("Come chiedere le ferie", "Come chiedere le ferie?"),
        ("2.1 Code review", "What can you tell me about “Code review”?"),
        ("SAFETY RULES:", "What can you tell me about “Safety rules”?"),
        ("1973 oil crisis", "What can you tell me about “1973 oil crisis”?"),
        (
            "The " + "very " * 5 + "long heading of all",
            "What can you tell me about “The very very very very very long heading of all”?",
        ),
    ],
)
def test_headings_become_questions(heading: str, question: str) -> None:
    text = f"# Handbook\n\n## {heading}\n\nEvery change of the code is reviewed by somebody else first.\n"
    assert candidates(docs(handbook_md=text)) == ([question] if is_fit(question) else [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Molti vanno negli Stati Uniti. La costa degli Stati Uniti piace.", "degli Stati Uniti"),
        ("Ha visto la Cina ed è tornato in Cina.", "della Cina"),
        ("Si dice dell'Unione Europea, e poi nell’Unione Europea.", "dell’Unione Europea"),
        ("Lavora con Amazon e per Amazon.", "di Amazon"),
        ("Era a Varsavia, poi in Varsavia.", "di Varsavia"),
    ],
)
def test_italian_names_keep_their_article(text: str, said: str) -> None:
    assert candidates(docs(a_txt=text)) == [f"Che cosa si sa {said}?"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("People of the United States elect in the United States.", ["the United States"]),
        ("They went to Warsaw and left Warsaw.", ["Warsaw"]),
        # Months, nationalities, adjectives; what only opens a sentence; a part of a longer name; once is not enough.
        ("It was May, and in March. It rained in March.", []),
        ("The old German law, and many German words.", []),
        ("In the Mongol empire and beside the Mongol army.", []),
        ("Warsaw is big. Warsaw is old.", []),
        ("They fought the Seven Years' War, and lost the Seven Years' War.", []),
        ("They saw Warsaw.", []),
    ],
)
def test_names_that_come_up_again(text: str, said: list[str]) -> None:
    assert candidates(docs(a_txt=text)) == [f"What can you tell me about {name}?" for name in said]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("It pleased Paul Brand, CEO of the Blue Bank, very much.", "Who is the CEO of the Blue Bank?"),
        ("The mayor of New York, Anna Stone, was there.", "Who is the mayor of New York?"),
        ("Così la direttrice del Museo Egizio, Anna Rossi, ha deciso.", "Chi è la direttrice del Museo Egizio?"),
        ("È l'amministratore delegato di Acme Ugo Bianchi.", "Chi è l’amministratore delegato di Acme?"),
        # Where the name ends cannot be told; the office is over.
        ("Così la direttrice del Museo Egizio Anna Rossi Verdi.", None),
        ("Lo dice il sindaco di New York Rossi.", None),
        ("He met the former president of Acme, Paul Brand.", None),
    ],
)
def test_offices(text: str, question: str | None) -> None:
    found = [text for text in candidates(docs(a_txt=text)) if re.match(r"Chi è (?:il|la|l’)|Who is the", text)]
    assert found == ([question] if question else [])


def test_years_past_are_not_planned() -> None:
    assert candidates(docs(a_txt="It ends by the end of 2025, or in 2030.")) == ["What is planned for 2030?"]


# --- what is kept ------------------------------------------------------------------------------------------------


async def test_only_what_is_answered_is_suggested() -> None:
    documents = docs(news_txt=NEWS, faq_txt=FAQ)
    library = Library(documents)
    open_ended = await suggested(documents, limit=25)

    async def ask(question: Question) -> Reply:
        found = await library.ask(question)
        return reply(found.text, "x", Outcome.NOT_FOUND) if "CEO" in question.text else found

    found = await suggest(ask, documents, detect=detect_language, limit=25, this_year=YEAR)
    assert "Who is the CEO of OpenAI?" in [suggestion.text for suggestion in open_ended]
    assert found
    assert not any("CEO" in suggestion.text for suggestion in found)
    assert {suggestion.text for suggestion in found} <= set(library.asked)


@pytest.mark.parametrize(
    "answer",
    [
        "Critics doubt it, and they have said so more than once.",
        "It is the North–Sam Altman line that everybody doubts.",
        "Everybody who was in the room on that long day in May doubted Sam Altman.",
        "- critics of **Sam Altman**",
        "Sam Altman | 38 | chief executive of the company",
        "Sam Altman.",
    ],
)
async def test_an_answer_about_something_else_or_in_shreds_is_none(answer: str) -> None:
    async def ask(question: Question) -> Reply:
        return reply(answer if question.text == "Who is Sam Altman?" else "No.", "news.txt")

    assert await suggest(ask, docs(news_txt=NEWS), detect=detect_language, this_year=YEAR) == ()


@pytest.mark.parametrize(
    ("answer", "source", "kept"),
    [
        ("Open the login page and choose Forgot password.", "faq.txt", True),
        ("Open the login page and choose Forgot password.", "other.txt", False),
        ("How do I reset my password.", "faq.txt", False),
    ],
)
async def test_a_documents_own_question_is_answered_there(answer: str, source: str, kept: bool) -> None:
    async def ask(question: Question) -> Reply:
        return reply(answer, source)

    found = await suggest(ask, docs(faq_txt=FAQ), detect=detect_language)
    assert found == ((Suggestion("How do I reset my password?", "faq.txt", "en"),) if kept else ())


async def test_suggestions_come_from_different_documents_and_differ() -> None:
    cities = ["Warsaw", "Newcastle", "Los Angeles", "San Diego", "Varna", "Toronto"]
    texts = {
        f"{row}_txt": f"{city} is an old town, and a large one. Who lives in {city} likes {city} and its Old Town."
        for row, city in enumerate(cities)
    }
    documents = docs(**texts)
    found = await suggested(documents, limit=4)
    assert len({suggestion.source for suggestion in found}) == len(found) == 4
    assert len({suggestion.text for suggestion in found}) == 4
    # One name is asked about once, whatever else could be asked of it.
    found = await suggested(docs(news_txt=NEWS), limit=25)
    assert sum("Altman" in suggestion.text for suggestion in found) <= 1


async def test_two_questions_with_one_answer_are_one() -> None:
    async def ask(question: Question) -> Reply:
        return reply("OpenAI has Sam Altman, Amazon Web Services and $38 billion by 2030.", "news.txt")

    found = await suggest(ask, docs(news_txt=NEWS), detect=detect_language, limit=25, this_year=YEAR)
    assert len(found) == 1


async def test_the_language_asked_for_comes_first() -> None:
    documents = docs(a_txt=FAQ, b_txt=SEED)
    languages: tuple[Language, ...] = ("it", "en")
    for language in languages:
        found = await suggested(documents, limit=1, language=language)
        assert [suggestion.language for suggestion in found] == [language]
    assert {suggestion.language for suggestion in await suggested(documents, limit=25, language="it")} == {"it", "en"}


async def test_questions_that_fail_are_passed_over() -> None:
    documents = docs(news_txt=NEWS)
    library = Library(documents)

    async def ask(question: Question) -> Reply:
        if "deal" in question.text:
            raise Overloaded("Later.")
        if "CEO" in question.text:
            raise AnswerFailed("Sorry.")
        return await library.ask(question)

    found = await suggest(ask, documents, detect=detect_language, limit=25, this_year=YEAR)
    assert "Who is Sam Altman?" in [suggestion.text for suggestion in found]


# --- always ------------------------------------------------------------------------------------------------------


async def test_no_documents_no_suggestions() -> None:
    assert await suggested([]) == ()


async def test_a_huge_collection_costs_no_more_than_a_large_one() -> None:
    documents = [
        make_document(f"{row}.txt", f"We met Anna Number{row} and Anna Number{row} again. " * 3, markdown=False)
        for row in range(10_000)
    ]
    asked = 0

    async def ask(question: Question) -> Reply:
        nonlocal asked
        asked += 1
        return reply("No.", "x", Outcome.NOT_FOUND)

    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    neighbour = asyncio.create_task(others())
    assert await suggest(ask, documents, detect=detect_language) == ()
    neighbour.cancel()
    assert asked == MAX_ASKED
    assert turns >= MAX_DOCUMENTS


@pytest.mark.parametrize("count", [0, 1, 2, 5, 299, 300, 301, 10_000])
def test_the_sample_is_spread_over_all_documents(count: int) -> None:
    documents = [make_document(f"{row}", "x", markdown=False) for row in range(count)]
    rows = [int(document.source) for document in sample(documents)]
    assert len(set(rows)) == len(rows) == min(count, MAX_DOCUMENTS)
    first = sorted(rows[:8])
    gaps = [after - before for before, after in zip([0, *first], [*first, count - 1], strict=True)]
    assert count < 16 or max(gaps) <= count / 3


def test_a_huge_document_is_read_in_part() -> None:
    late = "Nobody knows Anna Late, and nobody asks Anna Late."
    assert candidates(docs(a_txt="x " * MAX_CHARS + late)) == []
    full = docs(**{f"{row}_txt": f"{row} " * (MAX_CHARS // 2) for row in range(1 + 3 * MAX_TOTAL // MAX_CHARS)})
    assert candidates([*full, *docs(a_txt=late)]) == []
    assert candidates(docs(a_txt=late)) == ["What can you tell me about Anna Late?"]


PIECES = st.sampled_from(
    [
        "<!channel>", "@everyone", "<@U1>", "[x](https://evil.example)", "https://evil.example/?a=b", "*", "`", "```",
        "\u202e", "\u200b", "\x1b[31m", "\x00", "\n", "\n\n", "\n# ", "\n## ", "? ", "?\n", ". ", " ", "|",
        "e\u0301\u0301",
        "Anna Stone", " and Anna Stone ", "OpenAI CEO Sam Altman ", "CEO of ", "in 2030 ", "(AS) ", "il CEO di ",
        "degli ", "Stati Uniti", "deal with ", "$3 billion ", "Who is it", "x" * 100, "Aa" * 60, "A " * 30, "\ud83d",
        "{name}", "%s",
    ]
)  # fmt: skip


@settings(max_examples=200)
@example("aA00_", False)
@given(st.lists(PIECES | st.text(max_size=10), max_size=40).map("".join), st.booleans())
async def test_whatever_documents_hold_suggestions_are_safe_to_show(text: str, markdown: bool) -> None:
    document = make_document("a.md", f"# {text[:40]}\n\n{text}", markdown=markdown)
    for candidate in candidates([document]):
        assert is_fit(candidate)
    await suggested([document], limit=25)


@pytest.mark.parametrize(
    "piece",
    [
        "A",
        "Aa ",
        "Aa-",
        "Aa' ",
        "a Aa ",
        "Aa of the ",
        "CEO di ",
        "Aa CEO ",
        "accordo da 1 ",
        "$1 ",
        "# ",
        "? ",
        "1. ",
        "a\n",
        "(AA) ",
    ],
)
def test_repetitive_texts_are_read(piece: str) -> None:
    # Quadratic patterns would take minutes here.
    candidates(docs(**{f"{row}_txt": piece * (2 * MAX_CHARS // len(piece)) for row in range(3)}))
