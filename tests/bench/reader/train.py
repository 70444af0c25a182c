"""Trains the reader and writes retrieval/reader/: model.onnx, tokenizer.json, card.json; ``--dry`` leaves it alone.

``python -m tests.bench.reader.train EVAL_FOLDER`` takes some two hours on two cores. First a teacher of twelve layers
learns from the passages in data/ and from the labelled sets (see labelled.py for which articles), then a student of
four learns from it: the teacher's logits, where it sees the answer start and end, and its states between the layers
(Jiao et al. 2020, "TinyBERT: Distilling BERT for Natural Language Understanding", section 3). ``--teacher FILE`` goes
on from a teacher that was saved in --work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

import retrieval
from tests.bench.fitting import Case, load_model, open_set, parser, run
from tests.bench.reader import labelled, passages
from tests.bench.reader.base import load_base
from tests.bench.reader.export import export
from tests.bench.reader.network import NEVER, NOTHING, Batch, Network, batches, encode
from tests.bench.reader.passages import Example

TEACHER_LAYERS = tuple(range(12))
STUDENT_LAYERS = (2, 5, 8, 11)
"""Layers of the teacher that the student starts with, and whose states it learns to reproduce."""
TEACHER_EPOCHS, STUDENT_EPOCHS = 5, 3
TEACHER_RATE, STUDENT_RATE = 7e-5, 2e-4
WARM_UP = 100
"""Steps in which the rate rises."""
ANSWERED = 1.5
"""Weight of an example that answers: there are half as many of them."""
SPAN = 0.25
HARD = 0.3
"""Share of the labels in what the student learns; the teacher's logits have the rest."""
STATES = 0.5

Loss = Callable[[Network, Batch], Tensor]


def main() -> None:
    """Train, export, write."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--teacher", type=Path, help="a teacher saved by an earlier run")
    arguments.add_argument("--dry", action="store_true", help="write into --work instead of retrieval/reader")
    options = arguments.parse_args()
    torch.manual_seed(0)
    random = Random(0)
    tokenizer, base = load_base()
    embedder = load_model(options.work)
    cases: dict[str, list[Case]] = {
        name: list(run(*open_set(options.folder / name, options.work, embedder))) for name in labelled.SETS
    }
    # The search has set the threads of all libraries to one.
    torch.set_num_threads(os.cpu_count() or 1)
    texts, questions = passages.read_passages(), labelled.material(options.folder, dict(cases))

    def draw() -> list[Example]:
        return [*passages.examples(texts, random), *labelled.examples(questions, random)]

    if options.teacher:
        teacher = torch.load(options.teacher, weights_only=False)
    else:
        teacher = Network(base, TEACHER_LAYERS)
        fit(teacher, draw, tokenizer, random, labels, TEACHER_EPOCHS, TEACHER_RATE)
        torch.save(teacher, options.work / "teacher.pt")
    student = Network(teacher.bert, STUDENT_LAYERS)
    student.cls.load_state_dict(teacher.cls.state_dict())
    student.span.load_state_dict(teacher.span.state_dict())
    teacher.eval()
    fit(student, draw, tokenizer, random, partial(distil, teacher), STUDENT_EPOCHS, STUDENT_RATE)
    torch.save(student, options.work / "student.pt")
    target = options.work if options.dry else Path(retrieval.__file__).parent / "reader"
    export(student, tokenizer, target)


def fit(
    network: Network,
    draw: Callable[[], list[Example]],
    tokenizer: Tokenizer,
    random: Random,
    loss_of: Loss,
    epochs: int,
    rate: float,
) -> None:
    """Train with AdamW; the rate falls to nothing in the last third. Word vectors stay as they are."""
    network.bert.embeddings.word_embeddings.weight.requires_grad = False
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.01)
    step, total = 0, 0
    for epoch in range(epochs):
        rows = [encode(tokenizer, example) for example in draw()]
        found = list(batches(rows, random))
        total = total or len(found) * epochs
        network.train()
        started, sum_ = time.monotonic(), 0.0
        for batch in found:
            factor = min((step + 1) / WARM_UP, 1.0, max(total - step, 1) / (total / 3))
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            loss = loss_of(network, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            step += 1
            sum_ += loss.item()
        seconds = time.monotonic() - started
        print(
            f"epoch {epoch + 1}/{epochs}: {len(rows)} examples, loss {sum_ / len(found):.3f}, {seconds:.0f} s",
            flush=True,
        )


def labels(network: Network, batch: Batch) -> Tensor:
    """Loss against the labels."""
    with torch.autocast("cpu", torch.bfloat16):
        logits, bounds = network(*batch.inputs)
    return _hard(logits.float(), bounds.float(), batch)


def _hard(logits: Tensor, bounds: Tensor, batch: Batch) -> Tensor:
    weight = torch.where(batch.answered > 0, ANSWERED, 1.0)
    loss = functional.binary_cross_entropy_with_logits(logits, batch.answered, weight=weight)
    held = batch.spans[:, 0] != NOTHING
    if held.any():
        bounds = _within_text(bounds, batch)[held]
        for side in (0, 1):
            loss = loss + SPAN * functional.cross_entropy(bounds[:, :, side], batch.spans[held, side])
    return loss


def distil(teacher: Network, student: Network, batch: Batch) -> Tensor:
    """Loss against the labels, the teacher's logits and the teacher's states."""
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            theirs = teacher.hidden(*batch.inputs)
            their_logits, their_bounds = teacher.heads(theirs[-1])
        ours = student.hidden(*batch.inputs)
        logits, bounds = student.heads(ours[-1])
    logits, bounds = logits.float(), bounds.float()
    loss = HARD * _hard(logits, bounds, batch)
    loss = loss + (1 - HARD) * functional.binary_cross_entropy_with_logits(logits, torch.sigmoid(their_logits.float()))
    ours_within, theirs_within = _within_text(bounds, batch), _within_text(their_bounds.float(), batch)
    for side in (0, 1):
        loss = loss + SPAN * functional.kl_div(
            ours_within[:, :, side].log_softmax(-1),
            theirs_within[:, :, side].log_softmax(-1),
            reduction="batchmean",
            log_target=True,
        )
    mask = batch.mask.unsqueeze(-1)
    pairs: Iterable[tuple[Any, Any]] = zip(ours[1:], (theirs[layer + 1] for layer in STUDENT_LAYERS), strict=True)
    for mine, other in pairs:
        difference = (mine.float() - other.float()) * mask
        loss = loss + STATES / len(STUDENT_LAYERS) * difference.pow(2).sum() / (mask.sum() * mine.shape[-1])
    return loss


def _within_text(bounds: Tensor, batch: Batch) -> Tensor:
    return bounds.masked_fill((batch.types == 0).unsqueeze(-1), NEVER)


if __name__ == "__main__":
    main()
