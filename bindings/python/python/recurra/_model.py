"""Models."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from recurra import _native, _reference
from recurra._errors import QuestionError, UsageError
from recurra._results import Answer, Results
from recurra._trace import Trace
from recurra.tasks import Task

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

FILE_NAME = "model.safetensors"
"""What `save_pretrained` calls the file in a folder."""


@dataclass(frozen=True)
class Prediction:
    """What a model says after a number of steps, whatever the rules say."""

    tokens: NDArray[np.uint16]
    """The likeliest tokens, `[questions, places]`."""
    halt: NDArray[np.float32]
    """Logits of "halt" and "continue", `[questions, 2]`."""


class Model:
    """A model that answers questions.

    It may be shared by threads: they share its weights, and its own threads answer the questions of all.
    """

    report: dict[str, Any] | None = None
    """Of a model that `quantize` made: sizes, and how closely it thinks as the one it was made from."""

    def __init__(self, native: _native.Model) -> None:
        self._native = native
        self._info: dict[str, Any] | None = None

    @classmethod
    def from_pretrained(
        cls,
        path_or_id: str | os.PathLike[str],
        revision: str | None = None,
        *,
        threads: int | None = None,
        task: Task | None = None,
    ) -> Model:
        """Opens a model.

        `path_or_id` is a model file, a folder that holds one (`model.safetensors`, or the only `.safetensors` in it), or else a name on
        the Hugging Face hub (`owner/name`, or `owner/name/file.safetensors`), for which `pip install recurra[hub]` is needed;
        `revision` is a branch, a tag or a commit there. `threads`: one for each core where nothing is said. `task`: another task than
        the model's own that its weights know too, such as another size of Sudoku for a model over groups.
        """
        path = _reference.find_file(path_or_id, revision, FILE_NAME)
        model = cls(_native.Model.open(path, threads))
        return model if task is None else model.for_task(task)

    @classmethod
    def from_bytes(cls, data: bytes, *, threads: int | None = None) -> Model:
        """Reads a model from the bytes of its file."""
        return cls(_native.Model.from_bytes(data, threads))

    def to_bytes(self) -> bytes:
        """The bytes of its file."""
        return self._native.to_bytes()

    def save_pretrained(self, path: str | os.PathLike[str]) -> Path:
        """Writes the model to a file that ends in `.safetensors`, or into a folder, and gives the file's path. It appears whole or not at all."""
        path = Path(path)
        if path.suffix != ".safetensors":
            path.mkdir(parents=True, exist_ok=True)
            path = path / FILE_NAME
        self._native.save(path)
        return path

    @property
    def info(self) -> dict[str, Any]:
        """What the file says of itself and what follows: id, task, precision, weights, architecture, provenance, …"""
        if self._info is None:
            self._info = json.loads(self._native.info())
        return self._info

    @property
    def task(self) -> Task | None:
        """The task whose questions it answers; None if its file names none."""
        native = self._native.task()
        return None if native is None else Task(native)

    @property
    def threads(self) -> int:
        """Threads it thinks with."""
        return self._native.threads

    def with_threads(self, threads: int) -> Model:
        """The same model with so many threads."""
        return Model(self._native.with_threads(threads))

    def for_task(self, task: Task) -> Model:
        """The same weights for another task that they know too: another size, or other rules for a model over groups."""
        return Model(self._native.for_task(task._native))

    def solve(
        self,
        questions: Iterable[str] | str | NDArray[Any],
        *,
        max_steps: int | None = None,
        min_steps: int | None = None,
        stop: str | None = None,
        time: float | None = None,
        restarts: int = 0,
        restart_by: str | None = None,
        side_by_side: int = 1,
        seed: int = 0,
        encoding: Literal["tokens", "digits"] = "tokens",
    ) -> Results:
        """Answers questions.

        Questions are texts in any form in which the task is written (a list, a tuple, a pandas or Arrow column; one text alone is one
        question), or an array of whole numbers: `[n, places]`, or `[n, rows, columns]`. Numbers of an array are tokens as in the
        published data sets (Sudoku: 1 for a blank, d + 1 for the digit d), or with `encoding="digits"` digits with 0 for a blank.
        An array is read once, whatever its type and strides.

        A question that cannot be answered has its reason in `Results.errors`; the others are answered.

        * `max_steps`: most improvement steps of one attempt (the model's own limit).
        * `min_steps`: before this step no rule but `verified` ends an attempt.
        * `stop`: what ends an attempt, such as `"verified,halt"`, `"stable=2"`, `"plateau"`, `"residual"`, or `"none"`.
        * `time`: most seconds for a question, over all attempts.
        * `restarts`: how often to start again while the rules do not hold, and `restart_by` how: `"symmetry"`, `"start"`,
          `"noise=0.5"`, or `"guess"`. `side_by_side`: how many attempts think in turn.
        * `seed`: of all that is random. The same seed gives the same answers, whatever the number of threads.
        """
        asked = {
            "max_steps": max_steps,
            "min_steps": min_steps,
            "stop": stop,
            "time": time,
            "restart_by": restart_by,
        }
        options = {name: value for name, value in asked.items() if value is not None}
        options |= {"restarts": restarts, "side_by_side": side_by_side, "seed": seed}
        text = json.dumps(options)
        if isinstance(questions, np.ndarray) and questions.dtype.kind not in "OUST":
            return Results(self._native.solve_array(questions, self._shift(encoding), text))
        return Results(self._native.solve_texts(_texts(questions), text))

    def ask(self, question: str, **options: Any) -> Answer:
        """Answers one question, with all threads; `options` are those of `solve`. Raises `QuestionError` where it cannot be answered."""
        if not isinstance(question, str):
            raise UsageError(f"question: expected a text, found {type(question).__name__}")
        answer = self.solve([question], **options)[0]
        if answer.error is not None:
            raise QuestionError(answer.error)
        return answer

    def predict(
        self,
        inputs: NDArray[Any],
        identifiers: NDArray[Any] | Iterable[int] | None = None,
        *,
        steps: int | None = None,
    ) -> Prediction:
        """Does a fixed number of improvement steps on each row of tokens and gives the likeliest answers: the reference's evaluation.

        Needs no task. `identifiers` are rows of the puzzle table, one a question (0 where nothing is said); `steps` is the model's own
        limit where nothing is said.
        """
        rows = [] if identifiers is None else [int(i) for i in identifiers]
        steps = self.info["max_steps"] if steps is None else steps
        return Prediction(*self._native.predict(np.asarray(inputs), rows, steps))

    def trace(
        self,
        question: str | NDArray[Any],
        *,
        steps: int | None = None,
        until_verified: bool | None = None,
        identifier: int = 0,
    ) -> Trace:
        """Thinks about one question (a text, or its tokens) and keeps every step: numbers as arrays, and a picture.

        It ends at a verified answer, or after `steps` (the model's own limit); where `steps` is given, all of them are done unless
        `until_verified` says otherwise.
        """
        until = steps is None if until_verified is None else until_verified
        steps = self.info["max_steps"] if steps is None else steps
        if isinstance(question, str):
            return Trace(self._native.trace_text(question, steps, until))
        row = np.asarray(question)
        return Trace(self._native.trace_array(row[np.newaxis], identifier, steps, until))

    def quantize(
        self,
        to: Literal["bf16", "q8", "q4"],
        *,
        calibrate: str | os.PathLike[str] | None = None,
        limit: int | None = None,
    ) -> Model:
        """The same model with weights in 16, 8 or 4 bits: see `recurra.quantize`."""
        native, report, warning = self._native.quantize(to, calibrate, limit)
        if warning is not None:
            warnings.warn(warning.removeprefix("warning: "), stacklevel=2)
        made = Model(native)
        made.report = json.loads(report)
        return made

    def state_dict(self, prefix: str = "") -> dict[str, NDArray[np.float32]]:
        """The weights in f32, by the reference implementation's names after a prefix, in its shapes."""
        return {prefix + name: array for name, array in self._native.tensors()}

    def to_torch(self, prefix: str = "") -> dict[str, torch.Tensor]:
        """`state_dict` as PyTorch tensors, for `load_state_dict` in the reference's code."""
        import torch

        return {name: torch.from_numpy(array) for name, array in self.state_dict(prefix).items()}

    def reference_config(self) -> dict[str, Any]:
        """The `arch` keys of the reference's `all_config.yaml` for this architecture, with `vocab_size`, `seq_len` and `num_puzzle_identifiers`.

        Raises `ModelError` where the reference's code has no such architecture, and says what it lacks.
        """
        return _reference.config(self.info["architecture"])

    def export_checkpoint(self, folder: str | os.PathLike[str], name: str = "step_0") -> Path:
        """Writes the checkpoint as the reference saves it: `torch.save` of a state dictionary, with `all_config.yaml` beside it. Needs PyTorch."""
        return _reference.export(self, Path(folder), name)

    def _shift(self, encoding: str) -> int:
        if encoding == "tokens":
            return 0
        task = self.info["task"] or {}
        if encoding != "digits" or task.get("name") != "sudoku":
            expected = "tokens, or digits for Sudoku"
            raise UsageError(f"encoding: expected {expected}, found {encoding} for {task.get('name', 'no task')}")
        return 1

    def __reduce__(self) -> tuple[Any, ...]:
        if self._native.path is not None:
            return _reopen, (str(self._native.path.absolute()), self.info["id"], self.threads)
        return _from_bytes, (self.to_bytes(), self.threads)

    def __repr__(self) -> str:
        info, task = self.info, self.task
        return f"<recurra.Model: {task or 'no task'}, {info['weights']} weights in {info['precision']}, {self.threads} threads>"


def _texts(questions: Any) -> list[str]:
    if isinstance(questions, str):
        return [questions]
    for name in ("to_pylist", "tolist"):
        if hasattr(questions, name):
            questions = getattr(questions, name)()
            break
    questions = list(questions)
    for i, question in enumerate(questions):
        if not isinstance(question, str):
            expected = "questions: expected texts, or an array of whole numbers"
            raise UsageError(f"{expected}; found {type(question).__name__} at {i}")
    return questions


def _reopen(path: str, name: str, threads: int) -> Model:
    model = Model.from_pretrained(path, threads=threads)
    if model.info["id"] != name:
        raise UsageError(f"{path}: expected the model that was pickled, {name}; found another, {model.info['id']}")
    return model


def _from_bytes(data: bytes, threads: int) -> Model:
    return Model.from_bytes(data, threads=threads)


def quantize(
    model: Model | str | os.PathLike[str],
    to: Literal["bf16", "q8", "q4"],
    *,
    calibrate: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    output: str | os.PathLike[str] | None = None,
) -> Model:
    """Makes a model smaller: its weights in 16, 8 or 4 bits.

    For 8 and 4 bits the model first thinks about some questions, and what its layers see in all steps decides how their weights are
    rounded. The questions are those of the file `calibrate` (answers are not needed), at most `limit`, or generated where the task has
    a generator. A quarter of them is kept apart to compare the result with the model it was made from: `Model.report` says how close
    it is, and there is a warning where it is not close. `output`: a path to save it at.
    """
    model = model if isinstance(model, Model) else Model.from_pretrained(model)
    made = model.quantize(to, calibrate=calibrate, limit=limit)
    if output is None:
        return made
    report, path = made.report, made.save_pretrained(output)
    made = Model.from_pretrained(path, threads=model.threads)
    made.report = report
    return made
