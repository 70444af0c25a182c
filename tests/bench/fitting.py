"""What the fitting scripts share: opening evaluation sets and running their questions through the pipeline."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.answering.extractive import ExtractiveAnswerer
from bot.types import Question, Reply
from retrieval import Index, Query, SearchResult, load_embedder, refresh
from retrieval.evaluate import LabelledQuestion, contains_answer, read_corpus, read_questions
from retrieval.protocols import Embedder

MODEL = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class Case:
    """One question, what was found for it and the answer it gets when one must be given."""

    question: LabelledQuestion
    result: SearchResult
    forced: Reply

    @property
    def right_source(self) -> bool:
        return any(citation.source in self.question.gold for citation in self.forced.citations)

    @property
    def right(self) -> bool:
        texts = self.question.answers
        return self.right_source and any(
            contains_answer(self.forced.text, text, self.question.language) for text in texts
        )


def parser(description: str) -> argparse.ArgumentParser:
    """The arguments all fitting scripts take."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("folder", type=Path, help="holds one folder a set, each with corpus.jsonl, questions.jsonl")
    arguments.add_argument("--work", type=Path, default=Path("data/fit"), help="where indexes are kept (data/fit)")
    return arguments


def open_set(folder: Path, work: Path, embedder: Embedder) -> tuple[Index, list[LabelledQuestion]]:
    """The index of one set, made or brought up to date, without a reader, and its questions."""
    corpus = folder / "corpus.jsonl"
    index, _ = refresh(read_corpus(corpus), work / folder.name, embedder, where=str(corpus), wait=True)
    return index, read_questions(folder / "questions.jsonl")


def load_model(work: Path) -> Embedder:
    """The default model."""
    return load_embedder(MODEL, work / "models", notify=print)


def run(index: Index, questions: Sequence[LabelledQuestion]) -> Iterator[Case]:
    """Each question through search and forced answer."""
    answerer = ExtractiveAnswerer(0.0)
    for question in questions:
        result = index.search_many([Query(question.question)])[0]
        yield Case(question, result, asyncio.run(answerer.answer(Question(question.question), result)))
