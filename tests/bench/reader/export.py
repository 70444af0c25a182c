"""Writes a trained network as the files that retrieval.reader serves: 8-bit weights in an ONNX graph."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from tokenizers import Tokenizer

from retrieval.embedders.export import fusions
from retrieval.reader.card import CARD, MODEL, TOKENIZER
from tests.bench.reader.network import Network

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OPSET = 17


def export(network: Network, tokenizer: Tokenizer, target: Path) -> None:
    """Write model.onnx, tokenizer.json and card.json into an existing folder."""
    network.eval()
    network.bert.config._attn_implementation = "eager"  # the form that the optimizer fuses
    sample = torch.ones((1, 8), dtype=torch.long)
    axes = {name: {0: "batch", 1: "tokens"} for name in (*INPUTS, "bounds")} | {"answers": {0: "batch"}}
    with tempfile.TemporaryDirectory() as folder:
        plain, fused = Path(folder) / "plain.onnx", Path(folder) / "fused.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Served(network),
                (sample, sample, sample),
                str(plain),
                dynamo=False,  # the newer exporter writes attention in a form that the optimizer does not know
                opset_version=OPSET,
                input_names=list(INPUTS),
                output_names=["answers", "bounds"],
                dynamic_axes=axes,
            )
        config = network.bert.config
        optimized = optimizer.optimize_model(
            str(plain),
            "bert",
            num_heads=config.num_attention_heads,
            hidden_size=config.hidden_size,
            optimization_options=fusions(),
        )
        optimized.save_model_to_file(str(fused))
        quantize_dynamic(
            fused,
            target / MODEL,
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    tokenizer.save(str(target / TOKENIZER))
    files = {name: hashlib.sha256((target / name).read_bytes()).hexdigest() for name in (MODEL, TOKENIZER)}
    card = {
        "made_by": "python -m tests.bench.reader.train",
        "layers": config.num_hidden_layers,
        "licence": "CC BY-SA 4.0; see LICENSE.md beside this file",
        "files": files,
    }
    (target / CARD).write_text(json.dumps(card, indent=2) + "\n", "utf-8")


class _Served(torch.nn.Module):
    """The network by way of the encoder's own forward, whose attention the optimizer knows and fuses."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.network.bert(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return self.network.heads(found.last_hidden_state)
