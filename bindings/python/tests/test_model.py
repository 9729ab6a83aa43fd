"""Models: questions in, results out."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import MODELS, PUZZLE, SOLUTION, SUDOKU4

import recurra


def test_answers_are_the_programs(model, puzzles, tmp_path):
    questions = [puzzle.question for puzzle in puzzles]
    file = tmp_path / "puzzles.txt"
    file.write_text("\n".join(questions) + "\n")
    told = subprocess.run(
        [sys.executable, "-m", "recurra", "solve", SUDOKU4, file, "--json", "--restarts", "4", "--seed", "3"],
        capture_output=True, check=True, text=True,
    )
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    results = model.solve(questions, restarts=4, seed=3)
    assert results.answers == [line["answer"] for line in lines]
    assert results.steps.tolist() == [line["steps"] for line in lines]
    assert results.stopped == [line["stopped"] for line in lines]
    np.testing.assert_allclose(results.halt, [line["halt"] for line in lines], rtol=1e-6)
    assert results.verified.all()
    assert results.answers == [puzzle.answer for puzzle in puzzles]


def test_one_question(model):
    answer = model.ask(PUZZLE)
    assert (answer.answer, answer.verified, answer.source, answer.error) == (SOLUTION, True, "model", None)
    assert str(answer) == SOLUTION
    assert model.solve(PUZZLE)[0].answer == SOLUTION
    drawn = "1 . . .\n. . 3 .\n. 2 . .\n. . . 4\n"
    assert model.ask(drawn).answer == SOLUTION


def test_bad_questions_do_not_harm_the_good_ones(model):
    results = model.solve([PUZZLE, "11..............", "12", PUZZLE, "................"])
    assert [answer.answer for answer in results] == [SOLUTION, None, None, SOLUTION, None]
    assert [error is None for error in results.errors] == [True, False, False, True, False]
    assert results[1].verified is None and results[1].stopped is None and results[1].question is None
    assert "expected" in results.errors[2]
    with pytest.raises(recurra.QuestionError, match=r"question 2: .*\(3 refused in all\)"):
        results.raise_for_errors()
    with pytest.raises(recurra.QuestionError):
        model.ask("12")
    assert "3 refused" in repr(results)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int32, np.int64, np.uint64])
def test_arrays_of_any_type_and_form(model, puzzles, kind):
    lines = [puzzle.question for puzzle in puzzles[:20]]
    tokens = model.task.encode(lines)
    expected = model.solve(lines)
    array = tokens.astype(kind)
    forms = [array, array.reshape(-1, 4, 4), np.asfortranarray(array), np.repeat(array, 2, axis=0)[::2]]
    read_only = array.copy()
    read_only.flags.writeable = False
    for form in [*forms, read_only]:
        results = model.solve(form)
        assert results.answers == expected.answers
        assert (results.tokens == expected.tokens).all()
    digits = np.array([[0 if sign == "." else int(sign) for sign in line] for line in lines], dtype=kind)
    assert model.solve(digits, encoding="digits").answers == expected.answers
    assert (model.task.encode(expected.answers) == expected.tokens).all()
    assert model.task.decode(expected.tokens) == expected.answers


def test_arrays_that_are_none(model):
    good = model.task.encode([PUZZLE] * 3).astype(np.int64)
    bad = good.copy()
    bad[1, 4] = 6
    results = model.solve(bad)
    assert results.answers == [SOLUTION, None, SOLUTION]
    assert results.errors[1] == "place 5: expected a number from 0 to 5, found 6"
    for array, message in [
        (good[:, :15], r"\[questions, 16\], found \[3, 15\]"),
        (good.astype(float), "array of whole numbers, found float64"),
        (good[0, 0:0], "expected an array of shape"),
    ]:
        with pytest.raises(recurra.UsageError, match=message):
            model.solve(array)
    with pytest.raises(recurra.UsageError, match="encoding: expected tokens, or digits"):
        model.solve(good, encoding="cells")
    # Of an array, too, what has several answers is refused: `verified` is proof.
    assert model.solve(np.ones((1, 16), dtype=np.uint8)).errors[0] is not None


def test_an_array_is_copied_at_most_once():
    # Half of the address space that two copies would need: nothing is thought about, as every row is refused.
    code = """
import resource, sys
import numpy as np, recurra
model = recurra.Model.from_pretrained(sys.argv[1], threads=1)
array = np.full((4_000_000, 16), 77, dtype=np.int64)
array.sum()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    model.predict(array, steps=1)
except recurra.QuestionError as error:
    assert str(error) == "row 1: place 1: expected a number from 0 to 5, found 77", error
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before), array.nbytes)
"""
    code = code.replace("np.full((4_000_000, 16), 77", "np.full((4_000_000, 16), 2").replace(
        "    model.predict(array, steps=1)\n", "    array[0, 0] = 77\n    model.predict(array, steps=1)\n"
    )
    told = subprocess.run([sys.executable, "-c", code, SUDOKU4], capture_output=True, check=True, text=True)
    grown, size = map(int, told.stdout.split())
    # Tokens take a quarter of what they are made from.
    assert grown < 0.4 * size, (grown, size)


def test_other_columns(model, puzzles):
    pandas = pytest.importorskip("pandas")
    pa = pytest.importorskip("pyarrow")
    lines = [puzzle.question for puzzle in puzzles[:5]]
    expected = model.solve(lines).answers
    assert model.solve(pandas.Series(lines)).answers == expected
    assert model.solve(pa.array(lines)).answers == expected
    assert model.solve(np.array(lines)).answers == expected
    assert model.solve(line for line in lines).answers == expected
    with pytest.raises(recurra.UsageError, match="found int at 1"):
        model.solve([PUZZLE, 5])


def test_results_as_tables(model):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    results = model.solve([PUZZLE, "nonsense", PUZZLE] * 4)
    table = results.to_arrow()
    table.validate(full=True)
    assert table["answer"].to_pylist() == results.answers
    assert table["verified"].to_pylist() == [True, None, True] * 4
    assert table["stopped"].to_pylist() == results.stopped == ["verified", None, "verified"] * 4
    assert table["error"].to_pylist() == results.errors
    # Not copied: the table holds the library's memory.
    assert table["steps"].chunk(0).buffers()[1].address == results.steps.ctypes.data
    assert table["answer"].chunk(0).buffers()[2].address == results._columns["answer"][1].ctypes.data
    frame = results.to_pandas()
    assert frame["answer"].tolist()[:1] == [SOLUTION]
    assert frame["verified"].tolist()[:3] == [True, pandas.NA, True]
    assert frame["error"].isna().tolist() == [True, False, True] * 4
    assert len(model.solve([])) == 0 and model.solve([]).to_arrow().num_rows == 0
    assert [answer.answer for answer in results[-2:]] == results.answers[-2:]
    with pytest.raises(IndexError):
        results[12]


def test_options(model):
    assert model.ask(PUZZLE, max_steps=3, stop="none").steps == 3
    for options, message in [
        ({"stop": "never"}, "stop: "),
        ({"max_steps": 0}, "max_steps: expected at least 1, found 0"),
        ({"min_steps": 9, "max_steps": 3}, "min_steps: expected at most 3"),
        ({"restart_by": "magic"}, "magic"),
        ({"time": -1.0}, "time: expected seconds"),
    ]:
        with pytest.raises(recurra.UsageError, match=message):
            model.ask(PUZZLE, **options)


def test_files(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.safetensors"):
        recurra.Model.from_pretrained(tmp_path / "absent.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\0" * 100)
    with pytest.raises(recurra.ModelError, match="broken.safetensors: not a model file"):
        recurra.Model.from_pretrained(broken)
    with pytest.raises(recurra.ModelError, match="expected model.safetensors, or one other model file; found 0"):
        recurra.Model.from_pretrained(tmp_path.joinpath("empty").mkdir() or tmp_path / "empty")
    folder = tmp_path / "folder"
    saved = model.save_pretrained(folder)
    assert saved == folder / "model.safetensors" and saved.read_bytes() == SUDOKU4.read_bytes() == model.to_bytes()
    assert recurra.Model.from_pretrained(folder).info["id"] == model.info["id"]
    with pytest.raises(recurra.UsageError, match="threads: expected at least 1"):
        recurra.Model.from_pretrained(saved, threads=0)
    with pytest.raises(recurra.UsageError, match="revision: expected a name on the hub"):
        recurra.Model.from_pretrained(saved, "main")


def test_pickling(model, tmp_path):
    path = model.save_pretrained(tmp_path / "model.safetensors")
    opened = recurra.Model.from_pretrained(path, threads=1)
    packed = pickle.dumps(opened)
    assert len(packed) < 1000 and str(path).encode() in packed
    again = pickle.loads(packed)
    assert again.ask(PUZZLE).answer == SOLUTION and again.threads == 1
    assert copy.deepcopy(opened).info == opened.info
    # Another file in its place is not taken for it.
    path.write_bytes((MODELS / "sudoku6.safetensors").read_bytes())
    with pytest.raises(recurra.UsageError, match="expected the model that was pickled"):
        pickle.loads(packed)
    inside = recurra.Model.from_bytes(model.to_bytes(), threads=1)
    assert pickle.loads(pickle.dumps(inside)).ask(PUZZLE).answer == SOLUTION
    task = pickle.loads(pickle.dumps(model.task))
    assert task == model.task and str(task) == "sudoku 4x4"


def test_another_task(puzzles):
    groups = recurra.Model.from_pretrained(MODELS / "sudoku.safetensors")
    four = groups.for_task(recurra.tasks.sudoku.task(4))
    answers = four.solve([puzzle.question for puzzle in puzzles[:50]], restarts=8)
    assert answers.answers == [puzzle.answer for puzzle in puzzles[:50]]
    again = recurra.Model.from_pretrained(MODELS / "sudoku.safetensors", task=recurra.tasks.sudoku.task(4))
    assert again.ask(PUZZLE).answer == SOLUTION
    with pytest.raises(recurra.UsageError, match="task: expected"):
        recurra.Model.from_pretrained(SUDOKU4, task=recurra.tasks.sudoku.task(9))


def test_quantize(model, puzzles, tmp_path):
    small = recurra.quantize(SUDOKU4, "q8", limit=32, output=tmp_path / "small.safetensors")
    assert small.info["precision"] == "q8" and small.report["from"] == "f32" and small.report["good"]
    assert (tmp_path / "small.safetensors").stat().st_size == small.report["bytes_after"] < small.report["bytes_before"] / 2
    questions = [puzzle.question for puzzle in puzzles]
    assert small.solve(questions, restarts=4).answers == [puzzle.answer for puzzle in puzzles]
    with pytest.raises(recurra.UsageError, match="to: expected bf16, q8 or q4, found q2"):
        model.quantize("q2")
    with pytest.raises(recurra.ModelError, match="expected weights in f32, found q8"):
        small.quantize("q4")


def test_trace(model, tmp_path):
    trace = model.trace(PUZZLE)
    assert trace.answers[-1] == SOLUTION and trace.verified[-1] is True
    steps = len(trace)
    assert trace.tokens.shape == trace.certainty.shape == (steps, 16)
    assert trace.logits.shape == trace.probabilities.shape == (steps, 16, 6)
    assert trace.halt.shape == (steps, 2)
    assert (trace.logits.argmax(2) == trace.tokens).all()
    np.testing.assert_allclose(trace.probabilities.sum(2), 1, rtol=1e-5)
    np.testing.assert_allclose(trace.probabilities.max(2), trace.certainty, rtol=1e-5)
    assert trace._repr_svg_().startswith("<svg")
    trace.save(tmp_path / "thought.svg")
    trace.save(tmp_path / "thought.gif")
    assert (tmp_path / "thought.gif").read_bytes().startswith(b"GIF89a")
    with pytest.raises(recurra.UsageError, match="ends in .svg or .gif"):
        trace.save(tmp_path / "thought.png")
    assert len(model.trace(PUZZLE, steps=5)) == 5
    tokens = model.trace(model.task.encode(PUZZLE)[0])
    assert (tokens.logits == trace.logits).all() and tokens.question == PUZZLE


def test_help_is_worth_reading():
    for name in recurra.__all__:
        thing = getattr(recurra, name)
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (callable(value) or isinstance(value, (property, classmethod))):
                    assert inspect.getdoc(value), f"{name}.{member}"
    assert Path(recurra.__file__).with_name("py.typed").exists()
    assert Path(recurra.__file__).with_name("_native.pyi").exists()
    assert recurra.__version__.count(".") == 2
