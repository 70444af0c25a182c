"""What a search hands from one of its steps to the next; see retrieval.index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.match import Match
from retrieval.protocols import Floats, Mask
from retrieval.ranking import Candidate, Ranking
from retrieval.types import Language, QuestionKind


@dataclass(frozen=True, slots=True)
class Question:
    """One question as each part of the search needs it."""

    text: str
    vector: Floats
    """(dimension,)"""
    language: Language | None
    kind: QuestionKind
    several: bool
    matches: dict[Language, Match]
    allowed: Mask | None
    """(passages,)"""


@dataclass(frozen=True, slots=True)
class Pool:
    """The c candidates of either side, each scored on both."""

    passages: NDArray[np.int64]
    """(c,)"""
    fused: NDArray[np.float64]
    """(c,)"""
    bm25: NDArray[np.float32]
    """(c,)"""
    cosines: Floats
    """Of all their sentences in a row."""
    starts: NDArray[np.int64]
    """(c + 1,) where each passage's sentences start there."""


@dataclass(frozen=True, slots=True)
class Begun:
    """One question's search as far as it goes without the reader."""

    question: Question
    passages: list[int]
    """The rows of the best, best first."""
    candidates: list[Candidate]
    """The same passages."""
    ranking: Ranking
    sources: list[int]
    """Rows of documents, see SearchResult.sources."""
