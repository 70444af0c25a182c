"""Turns a sentence-transformers model into a graph for onnxruntime, checks it against the original, or says why not.

Runs as a process of its own (see main): torch and its threads leave with it, and what the exporters print is caught.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import torch
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from sentence_transformers import SentenceTransformer

from retrieval.embedders.bundle import (
    MODEL,
    TOKENIZER,
    Bundle,
    Parity,
    Refusal,
    describe_files,
    tools,
    write_bundle,
)
from retrieval.embedders.onnx import OnnxEmbedder
from retrieval.embedders.parity import MAX_ORDER_GAP, MIN_COSINE, compare, faithful
from retrieval.embedders.sentence import (
    TRANSFORMER,
    SentenceTransformerEmbedder,
    first_line,
    hub_folder,
    kind_of,
    open_model,
    prompts_of,
    quiet,
)
from retrieval.embedders.sources import Source, check_weights, revision
from retrieval.errors import ModelError

_TRACEABLE = frozenset({"Pooling", "Dense", "Normalize", "LayerNorm", "Dropout"})
"""Modules whose forward depends on tensors alone."""
_MAX_BYTES = 1_900_000_000
"""Weights of one self-contained file: protobuf ends at 2 GiB, and the graph needs some of it."""
_OPSET = 17
_EXAMPLE = ("one text", "and another one that is longer, so that one of the two is padded")


class _NotExportable(Exception):
    """Why a model stays with sentence-transformers; ``str`` is Refusal.reason."""


class _Pipeline(torch.nn.Module):
    """All modules of a model as one function of tensors."""

    def __init__(self, model: SentenceTransformer, inputs: Sequence[str]) -> None:
        super().__init__()
        self._model = model
        self._inputs = inputs

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        features = self._model.forward({**dict(zip(self._inputs, tensors, strict=True)), "modality": "text"})
        vectors: torch.Tensor = features["sentence_embedding"]
        return vectors if self._model.truncate_dim is None else vectors[:, : self._model.truncate_dim]


def export_model(original: SentenceTransformerEmbedder, target: Path, sample: Sequence[str] = ()) -> Bundle | Refusal:
    """Fill the empty folder ``target`` with a bundle that is as good as ``original``, or with the reason there is none.

    ``original`` must have been opened for export. Raises OSError when ``target`` cannot be written.
    """
    result: Bundle | Refusal
    try:
        result = _export(original, target, sample)
    except _NotExportable as error:
        for path in target.iterdir():
            path.unlink()
        result = Refusal(str(error), tools())
    write_bundle(target, result)
    return result


def _export(original: SentenceTransformerEmbedder, target: Path, sample: Sequence[str]) -> Bundle:
    model = original.model
    _check_modules(model, prompted=bool(original.spec.query_prompt or original.spec.document_prompt))
    tokenizer: Any = model.tokenizer
    tokenizer.backend_tokenizer.save(str(target / TOKENIZER))
    inputs, fused = _write_graph(model, target / MODEL)
    bundle = Bundle(
        revision=original.spec.revision,
        dimension=original.spec.dimension,
        max_tokens=original.spec.max_tokens,
        query_prompt=original.spec.query_prompt,
        document_prompt=original.spec.document_prompt,
        inputs=inputs,
        pad_id=tokenizer.pad_token_id or 0,
        pad_type_id=tokenizer.pad_token_type_id,
        truncation_side=tokenizer.truncation_side,
        parity=Parity(0, 0.0, 0.0),
        fused=fused,
        made_with=tools(),
        files=describe_files(target),
    )
    return _checked(original, target, bundle, sample)


def _checked(original: SentenceTransformerEmbedder, target: Path, bundle: Bundle, sample: Sequence[str]) -> Bundle:
    try:
        parity = compare(original, OnnxEmbedder(original.spec.model, target, bundle), sample)
    except ModelError as error:
        raise _NotExportable(f"its export does not run: {first_line(error)}") from error
    if not faithful(parity):
        raise _NotExportable(
            f"its export differs from it (cosine {parity.min_cosine:.6f} where {MIN_COSINE} is asked, "
            f"order {parity.order_gap:.1e} where {MAX_ORDER_GAP:.0e} is allowed)"
        )
    return replace(bundle, parity=parity)


def _check_modules(model: SentenceTransformer, *, prompted: bool) -> None:
    first, *others = model
    if kind_of(first) != TRANSFORMER or set(first.modalities) != {"text"}:
        raise _NotExportable("its first module is not a text transformer")
    if not getattr(model.tokenizer, "is_fast", False):
        raise _NotExportable("its tokenizer exists in Python only")
    if model.tokenizer.padding_side != "right":
        raise _NotExportable("its tokenizer pads on the left")
    settings = ("query_length", "document_length", "query_expansion", "processing_kwargs")
    if any(getattr(first, name, None) for name in settings):
        raise _NotExportable("its tokenizer is set to cut or fill texts in its own way")
    for module in others:
        if kind_of(module) not in _TRACEABLE:
            raise _NotExportable(f"it has a module {type(module).__name__}, which cannot be exported faithfully")
        if prompted and not getattr(module, "include_prompt", True):
            raise _NotExportable("its pooling leaves the prompt out")
    if sum(weight.numel() * weight.element_size() for weight in model.parameters()) > _MAX_BYTES:
        raise _NotExportable("its weights exceed what one ONNX file may hold")


def _write_graph(model: SentenceTransformer, path: Path) -> tuple[tuple[str, ...], dict[str, int]]:
    """Trace, fuse and write the graph; the names of its inputs, and what was fused."""
    example = {name: value for name, value in model.preprocess(list(_EXAMPLE)).items() if torch.is_tensor(value)}
    inputs = tuple(example)
    if not set(inputs) <= {"input_ids", "attention_mask", "token_type_ids"}:
        raise _NotExportable(f"it reads more than tokens ({', '.join(inputs)})")
    raw = path.with_suffix(".raw")
    dynamic = {name: {0: "batch", 1: "tokens"} for name in inputs} | {"vectors": {0: "batch"}}
    config = model[0].auto_model.config
    try:
        with quiet(), torch.inference_mode():
            torch.onnx.export(
                _Pipeline(model, inputs),
                tuple(example.values()),
                str(raw),
                dynamo=False,  # the newer exporter writes attention in a form that the optimizer does not know
                opset_version=_OPSET,
                input_names=list(inputs),
                output_names=["vectors"],
                dynamic_axes=dynamic,
            )
            optimized = optimizer.optimize_model(
                str(raw),
                model_type="bert",
                num_heads=getattr(config, "num_attention_heads", 0),
                hidden_size=getattr(config, "hidden_size", 0),
                opt_level=0,
                optimization_options=fusions(),
            )
            optimized.save_model_to_file(str(path), use_external_data_format=False)
    except OSError:
        raise  # the disk's fault, not the model's
    except Exception as error:  # tracer, exporter and optimizer raise whatever a model makes them meet
        raise _NotExportable(f"it cannot be exported: {first_line(error)}") from error
    finally:
        raw.unlink(missing_ok=True)
    statistics: Mapping[str, int] = optimized.get_fused_operator_statistics()
    return inputs, {name: count for name, count in statistics.items() if count}


def fusions() -> FusionOptions:
    """What to fuse in a BERT-like graph, for retrieval.session: all but additions with the normalisation after them.

    onnxruntime's kernel for the two together takes 2.5 to 3 times as long as those for each: 76 against 28 microseconds
    for 75 rows of 384 on 2 cores (30 rows: 33 against 20).
    """
    options = FusionOptions("bert")
    options.enable_skip_layer_norm = False
    options.enable_bias_skip_layer_norm = False
    return options


def prepare(source: Source, target: Path, sample: Sequence[str]) -> dict[str, str]:
    """Fetch the model if it must be, and fill ``target``; its ``revision`` and the ``folder`` of its files.

    Raises ModelError when the model cannot be had at all, OSError when ``target`` cannot be written.
    """
    check_weights(source)
    model = open_model(source.name, source.folder, for_export=True)
    folder = source.folder or hub_folder(source.name)
    found = revision(folder)
    export_model(SentenceTransformerEmbedder(model, source.name, found, prompts_of(folder)), target, sample)
    return {"revision": found, "folder": str(folder)}


def main() -> NoReturn:
    """Read one request as JSON from standard input, answer as JSON in the file it names, print nothing on purpose.

    The request holds name, folder or null, weights or null, target, sample, answer. The answer holds what prepare
    returns, or ``error``: a sentence for the user.
    """
    request = json.load(sys.stdin)
    folder = request["folder"]
    source = Source(request["name"], None if folder is None else Path(folder), request["weights"])
    try:
        answer = prepare(source, Path(request["target"]), request["sample"])
    except ModelError as error:
        answer = {"error": str(error)}
    except OSError as error:
        answer = {"error": f"The folder for prepared models cannot be written ({error.strerror or error})."}
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")
    sys.exit(0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
