"""An 8-bit form of an exported model: faster, and nearly the same vectors.

Weights are rounded to 8 bits by output channel, what they are multiplied with by token, so that a text's vector does
not depend on the texts beside it. (One scale for a whole batch, as is usual, changes 12 % of the ten nearest
sentences; this way 5 %, at two thirds of float32's time for a question.)
Before, the columns of both are balanced with what a few texts showed to be their largest values: Xiao et al. 2023,
"SmoothQuant", equation 4, at half strength. Made without torch, from the float32 export alone.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from retrieval.embedders.bundle import INT8, MODEL, Bundle, forget_int8, int8_of, read_bundle, refuse_int8, write_int8
from retrieval.embedders.onnx import OnnxEmbedder
from retrieval.embedders.parity import calibration_texts, compare
from retrieval.errors import ModelError
from retrieval.session import open_session

MIN_COSINE = 0.98
"""Between the two vectors of a text; the default model's worst is .991."""
_LEVELS = 127
_ZERO = 128
"""Unsigned 8 bits for what is multiplied, signed for the weights: the pair that processors have instructions for."""
_STRENGTH = 0.5
_TINY = 1e-6
_ATTENTION = 4
"""Inputs of an attention without past, relative positions or an order: states, weights, bias, mask."""
_NEED = 1024
"""Weights from which on a product is worth the work around it."""

Array = NDArray[np.float32]


def make_int8(model: str, folder: Path, bundle: Bundle, sample: Sequence[str] = ()) -> None:
    """Write the 8-bit form of the bundle in ``folder`` beside it; the card comes last.

    Raises ModelError where it differs too much from the float32 one, which is noted down, OSError when the folder
    cannot be written.
    """
    original = OnnxEmbedder(model, folder, bundle)
    graph = onnx.load(str(folder / MODEL))
    _split_attention(graph)
    seen = _largest(graph, original, folder, [*calibration_texts(), *sample])
    _quantize(graph, seen)
    forget_int8(folder)
    onnx.save(graph, str(folder / INT8))
    made = int8_of(bundle, folder)
    parity = compare(original, OnnxEmbedder(model, folder, made), sample)
    if parity.min_cosine < MIN_COSINE:
        refuse_int8(folder, bundle)
        raise ModelError(
            f"EMBEDDING_PRECISION=int8 changes the model {model} too much (cosine {parity.min_cosine:.3f} where "
            f"{MIN_COSINE} is asked): set float32."
        )
    write_int8(folder, bundle, made, parity)


# --- the graph -----------------------------------------------------------------------------------------------------


def _split_attention(graph: onnx.ModelProto) -> None:
    """Take the products with weights out of onnxruntime's fused attention, which has no 8-bit form of this kind."""
    weights = _weights(graph)
    nodes: list[onnx.NodeProto] = []
    for node in graph.graph.node:
        known = {attribute.name for attribute in node.attribute} <= {"num_heads"} and len(node.input) == _ATTENTION
        if node.op_type != "Attention" or not known or node.input[1] not in weights:
            nodes.append(node)
            continue
        states, weight, bias, mask = node.input
        width = numpy_helper.to_array(weights[weight]).shape[1] // 3
        sizes = numpy_helper.from_array(np.full(3, width, dtype=np.int64), f"{node.name}_sizes")
        graph.graph.initializer.append(sizes)
        parts = [f"{node.name}_{part}" for part in ("query", "key", "value")]
        nodes += [
            _node("MatMul", [states, weight], [f"{node.name}_product"]),
            _node("Split", [f"{node.name}_product", sizes.name], parts, axis=-1),
            helper.make_node(
                "MultiHeadAttention",
                [*parts, bias, mask],
                list(node.output[:1]),
                name=f"{node.name}_heads",
                domain="com.microsoft",
                num_heads=node.attribute[0].i,
            ),
        ]
    _replace_nodes(graph, nodes)


def _largest(graph: onnx.ModelProto, embedder: OnnxEmbedder, folder: Path, texts: Sequence[str]) -> Mapping[str, Array]:
    """The largest magnitude of each column of whatever is multiplied with weights, by its name: (columns,) each."""
    names = list(dict.fromkeys(node.input[0] for node in _products(graph)))
    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    watched.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    path = folder / "watched.onnx"
    try:
        onnx.save(watched, str(path))
        session = open_session(path, 0)
        largest: dict[str, Array] = {}
        for text in texts:
            for name, values in zip(names, session.run(names, embedder.feed([text])), strict=True):
                seen = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
                largest[name] = np.maximum(largest.get(name, seen), seen)
    finally:
        path.unlink(missing_ok=True)
    return largest


def _quantize(graph: onnx.ModelProto, seen: Mapping[str, Array]) -> None:
    """Replace every product of states with weights by one of 8-bit integers."""
    weights = _weights(graph)
    chosen = {node.name: node for node in _products(graph)}
    constants: dict[str, NDArray[Any]] = {
        "int8_step": np.float32(1 / _LEVELS),  # type: ignore[dict-item]
        "int8_zero": np.uint8(_ZERO),  # type: ignore[dict-item]
        "int8_tiny": np.float32(_TINY),  # type: ignore[dict-item]
    }
    nodes: list[onnx.NodeProto] = []
    for node in graph.graph.node:
        if node.name in chosen and node.op_type == "MatMul":
            weight = numpy_helper.to_array(weights[node.input[1]]).astype(np.float32)
            nodes += _product(node, weight, seen[node.input[0]], constants)
        else:
            nodes.append(node)
    graph.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
    )
    _replace_nodes(graph, nodes)


def _product(
    node: onnx.NodeProto, weight: Array, seen: Array, constants: dict[str, NDArray[Any]]
) -> Iterator[onnx.NodeProto]:
    """The nodes that stand for one product; their constants are added."""
    name = node.name.strip("/").replace("/", "_") or node.output[0]
    balance = np.maximum(seen, _TINY) ** _STRENGTH / np.maximum(np.abs(weight).max(axis=1), _TINY) ** (1 - _STRENGTH)
    balance /= np.exp(np.log(balance).mean())
    weight = weight * balance[:, None]
    step = np.maximum(np.abs(weight).max(axis=0), _TINY) / _LEVELS
    constants[f"{name}_balance"] = (1 / balance).astype(np.float32)
    constants[f"{name}_weight"] = np.clip(np.rint(weight / step), -_LEVELS, _LEVELS).astype(np.int8)
    constants[f"{name}_scale"] = (step / _LEVELS).astype(np.float32)

    def at(part: str) -> str:
        return f"{name}_{part}"

    yield _node("Mul", [node.input[0], at("balance")], [at("even")])
    # Each token's largest magnitude becomes 1, so that one fixed step serves all.
    yield _node("Abs", [at("even")], [at("size")])
    yield _node("ReduceMax", [at("size")], [at("most")], axes=[-1], keepdims=1)
    yield _node("Max", [at("most"), "int8_tiny"], [at("length")])
    yield _node("Div", [at("even"), at("length")], [at("unit")])
    yield _node("QuantizeLinear", [at("unit"), "int8_step", "int8_zero"], [at("bytes")])
    yield _node("MatMulInteger", [at("bytes"), at("weight"), "int8_zero"], [at("sums")])
    yield _node("Cast", [at("sums")], [at("floats")], to=onnx.TensorProto.FLOAT)
    yield _node("Mul", [at("floats"), at("scale")], [at("scaled")])
    yield _node("Mul", [at("scaled"), at("length")], [node.output[0]])


def _products(graph: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The products of states with constant weights that are worth it."""
    weights = _weights(graph)
    return [
        node
        for node in graph.graph.node
        if node.op_type == "MatMul"
        and node.input[1] in weights
        and len(weights[node.input[1]].dims) == 2  # noqa: PLR2004 - a matrix
        and np.prod(weights[node.input[1]].dims) >= _NEED
    ]


def _weights(graph: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in graph.graph.initializer}


def _node(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, outputs, name=f"{outputs[0]}_node", **attributes)


def _replace_nodes(graph: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> None:
    """Put other nodes in the graph, and take out the weights that none of them uses."""
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    tensors = [tensor for tensor in graph.graph.initializer if tensor.name in used]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(tensors)


# --- the child process ---------------------------------------------------------------------------------------------


def main() -> None:
    """Read one request as JSON from standard input, answer as JSON in the file it names.

    The request holds model, folder, sample, answer. The answer is empty, or holds ``error``, a sentence for the user,
    or ``refused``: number and text of what the system said.
    """
    request = json.load(sys.stdin)
    folder = Path(request["folder"])
    answer: dict[str, object] = {}
    bundle = read_bundle(folder)
    try:
        if isinstance(bundle, Bundle):
            make_int8(request["model"], folder, bundle, request["sample"])
    except ModelError as error:
        answer = {"error": str(error)}
    except OSError as error:
        answer = {"refused": [error.errno, error.strerror]}
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
