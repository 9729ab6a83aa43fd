"""Training."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recurra import _native
from recurra._errors import UsageError
from recurra._model import Model

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Progress:
    """How a training stands after a step."""

    step: int
    """Training steps done."""
    samples: int
    """Samples seen."""
    seconds: float
    """Seconds trained."""
    lr: float
    """Learning rate."""
    loss: float
    """Mean loss of late."""
    exact: float
    """Share of the samples answered right in training of late."""
    steps: float
    """Mean improvement steps of those."""
    gradient: float
    """2-norm of the gradient."""
    held_out: float | None
    """Share of the held-out questions answered right, where it was measured after this step."""


@dataclass(frozen=True)
class Training:
    """A training that ended."""

    model: Model
    """The moving average of the weights."""
    path: Path
    """Its file; the folder `path + ".training"` holds checkpoint, log, curves and the best model."""
    log: list[Progress]
    """The lines of the log."""
    finished: bool
    """False where the callback ended it: `train(path, resume=True, …)` goes on from there."""

    def to_pandas(self) -> pandas.DataFrame:
        """The log as a data frame."""
        import pandas

        return pandas.DataFrame(self.log, columns=[field.name for field in fields(Progress)])


def train(
    output: str | os.PathLike[str] | None = None,
    *,
    callback: Callable[[Progress], object] | None = None,
    **flags: Any,
) -> Training:
    """Trains a model, from generated puzzles or from data.

        training = recurra.train("sudoku4.safetensors", task="sudoku", size=4, minutes=0.5)
        training.model.ask("1.....3..2.....4")

    `output` is the model's file; a temporary one where nothing is said. `callback` is called after every training step, in this
    thread, with how things stand; where it gives `False`, the training ends as it is. Ctrl-C, and what the callback raises, end it
    too, with its state saved first: `resume=True` goes on.

    `flags` are those of `recurra train`, with `_` for `-`: `task`, `size`, `rules`, `data`, `minutes` or `steps`, `hidden`,
    `layers`, `h_cycles`, `l_cycles`, `mixer`, `positions`, `batch`, `lr`, `warmup`, `ema`, `weight_decay`, `optimizer`,
    `precision`, `curriculum`, `seed`, `threads`, `held_out`, `pool`, `resume`, `from_` (a model to begin with), …: `recurra train
    --help` says what they mean. A list gives several values. With `steps`, the same seed and threads give the same bytes.
    """
    folder = None if output is not None else tempfile.mkdtemp(prefix="recurra-")
    path = Path(folder, "model.safetensors") if folder is not None else Path(os.fspath(output))  # type: ignore[arg-type]
    words = ["--output", os.fspath(path)]
    for name, value in flags.items():
        flag = "--" + name.rstrip("_").replace("_", "-")
        if value is None or value is False and name != "curriculum":
            continue
        if value is True and name != "curriculum":
            words.append(flag)
        elif name == "rules" and isinstance(value, (list, tuple)):
            # Each file is a flag of its own.
            words += [f"{flag}={os.fspath(file)}" for file in value]
        elif isinstance(value, bool):
            words.append(f"{flag}={str(value).lower()}")
        elif isinstance(value, (list, tuple)):
            words.append(f"{flag}={','.join(map(str, value))}")
        elif isinstance(value, (str, int, float, os.PathLike)):
            words.append(f"{flag}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
        else:
            raise UsageError(f"{name}: expected a text, a number, a path, or a list of them; found {type(value).__name__}")
    watch = None if callback is None else lambda row: callback(Progress(**json.loads(row)))
    made, interrupted = _native.train(words, watch)
    return Training(Model.from_pretrained(made), Path(made), _log(made), not interrupted)


def _log(model: Path) -> list[Progress]:
    with open(Path(f"{model}.training", "log.csv"), encoding="utf-8", newline="") as file:
        return [_progress(row) for row in csv.DictReader(file)]


def _progress(row: dict[str, str]) -> Progress:
    counts = {name: int(row[name]) for name in ("step", "samples")}
    held_out = float(row["held_out"]) if row["held_out"] else None
    shares = {name: float(row[name]) for name in ("seconds", "lr", "loss", "exact", "steps", "gradient")}
    return Progress(**counts, **shares, held_out=held_out)
