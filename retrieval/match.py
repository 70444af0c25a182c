"""A question's terms as an index knows them: what lexical search looks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.types import Language


@dataclass(frozen=True, slots=True)
class Substitute:
    """Words that stand for some of a question's terms."""

    places: tuple[int, ...]
    """The terms, by their place in the match."""
    ids: NDArray[np.int64]
    """Rows in the vocabulary of the words that stand for them, all of them together."""
    proper: bool
    """Whether they name one thing, not a kind."""


@dataclass(frozen=True, slots=True)
class Match:
    """A question's t terms as the index knows them, for one language."""

    language: Language
    terms: tuple[str, ...]
    names: NDArray[np.bool_]
    """(t,) whether the term looks like a name."""
    ids: NDArray[np.int64]
    """(t,) row in the vocabulary, -1 where no passage has the term."""
    idf: NDArray[np.float64]
    """(t,) damped as the module docstring says; an unknown term has the idf of n = 0."""
    substitutes: tuple[Substitute, ...] = ()
    """Other words for the terms, as far as passages have them."""
