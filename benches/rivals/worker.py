"""One contender in a process of its own: prepares batches and runs steps when asked.

Requests and answers are JSON objects, one a line, as of `recurra bench --worker`:

    {"batch":1,"threads":1,"prepare":true}   ->  {"cosine":0.9999,"form":"left"}
    {"batch":1,"threads":1,"seconds":0.4}    ->  {"ms_per_step":180.2,"steps":3}

and for what failed `{"error":"..."}`. The first line tells versions.
"""

import argparse
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import model
import numpy as np
from graphs import cosine, inputs_file, state_file

Inputs = dict[str, np.ndarray]
Run = Callable[[Inputs], np.ndarray]
"""One improvement step: from x, z_h and z_l to the next z_h."""


class Runtime(Protocol):
    """What the modules run_*.py offer."""

    def versions(self) -> dict[str, str]: ...

    def candidates(
        self, file: Path, folder: Path, variant: str, batch: int, threads: int, forms: list[model.Form]
    ) -> Iterator[tuple[model.Form, Run]]:
        """The step in all of these forms that make a difference."""
        ...


TRIES = 3
"""Runs that decide between forms, but no more after a second."""
PROMISING = 2
"""Forms that are tried for further batches: the fastest of the first."""


def best_of(run: Run, inputs: Inputs) -> float:
    """Seconds of the fastest run after one to warm up."""
    run(inputs)
    seconds: list[float] = []
    while len(seconds) < TRIES and sum(seconds) < 1:
        started = time.perf_counter()
        run(inputs)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


class Worker:
    """Keeps what it prepared."""

    def __init__(self, args: argparse.Namespace, runtime: Runtime):
        self.args, self.runtime = args, runtime
        self.prepared: dict[int, tuple[Inputs, Run]] = {}
        self.forms = model.forms(model.load(args.model)[0])

    def prepare(self, batch: int) -> dict[str, Any]:
        args = self.args
        inputs = dict(np.load(inputs_file(args.folder, batch)))
        found = []
        for form, run in self.runtime.candidates(
            args.model, args.folder, args.variant, batch, args.threads, self.forms
        ):
            found.append((best_of(run, inputs), form, run))
            print(f"batch {batch}, {form.name}: {1e3 * found[-1][0]:.1f} ms", file=sys.stderr)
        found.sort(key=lambda each: each[0])
        self.forms = [form for _, form, _ in found[:PROMISING]]
        _, form, run = found[0]
        self.prepared[batch] = (inputs, run)
        return {"form": form.name, "cosine": cosine(run(inputs), np.load(state_file(args.folder, batch)))}

    def measure(self, batch: int, seconds: float) -> dict[str, Any]:
        inputs, run = self.prepared[batch]
        started, steps = time.perf_counter(), 0
        while True:
            run(inputs)
            steps += 1
            elapsed = time.perf_counter() - started
            if elapsed >= seconds:
                return {"ms_per_step": 1e3 * elapsed / steps, "steps": steps}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            if request["threads"] != self.args.threads:
                raise ValueError(f"threads: expected {self.args.threads}, found {request['threads']}")
            if request.get("prepare"):
                return self.prepare(request["batch"])
            return self.measure(request["batch"], request["seconds"])
        except Exception as error:
            traceback.print_exc()
            return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runtime", choices=["openvino", "onnxruntime", "torch"])
    parser.add_argument("variant")
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    # Libraries print to standard output; answers have it for themselves.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    runtime = importlib.import_module(f"run_{args.runtime}")
    print(json.dumps(runtime.versions()), file=answers)
    worker = Worker(args, runtime)
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), file=answers)


if __name__ == "__main__":
    main()
