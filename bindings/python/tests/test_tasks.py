"""Tasks without a model."""

from __future__ import annotations

import pytest
from conftest import PUZZLE, ROOT, SOLUTION

import recurra
from recurra import tasks
from recurra.tasks import maze, sudoku


def test_sudoku():
    assert sudoku.check(PUZZLE, SOLUTION)
    wrong = SOLUTION[:-1] + "1"
    found = sudoku.check(PUZZLE, wrong)
    assert found.verified is False and not found and found.objection
    assert sudoku.solve(PUZZLE) == SOLUTION
    assert sudoku.read(" ".join(PUZZLE)) == PUZZLE
    assert sudoku.canonical(PUZZLE) == sudoku.canonical(PUZZLE[::-1])
    assert "1" in sudoku.draw(PUZZLE)
    with pytest.raises(recurra.QuestionError, match="cells, found 3"):
        sudoku.check("123", "123")
    with pytest.raises(recurra.QuestionError, match="expected exactly one solution, found more than one"):
        sudoku.solve("." * 16)
    with pytest.raises(recurra.QuestionError, match="column 3"):
        sudoku.solve("12$.............")


@pytest.mark.parametrize("size", [4, 6, 9])
def test_generated_puzzles(size):
    puzzles = sudoku.generate(12, size, seed=5)
    assert puzzles == sudoku.generate(5, size, seed=5) + sudoku.generate(7, size, seed=5, first=5)
    for puzzle in puzzles:
        assert sudoku.solve(puzzle.question) == puzzle.answer
        assert sudoku.check(*puzzle)


def test_givens_and_held_out():
    for puzzle in sudoku.generate(5, 9, givens=40):
        assert 81 - puzzle.question.count(".") == 40
    apart, others = (sudoku.generate(20, 4, held_out=held_out) for held_out in (True, False))
    assert not {puzzle.answer for puzzle in apart} & {puzzle.answer for puzzle in others}
    with pytest.raises(recurra.UsageError, match="givens of a 9x9 puzzle"):
        sudoku.generate(1, 9, givens=3)
    with pytest.raises(recurra.UsageError, match="givens: expected no held_out"):
        sudoku.generate(1, 9, givens=40, held_out=True)


def test_mazes():
    [puzzle] = maze.generate(1, 9, 11, min_path=12)
    task = maze.task(9, 11)
    assert task.places == 99 and task.check(*puzzle)
    assert task.solve(puzzle.question) is not None


def test_rules_of_your_own():
    rules = {"size": "4x4", "blank": ".", "fill": "1234", "keep": "givens", "permutation": ["row", "column"], "proof": True}
    task = tasks.grid(rules=rules)
    for puzzle in task.generate(5, seed=2):
        assert task.check(*puzzle) and task.solve(puzzle.question) == puzzle.answer
    assert tasks.named(task.spec) == task and task.vocabulary >= 5
    with pytest.raises(recurra.UsageError, match="rules: "):
        tasks.grid(rules={**rules, "permutaton": ["row"]})
    for file in sorted((ROOT / "examples" / "rules").glob("*.toml")):
        text = file.read_text()
        if "fill" in text and "size" in text:
            assert tasks.grid(rules=file).places > 0


def test_no_such_task():
    with pytest.raises(recurra.ModelError, match="expected 4, 6, 9 or 16, found 5"):
        sudoku.task(5)
    with pytest.raises(recurra.UsageError, match="task: "):
        tasks.named({"name": "chess"})
    with pytest.raises(recurra.ModelError, match="ARC-AGI"):
        tasks.arc().generate(1) if False else tasks.arc().read("x")
