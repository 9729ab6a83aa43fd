"""Who is compared. Each works in processes of its own, one at a time."""

import json
import os
import select
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environment import HERE, ROOT, Problem, Setup

RIVALS = {
    "openvino-f32": ("openvino", "f32"),
    "openvino-bf16": ("openvino", "bf16"),
    "openvino-int8+bf16": ("openvino", "int8"),
    "onnxruntime-f32": ("onnxruntime", "f32"),
    "onnxruntime-int8": ("onnxruntime", "int8"),
    "onnxruntime-int8-channel": ("onnxruntime", "int8-channel"),
    "torch-f32": ("torch", "f32"),
    "torch-f32-compile": ("torch", "f32-compile"),
    "torch-bf16": ("torch", "bf16"),
    "torch-bf16-compile": ("torch", "bf16-compile"),
}
TIMEOUT = 3600
"""Seconds for one answer; to quantise or to compile takes minutes."""

Configuration = tuple[int, int]
"""Batch and threads."""


class Failure(Exception):
    """A contender could not do what it was asked; the first line of why."""


@dataclass
class Figures:
    """What is known of a contender in one configuration."""

    ms_per_step: list[float] = field(default_factory=list)
    """Of each round."""
    cosine: float | None = None
    """Of z_H after one step, against Recurra in f32."""
    form: str | None = None
    """How the graph was written that was the fastest."""
    error: str | None = None

    @property
    def median(self) -> float | None:
        return statistics.median(self.ms_per_step) if self.ms_per_step and not self.error else None


class Contender:
    """Starts its worker when it is first asked."""

    def __init__(self, name: str, log: Path):
        self.name, self.log = name, log
        self.figures: dict[Configuration, Figures] = {}
        self.versions: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, threads: int) -> list[str | Path]:
        raise NotImplementedError

    def begin(self, batch: int, threads: int) -> dict[str, Any]:
        """The request that prepares a configuration."""
        return {"batch": batch, "threads": threads, "prepare": True}

    def prepare(self, batch: int, threads: int) -> None:
        figures = self.figures.setdefault((batch, threads), Figures())
        answer = self.ask(figures, threads, self.begin(batch, threads))
        figures.cosine, figures.form = answer.get("cosine"), answer.get("form")

    def run(self, batch: int, threads: int, seconds: float) -> None:
        figures = self.figures[batch, threads]
        answer = self.ask(figures, threads, {"batch": batch, "threads": threads, "seconds": seconds})
        figures.ms_per_step.append(answer["ms_per_step"])

    def ask(self, figures: Figures, threads: int, request: dict[str, Any]) -> dict[str, Any]:
        try:
            if self.process is None:
                self.start(threads)
            answer = self.exchange(json.dumps(request))
            if "error" in answer:
                raise Failure(answer["error"].splitlines()[0])
            return answer
        except Failure as failure:
            figures.error = str(failure)
            raise

    def start(self, threads: int) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self.command(threads),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                cwd=ROOT,
                env=environment,
            )
        self.versions = self.exchange(None)

    def exchange(self, request: str | None) -> dict[str, Any]:
        """One line there, one line back."""
        assert self.process and self.process.stdin and self.process.stdout
        try:
            if request is not None:
                self.process.stdin.write(request.encode() + b"\n")
            ready, _, _ = select.select([self.process.stdout], [], [], TIMEOUT)
            line = self.process.stdout.readline() if ready else b""
        except OSError:
            line = b""
        if line.endswith(b"\n"):
            return json.loads(line)
        self.stop()
        lines = self.log.read_text(errors="replace").strip().splitlines()
        raise Failure(lines[-1] if lines else "ended without a message")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


class Rival(Contender):
    def __init__(self, name: str, setup: Setup):
        super().__init__(name, setup.folder / f"{name}.log")
        self.setup = setup

    def command(self, threads: int) -> list[str | Path]:
        setup = self.setup
        worker = [setup.python, HERE / "worker.py", *RIVALS[self.name], setup.model, setup.folder]
        return [*worker, "--threads", str(threads)]


class Recurra(Contender):
    def __init__(self, precision: str, setup: Setup):
        super().__init__(f"recurra-{precision}", setup.folder / f"recurra-{precision}.log")
        self.setup, self.precision = setup, precision

    def command(self, threads: int) -> list[str | Path]:
        setup = self.setup
        return [setup.recurra, "bench", setup.files[self.precision], "--worker", "--threads", str(threads)]

    def begin(self, batch: int, threads: int) -> dict[str, Any]:
        return {"batch": batch, "threads": threads, "seconds": 0}

    def prepare(self, batch: int, threads: int) -> None:
        super().prepare(batch, threads)
        known = {"f32": {str(batch): 1.0}} | self.setup.cosines
        self.figures[batch, threads].cosine = known[self.precision][str(batch)]


def all_contenders(setup: Setup, only: list[str] | None) -> list[Contender]:
    """All, or those whose names begin as asked."""
    every: list[Contender] = [Recurra(precision, setup) for precision in setup.files]
    every += [Rival(name, setup) for name in RIVALS]
    if only is None:
        return every
    for beginning in only:
        if not any(contender.name.startswith(beginning) for contender in every):
            names = ", ".join(contender.name for contender in every)
            raise Problem(f"--only {beginning}: expected the beginning of one of {names}")
    return [contender for contender in every if contender.name.startswith(tuple(only))]
