"""One improvement step of a model with an MLP mixer as an ONNX graph, for `speed.mjs` to give to ONNX Runtime Web.

    python3 benches/browser/export.py models/sudoku9.safetensors step.onnx

Needs `onnx` and `numpy`. Inputs x, z_H, z_L, [positions, hidden]; outputs z_H, z_L. f32.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def read(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    config = json.loads(header.pop("__metadata__")["recurra.config"])["architecture"]
    body = data[8 + length :]

    def tensor(entry: dict) -> np.ndarray:
        assert entry["dtype"] == "F32", "expected a model in f32"
        start, end = entry["data_offsets"]
        return np.frombuffer(body[start:end], "<f4").reshape(entry["shape"])

    return config, {name: tensor(entry) for name, entry in header.items()}


def main(model: Path, out: Path) -> None:
    config, weights = read(model)
    assert config["mixer"] == "mlp", "expected an MLP mixer"
    nodes, constants = [], []

    def constant(name: str, value: np.ndarray) -> str:
        if not any(known.name == name for known in constants):
            constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(kind: str, inputs: list[str], outputs: int = 1, **attributes: object) -> list[str]:
        names = [f"v{len(nodes)}_{i}" for i in range(outputs)]
        nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def add(a: str, b: str) -> str:
        return op("Add", [a, b])[0]

    def norm(h: str, axis: int) -> str:
        (square,) = op("Mul", [h, h])
        axes = constant(f"axis{axis}", np.array([axis], np.int64))
        (mean,) = op("ReduceMean", [square, axes], keepdims=1)
        eps = constant("eps", np.array(config["rms_norm_eps"], np.float32))
        (root,) = op("Sqrt", [add(mean, eps)])
        return op("Div", [h, root])[0]

    def gate(both: str, axis: int) -> str:
        g, u = op("Split", [both], 2, axis=axis, num_outputs=2)
        (s,) = op("Sigmoid", [g])
        (silu,) = op("Mul", [g, s])
        return op("Mul", [silu, u])[0]

    def network(h: str) -> str:
        for layer in range(config["num_layers"]):
            names = [f"L_level.layers.{layer}.{part}.weight" for part in
                     ("mlp_t.gate_up_proj", "mlp_t.down_proj", "mlp.gate_up_proj", "mlp.down_proj")]
            up_t, down_t, up, down = (weights[name] for name in names)
            (both,) = op("MatMul", [constant(names[0], up_t), h])
            (mixed,) = op("MatMul", [constant(names[1], down_t), gate(both, 0)])
            h = norm(add(h, mixed), 0)
            (both,) = op("MatMul", [h, constant(names[2], up.T)])
            (fed,) = op("MatMul", [gate(both, 1), constant(names[3], down.T)])
            h = norm(add(h, fed), 1)
        return h

    z_h, z_l = "z_H", "z_L"
    for _ in range(config["h_cycles"]):
        for _ in range(config["l_cycles"]):
            z_l = network(add(z_l, add(z_h, "x")))
        z_h = network(add(z_h, z_l))
    nodes.append(helper.make_node("Identity", [z_h], ["z_H_out"]))
    nodes.append(helper.make_node("Identity", [z_l], ["z_L_out"]))
    shape = [config["seq_len"], config["hidden_size"]]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "step", [value(n) for n in ("x", "z_H", "z_L")], [value("z_H_out"), value("z_L_out")], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made)
    onnx.save(made, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
