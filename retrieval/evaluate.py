"""Measuring answers: question sets as JSON lines, and the figures drawn from them. Pure but for reading the files.

corpus.jsonl holds one document a line: ``id``, ``title``, ``text``. questions.jsonl: ``id``, ``question``, ``lang``,
``answers`` (strings as they stand in the text), ``gold_ids`` (documents that hold one), ``answerable``, and for the
unanswerable optionally ``kind``.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.documents import make_document
from retrieval.errors import SourceError
from retrieval.types import Document, Language

_ARTICLES: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"\b(?:a|an|the)\b"),
    "it": re.compile(r"\b(?:il|lo|la|i|gli|le|l|un|uno|una)\b"),
}


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question with what is known of its answer."""

    id: str
    question: str
    language: Language
    answers: tuple[str, ...]
    gold: frozenset[str]
    """Sources of the documents that hold the answer."""
    answerable: bool
    kind: str
    """Sort of unanswerable question; empty for answerable ones."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the pipeline made of one question."""

    question: LabelledQuestion
    sources: tuple[str, ...]
    """Documents found, best first."""
    answered: bool
    forced_text: str
    """The answer given with the evidence threshold ignored."""
    forced_short: str | None
    forced_source: str | None
    support: float
    seconds: float


def read_corpus(path: Path) -> Iterator[Document]:
    """The documents of a corpus.jsonl. Raises SourceError naming the file and line."""
    for fields, where in _rows(path):
        source, title, text = (_string(fields, name, where) for name in ("id", "title", "text"))
        # The title is part of what is indexed, so another title is another document.
        digest = hashlib.sha256(f"{title}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
        yield make_document(source, text, digest=digest, title=title, markdown=False)


def read_questions(path: Path) -> list[LabelledQuestion]:
    """The questions of a questions.jsonl. Raises SourceError naming the file and line."""
    questions = []
    for fields, where in _rows(path):
        language = fields.get("lang")
        answers, gold, answerable = (fields.get(name) for name in ("answers", "gold_ids", "answerable"))
        if not isinstance(language, str) or language not in _ARTICLES:
            raise SourceError(f'{where}: "lang" must be one of {", ".join(sorted(_ARTICLES))}.')
        if not (_strings(answers) and _strings(gold) and isinstance(answerable, bool)):
            raise SourceError(
                f'{where}: "answers" and "gold_ids" must be lists of strings, "answerable" true or false.'
            )
        questions.append(
            LabelledQuestion(
                id=_string(fields, "id", where),
                question=_string(fields, "question", where),
                language=language,
                answers=tuple(answers or ()),
                gold=frozenset(gold or ()),
                answerable=answerable,
                kind="" if answerable else str(fields.get("kind") or "unanswerable"),
            )
        )
    if not questions:
        raise SourceError(f"{path} holds no questions.")
    return questions


def report(judged: Sequence[Judged], sources: frozenset[str]) -> dict[str, Any]:
    """All figures by name, fractions in [0, 1] or None where nothing could be measured.

    ``sources`` are the documents of the index; where no gold document is among them (the questions were written for
    another cut of the same text), figures about documents are None and an answer counts wherever it stands.
    """
    located = any(case.question.gold & sources for case in judged)
    answerable = [case for case in judged if case.question.answerable]
    answered = [case for case in judged if case.answered]
    ranks = [_rank(case) for case in answerable]
    contained = [_contains(case, located) for case in answerable]
    by_kind: dict[str, list[bool]] = {}
    for case in judged:
        if not case.question.answerable:
            by_kind.setdefault(case.question.kind, []).append(case.answered)
    milliseconds = [case.seconds * 1000 for case in judged]
    return {
        "questions": len(judged),
        "documents": len(sources),
        "recall@1": _mean([rank < 1 for rank in ranks]) if located else None,
        "recall@5": _mean([rank < 5 for rank in ranks]) if located else None,  # noqa: PLR2004
        "mrr@10": _mean([1 / (rank + 1) if rank < 10 else 0.0 for rank in ranks]) if located else None,  # noqa: PLR2004
        "containment": _mean(contained),
        "containment_answered": _mean([hit and case.answered for hit, case in zip(contained, answerable, strict=True)]),
        "token_f1": _mean([_best_f1(case) for case in answerable]),
        "auroc": auroc([case.support for case in judged], [case.question.answerable for case in judged]),
        "coverage": _mean([case.answered for case in answerable]),
        "precision": _mean([case.question.answerable for case in answered]),
        "unanswerable_answered": {kind: _mean(cases) for kind, cases in sorted(by_kind.items())},
        "p50_ms": float(np.percentile(milliseconds, 50)) if judged else None,
        "p99_ms": float(np.percentile(milliseconds, 99)) if judged else None,
    }


def normalise_answer(text: str, language: Language) -> str:
    """Lower case without punctuation, articles of the language and extra spaces, as SQuAD scores answers.

    Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", section 6. There punctuation
    is deleted; here it becomes a space, or an article elided before its noun ("l'accordo") could not be told apart.
    """
    lowered = unicodedata.normalize("NFKC", text).lower()
    spaced = "".join(" " if unicodedata.category(character)[0] in "PS" else character for character in lowered)
    return " ".join(_ARTICLES[language].sub(" ", spaced).split())


def token_f1(predicted: str, gold: str, language: Language) -> float:
    """Harmonic mean of token precision and recall after normalise_answer; as SQuAD."""
    ours, theirs = normalise_answer(predicted, language).split(), normalise_answer(gold, language).split()
    if not ours or not theirs:
        return float(ours == theirs)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs))


def contains_answer(text: str, gold: str, language: Language) -> bool:
    """Whether the gold answer's tokens stand in a row in the text, after normalise_answer."""
    wanted = normalise_answer(gold, language)
    return bool(wanted) and f" {wanted} " in f" {normalise_answer(text, language)} "


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Area under the ROC curve: how often a positive scores above a negative, ties counting half; None without both."""
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=np.bool_)
    ups, downs = values[labels], np.sort(values[~labels])
    if not len(ups) or not len(downs):
        return None
    below = np.searchsorted(downs, ups, side="left") + np.searchsorted(downs, ups, side="right")
    return float(below.sum() / (2 * len(ups) * len(downs)))


def risk_coverage(support: Sequence[float], right: Sequence[bool]) -> tuple[list[float], list[float]]:
    """Coverage and risk (share of wrong answers) when answering the best supported questions first."""
    order = np.argsort(-np.asarray(support, dtype=np.float64), kind="stable")
    wrong = ~np.asarray(right, dtype=np.bool_)[order]
    counts = np.arange(1, len(order) + 1)
    return (counts / len(order)).tolist(), (np.cumsum(wrong) / counts).tolist()


def is_right(case: Judged, located: bool) -> bool:
    """Whether the forced answer would have been a right one: answerable, and a gold answer quoted from its place."""
    return case.question.answerable and _contains(case, located)


def _contains(case: Judged, located: bool) -> bool:
    if located and case.forced_source not in case.question.gold:
        return False
    return any(contains_answer(case.forced_text, gold, case.question.language) for gold in case.question.answers)


def _best_f1(case: Judged) -> float:
    predicted = case.forced_short if case.forced_short is not None else case.forced_text
    return max((token_f1(predicted, gold, case.question.language) for gold in case.question.answers), default=0.0)


def _rank(case: Judged) -> int:
    """Place of the first gold document among the sources, from 0; beyond the list where it is missing."""
    places = [place for place, source in enumerate(case.sources) if source in case.question.gold]
    return places[0] if places else len(case.sources) + 1000


def _mean(values: Sequence[bool | float]) -> float | None:
    return float(np.mean([float(value) for value in values])) if values else None


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); give a folder that holds it.") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8 text.") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            try:
                fields = json.loads(line)
            except ValueError as error:
                raise SourceError(f"{where} is not JSON.") from error
            if not isinstance(fields, dict):
                raise SourceError(f"{where} must be a JSON object.")
            yield fields, where


def _string(fields: dict[str, Any], name: str, where: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise SourceError(f'{where}: "{name}" must be a string that is not empty.')
    return value


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
