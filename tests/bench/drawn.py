"""Text drawn by lot, for corpora larger than there are texts: words as frequent as in life, meaning nothing.

Word ``r`` comes with a probability proportional to ``1 / (r + SHIFT)`` (Zipf's law as Mandelbrot has it); the most
frequent ones are English function words, so that language and stop words are recognised, the others are made of
syllables. Everything is the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

FUNCTION = (
    *"the of and to in a is that it was for on are as with his they at be this from have or by one had not but".split(),
    *"what all were when we there can an your which their if will each about how up out them then she many".split(),
    *"some so these would into has more her two him see could no than been who its now my over did down".split(),
)
SHIFT = 2.7
VOCABULARY = 50_000
_ONSETS = "b c d f g l m n p r s t v z br cr gr pr st tr".split()
_RESTS = "a e i o u al an ar el en er il in on or".split()
_BLOCK = 10_000
"""Sentences drawn at a time."""


@cache
def vocabulary() -> NDArray[np.str_]:
    """(VOCABULARY,) the most frequent word first."""
    syllables = ["".join(parts) for parts in product(_ONSETS, _RESTS)]
    random = np.random.default_rng(7)
    order = random.permutation(len(syllables) ** 2)
    taken = set(FUNCTION)
    words = list(FUNCTION)
    for number in order.tolist():
        word = syllables[number // len(syllables)] + syllables[number % len(syllables)]
        if word not in taken:
            taken.add(word)
            words.append(word)
            if len(words) == VOCABULARY:
                break
    return np.array(words)


@cache
def _cumulated() -> NDArray[np.float64]:
    weights = 1.0 / (np.arange(VOCABULARY) + 1 + SHIFT)
    return np.cumsum(weights / weights.sum())


def ranks(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    """(count,) places of words in the vocabulary."""
    return np.minimum(np.searchsorted(_cumulated(), random.random(count)), VOCABULARY - 1)


def sentences(count: int, words: int, seed: int) -> Iterator[str]:
    """``count`` sentences of half as many to one and a half times as many words as ``words``."""
    random, known = np.random.default_rng(seed), vocabulary()
    for start in range(0, count, _BLOCK):
        lengths = random.integers(max(1, words // 2), words + words // 2 + 1, min(_BLOCK, count - start))
        drawn = known[ranks(random, int(lengths.sum()))]
        for part in np.split(drawn, np.cumsum(lengths)[:-1]):
            text = " ".join(part.tolist())
            yield f"{text[0].upper()}{text[1:]}."
