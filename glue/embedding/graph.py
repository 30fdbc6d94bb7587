"""The fused ONNX graph of a BERT sentence encoder, built from its weights.

Uses onnxruntime's contrib operators (domain ``com.microsoft``: EmbedLayerNormalization, Attention,
SkipLayerNormalization, BiasGelu), which is what its own optimiser would fuse an exported model into; mean pooling over
the attention mask and L2 normalisation are part of the graph. No torch is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, load, numpy_helper, save

from glue.embedding.declared import Model
from glue.embedding.encoder import Blocks, Floats, Shape, Weights
from glue.errors import ConfigError

_MS = "com.microsoft"
_IR_VERSION = 10
_OPSET = 13  # of the pooling's operators
_INPUTS = ("input_ids", "token_type_ids", "attention_mask")
_SMALL = 1024  # bytes; smaller parameters stay in the graph


class _Graph:
    """Collects nodes and parameters."""

    def __init__(self, tensors: Mapping[str, Floats | Blocks], shape: Shape) -> None:
        self.blocks = {name: value for name, value in tensors.items() if isinstance(value, Blocks)}
        self.tensors = {name: value for name, value in tensors.items() if not isinstance(value, Blocks)}
        self.shape = shape
        self.nodes: list[Any] = []
        self.parameters: list[Any] = []

    def parameter(self, name: str, value: NDArray[Any]) -> str:
        self.parameters.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def numbers(self, name: str, *values: int) -> str:
        return self.parameter(name, np.array(values, dtype=np.int64))

    def take(self, name: str, transpose: bool = False) -> str:
        value = self.tensors[name]
        return self.parameter(name, value.T if transpose else value)

    def add(self, op: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any) -> None:
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))


def _embeddings(graph: _Graph) -> None:
    prefix = "embeddings."
    if table := graph.blocks.get(f"{prefix}word_embeddings.weight"):
        return _embeddings_of_blocks(graph, table)
    names = ("word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm")
    words, positions, types = (graph.take(f"{prefix}{name}.weight") for name in names[:3])
    norm = [graph.take(f"{prefix}LayerNorm.{part}") for part in ("weight", "bias")]
    graph.add(
        "EmbedLayerNormalization",
        ["input_ids", "token_type_ids", words, positions, types, *norm, "attention_mask"],
        ["hidden.0", "mask_index"],
        _MS,
        epsilon=graph.shape.epsilon,
    )
    return None


def _embeddings_of_blocks(graph: _Graph, table: Blocks) -> None:
    """The same for a table of words in blocks: a quarter of the memory, and only the rows of the text are scaled."""
    prefix, width = "embeddings.", graph.shape.width
    block = width // table.scales.shape[1]
    graph.parameter("words.codes", table.codes)
    graph.parameter("words.scales", table.scales)
    types = graph.tensors[f"{prefix}token_type_embeddings.weight"]
    places = graph.parameter("places", graph.tensors[f"{prefix}position_embeddings.weight"] + types[0])
    for name, value in (("at.0", 0), ("at.1", 1), ("last", -1)):
        graph.numbers(name, value)
    graph.numbers("blocks.shape", 0, 0, width // block, block)
    graph.numbers("flat.shape", 0, 0, width)
    for name, source in (("codes", "words.codes"), ("scales", "words.scales")):
        graph.add("Gather", [source, "input_ids"], [f"{name}.raw"])
        graph.add("Cast", [f"{name}.raw"], [f"{name}.float"], to=TensorProto.FLOAT)
    graph.add("Reshape", ["codes.float", "blocks.shape"], ["codes.blocks"])
    graph.add("Unsqueeze", ["scales.float", "last"], ["scales.column"])
    graph.add("Mul", ["codes.blocks", "scales.column"], ["words.blocks"])
    graph.add("Reshape", ["words.blocks", "flat.shape"], ["words"])
    graph.add("Shape", ["input_ids"], ["length"], start=1, end=2)
    graph.add("Slice", [places, "at.0", "length", "at.0"], ["places.used"])
    graph.add("Add", ["words", "places.used"], ["embedded"])
    norm = [graph.take(f"{prefix}LayerNorm.{part}") for part in ("weight", "bias")]
    graph.add("LayerNormalization", ["embedded", *norm], ["hidden.0"], epsilon=graph.shape.epsilon)
    graph.add("ReduceSum", ["attention_mask", "at.1"], ["mask_index"], keepdims=0)  # texts are padded on the right


def _layer(graph: _Graph, number: int) -> None:
    prefix, tensors = f"encoder.layer.{number}.", graph.tensors
    parts = [f"{prefix}attention.self.{name}" for name in ("query", "key", "value")]
    qkv = graph.parameter(f"{prefix}qkv.weight", np.concatenate([tensors[f"{p}.weight"].T for p in parts], axis=1))
    bias = graph.parameter(f"{prefix}qkv.bias", np.concatenate([tensors[f"{p}.bias"] for p in parts]))
    hidden = f"hidden.{number}"
    graph.add("Attention", [hidden, qkv, bias, "mask_index"], [f"{prefix}attended"], _MS, num_heads=graph.shape.heads)
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
    graph.add("SkipLayerNormalization", [value, skip, *names], [output], _MS, epsilon=graph.shape.epsilon)


def _pooling(graph: _Graph, pooling: str) -> None:
    last = f"hidden.{graph.shape.layers}"
    if pooling == "cls":
        graph.add("Gather", [last, graph.numbers("first", 0)], ["starts"], axis=1)
        graph.add("ReduceSum", ["starts", graph.numbers("axis.1", 1)], ["start"], keepdims=0)
        graph.add("LpNormalization", ["start"], ["vector"], axis=1, p=2)
        return
    one, two = graph.numbers("axis.1", 1), graph.numbers("axis.2", 2)
    graph.add("Cast", ["attention_mask"], ["mask.float"], to=TensorProto.FLOAT)
    graph.add("Unsqueeze", ["mask.float", two], ["mask.column"])
    graph.add("Mul", [last, "mask.column"], ["masked"])
    graph.add("ReduceSum", ["masked", one], ["summed"], keepdims=0)
    # The mean differs from the sum by a factor that the normalisation removes.
    graph.add("LpNormalization", ["summed"], ["vector"], axis=1, p=2)


def _exported(graph: _Graph, model: Model, file: Path) -> list[Any]:
    """Take an exported graph in, between inputs and pooling as the others have; the versions of its operators."""
    what, inner = f"embedding model {model.name}", compose.add_prefix(load(file), "exported.")
    inputs = {one.name.removeprefix("exported."): one.type.tensor_type.elem_type for one in inner.graph.input}
    output = inner.graph.output[0]
    width = [one.dim_value for one in output.type.tensor_type.shape.dim]
    version = next((one.version for one in inner.opset_import if not one.domain), 0)
    wanted = {
        "inputs": (sorted(set(inputs) - set(_INPUTS)), []),
        "input_ids": ("input_ids" in inputs, True),
        f"width of {output.name.removeprefix('exported.')}": (width[-1:], [model.dimensions]),
        "axes of it": (len(width) in (2, 3), True),
        "functions": (len(inner.functions), 0),
    }
    for name, (have, want) in wanted.items():
        if have != want:
            raise ConfigError(what, f"{file.name}: {name} is {have!r}; {want!r} is needed", "export it anew")
    if version < _OPSET:
        raise ConfigError(what, f"{file.name} has operators of version {version}", f"export it with {_OPSET} or later")
    for name, kind in inputs.items():
        graph.add("Cast", [name], [f"exported.{name}"], to=kind)
    graph.nodes += inner.graph.node
    graph.parameters += inner.graph.initializer
    if len(width) == 2:
        graph.add("LpNormalization", [output.name], ["vector"], axis=1, p=2)
    else:
        graph.add("Identity", [output.name], ["hidden.0"])
        _pooling(graph, model.pooling)
    return list(inner.opset_import)


def build_model(model: Model, weights: Weights) -> Any:
    """The ONNX model: int32 ``input_ids``, ``token_type_ids``, ``attention_mask`` [n, s] → float32 ``vector`` [n, d].

    Padding must be on the right.

    Raises:
        ConfigError: the weights are of an encoder that this graph does not build.
    """
    graph = _Graph(weights.tensors(), weights.shape())
    versions = [helper.make_opsetid("", 17), helper.make_opsetid(_MS, 1)]
    if model.source.format == "onnx":
        versions = _exported(graph, model, weights.file)
    else:
        _embeddings(graph)
        for number in range(graph.shape.layers):
            _layer(graph, number)
        _pooling(graph, model.pooling)
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT32, ["n", "s"]) for name in _INPUTS]
    outputs = [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", graph.shape.width])]
    return helper.make_model(
        helper.make_graph(graph.nodes, "sentence-encoder", inputs, outputs, graph.parameters),
        opset_imports=versions,
        ir_version=_IR_VERSION,
    )


def save_model(model: Model, weights: Weights, path: Path) -> list[Path]:
    """Write the graph and what it names: the parameters first, the graph last. The files, in that order."""
    parameters = path.with_suffix(".bin")
    save(build_model(model, weights), path, save_as_external_data=True, location=parameters.name, size_threshold=_SMALL)
    return [parameters, path]
