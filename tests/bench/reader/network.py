"""The reader as a torch module: an encoder over question and text, one logit, and two logits a token for the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertModel

from retrieval.reader.model import QUESTION_TOKENS
from tests.bench.reader.passages import Example

START, PAD, END = 0, 1, 2
MOST_TOKENS = 192
"""Tokens of question and text together, in training."""
BATCH_TOKENS = 2_200
NOTHING = -1
NEVER = -1e4
"""Logit of what must not be chosen."""


class Network(nn.Module):
    """``layers`` are the encoder layers taken over, in order."""

    def __init__(self, base: BertModel, layers: Sequence[int]) -> None:
        super().__init__()
        self.bert = deepcopy(base)
        self.bert.encoder.layer = nn.ModuleList([self.bert.encoder.layer[layer] for layer in layers])
        self.bert.config.num_hidden_layers = len(layers)
        self.cls = nn.Linear(base.config.hidden_size, 1)
        self.span = nn.Linear(base.config.hidden_size, 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Logits that the text answers (b,), and for each token that the answer starts or ends there (b, t, 2)."""
        hidden = self.hidden(input_ids, attention_mask, token_type_ids)[-1]
        return self.heads(hidden)

    def hidden(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> tuple[Tensor, ...]:
        """(b, t, d) before the first layer and after each."""
        state: Tensor = self.bert.embeddings(input_ids=input_ids, token_type_ids=token_type_ids)
        unseen = (1.0 - attention_mask[:, None, None, :].to(state.dtype)) * NEVER
        states = [state]
        for layer in self.bert.encoder.layer:
            found = layer(state, unseen)
            state = found[0] if isinstance(found, tuple) else found
            states.append(state)
        return tuple(states)

    def heads(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The logits of ``forward`` from the last layer's (b, t, d)."""
        return self.cls(hidden[:, 0]).squeeze(-1), self.span(hidden)


@dataclass(frozen=True, slots=True)
class Row:
    """An example as tokens."""

    ids: tuple[int, ...]
    start: int
    """Of the text."""
    answered: bool
    span: tuple[int, int]
    """First and last token of the answer; NOTHING where there is none or it was cut off."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of similar length, filled up."""

    ids: Tensor
    mask: Tensor
    types: Tensor
    answered: Tensor
    spans: Tensor
    """(b, 2)"""

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.ids, self.mask, self.types


def encode(tokenizer: Tokenizer, example: Example) -> Row:
    """As retrieval.reader.model puts question and text together."""
    question = tokenizer.encode(example.question, add_special_tokens=False).ids[:QUESTION_TOKENS]
    text = tokenizer.encode(example.text, add_special_tokens=False)
    ids = (START, *question, END, *text.ids[: MOST_TOKENS - len(question) - 3], END)
    start = len(question) + 2
    inside: list[int] = []
    if example.span:
        low, high = example.span
        bounds = text.offsets[: len(ids) - 1 - start]
        inside = [place for place, (first, last) in enumerate(bounds) if last > low and first < high]
    span = (inside[0] + start, inside[-1] + start) if inside else (NOTHING, NOTHING)
    return Row(ids, start, example.answered, span)


def batches(rows: Sequence[Row], random: Random) -> Iterator[Batch]:
    """All rows in batches of similar length, in an order of chance."""
    order = sorted(range(len(rows)), key=lambda row: len(rows[row].ids) + 8 * random.random())
    groups: list[list[int]] = [[]]
    for row in order:
        if groups[-1] and (len(groups[-1]) + 1) * len(rows[row].ids) > BATCH_TOKENS:
            groups.append([])
        groups[-1].append(row)
    random.shuffle(groups)
    for group in groups:
        yield _batch([rows[row] for row in group])


def _batch(rows: Sequence[Row]) -> Batch:
    shape = (len(rows), max(len(row.ids) for row in rows))
    ids = torch.full(shape, PAD)
    mask, types = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = torch.tensor(row.ids)
        mask[place, : len(row.ids)] = 1
        types[place, row.start : len(row.ids)] = 1
    answered = torch.tensor([float(row.answered) for row in rows])
    return Batch(ids, mask, types, answered, torch.tensor([row.span for row in rows]))
