"""OpenVINO: f32, bf16, and static int8 with the rest in bf16."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import graphs
import model
import numpy as np
import openvino

CALIBRATION = 4
"""Questions, at least, whose states give the ranges of static int8."""


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("openvino", "nncf")}


def candidates(
    file: Path, folder: Path, variant: str, batch: int, threads: int, forms: list[model.Form]
) -> Iterator[tuple[model.Form, Any]]:
    config, weights = model.load(file)
    core = openvino.Core()
    for form in forms:
        graph = core.read_model(graphs.graph_file(folder, batch, form))
        options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            # Pinned threads cannot make way for anything else that runs on the machine.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "f32" if variant == "f32" else "bf16",
        }
        if variant == "int8":
            graph = static_int8(graph, config, weights, folder, batch, form)
        request = core.compile_model(graph, "CPU", options).create_infer_request()
        yield form, runner(request)


def runner(request: Any) -> Any:
    def run(inputs: dict[str, np.ndarray]) -> np.ndarray:
        return request.infer(inputs, share_inputs=True, share_outputs=True)["out"]

    return run


def static_int8(
    graph: Any, config: model.Config, weights: dict[str, Any], folder: Path, batch: int, form: model.Form
) -> Any:
    """Activations and weights in int8, ranges from calibration; kept from one run to the next."""
    file = graphs.graph_file(folder, batch, form).with_suffix(".int8.xml")
    if not file.exists():
        import nncf

        samples = []
        for i in range(-(-CALIBRATION // batch)):
            x = model.embed(config, weights, model.questions(config, batch, seed=2 + i))
            z_h, z_l = model.start(config, weights, batch)
            samples.append({"x": x.numpy(), "z_h": z_h.numpy(), "z_l": z_l.numpy()})
        quantised = nncf.quantize(
            graph,
            nncf.Dataset(samples),
            preset=nncf.QuantizationPreset.MIXED,
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(samples),
        )
        openvino.save_model(quantised, file, compress_to_fp16=False)
    return openvino.Core().read_model(file)
