"""Everything the contenders are given: the model as graphs, questions, and the state that Recurra reaches.

Run as a program inside the virtual environment. What is there already is kept.
"""

import argparse
import copy
import json
import logging
import subprocess
from pathlib import Path

import model
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from safetensors.numpy import load_file
from safetensors.torch import save_file

OPSET = 23
"""The first with a norm of its own, which the runtimes have kernels for."""
TOLERANCE = 1e-4
"""Largest difference of any number of z_H between PyTorch and Recurra, both in f32."""


def inputs_file(folder: Path, batch: int) -> Path:
    return folder / f"inputs-b{batch}.npz"


def state_file(folder: Path, batch: int) -> Path:
    """z_H after one step of Recurra in f32."""
    return folder / f"z_H-b{batch}.npy"


def graph_file(folder: Path, batch: int, form: model.Form) -> Path:
    return folder / f"step-b{batch}-{form.name}.onnx"


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def trace(recurra: Path, file: Path, folder: Path, batch: int) -> np.ndarray:
    """z_H of Recurra after one step on the questions."""
    questions, out = folder / f"questions-b{batch}.safetensors", folder / "trace.safetensors"
    command = [recurra, "trace", file, "--tensors", questions, "--steps", "1", "-o", out]
    subprocess.run(command, check=True)
    return load_file(out)["z_H"]


def prepare(recurra: Path, file: Path, folder: Path, batch: int) -> None:
    """Questions, inputs, states; checks the PyTorch model."""
    config, weights = model.load(file)
    tokens = model.questions(config, batch)
    save_file({"inputs": tokens}, folder / f"questions-b{batch}.safetensors")
    x = model.embed(config, weights, tokens)
    z_h, z_l = model.start(config, weights, batch)
    np.savez(inputs_file(folder, batch), x=x.numpy(), z_h=z_h.numpy(), z_l=z_l.numpy())
    expected = trace(recurra, file, folder, batch)
    with torch.inference_mode():
        for form in model.forms(config):
            found = model.step(config, model.Network(config, weights, form), x, z_h, z_l).numpy()
            difference = float(np.abs(found - expected).max())
            if not difference <= TOLERANCE:
                raise SystemExit(
                    f"z_H of {file} in PyTorch ({form.name}) differs from `recurra trace` by {difference:.1e}, more "
                    f"than {TOLERANCE}: is it an untrained model of full-size weights?"
                )
    np.save(state_file(folder, batch), expected)


def export(config: model.Config, network: model.Network, batch: int) -> onnx.ModelProto:
    """One improvement step as one graph of static shape."""
    shape = (batch, config.length, config.hidden_size)
    program = torch.onnx.export(
        network.eval(), (torch.zeros(shape),), input_names=["h"], output_names=["f"], opset_version=OPSET, verbose=False
    )
    once = program.model_proto
    weights = {tensor.name for tensor in once.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    calls = 0

    def add(a: str, b: str) -> str:
        nodes.append(helper.make_node("Add", [a, b], [f"sum{len(nodes)}"]))
        return nodes[-1].output[0]

    def call(h: str) -> str:
        nonlocal calls
        calls += 1

        def place(name: str) -> str:
            return h if name == "h" else name if name in weights or not name else f"call{calls}/{name}"

        for node in once.graph.node:
            node = copy.deepcopy(node)
            node.name = f"call{calls}/{node.name}"
            node.input[:] = [place(name) for name in node.input]
            node.output[:] = [place(name) for name in node.output]
            nodes.append(node)
        return place("f")

    z_h, z_l = "z_h", "z_l"
    for _ in range(config.h_cycles):
        context = add(z_h, "x")
        for _ in range(config.l_cycles):
            z_l = call(add(z_l, context))
        z_h = call(add(z_h, z_l))
    value = helper.make_tensor_value_info
    inputs = [value(name, TensorProto.FLOAT, shape) for name in ("x", "z_h", "z_l")]
    nodes.append(helper.make_node("Identity", [z_h], ["out"]))
    graph = helper.make_graph(nodes, "step", inputs, [value("out", TensorProto.FLOAT, shape)], once.graph.initializer)
    # The shapes of all intermediate results, which quantisers ask for.
    whole = helper.make_model(graph, opset_imports=once.opset_import, ir_version=once.ir_version)
    return onnx.shape_inference.infer_shapes(whole, check_type=True, strict_mode=True)


def check(graph: onnx.ModelProto, config: model.Config, form: model.Form) -> None:
    """A rival must not be handicapped by its graph: weights lie ready, nothing is transposed for nothing."""
    constants = {tensor.name for tensor in graph.graph.initializer}
    transposed = [node for node in graph.graph.node if node.op_type == "Transpose"]
    calls = config.h_cycles * (config.l_cycles + 1) * config.num_layers
    # Each layer: to the channels' side and back for a mixer from the right; queries, keys, values, output of attention.
    most = calls * (0 if form.left else 2 if config.mixer == "mlp" else 4)
    if any(node.input[0] in constants for node in transposed) or len(transposed) > most:
        raise SystemExit(f"the exported graph ({form.name}) has {len(transposed)} transpositions, expected {most}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recurra", type=Path, required=True)
    parser.add_argument("--batches", type=int, nargs="+", required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="the model in other precisions")
    args = parser.parse_args()
    # It warns of operators that it does not know and nobody uses here.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    config, weights = model.load(args.model)
    cosines: dict[str, dict[int, float]] = {}
    for batch in args.batches:
        prepare(args.recurra, args.model, args.folder, batch)
        expected = np.load(state_file(args.folder, batch))
        for other in args.others:
            found = trace(args.recurra, other, args.folder, batch)
            cosines.setdefault(other.stem, {})[batch] = cosine(found, expected)
        for form in model.forms(config):
            file = graph_file(args.folder, batch, form)
            if not file.exists():
                graph = export(config, model.Network(config, weights, form), batch)
                check(graph, config, form)
                onnx.save(graph, file.with_suffix(".tmp"))
                file.with_suffix(".tmp").rename(file)
    (args.folder / "cosines.json").write_text(json.dumps(cosines))


if __name__ == "__main__":
    main()
