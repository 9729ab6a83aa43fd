"""A task."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from recurra import _native
from recurra._errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Puzzle(NamedTuple):
    """A question with its answer, in one line each."""

    question: str
    answer: str


class Check(NamedTuple):
    """What the rules say of an answer."""

    verified: bool | None
    """Whether they hold; None: the task has none."""
    objection: str | None
    """One that does not, in words."""

    def __bool__(self) -> bool:
        return self.verified is True


class Task:
    """A task with its parameters, such as Sudoku of 9x9. Made by the functions of `recurra.tasks`."""

    def __init__(self, native: _native.Task) -> None:
        self._native = native

    @property
    def spec(self) -> dict[str, Any]:
        """Its parameters, as a model's file names them."""
        return json.loads(self._native.spec())

    @property
    def places(self) -> int:
        """Places of a question and of an answer."""
        return self._native.sizes()[0]

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return self._native.sizes()[1]

    def read(self, text: str) -> str:
        """A question in any form in which the task is written, in one line. Raises `QuestionError` where it has not one single answer."""
        return self._native.read(text)

    def check(self, question: str, answer: str) -> Check:
        """Holds an answer against the task's own rules and the question's givens."""
        return Check(*self._native.check(question, answer))

    def solve(self, question: str) -> str | None:
        """The answer of an exact solver; None where the task has none. For checking: a model does not use it."""
        return self._native.solve(question)

    def generate(
        self,
        count: int,
        *,
        seed: int = 0,
        first: int = 0,
        givens: int | None = None,
        held_out: bool | None = None,
        parts: int = 5,
    ) -> list[Puzzle]:
        """Makes puzzles with their answers: those of numbers `first` to `first + count - 1` of this seed.

        `givens` is for Sudoku. `held_out=True` gives puzzles that a training with `held_out=parts` never trains on, `False` the
        others.
        """
        made = self._native.generate(count, seed, first, givens, held_out, parts)
        return [Puzzle(*pair) for pair in made]

    def canonical(self, question: str) -> str | None:
        """The form that a question has in common with all that are the same but for a symmetry; None where it is too hard to find."""
        return self._native.canonical(question)

    def encode(self, lines: Iterable[str] | str) -> NDArray[np.uint16]:
        """Questions or answers in one line each, as tokens `[n, places]`."""
        return self._native.encode([lines] if isinstance(lines, str) else list(lines))

    def decode(self, tokens: NDArray[Any]) -> list[str]:
        """Tokens `[n, places]`, in one line each."""
        return self._native.decode(np.atleast_2d(tokens))

    def draw(self, text: str) -> str:
        """A question or answer as people draw it."""
        return self._native.draw(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash(self._native.spec())

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.spec,)

    def __str__(self) -> str:
        return self._native.describe()

    def __repr__(self) -> str:
        return f"<recurra.tasks.Task: {self}>"


def named(spec: dict[str, Any]) -> Task:
    """The task that a model's file names so: the inverse of `Task.spec`."""
    return Task(_native.Task(json.dumps(spec)))


def arc() -> Task:
    """ARC-AGI."""
    return named({"name": "arc"})


def grid(rules: str | os.PathLike[str] | dict[str, Any], size: tuple[int, int] | int | None = None) -> Task:
    """A task of your own, by the rules that a file declares (TOML; docs/your-own-task.md), or a dictionary of the same keys.

    `size`: rows and columns, where the rules name none.
    """
    shape = (size, size) if isinstance(size, int) else size
    if isinstance(rules, dict):
        return Task(_native.Task.grid(_toml(rules), "rules", shape))
    path = Path(rules)
    return Task(_native.Task.grid(path.read_text(encoding="utf-8"), os.fspath(path), shape))


def _toml(table: dict[str, Any]) -> str:
    return "".join(f"{_key(key)} = {_value(key, value)}\n" for key, value in table.items())


def _key(key: str) -> str:
    return json.dumps(key)


def _value(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(key, item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_value(k, v)}" for k, v in value.items()) + "}"
    raise UsageError(f"rules: {key}: expected a text, a number, a list or a table; found {type(value).__name__}")
