"""Tasks without a model: reading, making, checking and exactly solving puzzles.

    >>> from recurra import tasks
    >>> tasks.sudoku.check("1.....3..2.....4", "1342243142133124").verified
    True
    >>> task = tasks.grid(rules="my-rules.toml")
    >>> task.generate(10, seed=1)
"""

from recurra.tasks import maze, sudoku
from recurra.tasks._task import Check, Puzzle, Task, arc, grid, named

__all__ = ["Check", "Puzzle", "Task", "arc", "grid", "maze", "named", "sudoku"]
