"""The documents and questions that benchmarks run on: the seeds folder, or a folder with an evaluation set.

What reads them is imported when first used: see measure for why a benchmark is to stay small.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from retrieval.types import Document
from tests.bench.measure import ROOT

SEEDS = ROOT / "seeds"
SEED_QUESTIONS = Path(__file__).with_name("questions.txt")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the sources of the documents that answer it, none where they are not known."""

    text: str
    gold: frozenset[str] = frozenset()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments all benchmarks take."""
    parser.add_argument("--corpus", type=Path, help="folder with corpus.jsonl and questions.jsonl (the seeds folder)")
    parser.add_argument("--work", type=Path, help="where models and indexes are kept (a temporary folder)")
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds to spend on waiting for quiet cores and on repeating what others disturbed (60)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def documents(corpus: Path | None) -> list[Document]:
    """The documents of an evaluation set, or of the seeds folder. Raises SourceError."""
    from retrieval.documents import read_documents
    from retrieval.evaluate import read_corpus

    if corpus is not None:
        return list(read_corpus(corpus / "corpus.jsonl"))
    return [entry for entry in read_documents(SEEDS) if isinstance(entry, Document)]


def questions(corpus: Path | None, count: int) -> list[Asked]:
    """``count`` questions, spread evenly over those there are, or asked again in turn where they are fewer."""
    if corpus is not None:
        from retrieval.evaluate import read_questions

        found = [Asked(question.question, question.gold) for question in read_questions(corpus / "questions.jsonl")]
    else:
        found = [Asked(line) for line in SEED_QUESTIONS.read_text("utf-8").splitlines()]
    if count >= len(found):
        return [found[place % len(found)] for place in range(count)]
    return [found[place * len(found) // count] for place in range(count)]


def write_folder(corpus: Path | None, folder: Path) -> Path:
    """A seeds folder with the corpus: one text file a document."""
    if corpus is None:
        return SEEDS
    folder.mkdir(exist_ok=True)
    for row, document in enumerate(documents(corpus)):
        (folder / f"{row:06}.txt").write_text(document.text, encoding="utf-8")
    return folder
