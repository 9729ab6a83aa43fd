"""The reference implementation's checkpoints and data sets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recurra import _native
from recurra._errors import DataError, ModelError
from recurra._model import Model
from recurra.tasks import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIGS = ("all_config.yaml", "config.yaml")
"""What the configuration beside a checkpoint is called."""


def import_checkpoint(
    checkpoint: str | os.PathLike[str],
    config: str | os.PathLike[str] | None = None,
    *,
    task: Task | None = None,
    seq_len: int | None = None,
    threads: int | None = None,
) -> Model:
    """Reads a checkpoint of the reference implementation. Nothing in it is executed.

    The checkpoint is what `torch.save` wrote (`step_N`), or the same tensors as safetensors; `config` is the run's
    `all_config.yaml`, looked for beside it where nothing is said. `task` says what the questions are: without it the model can
    `predict` and `trace`, but not `solve`. `seq_len` is needed for attention with rotary positions, whose weights do not tell.
    """
    checkpoint = Path(checkpoint)
    if config is None:
        beside = [checkpoint.parent / name for name in CONFIGS]
        found = [path for path in beside if path.is_file()]
        if not found:
            raise ModelError(f"{checkpoint}: expected {' or '.join(CONFIGS)} beside it, or config=; found neither")
        config = found[0]
    native = _native.import_checkpoint(checkpoint, Path(config), seq_len, task and task._native, threads)
    return Model(native)


@dataclass(frozen=True)
class Data:
    """Questions with their answers, as tokens."""

    inputs: NDArray[np.uint16]
    """Questions, `[n, places]`."""
    labels: NDArray[np.int32]
    """Answers, `[n, places]`; -100 where none counts."""
    identifiers: NDArray[np.uint32]
    """Rows of the puzzle table, 0 where there is none."""
    lines: NDArray[np.uint64]
    """Where each stands: the line of a text, the row of an array, from 1."""
    refused: list[tuple[int, str]]
    """Lines that hold no puzzle, and why."""

    def exact(self, tokens: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether every place that counts is right, for each question."""
        if tokens.shape != self.labels.shape:
            raise DataError(f"tokens: expected shape {self.labels.shape}, found {tokens.shape}")
        return ((tokens == self.labels) | (self.labels < 0)).all(axis=1)

    def __len__(self) -> int:
        return len(self.inputs)


def load_data(
    path: str | os.PathLike[str],
    task: Task | None = None,
    *,
    split: Literal["train", "test"] = "test",
) -> Data:
    """Reads puzzles from a path: a folder of the reference's arrays (`all__inputs.npy` …; itself, or the `split` in it), or a text of a task.

    Of a folder, `task` may be left out. Lines that hold no puzzle are in `Data.refused`; the others are read.
    """
    columns = _native.load(Path(path), split, task and task._native)
    del columns["sizes"]
    return Data(**columns)
