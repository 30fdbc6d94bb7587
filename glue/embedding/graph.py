"""The fused ONNX graph of a BERT sentence encoder, built from its safetensors weights.

Uses onnxruntime's contrib operators (domain ``com.microsoft``: EmbedLayerNormalization, Attention,
SkipLayerNormalization, BiasGelu), which is what its own optimiser would fuse an exported model into; mean pooling over
the attention mask and L2 normalisation are part of the graph. No torch is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save
from safetensors.numpy import load_file

from glue.embedding.weights import Weights

_MS = "com.microsoft"
_IR_VERSION = 10
_SMALL = 1024  # bytes; smaller parameters stay in the graph
Floats = NDArray[np.float32]


class _Graph:
    """Collects nodes and parameters."""

    def __init__(self, tensors: dict[str, Floats], weights: Weights) -> None:
        self.tensors, self.weights = tensors, weights
        self.nodes: list[Any] = []
        self.parameters: list[Any] = []

    def parameter(self, name: str, value: Floats) -> str:
        self.parameters.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def take(self, name: str, transpose: bool = False) -> str:
        value = self.tensors[name]
        return self.parameter(name, value.T if transpose else value)

    def add(self, op: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any) -> None:
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))


def _embeddings(graph: _Graph) -> None:
    prefix = "embeddings."
    names = ("word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm")
    words, positions, types = (graph.take(f"{prefix}{name}.weight") for name in names[:3])
    norm = [graph.take(f"{prefix}LayerNorm.{part}") for part in ("weight", "bias")]
    graph.add(
        "EmbedLayerNormalization",
        ["input_ids", "token_type_ids", words, positions, types, *norm, "attention_mask"],
        ["hidden.0", "mask_index"],
        _MS,
        epsilon=graph.weights.epsilon,
    )


def _layer(graph: _Graph, number: int) -> None:
    prefix, tensors = f"encoder.layer.{number}.", graph.tensors
    parts = [f"{prefix}attention.self.{name}" for name in ("query", "key", "value")]
    qkv = graph.parameter(f"{prefix}qkv.weight", np.concatenate([tensors[f"{p}.weight"].T for p in parts], axis=1))
    bias = graph.parameter(f"{prefix}qkv.bias", np.concatenate([tensors[f"{p}.bias"] for p in parts]))
    hidden = f"hidden.{number}"
    graph.add("Attention", [hidden, qkv, bias, "mask_index"], [f"{prefix}attended"], _MS, num_heads=graph.weights.heads)
    graph.add(
        "MatMul",
        [f"{prefix}attended", graph.take(f"{prefix}attention.output.dense.weight", True)],
        [f"{prefix}projected"],
    )
    _add_norm(graph, f"{prefix}projected", hidden, f"{prefix}attention.output", f"{prefix}between")
    graph.add("MatMul", [f"{prefix}between", graph.take(f"{prefix}intermediate.dense.weight", True)], [f"{prefix}wide"])
    graph.add("BiasGelu", [f"{prefix}wide", graph.take(f"{prefix}intermediate.dense.bias")], [f"{prefix}gelu"], _MS)
    graph.add("MatMul", [f"{prefix}gelu", graph.take(f"{prefix}output.dense.weight", True)], [f"{prefix}narrow"])
    _add_norm(graph, f"{prefix}narrow", f"{prefix}between", f"{prefix}output", f"hidden.{number + 1}")


def _add_norm(graph: _Graph, value: str, skip: str, prefix: str, output: str) -> None:
    names = [graph.take(f"{prefix}.{part}") for part in ("LayerNorm.weight", "LayerNorm.bias", "dense.bias")]
    graph.add("SkipLayerNormalization", [value, skip, *names], [output], _MS, epsilon=graph.weights.epsilon)


def _pooling(graph: _Graph) -> None:
    last = f"hidden.{graph.weights.layers}"
    one = graph.parameter("axis.1", np.array([1], dtype=np.int64))
    two = graph.parameter("axis.2", np.array([2], dtype=np.int64))
    graph.add("Cast", ["attention_mask"], ["mask.float"], to=TensorProto.FLOAT)
    graph.add("Unsqueeze", ["mask.float", two], ["mask.column"])
    graph.add("Mul", [last, "mask.column"], ["masked"])
    graph.add("ReduceSum", ["masked", one], ["summed"], keepdims=0)
    # The mean differs from the sum by a factor that the normalisation removes.
    graph.add("LpNormalization", ["summed"], ["vector"], axis=1, p=2)


def build_model(weights: Weights) -> Any:
    """The ONNX model: int32 ``input_ids``, ``token_type_ids``, ``attention_mask`` [n, s] → float32 ``vector`` [n, d].

    Padding must be on the right.
    """
    tensors = {name.removeprefix("bert."): value for name, value in load_file(weights.tensors).items()}
    graph = _Graph(tensors, weights)
    _embeddings(graph)
    for number in range(weights.layers):
        _layer(graph, number)
    _pooling(graph)
    width = tensors["embeddings.word_embeddings.weight"].shape[1]
    names = ("input_ids", "token_type_ids", "attention_mask")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT32, ["n", "s"]) for name in names]
    outputs = [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", width])]
    return helper.make_model(
        helper.make_graph(graph.nodes, "sentence-encoder", inputs, outputs, graph.parameters),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(_MS, 1)],
        ir_version=_IR_VERSION,
    )


def save_model(weights: Weights, path: Path) -> list[Path]:
    """Write the model; its parameters first, then the graph that names them."""
    parameters = path.with_suffix(".bin")
    save(build_model(weights), path, save_as_external_data=True, location=parameters.name, size_threshold=_SMALL)
    return [parameters, path]
