"""Sudoku of 4x4, 6x6, 9x9 and 16x16. A question's size is seen by its length."""

from __future__ import annotations

from typing import Any

from recurra._errors import QuestionError
from recurra.tasks._task import Check, Puzzle, Task, named

SIZES = (4, 6, 9, 16)


def task(size: int = 9) -> Task:
    """The task of a size."""
    return named({"name": "sudoku", "size": size})


def _of(text: str) -> Task:
    cells = len("".join(text.split()))
    for size in SIZES:
        if cells == size * size:
            return task(size)
    expected = ", ".join(str(size * size) for size in SIZES)
    raise QuestionError(f"expected a grid of {expected} cells, found {cells}; `task(size)` reads other forms")


def read(text: str) -> str:
    """A puzzle in one line. Raises `QuestionError` where it has not exactly one solution."""
    return _of(text).read(text)


def check(question: str, answer: str) -> Check:
    """Holds an answer against the rules and the puzzle's givens."""
    return _of(question).check(question, answer)


def solve(question: str) -> str:
    """The solution that an exact solver finds. Raises `QuestionError` where there is none, or several."""
    answer = _of(question).solve(question)
    assert answer is not None, "every Sudoku has a solver"
    return answer


def generate(count: int, size: int = 9, **options: Any) -> list[Puzzle]:
    """Makes puzzles with exactly one solution; `options` are those of `Task.generate`."""
    return task(size).generate(count, **options)


def canonical(question: str) -> str | None:
    """The form that a puzzle has in common with all that are the same but for a symmetry."""
    return _of(question).canonical(question)


def draw(text: str) -> str:
    """A puzzle or a solution as people draw it."""
    return _of(text).draw(text)
