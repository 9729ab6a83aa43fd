"""Mazes: the shortest path from start to goal is asked for."""

from __future__ import annotations

from typing import Any

from recurra.tasks._task import Puzzle, Task, named


def task(rows: int = 30, cols: int | None = None, min_path: int = 0) -> Task:
    """Mazes of a size; those that are made have a shortest path of more than `min_path` moves."""
    return named({"name": "maze", "rows": rows, "cols": rows if cols is None else cols, "min_path": min_path})


def generate(count: int, rows: int = 30, cols: int | None = None, min_path: int = 0, **options: Any) -> list[Puzzle]:
    """Makes mazes with a shortest path each; `options` are those of `Task.generate`."""
    return task(rows, cols, min_path).generate(count, **options)
