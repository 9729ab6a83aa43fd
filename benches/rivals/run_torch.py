"""PyTorch: f32 and bf16, eager and compiled."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import model
import numpy as np
import torch


def versions() -> dict[str, str]:
    return {"torch": version("torch")}


def candidates(
    file: Path, folder: Path, variant: str, batch: int, threads: int, forms: list[model.Form]
) -> Iterator[tuple[model.Form, Any]]:
    config, weights = model.load(file)
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    precision, _, compiled = variant.partition("-")
    kind = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
    # Here a split is no work, so one product is never slower than two.
    for form in [form for form in forms if not form.apart]:
        network: Any = model.Network(config, weights, form).eval().to(kind)
        if compiled:
            # Weights are packed once. The calls of a step are a loop around it: unrolled, it takes minutes to compile.
            torch._inductor.config.freezing = True
            network = torch.compile(network, dynamic=False)
        yield form, runner(config, network, kind)


def runner(config: model.Config, network: Any, kind: torch.dtype) -> Any:
    def run(inputs: dict[str, np.ndarray]) -> np.ndarray:
        state = {name: torch.from_numpy(value).to(kind) for name, value in inputs.items()}
        return model.step(config, network, **state).float().numpy()

    return run
