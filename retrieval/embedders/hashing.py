"""Vectors without a model: feature hashing of words and of the letters in them.

Deterministic everywhere and always, for tests and dry runs: texts that share words or stems lie close, nothing more.
Feature hashing with signs: K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from retrieval.embedders.arrays import encodable, unit_rows
from retrieval.manifest import EmbedderSpec
from retrieval.protocols import Floats

NAME = "hashing"
_DIMENSION = 256
_MAX_TOKENS = 256
_WORD = re.compile(r"\w+")
_GRAM = 3
"""Letters in a character n-gram, word boundaries counted; fastText's lower bound."""
_GRAM_WEIGHT = 0.3
"""Weight of a character n-gram beside its word's 1."""


class HashingEmbedder:
    """An Embedder whose tokens are words."""

    @property
    def spec(self) -> EmbedderSpec:
        recipe = f"{NAME} 1 {_DIMENSION} {_MAX_TOKENS} {_GRAM} {_GRAM_WEIGHT}"
        revision = hashlib.sha256(recipe.encode()).hexdigest()
        return EmbedderSpec(NAME, revision, _DIMENSION, _MAX_TOKENS, query_prompt="", document_prompt="")

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), _DIMENSION), dtype=np.float32)
        for row, text in enumerate(texts):
            for word, count in Counter(_words(text)[:_MAX_TOKENS]).items():
                for place, weight in _features(word):
                    vectors[row, place] += weight * (1 + math.log(count))
        return unit_rows(vectors, NAME)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self.embed_documents(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_words(text)) for text in texts]


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", encodable(text)).casefold())


@lru_cache(maxsize=1 << 14)
def _features(word: str) -> tuple[tuple[int, float], ...]:
    """Places in the vector and what a single occurrence of the word adds there."""
    return tuple((_place(feature), weight * _sign(feature)) for feature, weight in _weighted(word))


def _weighted(word: str) -> Iterator[tuple[bytes, float]]:
    yield b"w" + word.encode(), 1.0
    bounded = f"<{word}>"
    for start in range(len(bounded) - _GRAM + 1):
        yield b"c" + bounded[start : start + _GRAM].encode(), _GRAM_WEIGHT


def _place(feature: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(feature, digest_size=4, person=b"place").digest(), "big") % _DIMENSION


def _sign(feature: bytes) -> int:
    return 1 if hashlib.blake2b(feature, digest_size=1, person=b"sign").digest()[0] & 1 else -1
