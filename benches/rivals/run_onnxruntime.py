"""ONNX Runtime: f32, and dynamic int8 with one scale a tensor or one a channel."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import graphs
import model
import numpy as np
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic


def versions() -> dict[str, str]:
    return {"onnxruntime": version("onnxruntime")}


def candidates(
    file: Path, folder: Path, variant: str, batch: int, threads: int, forms: list[model.Form]
) -> Iterator[tuple[model.Form, Any]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    for form in forms:
        graph = graphs.graph_file(folder, batch, form)
        if variant != "f32":
            graph = int8(graph, per_channel=variant == "int8-channel")
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        yield form, runner(session)


def runner(session: Any) -> Any:
    def run(inputs: dict[str, np.ndarray]) -> np.ndarray:
        return session.run(["out"], inputs)[0]

    return run


def int8(graph: Path, per_channel: bool) -> Path:
    """Kept from one run to the next."""
    file = graph.with_suffix(".int8-channel.onnx" if per_channel else ".int8.onnx")
    if not file.exists():
        quantize_dynamic(
            graph,
            file,
            op_types_to_quantize=["MatMul"],
            per_channel=per_channel,
            weight_type=QuantType.QInt8,
            # An MLP mixer from the left has its weights there.
            extra_options={"MatMulConstBOnly": False},
        )
    return file
